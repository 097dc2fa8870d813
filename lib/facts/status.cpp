#include "facts/status.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos {

namespace {

std::string ago(Time then, Time now)
{
  return for_people(std::max(Duration(0), std::chrono::duration_cast<Duration>(now - then)));
}

std::string part_of_text(
  std::optional<std::uint64_t> part, std::optional<std::uint64_t> total, std::string_view what)
{
  if (!part || !total || *total == 0) {
    return "unknown";
  }
  constexpr double k_gib = 1024.0 * 1024.0 * 1024.0;
  const auto share = static_cast<double>(*part) / static_cast<double>(*total);
  return fmt::format("{:.1f} of {:.1f} GiB {}, {:.0f} %", static_cast<double>(*part) / k_gib,
    static_cast<double>(*total) / k_gib, what, share * 100.0);
}

std::string number(const std::optional<std::size_t>& count)
{
  return count ? fmt::format("{}", *count) : "-";
}

template<class Enum>
std::string word(const std::optional<Enum>& value)
{
  return value ? std::string(to_string(*value)) : "-";
}

std::string row(const std::string& name, std::size_t width, std::string_view tier,
  std::string_view mode, std::string_view state, const std::string& waiting,
  const std::string& oldest, const std::string& held, const std::string& failed,
  const std::string& last)
{
  return fmt::format("{:<{}}  {:<8}  {:<10}  {:<7}  {:>7}  {:>12}  {:>4}  {:>6}  {}\n", name, width,
    tier, mode, state, waiting, oldest, held, failed, last);
}

std::string row_of(const AgentFacts& agent, std::size_t width, Time now)
{
  const auto& queue = agent.queue;
  return row(agent.name, width, word(agent.tier), word(agent.mode), agent.state(),
    number(queue.waiting), queue.oldest ? ago(*queue.oldest, now) : "-", number(queue.held),
    number(queue.failed), last_text(agent, now));
}

std::string hold_text(const AgentFacts& agent)
{
  const auto& hold = *agent.hold;
  auto text = fmt::format("{} is on hold", agent.name);
  text += hold.since ? " since " + rfc3339(*hold.since, 0) : "";
  text += hold.by.empty() ? "" : " by " + escaped(hold.by, 64);
  text += hold.reason.empty() ? "" : ": " + escaped(hold.reason, 200);
  return text + "\n";
}

std::string common_text(const QueueFacts& common)
{
  std::string text;
  if (common.waiting.value_or(0) > 0) {
    text += fmt::format("{} waiting in the outer inbox\n", *common.waiting);
  }
  if (common.working.value_or(0) > 0) {
    text += fmt::format("{} on the way between agents\n", *common.working);
  }
  return text;
}

} // namespace

std::string memory_text(const Capacity& capacity)
{
  return part_of_text(capacity.memory_available, capacity.memory_total, "available");
}

std::string disk_text(const Capacity& capacity)
{
  return part_of_text(capacity.disk_free, capacity.disk_total, "free");
}

std::string load_text(const Capacity& capacity)
{
  if (!capacity.load) {
    return "unknown";
  }
  const auto& load = *capacity.load;
  auto text = fmt::format("{:.2f} {:.2f} {:.2f}", load[0], load[1], load[2]);
  if (capacity.processors) {
    text += fmt::format(
      " on {} {}", *capacity.processors, *capacity.processors == 1 ? "processor" : "processors");
  }
  return text;
}

std::string last_text(const AgentFacts& agent, Time now)
{
  if (!agent.last) {
    return "-";
  }
  const auto& last = *agent.last;
  const auto reason = last.reason ? fmt::format(" ({})", escaped(*last.reason, 40)) : "";
  return fmt::format("{}{} {} ago", last.outcome, reason, ago(last.finished_at, now));
}

std::string happening_text(const Happening& happening)
{
  auto text = fmt::format("{}  {:<16}", happening.at, happening.type);
  for (const auto* word : {&happening.agent, &happening.task, &happening.detail}) {
    text += word->empty() ? "" : "  " + *word;
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string status_text(const Facts& facts)
{
  auto text = fmt::format("conos {} on {}", facts.version, facts.host);
  if (facts.capacity.uptime) {
    text += ", up " + for_people(*facts.capacity.uptime);
  }
  text += fmt::format("\nload {}; memory {}; disk {}\n\n", load_text(facts.capacity),
    memory_text(facts.capacity), disk_text(facts.capacity));
  if (facts.agents.empty()) {
    return text + "There are no agents. conos-bootstrap makes those that conos.toml describes.\n";
  }
  std::size_t width = 5;
  for (const auto& agent : facts.agents) {
    width = std::max(width, agent.name.size());
  }
  text +=
    row("AGENT", width, "TIER", "MODE", "STATE", "WAITING", "OLDEST", "HELD", "FAILED", "LAST");
  for (const auto& agent : facts.agents) {
    text += row_of(agent, width, facts.at);
  }
  std::string remarks = common_text(facts.common);
  for (const auto& agent : facts.agents) {
    remarks += agent.hold ? hold_text(agent) : "";
  }
  remarks += facts.is_cut ? "There is more than was counted.\n" : "";
  return remarks.empty() ? text : text + "\n" + remarks;
}

} // namespace conos
