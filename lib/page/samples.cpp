#include "page/samples.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <cstdio>

namespace conos::page {

namespace {

constexpr std::string_view k_head =
  "# conos-page-samples/1: minute waiting oldest_s usd_micros load_100\n";
constexpr std::int64_t k_largest = 1'000'000'000'000'000;

std::string field(const std::optional<std::int64_t>& value)
{
  return value ? std::to_string(*value) : "-";
}

// Nothing: it is no number from 0 to k_largest.
std::optional<std::int64_t> number(std::string_view text)
{
  std::int64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [at, wrong] = std::from_chars(text.data(), end, value);
  return wrong == std::errc() && at == end && value >= 0 && value <= k_largest
           ? std::optional(value)
           : std::nullopt;
}

Result<Sample> sample_of(std::string_view line)
{
  const auto fields = split(line, '\t');
  constexpr std::size_t k_fields = 5;
  const auto minute = number(fields.front());
  if (fields.size() != k_fields || !minute) {
    return fail(Kind::bad_data, "'{}' is no sample", escaped(line, 80));
  }
  Sample sample;
  sample.minute = *minute;
  const std::array<std::optional<std::int64_t>*, k_fields - 1> values{
    &sample.waiting, &sample.oldest_s, &sample.usd_micros, &sample.load_100};
  for (std::size_t i = 0; i < values.size(); ++i) {
    *values[i] = number(fields[i + 1]);
    if (!*values[i] && fields[i + 1] != "-") {
      return fail(Kind::bad_data, "'{}' is no sample", escaped(line, 80));
    }
  }
  return sample;
}

// Where another of our own took it away first, that is as good.
void set_aside(const UniqueFd& dir)
{
  (void)::renameat(dir.get(), k_samples.c_str(), dir.get(), k_broken_samples.c_str());
}

} // namespace

std::int64_t minute_of(Time time)
{
  return std::chrono::floor<std::chrono::minutes>(time).time_since_epoch().count();
}

Samples with(Samples samples, const Sample& sample)
{
  std::erase_if(samples, [&](const Sample& old) {
    return old.minute >= sample.minute ||
           old.minute <= sample.minute - static_cast<std::int64_t>(k_most_samples);
  });
  samples.push_back(sample);
  return samples;
}

std::string to_text(const Samples& samples)
{
  std::string text(k_head);
  for (const auto& sample : samples) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\n", sample.minute, field(sample.waiting),
      field(sample.oldest_s), field(sample.usd_micros), field(sample.load_100));
  }
  return text;
}

Result<Samples> samples_from_text(std::string_view text)
{
  if (!text.starts_with(k_head) || !text.ends_with('\n')) {
    return fail(Kind::bad_data, "not what conos-page writes");
  }
  text.remove_prefix(k_head.size());
  Samples samples;
  while (!text.empty()) {
    const auto end = text.find('\n');
    CONOS_TRY(const auto sample, sample_of(text.substr(0, end)));
    if (!samples.empty() && sample.minute <= samples.back().minute) {
      return fail(Kind::bad_data, "samples are not in the order of time");
    }
    samples.push_back(sample);
    text.remove_prefix(end + 1);
  }
  if (samples.size() > k_most_samples) {
    return fail(Kind::bad_data, "there are {} samples, more than of a day", samples.size());
  }
  return samples;
}

Loaded load_samples(const UniqueFd& dir)
{
  const auto text = read_file(dir, k_samples, k_max_samples_bytes);
  auto samples =
    text ? samples_from_text(*text) : Result<Samples>(tl::unexpected<Error>(text.error()));
  if (samples) {
    return {std::move(*samples), std::nullopt};
  }
  if (samples.error().kind == Kind::not_found) {
    return {};
  }
  set_aside(dir);
  return {{},
    during(fmt::format("'{}' is set aside as '{}'", k_samples, k_broken_samples))(samples.error())};
}

Result<> save_samples(const UniqueFd& dir, const Samples& samples)
{
  return replace_alone(dir, k_samples, to_text(samples), 0600, {}, Durable::later);
}

} // namespace conos::page
