#include "config/cron.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <cstddef>
#include <optional>
#include <utility>

namespace conos {

namespace {

using Names = std::vector<std::string_view>;

struct Field {
  std::string_view name;
  std::size_t least;
  std::size_t most;
  Names names; // of least, least + 1, …
};

const std::array<Field, 5>& fields()
{
  static const std::array<Field, 5> k_fields{{
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day of month", 1, 31, {}},
    {"month", 1, 12,
      {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
    {"day of week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
  }};
  return k_fields;
}

struct Values {
  std::bitset<64> in;
  bool star = false; // begins with '*'
};

std::optional<std::size_t> number(std::string_view text)
{
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Result<std::size_t> value_of(std::string_view text, const Field& field)
{
  const auto named = std::find(field.names.begin(), field.names.end(), lower(text));
  if (named != field.names.end()) {
    return field.least + static_cast<std::size_t>(named - field.names.begin());
  }
  const auto value = number(text);
  if (!value || *value < field.least || *value > field.most) {
    return fail(Kind::bad_data, "{} '{}' is not from {} to {}", field.name, escaped(text),
      field.least, field.most);
  }
  return *value;
}

using Range = std::pair<std::size_t, std::size_t>;

Result<Range> range_of(std::string_view text, const Field& field)
{
  if (text == "*") {
    return Range(field.least, field.most);
  }
  const auto hyphen = text.find('-');
  CONOS_TRY(const auto first, value_of(text.substr(0, hyphen), field));
  if (hyphen == std::string_view::npos) {
    return Range(first, first);
  }
  CONOS_TRY(const auto last, value_of(text.substr(hyphen + 1), field));
  if (last < first) {
    return fail(Kind::bad_data, "{} range '{}' runs backwards", field.name, escaped(text));
  }
  return Range(first, last);
}

Result<> add_item(std::string_view text, const Field& field, Values& values)
{
  const auto slash = text.find('/');
  const auto range = text.substr(0, slash);
  CONOS_TRY(const auto from_to, range_of(range, field));
  std::size_t step = 1;
  if (slash != std::string_view::npos) {
    const auto given = number(text.substr(slash + 1));
    if (range != "*" && range.find('-') == std::string_view::npos) {
      return fail(
        Kind::bad_data, "{} '{}': a step needs a range before it", field.name, escaped(text));
    }
    if (!given || *given == 0 || *given > field.most) {
      return fail(Kind::bad_data, "{} '{}': the step is not from 1 to {}", field.name,
        escaped(text), field.most);
    }
    step = *given;
  }
  for (auto value = from_to.first; value <= from_to.second; value += step) {
    values.in.set(value);
  }
  return {};
}

Result<Values> values_of(std::string_view text, const Field& field)
{
  Values values;
  values.star = text.starts_with('*');
  for (const auto item : split(text, ',')) {
    CONOS_CHECK(add_item(item, field, values));
  }
  if (field.names.size() == 7) {
    if (values.in.test(7)) { // Sunday has two numbers
      values.in.set(0);
    }
    values.in.reset(7);
  }
  return values;
}

Result<std::string_view> without_macro(std::string_view cron)
{
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> k_macros{{
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
  }};
  if (!cron.starts_with('@')) {
    return cron;
  }
  for (const auto& [macro, meaning] : k_macros) {
    if (lower(cron) == macro) {
      return meaning;
    }
  }
  return fail(
    Kind::bad_data, "'{}' is not @hourly, @daily, @weekly, @monthly or @yearly", escaped(cron));
}

std::vector<std::string_view> words_of(std::string_view text)
{
  std::vector<std::string_view> words;
  for (;;) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
      return words;
    }
    const auto end = std::min(text.find_first_of(" \t", first), text.size());
    words.push_back(text.substr(first, end - first));
    text.remove_prefix(end);
  }
}

// "00,15,30,45", or "*" when every value is in.
std::string listed(const Values& values, const Field& field)
{
  std::string text;
  std::size_t missing = 0;
  for (auto value = field.least; value <= field.most; ++value) {
    if (!values.in.test(value)) {
      ++missing;
      continue;
    }
    text += fmt::format("{}{:02}", text.empty() ? "" : ",", value);
  }
  return missing == 0 ? "*" : text;
}

// "Mon,Tue " with the space, or nothing when every day is in.
std::string weekdays(const Values& values)
{
  constexpr std::array<std::string_view, 7> k_days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  if (values.in.count() == k_days.size()) {
    return "";
  }
  std::string text;
  for (const std::size_t day : {1U, 2U, 3U, 4U, 5U, 6U, 0U}) {
    if (values.in.test(day)) {
      text += text.empty() ? "" : ",";
      text += k_days[day];
    }
  }
  return text + " ";
}

// False for 30 February and its like.
bool ever(const Values& days, const Values& months)
{
  constexpr std::array<std::size_t, 13> k_longest{
    0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::size_t first = 1;
  while (first < 31 && !days.in.test(first)) {
    ++first;
  }
  for (std::size_t month = 1; month <= 12; ++month) {
    if (months.in.test(month) && first <= k_longest[month]) {
      return true;
    }
  }
  return false;
}

} // namespace

Result<std::vector<std::string>> on_calendar(std::string_view cron)
{
  CONOS_TRY(const auto plain, without_macro(trimmed(cron)));
  const auto words = words_of(plain);
  if (words.size() != fields().size()) {
    return fail(Kind::bad_data, "'{}' has {} fields, not minute, hour, day, month and weekday",
      escaped(cron), words.size());
  }
  std::array<Values, 5> values;
  for (std::size_t i = 0; i < words.size(); ++i) {
    CONOS_TRY(values[i], values_of(words[i], fields()[i]));
  }

  const auto& [minutes, hours, days, months, week] = values;
  const auto month = "*-" + listed(months, fields()[3]) + "-";
  const auto time = " " + listed(hours, fields()[1]) + ":" + listed(minutes, fields()[0]) + ":00";
  const auto day = listed(days, fields()[2]);
  const bool either = !days.star && !week.star;
  std::vector<std::string> calendar;
  if (ever(days, months)) {
    calendar.push_back((either ? "" : weekdays(week)) + month + day + time);
  }
  if (either) {
    calendar.push_back(weekdays(week) + month + "*" + time);
  }
  if (calendar.empty()) {
    return fail(Kind::bad_data, "'{}' never comes: no such day in these months", escaped(cron));
  }
  return calendar;
}

} // namespace conos
