#include "audit/moment.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <ctime>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>

namespace conos::audit {

namespace {

using namespace std::chrono_literals;

constexpr Duration k_least_jump = 2s;
constexpr std::int64_t k_steering = 1000; // one part in so many: twice what the kernel allows

bool is_boot_id(std::string_view text)
{
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

std::optional<Duration> milliseconds_in(std::string_view text)
{
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return {};
  }
  return Duration(number);
}

Duration since_epoch(Time time)
{
  return std::chrono::duration_cast<Duration>(time.time_since_epoch());
}

Row jump(const Moment& before, const Moment& now, Duration by, const std::string& actor)
{
  return {"clock.jumped", actor,
    fmt::format(R"({{"boot":"{}","by_ms":{},"from":"{}","since_boot_ms":{},"to":"{}"}})", now.boot,
      by.count(), rfc3339(now.wall - by), now.since_boot.count(), rfc3339(now.wall)),
    fmt::format("clock/{}/{}/jumped", before.boot, before.since_boot.count())};
}

} // namespace

std::optional<Moment> this_moment()
{
  const auto id = read_path("/proc/sys/kernel/random/boot_id", 64);
  struct timespec boottime = {};
  if (!id || ::clock_gettime(CLOCK_BOOTTIME, &boottime) < 0) {
    return {};
  }
  std::string boot(trimmed(*id));
  std::erase(boot, '-');
  if (!is_boot_id(boot)) {
    return {};
  }
  const auto since_boot =
    std::chrono::seconds(boottime.tv_sec) + std::chrono::nanoseconds(boottime.tv_nsec);
  return Moment{boot, std::chrono::duration_cast<Duration>(since_boot), conos::now()};
}

std::string to_text(const Moment& moment)
{
  return fmt::format(
    "{} {} {}", moment.boot, moment.since_boot.count(), since_epoch(moment.wall).count());
}

std::optional<Moment> moment_in(std::string_view text)
{
  const auto words = split(trimmed(text), ' ');
  if (words.size() != 3 || !is_boot_id(words[0])) {
    return {};
  }
  const auto since_boot = milliseconds_in(words[1]);
  const auto wall = milliseconds_in(words[2]);
  if (!since_boot || !wall) {
    return {};
  }
  return Moment{std::string(words[0]), *since_boot, Time(*wall)};
}

std::vector<Row> happened(const Moment& before, const Moment& now, const std::string& actor)
{
  if (before.boot != now.boot) {
    std::vector<Row> rows{{"machine.booted", actor,
      fmt::format(R"({{"before":"{}","boot":"{}","since_boot_ms":{}}})", before.boot, now.boot,
        now.since_boot.count()),
      "boot/" + now.boot}};
    const auto by = std::chrono::duration_cast<Duration>(now.wall - before.wall) - now.since_boot;
    if (by < -k_least_jump) { // this boot would have begun before that moment of the one before it
      rows.push_back(jump(before, now, by, actor));
    }
    return rows;
  }
  const auto passed = now.since_boot - before.since_boot;
  const auto by = std::chrono::duration_cast<Duration>(now.wall - before.wall) - passed;
  if (std::chrono::abs(by) > k_least_jump + passed / k_steering) {
    return {jump(before, now, by, actor)};
  }
  return {};
}

bool is_outdated(const Moment& before, const Moment& now)
{
  return before.boot != now.boot || now.since_boot - before.since_boot > 1h;
}

} // namespace conos::audit
