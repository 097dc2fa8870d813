#include "health/brief.hpp"

#include "contract/exemption.hpp"
#include "contract/report/report.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::health {

namespace {

constexpr std::size_t k_most = 100; // of a kind that is listed

std::string section(std::string_view title, const std::vector<std::string>& lines)
{
  auto out = fmt::format("\n## {}\n\n", title);
  for (std::size_t i = 0; i < lines.size() && i < k_most; ++i) {
    out += "- " + lines[i] + "\n";
  }
  return lines.size() > k_most ? out + fmt::format("- and {} more\n", lines.size() - k_most) : out;
}

std::vector<std::string> changes_of(const State& state)
{
  std::vector<std::string> lines;
  for (auto at = state.recent.rbegin(); at != state.recent.rend(); ++at) {
    lines.push_back(fmt::format("{} {}", rfc3339(at->at, 0), at->words));
  }
  return lines.empty() ? std::vector<std::string>{"nothing yet"} : lines;
}

std::vector<std::string> findings_of(const State& state)
{
  std::vector<std::string> lines;
  for (const auto& [key, finding] : state.findings) {
    auto line = fmt::format(
      "[{}] {}: {}, since {}", finding.severity, key, finding.what, rfc3339(finding.since, 0));
    line += finding.verify.empty() ? "" : fmt::format("; verify: `{}`", finding.verify);
    line += finding.fix.empty() ? "" : "; fix: " + finding.fix;
    lines.push_back(line);
  }
  return lines.empty() ? std::vector<std::string>{"none"} : lines;
}

// In steps of five percent.
std::string share(
  std::optional<std::uint64_t> part, std::optional<std::uint64_t> whole, std::string_view what)
{
  if (!part || !whole || *whole == 0) {
    return "unknown";
  }
  const auto percent =
    static_cast<int>(static_cast<double>(*part) * 20.0 / static_cast<double>(*whole)) * 5;
  return fmt::format("at least {} % {}", percent, what);
}

std::string load(const Capacity& capacity)
{
  if (!capacity.load || !capacity.processors || *capacity.processors == 0) {
    return "unknown";
  }
  const auto each = (*capacity.load)[2] / *capacity.processors; // of fifteen minutes
  return each < 1 ? "there is time left" : each < 2 ? "busy" : "overloaded";
}

std::vector<std::string> capacity_of(const Capacity& capacity)
{
  return {"disk: " + share(capacity.disk_free, capacity.disk_total, "free"),
    "memory: " + share(capacity.memory_available, capacity.memory_total, "available"),
    "processors: " + load(capacity)};
}

std::string state_of(const AgentFacts& agent)
{
  const auto state = agent.state();
  const bool is_at_work = state == "working" || state == "waiting" || state == "idle";
  if (agent.hold) {
    return "on hold" + (agent.hold->reason.empty() ? "" : ": " + escaped(agent.hold->reason, 200));
  }
  return is_at_work ? "in service" : std::string(state);
}

std::vector<std::string> agents_of(const Facts& facts)
{
  std::vector<std::string> lines;
  for (const auto& agent : facts.agents) {
    lines.push_back(fmt::format(
      "{} ({}): {}", agent.name, agent.tier ? to_string(*agent.tier) : "no tier", state_of(agent)));
  }
  return lines.empty() ? std::vector<std::string>{"none"} : lines;
}

void count(std::vector<std::string>& lines, const std::string& who, const QueueFacts& queue)
{
  std::vector<std::string> parts;
  const auto add = [&](const std::optional<std::size_t>& number, std::string_view what) {
    if (number.value_or(0) > 0) {
      parts.push_back(fmt::format("{} {}", *number, what));
    }
  };
  add(queue.waiting, "waiting");
  add(queue.held, "held");
  if (!parts.empty()) {
    lines.push_back(who + ": " + join(parts, ", "));
  }
}

std::vector<std::string> work_of(const Facts& facts)
{
  std::vector<std::string> lines;
  count(lines, "the outer inbox", facts.common);
  for (const auto& agent : facts.agents) {
    count(lines, agent.name, agent.queue);
  }
  return lines.empty() ? std::vector<std::string>{"none"} : lines;
}

} // namespace

std::string brief_text(
  const State& state, const std::vector<contract::Exemption>& exemptions, const Facts& facts)
{
  auto out = std::string("# System State\n");
  out += section("Changes, the newest first", changes_of(state));
  out += section("Not as it should be", findings_of(state));
  if (!exemptions.empty()) {
    std::vector<std::string> lines;
    std::transform(
      exemptions.begin(), exemptions.end(), std::back_inserter(lines), contract::line_of);
    out += section("Let off", lines);
  }
  out += section("Capacity", capacity_of(facts.capacity));
  out += section("Agents", agents_of(facts));
  return out + section("Pending work", work_of(facts));
}

} // namespace conos::health
