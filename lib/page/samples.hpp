#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// How it was in each minute of the last day: what the charts are drawn from. Pure, but for load and
// save.
namespace conos::page {

struct Sample {
  std::int64_t minute = 0;                // since the epoch
  std::optional<std::int64_t> waiting;    // tasks, in all inboxes
  std::optional<std::int64_t> oldest_s;   // how long the oldest of them has waited
  std::optional<std::int64_t> usd_micros; // spent since midnight, UTC
  std::optional<std::int64_t> load_100;   // load average of a minute, in hundredths

  bool operator==(const Sample&) const = default;
};

// Oldest first, of different minutes, none older than a day.
using Samples = std::vector<Sample>;

constexpr std::size_t k_most_samples = 1440;
constexpr std::size_t k_max_samples_bytes = 256U << 10U;
inline const std::string k_samples = "samples.tsv";
inline const std::string k_broken_samples = "samples.tsv.broken"; // one that could not be read

std::int64_t minute_of(Time time);

// With one more, in place of an earlier one of the same minute. What is from the future, as after a
// clock that was put back, goes, and what is older than a day.
Samples with(Samples samples, const Sample& sample);

std::string to_text(const Samples& samples);

// Kind::bad_data when the text is not what to_text() writes.
Result<Samples> samples_from_text(std::string_view text);

struct Loaded {
  Samples samples;
  std::optional<Error> trouble; // there was a file and it could not be used: it was set aside
};

// None where there is no file.
Loaded load_samples(const UniqueFd& dir);

Result<> save_samples(const UniqueFd& dir, const Samples& samples);

} // namespace conos::page
