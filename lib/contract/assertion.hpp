#pragma once

#include "contract/value.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace re2 {
class RE2;
}

// What a contract asserts of one property: a value it has to equal, or operators that have to hold
// all together.
namespace conos::contract {

struct Operator {
  enum class Op { all, equal, less, at_most, greater, at_least, matches, contains, one_of, no };
  std::string_view name;
  Op op;
  std::string_view help; // a sentence without a full stop
};

// Those that may be written, in the order the manual has them.
std::span<const Operator> operators();

using Pattern = std::shared_ptr<const re2::RE2>;

// Compiles a pattern with bounds on its length and its memory; matching takes linear time. In
// `text` mode ^ and $ stand at each line.
enum class Lines { one, many };
tl::expected<Pattern, std::string> compile(const std::string& pattern, Lines lines);

// Whether it is found anywhere in `text`.
bool is_found(const re2::RE2& pattern, std::string_view text);

struct Assertion {
  Operator::Op op = Operator::Op::all;
  Type kind = Type::text;
  std::vector<Value> operands;  // one, or those of one_of
  Pattern pattern;              // of `matches`
  std::vector<Assertion> parts; // of `all` and `not`

  static Assertion equal_to(Type kind, Value value);
};

// Reads an assertion; appends what is wrong with it to `problems`, and gives nothing then.
std::optional<Assertion> parse_assertion(
  Type kind, const Node& node, std::vector<Problem>& problems);

// Whether it holds of what was seen. Of a list `matches` asks for one item that does, `contains`
// for the item, `one_of` that every item is among those. What is not there holds only for `not`.
bool holds(const Assertion& assertion, const Value& seen);

// What it asks for, for people: "0640", "at least 15 %", "not 'bash'".
std::string wanted(const Assertion& assertion);

} // namespace conos::contract
