#include "contract/value.hpp"

#include "sys/clock.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace conos::contract {

namespace {

template<class Number>
std::optional<Number> number_in(std::string_view text)
{
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = error == std::errc() && end == text.data() + text.size();
  return good ? std::optional(value) : std::nullopt;
}

std::optional<bool> boolean_in(std::string_view text)
{
  const auto word = lower(text);
  if (word == "true" || word == "yes" || word == "on") {
    return true;
  }
  if (word == "false" || word == "no" || word == "off") {
    return false;
  }
  return std::nullopt;
}

std::optional<std::int64_t> mode_in(std::string_view text)
{
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  const bool good = error == std::errc() && end == text.data() + text.size() && value <= 07777;
  return good ? std::optional<std::int64_t>(value) : std::nullopt;
}

std::optional<double> finite_in(std::string_view text)
{
  const auto value = number_in<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<Value> scalar_of(Type kind, std::string_view text)
{
  const auto as_value = [](const auto& found) {
    return found ? std::optional<Value>(*found) : std::nullopt;
  };
  switch (kind) {
  case Type::boolean:
    return as_value(boolean_in(text));
  case Type::integer:
    return as_value(number_in<std::int64_t>(text));
  case Type::number:
    return as_value(finite_in(text));
  case Type::percent:
    return as_value(
      finite_in(trimmed(text.ends_with('%') ? text.substr(0, text.size() - 1) : text)));
  case Type::size: {
    const auto size = parse_size(text);
    return size ? std::optional<Value>(*size) : std::nullopt;
  }
  case Type::duration: {
    if (text == "infinity") {
      return Value(std::numeric_limits<std::int64_t>::max());
    }
    const auto duration = parse_duration(text);
    return duration ? std::optional<Value>(std::int64_t{duration->count()}) : std::nullopt;
  }
  case Type::mode:
    return as_value(mode_in(text));
  case Type::text:
  case Type::version:
    return Value(std::string(text));
  case Type::texts:
    return Value(std::vector<std::string>{std::string(text)});
  case Type::any:
    return typed(text);
  }
  return std::nullopt;
}

std::string listed(const std::vector<std::string>& texts)
{
  std::string out;
  for (const auto& text : texts) {
    out += (out.empty() ? "" : ", ") + escaped(text, 80);
    if (out.size() > 400) {
      return fmt::format("{}, … ({} in all)", out, texts.size());
    }
  }
  return "[" + out + "]";
}

std::string shown_size(std::int64_t bytes)
{
  constexpr std::array<std::string_view, 6> k_units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes == std::numeric_limits<std::int64_t>::max()) {
    return "infinity";
  }
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= 1024 && unit + 1 < k_units.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.4g} {}", value, k_units[unit]);
}

std::string shown_integer(Type kind, std::int64_t value)
{
  const bool is_infinite = value == std::numeric_limits<std::int64_t>::max();
  switch (kind) {
  case Type::any:
    return is_infinite ? "infinity" : std::to_string(value);
  case Type::mode:
    return fmt::format("{:04o}", value);
  case Type::size:
    return shown_size(value);
  case Type::duration:
    return is_infinite ? "infinity" : for_people(Duration(value));
  case Type::percent:
    return fmt::format("{} %", value);
  case Type::boolean:
  case Type::integer:
  case Type::number:
  case Type::text:
  case Type::version:
  case Type::texts:
    break;
  }
  return std::to_string(value);
}

// --- versions ----------------------------------------------------------------------------------

bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

// '~' sorts before the end, the end before letters, letters before the rest.
int order_of(std::string_view text, std::size_t at)
{
  if (at >= text.size() || is_digit(text[at])) {
    return 0;
  }
  const char c = text[at];
  if (c == '~') {
    return -1;
  }
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return is_letter ? c : static_cast<unsigned char>(c) + 256;
}

// The number in front, its leading zeros not counted, taken from `text`.
std::string_view take_number(std::string_view& text)
{
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end])) {
    ++end;
  }
  const auto number = text.substr(0, end);
  text.remove_prefix(end);
  return number;
}

int compare_parts(std::string_view a, std::string_view b)
{
  while (!a.empty() || !b.empty()) {
    std::size_t at = 0;
    while ((at < a.size() && !is_digit(a[at])) || (at < b.size() && !is_digit(b[at]))) {
      if (const int difference = order_of(a, at) - order_of(b, at); difference != 0) {
        return difference < 0 ? -1 : 1;
      }
      ++at;
    }
    a.remove_prefix(std::min(at, a.size()));
    b.remove_prefix(std::min(at, b.size()));
    const auto left = take_number(a);
    const auto right = take_number(b);
    if (left.size() != right.size()) {
      return left.size() < right.size() ? -1 : 1;
    }
    if (const int difference = left.compare(right); difference != 0) {
      return difference < 0 ? -1 : 1;
    }
  }
  return 0;
}

