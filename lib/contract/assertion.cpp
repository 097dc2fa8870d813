#include "contract/assertion.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>

namespace conos::contract {

namespace {

using Op = Operator::Op;

constexpr std::size_t k_max_pattern = 4096;
constexpr std::int64_t k_pattern_memory = 4 << 20;
constexpr std::size_t k_max_known = 10'000;

constexpr std::array<Operator, 9> k_operators{{
  {"equal", Op::equal, "it is this"},
  {"less", Op::less, "it is less than this"},
  {"at_most", Op::at_most, "it is this or less; of a mode: it has no bit that this has not"},
  {"greater", Op::greater, "it is greater than this"},
  {"at_least", Op::at_least, "it is this or greater; of a mode: it has all bits of this"},
  {"matches", Op::matches, "a regular expression (RE2) is found in it, or in one item of a list"},
  {"contains", Op::contains, "this text is part of it, or this item of the list"},
  {"one_of", Op::one_of, "it is one of these, or each item of the list is"},
  {"not", Op::no, "what stands here does not hold: a value, or operators"},
}};

std::vector<std::string> operator_names()
{
  std::vector<std::string> names;
  for (const auto& one : k_operators) {
    names.emplace_back(one.name);
  }
  return names;
}

bool is_ordered(Type kind)
{
  return kind == Type::integer || kind == Type::number || kind == Type::percent ||
         kind == Type::size || kind == Type::duration || kind == Type::version || kind == Type::any;
}

bool is_textual(Type kind)
{
  return kind == Type::text || kind == Type::texts || kind == Type::version || kind == Type::any;
}

// Why the operator says nothing of this kind; empty when it does.
std::string_view misuse(Op op, Type kind)
{
  switch (op) {
  case Op::less:
  case Op::greater:
    return is_ordered(kind) ? "" : "this has no order";
  case Op::at_most:
  case Op::at_least:
    return is_ordered(kind) || kind == Type::mode ? "" : "this has no order";
  case Op::matches:
  case Op::contains:
    return is_textual(kind) ? "" : "this is not a text";
  case Op::all:
  case Op::equal:
  case Op::one_of:
  case Op::no:
    break;
  }
  return "";
}

const Operator* find_operator(std::string_view name)
{
  const auto found = std::find_if(k_operators.begin(), k_operators.end(), [&](const auto& one) {
    return one.name == name;
  });
  return found == k_operators.end() ? nullptr : &*found;
}

// An operator's operand is of the list's item, not a list.
Type operand_kind(Op op, Type kind)
{
  return kind == Type::texts && op != Op::equal ? Type::text : kind;
}

class Reader
{
public:
  Reader(Type kind, std::vector<Problem>& problems)
      : m_kind(kind)
      , m_problems(problems)
  {
  }

  std::optional<Assertion> read(const Node& node)
  {
    switch (node.type) {
    case Node::Type::null:
      return wrong(node.mark, "nothing is asserted here");
    case Node::Type::scalar:
      return value_of(Op::equal, node);
    case Node::Type::list:
      if (m_kind == Type::texts) {
        return value_of(Op::equal, node);
      }
      return wrong(node.mark, "for one of several write one_of: [...]");
    case Node::Type::map:
      break;
    }
    return all_of(node);
  }

private:
  std::nullopt_t wrong(Mark mark, std::string what)
  {
    m_problems.push_back({mark, std::move(what)});
    return std::nullopt;
  }

  std::optional<Assertion> all_of(const Node& map)
  {
    if (map.entries.empty()) {
      return wrong(map.mark, "nothing is asserted here");
    }
    Assertion out{.op = Op::all, .kind = m_kind, .operands = {}, .pattern = {}, .parts = {}};
    bool good = true;
    for (const auto& entry : map.entries) {
      auto part = one(entry);
      good = good && part.has_value();
      if (part) {
        out.parts.push_back(std::move(*part));
      }
    }
    if (!good) {
      return std::nullopt;
    }
    return out.parts.size() == 1 ? std::move(out.parts.front()) : std::move(out);
  }

