#pragma once

#include "page/html.hpp"
#include "page/samples.hpp"
#include "sys/clock.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

// Small charts of the last day: SVG in the page, with what they show in words.
namespace conos::page {

// A day in equal stretches, the last one ends now; nothing where nothing was sampled.
using Series = std::vector<std::optional<double>>;

constexpr std::size_t k_stretches = 144; // of ten minutes
constexpr std::size_t k_hours = 24;

// The largest value of each stretch of ten minutes.
Series largest_of(const Samples& samples, Time now,
  const std::function<std::optional<double>(const Sample&)>& value);

// What was spent in each hour, in USD: what is counted since midnight begins anew at midnight.
Series spent_of(const Samples& samples, Time now);

struct Chart {
  std::string title;
  std::string now; // its value now, in words
  Series series;
  std::function<std::string(double)> in_words; // of a value
  bool has_bars = false;                       // of what adds up; else a line
};

// <figure>.
Html figure_of(const Chart& chart, Time now);

} // namespace conos::page
