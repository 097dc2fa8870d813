#include "config/cron.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <random>
#include <set>

using namespace conos;
using namespace std::chrono;

namespace {

using Lines = std::vector<std::string>;

Lines translated(const std::string& cron)
{
  const auto calendar = on_calendar(cron);
  return calendar ? *calendar : Lines{"error: " + calendar.error().what};
}

// The minutes at which systemd says one of `calendar` elapses next after `base`.
std::set<std::string> elapses(const Lines& calendar, const std::string& base)
{
  Command command{{"systemd-analyze", "calendar", "--iterations=12", "--base-time=" + base},
    plain_environment(), "", -1};
  command.environment.emplace_back("TZ=UTC");
  command.argv.insert(command.argv.end(), calendar.begin(), calendar.end());
  const auto ended = run_command(command, {});
  REQUIRE(ended);
  INFO(ended->err);
  REQUIRE(ended->status == 0);
  std::set<std::string> times;
  for (const auto line : split(ended->out, '\n')) {
    const auto words = split(trimmed(line), ' ');
    if (words.size() >= 4 && words.back() == "UTC" && line.find("(in UTC)") == line.npos &&
        (line.find("Next elapse:") != line.npos || line.find("Iter") != line.npos)) {
      times.insert(fmt::format("{} {}", words[words.size() - 3], words[words.size() - 2]));
    }
  }
  return times;
}

// What cron(8) does, written from crontab(5) with no regard to speed.
struct Cron {
  std::array<std::string, 5> fields;

  // `least` is where a star begins.
  static bool in(const std::string& list, int value, int least)
  {
    for (const auto item : split(list, ',')) {
      const auto slash = item.find('/');
      const int step = slash == item.npos ? 1 : std::stoi(std::string(item.substr(slash + 1)));
      const auto range = item.substr(0, slash);
      const auto hyphen = range.find('-');
      int first = least;
      int last = 99;
      if (range != "*") {
        first = std::stoi(std::string(range.substr(0, hyphen)));
        last = hyphen == range.npos ? first : std::stoi(std::string(range.substr(hyphen + 1)));
      }
      if (value >= first && value <= last && (value - first) % step == 0) {
        return true;
      }
    }
    return false;
  }

  bool matches(sys_seconds time) const
  {
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const int week = static_cast<int>(weekday{day}.c_encoding());
    const auto minutes = duration_cast<std::chrono::minutes>(time - day).count();
    if (!in(fields[0], static_cast<int>(minutes % 60), 0) ||
        !in(fields[1], static_cast<int>(minutes / 60), 0)) {
      return false;
    }
    const bool on_week = in(fields[4], week, 0) || (week == 0 && in(fields[4], 7, 0));
    const bool on_day = in(fields[2], static_cast<int>(unsigned(date.day())), 1);
    if (!in(fields[3], static_cast<int>(unsigned(date.month())), 1)) {
      return false;
    }
    const bool star = fields[2].starts_with('*') || fields[4].starts_with('*');
    return star ? on_day && on_week : on_day || on_week;
  }
};

std::string stamp(sys_seconds time)
{
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:00", int(date.year()), unsigned(date.month()),
    unsigned(date.day()), clock.hours().count(), clock.minutes().count());
}

} // namespace

TEST_CASE("a plain time becomes one calendar expression", "[config][cron]")
{
  CHECK(translated("0 8 * * *") == Lines{"*-*-* 08:00:00"});
  CHECK(translated("* * * * *") == Lines{"*-*-* *:*:00"});
  CHECK(translated("*/15 9-17 * * 1-5") ==
        Lines{"Mon,Tue,Wed,Thu,Fri *-*-* 09,10,11,12,13,14,15,16,17:00,15,30,45:00"});
  CHECK(translated("5,10-12 0 1 jan,JUL *") == Lines{"*-01,07-01 00:05,10,11,12:00"});
  CHECK(translated("  0\t0  1-31/10 * *  ") == Lines{"*-*-01,11,21,31 00:00:00"});
}

TEST_CASE("Sunday is 0, 7 and sun", "[config][cron]")
{
  for (const auto* day : {"0", "7", "sun", "Sun", "0,7"}) {
    CHECK(translated(std::string("0 0 * * ") + day) == Lines{"Sun *-*-* 00:00:00"});
  }
  CHECK(translated("0 0 * * 5-7") == Lines{"Fri,Sat,Sun *-*-* 00:00:00"});
  CHECK(translated("0 0 * * 0-6") == Lines{"*-*-* 00:00:00"});
  CHECK(translated("0 0 * * 1-7") == Lines{"*-*-* 00:00:00"});
}

TEST_CASE("both day fields restricted mean either, as two expressions", "[config][cron]")
{
  CHECK(translated("0 0 13 * 5") == Lines{"*-*-13 00:00:00", "Fri *-*-* 00:00:00"});
  CHECK(translated("0 0 30 2 1") == Lines{"Mon *-02-* 00:00:00"}); // the 30th adds nothing
}

