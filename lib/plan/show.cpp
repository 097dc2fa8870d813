#include "plan/show.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>

namespace conos::plan {

namespace {

constexpr std::size_t k_most_named = 4; // subjects in one line

// The part of a path or unit by which a person knows it.
std::string_view short_name(std::string_view subject)
{
  const auto slash = subject.rfind('/');
  return slash == subject.npos ? subject : subject.substr(slash + 1);
}

std::string named(const Step& step)
{
  std::string text;
  for (std::size_t i = 0; i < std::min(step.changes.size(), k_most_named); ++i) {
    text += text.empty() ? "" : ", ";
    text += escaped(short_name(step.changes[i].subject));
  }
  const auto more = step.changes.size() - std::min(step.changes.size(), k_most_named);
  return more > 0 ? fmt::format("{} and {} more", text, more) : text;
}

} // namespace

std::string line_of(const Step& step)
{
  switch (step.act) {
  case Act::tables:
  case Act::directories:
  case Act::files:
  case Act::links:
  case Act::lock:
    return fmt::format("{:<24} {}", title_of(step), step.changes.size());
  case Act::reload:
    return title_of(step);
  case Act::record:
    return fmt::format("{:<24} ledger, {}", title_of(step), named(step));
  case Act::accounts:
  case Act::leave:
  case Act::shells:
  case Act::stop:
  case Act::enable:
  case Act::start:
    break;
  }
  return fmt::format("{:<24} {}", title_of(step), named(step));
}

std::string text_of(const Plan& plan)
{
  std::string text;
  for (const auto& step : plan.steps) {
    text += title_of(step) + "\n";
    for (const auto& change : step.changes) {
      text += fmt::format("  {}: {}", escaped(change.subject), escaped(change.what));
      text += change.why.empty() ? "\n" : fmt::format("  ({})\n", change.why);
    }
  }
  return text;
}

std::string json_of(const Plan& plan)
{
  auto steps = nlohmann::json::array();
  for (const auto& step : plan.steps) {
    auto changes = nlohmann::json::array();
    for (const auto& change : step.changes) {
      changes.push_back({{"subject", change.subject}, {"what", change.what}, {"why", change.why}});
    }
    steps.push_back({{"act", title_of(step)}, {"agent", step.agent}, {"changes", changes}});
  }
  const nlohmann::json whole{{"steps", steps}, {"warnings", plan.warnings}};
  return whole.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

} // namespace conos::plan
