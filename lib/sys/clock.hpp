#pragma once

#include "sys/error.hpp"

#include <chrono>
#include <ctime>
#include <string>
#include <string_view>

namespace conos {

using Time = std::chrono::system_clock::time_point;
using Duration = std::chrono::milliseconds;

Time now();

// When a file was changed, as stat(2) has it. Whoever owns a file can say the year 2400: what 64
// bits of nanoseconds do not reach is the nearest time that they do.
Time time_of(const struct timespec& at);

// RFC 3339 in UTC with the given number of fractional digits (0 to 6): "2026-11-20T21:30:00.123Z".
std::string rfc3339(Time time, int digits = 3);

// RFC 3339 with any offset and up to nine fractional digits, in the years 1678 to 2261.
// Kind::bad_data otherwise.
Result<Time> parse_rfc3339(std::string_view text);

// "20261120T213000Z", with microseconds "20261120T213000.123456Z": sorts as time does.
std::string compact_stamp(Time time);
std::string compact_stamp_us(Time time);

// "2026-11-20", in UTC.
std::string date_stamp(Time time);

// "90s", "2m", "1h30m", "500ms", "0"; also "1d" and "1w". Kind::bad_data otherwise.
Result<Duration> parse_duration(std::string_view text);

// The shortest text a person reads at once: "0.4 s", "1 min 20 s", "3 h 5 min".
std::string for_people(Duration duration);

} // namespace conos