  std::optional<Assertion> one(const Entry& entry)
  {
    const auto* found = find_operator(entry.key);
    if (found == nullptr) {
      const auto near = nearest(entry.key, operator_names());
      return wrong(entry.mark, fmt::format("there is no operator '{}'{}", escaped(entry.key, 64),
                                 near ? fmt::format(" (did you mean '{}'?)", *near) : ""));
    }
    if (const auto why = misuse(found->op, m_kind); !why.empty()) {
      return wrong(entry.mark, fmt::format("'{}' cannot be asked: {}", entry.key, why));
    }
    return operand_of(found->op, entry.value);
  }

  std::optional<Assertion> operand_of(Op op, const Node& node)
  {
    if (op == Op::no) {
      auto inner = read(node);
      if (!inner) {
        return std::nullopt;
      }
      return Assertion{
        .op = op, .kind = m_kind, .operands = {}, .pattern = {}, .parts = {std::move(*inner)}};
    }
    if (op == Op::matches) {
      return pattern_of(node);
    }
    if (op == Op::one_of || (op == Op::contains && node.type == Node::Type::list)) {
      return several(op, node);
    }
    return value_of(op, node);
  }

  std::optional<Assertion> pattern_of(const Node& node)
  {
    if (!node.is_scalar() || node.text.empty()) {
      return wrong(node.mark, "this has to be a pattern, and an empty one asserts nothing");
    }
    auto pattern = compile(node.text, Lines::one);
    if (!pattern) {
      return wrong(node.mark, pattern.error());
    }
    return Assertion{.op = Op::matches,
      .kind = m_kind,
      .operands = {node.text},
      .pattern = std::move(*pattern),
      .parts = {}};
  }

  std::optional<Assertion> several(Op op, const Node& node)
  {
    if (node.type != Node::Type::list || node.items.empty()) {
      return wrong(node.mark, "this has to be a list with something in it");
    }
    Assertion out{.op = op, .kind = m_kind, .operands = {}, .pattern = {}, .parts = {}};
    for (const auto& item : node.items) {
      auto value = parse_value(operand_kind(op, m_kind), item);
      if (!value) {
        return wrong(value.error().mark, value.error().what);
      }
      out.operands.push_back(std::move(*value));
    }
    return out;
  }

  std::optional<Assertion> value_of(Op op, const Node& node)
  {
    auto value = parse_value(operand_kind(op, m_kind), node);
    if (!value) {
      return wrong(value.error().mark, value.error().what);
    }
    if (op == Op::contains && std::get_if<std::string>(&*value) != nullptr &&
        std::get<std::string>(*value).empty()) {
      return wrong(node.mark, "an empty text is part of every text");
    }
    const bool is_text = std::holds_alternative<std::string>(*value);
    if (m_kind == Type::any && op != Op::equal && op != Op::contains && is_text) {
      return measured(op, node);
    }
    return Assertion{
      .op = op, .kind = m_kind, .operands = {std::move(*value)}, .pattern = {}, .parts = {}};
  }

  // An order is asked of something whose type is not known: then the operand has to say it.
  std::optional<Assertion> measured(Op op, const Node& node)
  {
    const auto size = parse_size(node.text);
    if (!size) {
      return wrong(node.mark, "this has to be a number or a size");
    }
    return Assertion{.op = op, .kind = m_kind, .operands = {*size}, .pattern = {}, .parts = {}};
  }

  Type m_kind;
  std::vector<Problem>& m_problems;
};

std::optional<double> as_number(const Value& value)
{
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*integer);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return *number;
  }
  return std::nullopt;
}

std::optional<int> order_of(Type kind, const Value& seen, const Value& operand)
{
  if (kind == Type::version) {
    return compare_versions(std::get<std::string>(seen), std::get<std::string>(operand));
  }
  const auto* left = std::get_if<std::int64_t>(&seen);
  const auto* right = std::get_if<std::int64_t>(&operand);
  if (left != nullptr && right != nullptr) { // exactly: a double has 53 bits
    return *left < *right ? -1 : (*left > *right ? 1 : 0);
  }
  const auto a = as_number(seen);
  const auto b = as_number(operand);
  if (!a || !b) {
    return std::nullopt;
  }
  return *a < *b ? -1 : (*a > *b ? 1 : 0);
}

