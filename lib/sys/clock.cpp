#include "sys/clock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace conos {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::seconds;

// The parts of a time in UTC. Not gmtime_r's, which reads the zone file all the same.
struct Parts {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  std::chrono::hh_mm_ss<microseconds> clock;
};

Parts parts_of(Time time)
{
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
    static_cast<unsigned>(date.day()),
    std::chrono::hh_mm_ss(std::chrono::floor<microseconds>(time - day))};
}

// Takes `width` digits off the front of `text`.
bool take_number(std::string_view& text, std::size_t width, int& value)
{
  if (text.size() < width) {
    return false;
  }
  value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (text[i] < '0' || text[i] > '9') {
      return false;
    }
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(width);
  return true;
}

bool take(std::string_view& text, std::string_view any_of)
{
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, int& micro)
{
  micro = 0;
  if (!take(text, ".")) {
    return true;
  }
  int digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9' && digits < 9) {
    if (digits < 6) {
      micro = micro * 10 + (text.front() - '0');
    }
    text.remove_prefix(1);
    ++digits;
  }
  for (int i = digits; i < 6; ++i) {
    micro *= 10;
  }
  return digits > 0;
}

// Seconds east of Greenwich.
bool take_offset(std::string_view& text, int& offset)
{
  offset = 0;
  if (take(text, "Zz")) {
    return true;
  }
  const bool west = !text.empty() && text.front() == '-';
  int hours = 0;
  int minutes = 0;
  if (!take(text, "+-") || !take_number(text, 2, hours) || !take(text, ":") ||
      !take_number(text, 2, minutes) || hours > 23 || minutes > 59) {
    return false;
  }
  offset = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
  return true;
}

// Whole years that 64 bits of nanoseconds reach, counted from 1970.
constexpr int k_first_year = 1678;
constexpr int k_last_year = 2261;

} // namespace

Time now()
{
  return std::chrono::system_clock::now();
}

Time time_of(const struct timespec& at)
{
  constexpr auto k_most = duration_cast<seconds>(Time::duration::max()).count() - 1;
  return Time(seconds(std::clamp<std::int64_t>(at.tv_sec, -k_most, k_most)) +
              std::chrono::nanoseconds(at.tv_nsec));
}

std::string rfc3339(Time time, int digits)
{
  const auto [year, month, day, clock] = parts_of(time);
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", year, month, day,
    clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (digits > 0) {
    text +=
      "." +
      fmt::format("{:06}", clock.subseconds().count()).substr(0, static_cast<std::size_t>(digits));
  }
  return text + "Z";
}

Result<Time> parse_rfc3339(std::string_view text)
{
  const auto whole = text;
  std::tm tm{};
  int micro = 0;
  int offset = 0;
  const bool good =
    take_number(text, 4, tm.tm_year) && take(text, "-") && take_number(text, 2, tm.tm_mon) &&
    take(text, "-") && take_number(text, 2, tm.tm_mday) && take(text, "Tt ") &&
    take_number(text, 2, tm.tm_hour) && take(text, ":") && take_number(text, 2, tm.tm_min) &&
    take(text, ":") && take_number(text, 2, tm.tm_sec) && take_fraction(text, micro) &&
    take_offset(text, offset) && text.empty();
  const std::chrono::year_month_day day{std::chrono::year(tm.tm_year),
    std::chrono::month(static_cast<unsigned>(tm.tm_mon)),
    std::chrono::day(static_cast<unsigned>(tm.tm_mday))};
  if (!good || !day.ok() || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60) {
    return fail(Kind::bad_data, "'{}' is not an RFC 3339 time such as 2026-11-20T21:30:00Z", whole);
  }
  if (tm.tm_year < k_first_year || tm.tm_year > k_last_year) {
    return fail(
      Kind::bad_data, "'{}' is not in the years {} to {}", whole, k_first_year, k_last_year);
  }
  return Time(std::chrono::sys_days(day)) + std::chrono::hours(tm.tm_hour) +
         std::chrono::minutes(tm.tm_min) + seconds(tm.tm_sec - offset) + microseconds(micro);
}

std::string compact_stamp(Time time)
{
  const auto [year, month, day, clock] = parts_of(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", year, month, day, clock.hours().count(),
    clock.minutes().count(), clock.seconds().count());
}

std::string compact_stamp_us(Time time)
{
  auto text = compact_stamp(time);
  text.pop_back();
  return fmt::format("{}.{:06}Z", text, parts_of(time).clock.subseconds().count());
}

std::string date_stamp(Time time)
{
  return rfc3339(time, 0).substr(0, 10);
}

Result<Duration> parse_duration(std::string_view text)
{
  const auto whole = text;
  const auto bad = [&] {
    return fail(Kind::bad_data, "'{}' is not a duration such as 30s, 5m or 1h30m", whole);
  };
  if (text == "0") {
    return Duration(0);
  }
  if (text.empty()) {
    return bad();
  }
  Duration total(0);
  while (!text.empty()) {
    long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value < 0 || value > 1'000'000'000) {
      return bad();
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto unit = text.substr(0, text.find_first_of("0123456789"));
    text.remove_prefix(unit.size());
    if (unit == "ms") {
      total += std::chrono::milliseconds(value);
    } else if (unit == "s") {
      total += seconds(value);
    } else if (unit == "m" || unit == "min") {
      total += std::chrono::minutes(value);
    } else if (unit == "h") {
      total += std::chrono::hours(value);
    } else if (unit == "d") {
      total += std::chrono::hours(24 * value);
    } else if (unit == "w") {
      total += std::chrono::hours(168 * value);
    } else {
      return bad();
    }
  }
  return total;
}

std::string for_people(Duration duration)
{
  const auto ms = duration.count();
  if (ms < 60'000) {
    return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000.0);
  }
  const auto secs = ms / 1000;
  if (secs < 3600) {
    return fmt::format("{} min {} s", secs / 60, secs % 60);
  }
  if (secs < 2L * 86400) {
    return fmt::format("{} h {} min", secs / 3600, secs % 3600 / 60);
  }
  return fmt::format("{} d {} h", secs / 86400, secs % 86400 / 3600);
}

} // namespace conos