struct Version {
  std::string_view epoch = "0";
  std::string_view upstream;
  std::string_view revision = "0";
};

Version parts_of(std::string_view text)
{
  Version version;
  if (const auto colon = text.find(':'); colon != text.npos) {
    version.epoch = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (const auto hyphen = text.rfind('-'); hyphen != text.npos) {
    version.revision = text.substr(hyphen + 1);
    text = text.substr(0, hyphen);
  }
  version.upstream = text;
  return version;
}

} // namespace

tl::expected<Value, Problem> parse_value(Type kind, const Node& node)
{
  const auto wrong = [&] {
    return tl::unexpected(Problem{node.mark, fmt::format("this has to be {}", wanted_by(kind))});
  };
  if (node.type == Node::Type::list && kind == Type::texts) {
    std::vector<std::string> texts;
    for (const auto& item : node.items) {
      if (!item.is_scalar()) {
        return tl::unexpected(Problem{item.mark, "this has to be a text"});
      }
      texts.push_back(item.text);
    }
    return texts;
  }
  if (!node.is_scalar()) {
    return wrong();
  }
  if (kind == Type::any && node.is_quoted) {
    return Value(node.text);
  }
  auto value = scalar_of(kind, trimmed(node.text));
  if (!value) {
    return wrong();
  }
  return std::move(*value);
}

Value typed(std::string_view text)
{
  if (const auto integer = number_in<std::int64_t>(text)) {
    return *integer;
  }
  if (const auto number = finite_in(text)) {
    return *number;
  }
  if (const auto boolean = boolean_in(text)) {
    return *boolean;
  }
  return std::string(text);
}

std::string shown(Type kind, const Value& value)
{
  struct Show {
    Type kind;
    std::string operator()(std::monostate) const { return "nothing"; }
    std::string operator()(bool truth) const { return truth ? "yes" : "no"; }
    std::string operator()(std::int64_t number) const { return shown_integer(kind, number); }
    std::string operator()(double number) const
    {
      return fmt::format("{:.4g}{}", number, kind == Type::percent ? " %" : "");
    }
    std::string operator()(const std::string& text) const { return "'" + escaped(text, 200) + "'"; }
    std::string operator()(const std::vector<std::string>& texts) const { return listed(texts); }
  };
  return std::visit(Show{kind}, value);
}

std::string_view wanted_by(Type kind)
{
  switch (kind) {
  case Type::boolean:
    return "true or false";
  case Type::integer:
    return "a whole number";
  case Type::number:
    return "a number";
  case Type::percent:
    return "a percentage such as 15%";
  case Type::size:
    return "a size such as 512M";
  case Type::duration:
    return "a duration such as 30s";
  case Type::mode:
    return "a mode in octal such as \"0640\"";
  case Type::text:
    return "a text";
  case Type::version:
    return "a version";
  case Type::texts:
    return "a list of texts";
  case Type::any:
    return "a text, a number or a boolean";
  }
  return "something else";
}

Result<std::int64_t> parse_size(std::string_view text)
{
  constexpr std::string_view k_units = "KMGTP";
  if (text == "infinity") {
    return std::numeric_limits<std::int64_t>::max();
  }
  auto digits = text;
  int shift = 0;
  if (digits.ends_with("iB")) {
    digits.remove_suffix(2);
  } else if (digits.ends_with('B')) {
    digits.remove_suffix(1);
  }
  if (!digits.empty() && k_units.find(digits.back()) != k_units.npos) {
    shift = 10 * (static_cast<int>(k_units.find(digits.back())) + 1);
    digits = trimmed(digits.substr(0, digits.size() - 1));
  }
  const auto number = finite_in(trimmed(digits));
  const auto bytes = number ? std::ldexp(*number, shift) : -1;
  if (bytes < 0 || bytes >= 9e18) {
    return fail(Kind::bad_data, "'{}' is not a size such as 512M", escaped(text, 64));
  }
  return static_cast<std::int64_t>(bytes);
}

int compare_versions(std::string_view a, std::string_view b)
{
  const auto left = parts_of(a);
  const auto right = parts_of(b);
  if (const int order = compare_parts(left.epoch, right.epoch); order != 0) {
    return order;
  }
  const int order = compare_parts(left.upstream, right.upstream);
  return order != 0 ? order : compare_parts(left.revision, right.revision);
}

} // namespace conos::contract