bool same_set(std::vector<std::string> a, std::vector<std::string> b)
{
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

bool equals(Type kind, const Value& seen, const Value& operand)
{
  if (const auto* list = std::get_if<std::vector<std::string>>(&seen)) {
    const auto* other = std::get_if<std::vector<std::string>>(&operand);
    return other != nullptr && same_set(*list, *other);
  }
  if (kind == Type::version && std::holds_alternative<std::string>(seen)) {
    return order_of(kind, seen, operand) == 0;
  }
  if (seen.index() == operand.index()) {
    return seen == operand;
  }
  if (const auto order = order_of(Type::number, seen, operand)) {
    return order == 0;
  }
  // "yes" in quotes for a boolean, "12" for a number, 512M for a size
  const auto* text = std::get_if<std::string>(&operand);
  if (kind != Type::any || text == nullptr) {
    return false;
  }
  const auto meant = typed(*text);
  if (meant.index() == seen.index()) {
    return meant == seen;
  }
  const auto size = parse_size(*text);
  return size && std::holds_alternative<std::int64_t>(seen) &&
         std::get<std::int64_t>(seen) == *size;
}

bool mode_has(const Value& whole, const Value& part)
{
  const auto* a = std::get_if<std::int64_t>(&whole);
  const auto* b = std::get_if<std::int64_t>(&part);
  return a != nullptr && b != nullptr && (*b & ~*a) == 0;
}

// What a number or a boolean of unknown type looks like when it is searched as a text.
std::string as_text(const Value& seen)
{
  if (const auto* text = std::get_if<std::string>(&seen)) {
    return *text;
  }
  if (const auto* integer = std::get_if<std::int64_t>(&seen)) {
    return std::to_string(*integer);
  }
  if (const auto* truth = std::get_if<bool>(&seen)) {
    return *truth ? "true" : "false";
  }
  const auto* number = std::get_if<double>(&seen);
  return number != nullptr ? fmt::format("{}", *number) : "";
}

bool matches(const Assertion& assertion, const Value& seen)
{
  const auto found = [&](const std::string& text) {
    return is_found(*assertion.pattern, text);
  };
  if (const auto* list = std::get_if<std::vector<std::string>>(&seen)) {
    return std::any_of(list->begin(), list->end(), found);
  }
  return found(as_text(seen));
}

bool contains(const Value& seen, const Value& operand)
{
  const auto part = as_text(operand);
  if (const auto* list = std::get_if<std::vector<std::string>>(&seen)) {
    return std::find(list->begin(), list->end(), part) != list->end();
  }
  return as_text(seen).find(part) != std::string::npos;
}

bool is_among(const Assertion& assertion, const Value& seen)
{
  const auto& among = assertion.operands;
  const auto is_there = [&](const Value& one) {
    return std::any_of(among.begin(), among.end(), [&](const Value& operand) {
      return equals(assertion.kind, one, operand);
    });
  };
  if (const auto* list = std::get_if<std::vector<std::string>>(&seen)) {
    return std::all_of(list->begin(), list->end(), [&](const auto& text) {
      return std::find(among.begin(), among.end(), Value(text)) != among.end();
    });
  }
  return is_there(seen);
}

bool ordered(const Assertion& assertion, const Value& seen)
{
  const auto& operand = assertion.operands.front();
  if (assertion.kind == Type::mode) {
    return assertion.op == Op::at_most ? mode_has(operand, seen) : mode_has(seen, operand);
  }
  const auto order = order_of(assertion.kind, seen, operand);
  if (!order) {
    return false;
  }
  switch (assertion.op) {
  case Op::less:
    return *order < 0;
  case Op::at_most:
    return *order <= 0;
  case Op::greater:
    return *order > 0;
  case Op::at_least:
    return *order >= 0;
  case Op::all:
  case Op::equal:
  case Op::matches:
  case Op::contains:
  case Op::one_of:
  case Op::no:
    break;
  }
  return false;
}

std::string joined(const Assertion& assertion, std::string_view between)
{
  std::string out;
  for (const auto& operand : assertion.operands) {
    out += (out.empty() ? std::string() : std::string(between)) + shown(assertion.kind, operand);
  }
  return out;
}

} // namespace

