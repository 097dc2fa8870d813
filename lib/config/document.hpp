#pragma once

#include "config/key.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// conos.toml as it was written: every key known and of its type, nothing inherited yet.
namespace conos::config {

struct Place {
  int line = 0; // 0: not in the text but in the environment
  int column = 0;
};

// Something to say about the text.
struct Finding {
  Place at;
  bool error = true; // otherwise a warning
  std::string text;
};

using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>,
  std::vector<std::int64_t>>;

struct Setting {
  Value value;
  Place at;                 // of the key
  std::vector<Place> items; // of each item of a list
};

struct Table {
  Place at;
  std::map<std::string, Setting, std::less<>> settings; // by the name in the table of keys
  std::set<std::string, std::less<>> wrong;             // keys that stand here and were reported

  const Setting* find(std::string_view name) const;
};

struct Document {
  std::map<std::string, Table, std::less<>> tables; // "system", "base", "base.officer"
  std::vector<Table> agents;
  std::vector<Table> routes;
  std::map<std::string, Table, std::less<>> providers;
  std::map<std::string, Setting, std::less<>> groups; // of [egress.groups]

  // The table of that name; an empty one when it was not written.
  const Table& table(std::string_view name) const;
};

// Variables by their names.
using Environment = std::map<std::string, std::string>;

// Reads `text`. What is wrong is added to `findings`; what is right is in the document all the
// same, so that later checks can add theirs. Nothing when it is not TOML. A variable of a key wins
// over the text, unless it is empty.
std::optional<Document> read_document(
  std::string_view text, const Environment& environment, std::vector<Finding>& findings);

// The key's fallback as a value. Asking for one it does not have is our own bug.
Value fallback_of(const Key& key);

} // namespace conos::config
