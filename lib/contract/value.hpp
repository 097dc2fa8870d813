#pragma once

#include "contract/node.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What is asked of a thing and what is seen of it, with a type.
namespace conos::contract {

enum class Type {
  boolean,
  integer,
  number,   // integer or not
  percent,  // "15%" or 15
  size,     // in bytes: 4096, "512M" (powers of 1024)
  duration, // in milliseconds: "30m", "1h30m"
  mode,     // permission bits in octal: "0640"
  text,
  version, // of a package, ordered as dpkg orders them
  texts,   // a list
  any,     // whatever is seen: a number, a boolean or a text
};

// monostate: nothing is seen.
using Value =
  std::variant<std::monostate, bool, std::int64_t, double, std::string, std::vector<std::string>>;

// Reads what a contract says, as the kind wants it.
tl::expected<Value, Problem> parse_value(Type kind, const Node& node);

// The same of a text that was seen and whose type nobody said: "12" is a number, "yes" a boolean.
Value typed(std::string_view text);

// For people: "0640", "12 %", "512 MiB". Foreign text is escaped and clipped.
std::string shown(Type kind, const Value& value);

// What the kind wants, for a message: "a size such as 512M".
std::string_view wanted_by(Type kind);

// "512M" in bytes; powers of 1024; "infinity" is the largest there is.
Result<std::int64_t> parse_size(std::string_view text);

// -1, 0, 1, as dpkg orders versions (deb-version(7)).
int compare_versions(std::string_view a, std::string_view b);

} // namespace conos::contract