std::span<const Operator> operators()
{
  return k_operators;
}

tl::expected<Pattern, std::string> compile(const std::string& pattern, Lines lines)
{
  // contracts ask the same of many files, and compiling costs more than matching
  static std::mutex lock;
  static std::unordered_map<std::string, Pattern> known;
  if (pattern.size() > k_max_pattern) {
    return tl::unexpected(fmt::format("a pattern has at most {} bytes", k_max_pattern));
  }
  auto whole = lines == Lines::many ? "(?m)" + pattern : pattern;
  const std::lock_guard guard(lock);
  if (const auto found = known.find(whole); found != known.end()) {
    return found->second;
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(k_pattern_memory);
  options.set_never_capture(true);
  auto made = std::make_shared<const RE2>(whole, options);
  if (!made->ok()) {
    return tl::unexpected("the pattern: " + escaped(made->error()));
  }
  if (known.size() < k_max_known) {
    known.emplace(std::move(whole), made);
  }
  return made;
}

bool is_found(const re2::RE2& pattern, std::string_view text)
{
  const re2::StringPiece all(text.data(), text.size());
  return pattern.Match(all, 0, all.size(), RE2::UNANCHORED, nullptr, 0);
}

Assertion Assertion::equal_to(Type kind, Value value)
{
  return {
    .op = Op::equal, .kind = kind, .operands = {std::move(value)}, .pattern = {}, .parts = {}};
}

std::optional<Assertion> parse_assertion(
  Type kind, const Node& node, std::vector<Problem>& problems)
{
  return Reader(kind, problems).read(node);
}

bool holds(const Assertion& assertion, const Value& seen)
{
  const auto part_holds = [&](const Assertion& part) {
    return holds(part, seen);
  };
  if (assertion.op == Op::all) {
    return std::all_of(assertion.parts.begin(), assertion.parts.end(), part_holds);
  }
  if (assertion.op == Op::no) {
    return std::none_of(assertion.parts.begin(), assertion.parts.end(), part_holds);
  }
  if (std::holds_alternative<std::monostate>(seen)) {
    return false;
  }
  switch (assertion.op) {
  case Op::equal:
    return equals(assertion.kind, seen, assertion.operands.front());
  case Op::matches:
    return matches(assertion, seen);
  case Op::contains:
    return std::all_of(
      assertion.operands.begin(), assertion.operands.end(), [&](const Value& operand) {
        return contains(seen, operand);
      });
  case Op::one_of:
    return is_among(assertion, seen);
  case Op::less:
  case Op::at_most:
  case Op::greater:
  case Op::at_least:
    return ordered(assertion, seen);
  case Op::all:
  case Op::no:
    break;
  }
  return false;
}

std::string wanted(const Assertion& assertion)
{
  const auto of_parts = [&](std::string_view between) {
    std::string out;
    for (const auto& part : assertion.parts) {
      out += (out.empty() ? std::string() : std::string(between)) + wanted(part);
    }
    return out;
  };
  switch (assertion.op) {
  case Op::all:
    return of_parts(" and ");
  case Op::no:
    return "not " + of_parts(" and ");
  case Op::equal:
    return joined(assertion, "");
  case Op::less:
    return "less than " + joined(assertion, "");
  case Op::at_most:
    return assertion.kind == Type::mode ? "no more than " + joined(assertion, "")
                                        : "at most " + joined(assertion, "");
  case Op::greater:
    return "greater than " + joined(assertion, "");
  case Op::at_least:
    return "at least " + joined(assertion, "");
  case Op::matches:
    return "matching " + joined(assertion, "");
  case Op::contains:
    return "containing " + joined(assertion, " and ");
  case Op::one_of:
    return "one of " + joined(assertion, ", ");
  }
  return "";
}

} // namespace conos::contract
