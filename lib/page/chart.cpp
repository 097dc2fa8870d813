#include "page/chart.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::page {

namespace {

constexpr double k_width = 288;
constexpr double k_height = 56;
constexpr std::int64_t k_day = 1440; // minutes

struct Peak {
  double value = 0;
  std::size_t at = 0;
};

std::optional<Peak> peak_of(const Series& series)
{
  std::optional<Peak> peak;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i] && (!peak || *series[i] > peak->value)) {
      peak = Peak{*series[i], i};
    }
  }
  return peak;
}

// Which of `count` equal stretches of the day that ends now; nothing: none of them.
std::optional<std::size_t> stretch_of(std::int64_t minute, Time now, std::size_t count)
{
  const auto back = minute_of(now) - minute;
  if (back < 0 || back >= k_day) {
    return std::nullopt;
  }
  const auto length = k_day / static_cast<std::int64_t>(count);
  return count - 1 - static_cast<std::size_t>(back / length);
}

double x_of(std::size_t at, std::size_t count)
{
  return k_width * static_cast<double>(at) / static_cast<double>(count);
}

double y_of(double value, double most)
{
  return most > 0 ? k_height - (k_height - 2) * value / most : k_height;
}

Html bars_of(const Series& series, double most)
{
  std::string path;
  const auto width = k_width / static_cast<double>(series.size()) - 2;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i] && *series[i] > 0) {
      path += fmt::format("M{:.1f} {:.1f}V{:.1f}h{:.1f}V{:.1f}z", x_of(i, series.size()) + 1,
        k_height, y_of(*series[i], most), width, k_height);
    }
  }
  return element("path", {{"class", "bars"}, {"d", path}});
}

// A step for each stretch, and a gap where nothing was sampled.
Html steps_of(const Series& series, double most)
{
  std::string area;
  std::string line;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (!series[i]) {
      continue;
    }
    const bool is_first = i == 0 || !series[i - 1];
    const bool is_last = i + 1 == series.size() || !series[i + 1];
    const auto y = y_of(*series[i], most);
    const auto end = x_of(i + 1, series.size());
    area += is_first ? fmt::format("M{:.1f} {:.1f}", x_of(i, series.size()), k_height) : "";
    area += fmt::format("V{:.1f}H{:.1f}", y, end);
    area += is_last ? fmt::format("V{:.1f}z", k_height) : "";
    line += is_first ? fmt::format("M{:.1f} {:.1f}H{:.1f}", x_of(i, series.size()), y, end)
                     : fmt::format("V{:.1f}H{:.1f}", y, end);
  }
  auto both = element("path", {{"class", "area"}, {"d", area}});
  both += element("path", {{"class", "line"}, {"d", line}});
  return both;
}

std::string clock_of(std::size_t at, std::size_t count, Time now)
{
  const auto length = k_day / static_cast<std::int64_t>(count);
  const auto back = static_cast<std::int64_t>(count - at) * length - 1;
  return rfc3339(now - std::chrono::minutes(back), 0).substr(11, 5);
}

std::string words_of(const Chart& chart, const std::optional<Peak>& peak, Time now)
{
  if (!peak) {
    return fmt::format("{} over the last day: nothing was sampled", chart.title);
  }
  if (peak->value <= 0) {
    return fmt::format("{} over the last day: {} all the time", chart.title, chart.in_words(0));
  }
  return fmt::format("{} over the last day: at most {}, about {} UTC; now {}", chart.title,
    chart.in_words(peak->value), clock_of(peak->at, chart.series.size(), now), chart.now);
}

} // namespace

Series largest_of(const Samples& samples, Time now,
  const std::function<std::optional<double>(const Sample&)>& value)
{
  Series series(k_stretches);
  for (const auto& sample : samples) {
    const auto at = stretch_of(sample.minute, now, k_stretches);
    if (const auto seen = at ? value(sample) : std::nullopt) {
      series[*at] = std::max(series[*at].value_or(0), *seen);
    }
  }
  return series;
}

Series spent_of(const Samples& samples, Time now)
{
  Series series(k_hours);
  std::optional<std::int64_t> before;
  for (const auto& sample : samples) {
    if (!sample.usd_micros) {
      continue;
    }
    const auto total = *sample.usd_micros;
    const auto more = !before ? 0 : total >= *before ? total - *before : total;
    before = total;
    if (const auto at = stretch_of(sample.minute, now, k_hours)) {
      series[*at] = series[*at].value_or(0) + static_cast<double>(more) / 1e6;
    }
  }
  return series;
}

Html figure_of(const Chart& chart, Time now)
{
  const auto peak = peak_of(chart.series);
  const auto most = peak ? peak->value : 0;
  const auto ground = fmt::format("M0 {0}H{1}", k_height - 0.5, k_width);
  auto drawing = element("path", {{"class", "ground"}, {"d", ground}});
  drawing += chart.has_bars ? bars_of(chart.series, most) : steps_of(chart.series, most);
  return element("figure", {},
    {element("figcaption", {},
       {element("span", {}, {chart.title}), " ", element("strong", {}, {chart.now})}),
      element("svg",
        {{"role", "img"}, {"aria-label", words_of(chart, peak, now)},
          {"viewBox", fmt::format("0 0 {} {}", k_width, k_height)},
          {"preserveAspectRatio", "none"}},
        {drawing}),
      element("p", {{"class", "axis"}},
        {element("span", {}, {"24 h ago"}),
          element("span", {},
            {peak && peak->value > 0 ? "at most " + chart.in_words(peak->value) : "nothing"}),
          element("span", {}, {"now"})})});
}

} // namespace conos::page