TEST_CASE("a day field that begins with a star restricts the other", "[config][cron]")
{
  CHECK(translated("0 0 */10 * 5") == Lines{"Fri *-*-01,11,21,31 00:00:00"});
}

TEST_CASE("macros mean what crontab(5) says", "[config][cron]")
{
  CHECK(translated("@hourly") == Lines{"*-*-* *:00:00"});
  CHECK(translated("@daily") == Lines{"*-*-* 00:00:00"});
  CHECK(translated("@midnight") == Lines{"*-*-* 00:00:00"});
  CHECK(translated("@weekly") == Lines{"Sun *-*-* 00:00:00"});
  CHECK(translated("@monthly") == Lines{"*-*-01 00:00:00"});
  CHECK(translated("@yearly") == Lines{"*-01-01 00:00:00"});
  CHECK(translated("@annually") == Lines{"*-01-01 00:00:00"});
}

TEST_CASE("what is not a crontab time is refused with the field's name", "[config][cron]")
{
  const std::vector<std::pair<std::string, std::string>> cases{
    {"", "0 fields"},
    {"0 8 * *", "4 fields"},
    {"0 8 * * * root", "6 fields"},
    {"60 * * * *", "minute '60' is not from 0 to 59"},
    {"0 24 * * *", "hour '24'"},
    {"0 0 0 * *", "day of month '0'"},
    {"0 0 32 * *", "day of month '32'"},
    {"0 0 * 13 *", "month '13'"},
    {"0 0 * foo *", "month 'foo'"},
    {"0 0 * * 8", "day of week '8'"},
    {"0 0 * * monday", "day of week 'monday'"},
    {"5-1 * * * *", "runs backwards"},
    {"5/10 * * * *", "a step needs a range"},
    {"*/0 * * * *", "the step is not from 1 to 59"},
    {"*/x * * * *", "the step"},
    {"1, * * * *", "minute ''"},
    {"-1 * * * *", "minute ''"},
    {"1-2-3 * * * *", "minute '2-3'"},
    {"+1 * * * *", "minute '+1'"},
    {"99999999999999999999 * * * *", "minute"},
    {"0 0 30 2 *", "never comes"},
    {"0 0 31 4,6,9,11 *", "never comes"},
    {"@reboot", "@reboot"},
    {"*-*-* 08:00:00", "2 fields"},
    {"0\n0 * * *", "4 fields"},
  };
  for (const auto& [cron, complaint] : cases) {
    const auto calendar = on_calendar(cron);
    INFO(cron);
    REQUIRE_FALSE(calendar);
    CHECK(calendar.error().kind == Kind::bad_data);
    CHECK_THAT(calendar.error().what, Catch::Contains(complaint));
  }
}

TEST_CASE("systemd elapses when cron would run", "[config][cron]")
{
  std::mt19937 dice(20261120); // the same cases at each run
  const auto roll = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(dice);
  };
  const auto item = [&](int least, int most) {
    const int first = roll(least, most);
    switch (roll(0, 4)) {
    case 0:
      return fmt::format("{}-{}", first, roll(first, most));
    case 1:
      return fmt::format("{}-{}/{}", first, roll(first, most), roll(1, 7));
    case 2:
      return fmt::format("*/{}", roll(2, std::max(2, most / 2)));
    default:
      return fmt::format("{}", first);
    }
  };
  const auto field = [&](int least, int most, int star_of_ten) {
    if (roll(1, 10) <= star_of_ten) {
      return std::string("*");
    }
    auto text = item(least, most);
    for (int more = roll(0, 2); more > 0; --more) {
      text += "," + item(least, most);
    }
    return text;
  };

  const auto base = sys_days{2026y / 1 / 1};
  for (int i = 0; i < 150; ++i) {
    const Cron cron{
      {field(0, 59, 1), field(0, 23, 3), field(1, 28, 5), field(1, 12, 6), field(0, 7, 5)}};
    const auto text = fmt::format("{}", fmt::join(cron.fields, " "));
    INFO(text);
    const auto calendar = on_calendar(text);
    REQUIRE(calendar);

    const auto told = elapses(*calendar, "2025-12-31 23:59:59");

    // both directions: the first ones cron would run are told, and nothing between them else
    std::vector<std::string> wanted;
    for (sys_seconds time = base; time < base + days(500) && wanted.size() < 12; time += 1min) {
      if (cron.matches(time)) {
        wanted.push_back(stamp(time));
      }
    }
    REQUIRE_FALSE(wanted.empty());
    for (const auto& time : wanted) {
      CHECK(told.contains(time));
    }
    for (const auto& time : told) {
      CHECK(
        (time > wanted.back() || std::find(wanted.begin(), wanted.end(), time) != wanted.end()));
    }
  }
}
