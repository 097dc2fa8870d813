#include "steward/topic.hpp"

#include "facts/status.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

namespace conos::steward {

namespace {

std::string count_of(std::size_t count, std::string_view one, std::string_view many)
{
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

template<class Enum>
std::string word_of(const std::optional<Enum>& value)
{
  return value ? std::string(to_string(*value)) : "tier unknown";
}

std::string number_of(const std::optional<std::size_t>& count)
{
  return count ? fmt::format("{}", *count) : "?";
}

std::string hold_of(const AgentFacts& agent)
{
  if (!agent.hold) {
    return "";
  }
  return agent.hold->reason.empty() ? "" : " (" + escaped(agent.hold->reason, 120) + ")";
}

// Whose answer this is takes part in it: it works, on this very question.
std::string state_of(const AgentFacts& agent, const Facts& facts)
{
  return facts.you == agent.name && !agent.hold ? "working (on this answer)"
                                                : std::string(agent.state());
}

std::string last_of(const AgentFacts& agent, const Facts& facts)
{
  return agent.last ? "last " + last_text(agent, facts.at) : "nothing done yet";
}

std::string tell_agents(const Facts& facts)
{
  auto text = fmt::format("{} on {}:\n",
    count_of(facts.agents.size(), "agent is set up", "agents are set up"), facts.host);
  std::size_t width = 0;
  for (const auto& agent : facts.agents) {
    width = std::max(width, agent.name.size());
  }
  for (const auto& agent : facts.agents) {
    text += fmt::format("  {:<{}}  {:<8}  {:<10}  {}{}\n", agent.name, width, word_of(agent.tier),
      agent.mode ? to_string(*agent.mode) : "-", state_of(agent, facts), hold_of(agent));
  }
  return text;
}

std::string tell_queues(const Facts& facts)
{
  std::string text;
  std::size_t waiting = facts.common.waiting.value_or(0);
  std::size_t failed = 0;
  for (const auto& agent : facts.agents) {
    const auto& queue = agent.queue;
    waiting += queue.waiting.value_or(0);
    failed += queue.failed.value_or(0);
    text += fmt::format("  {}: {} waiting, {} being worked on, {} held, {} failed; {}\n",
      agent.name, number_of(queue.waiting), number_of(queue.working), number_of(queue.held),
      number_of(queue.failed), last_of(agent, facts));
  }
  return fmt::format("{}, {}.\n{}", count_of(waiting, "task waits", "tasks wait"),
    count_of(failed, "has failed so far", "have failed so far"), text);
}

std::string tell_may_task(const Facts& facts)
{
  std::string text = "Who may task whom:\n";
  for (const auto& agent : facts.agents) {
    const auto whom = agent.may_task.empty() ? "nobody"
                      : agent.may_task == std::vector<std::string>{"*"}
                        ? "everybody"
                        : join(agent.may_task, ", ");
    text += fmt::format("  {} may task {}\n", agent.name, whom);
  }
  return text + "People in group conos may task any agent. The inboxes' access lists enforce it.\n";
}

std::string tell_disk(const Facts& facts)
{
  return "Disk (/srv/conos): " + disk_text(facts.capacity) + ".\n";
}

std::string tell_memory(const Facts& facts)
{
  return "Memory: " + memory_text(facts.capacity) + ".\n";
}

std::string tell_load(const Facts& facts)
{
  auto text = "Load (1, 5, 15 minutes): " + load_text(facts.capacity);
  if (facts.capacity.uptime) {
    text += "; up for " + for_people(*facts.capacity.uptime);
  }
  return text + ".\n";
}

std::string tell_packages(const Facts& facts)
{
  if (!facts.packages) {
    return "How many packages are installed I cannot see here.\n";
  }
  return fmt::format("{} installed. I know their number only; dpkg -l lists them.\n",
    count_of(*facts.packages, "package is", "packages are"));
}

std::string tell_ledger(const Facts& facts)
{
  if (!facts.ledger) {
    return "I was not given the ledger's last rows.\n";
  }
  if (facts.ledger->empty()) {
    return "The ledger is empty.\n";
  }
  std::string text = "The ledger's last rows:\n";
  for (const auto& happening : *facts.ledger) {
    text += "  " + happening_text(happening) + "\n";
  }
  return text + "conos-audit tail shows more, conos-audit verify checks the chain.\n";
}

// The facts have no contracts in them yet: nothing has checked one.
std::string tell_contracts(const Facts&)
{
  return "No contract has been checked on this machine, so I cannot say that any holds.\n";
}

std::string tell_machine(const Facts& facts)
{
  return tell_load(facts) + tell_memory(facts) + tell_disk(facts);
}

std::string tell_version(const Facts& facts)
{
  return fmt::format("This is conos {} on {}.\n", facts.version, facts.host);
}

std::string tell_overview(const Facts& facts)
{
  return tell_agents(facts) + "\n" + tell_queues(facts) + "\n" + tell_machine(facts) + "\n" +
         tell_contracts(facts) + "\n" + tell_ledger(facts);
}

// A request is about a topic when each of the groups that are not empty has a hit. Of the topics
// that fit the most specific ones are told: "what agents" is in many a question about something
// else.
struct Topic {
  int rank;
  std::array<std::string_view, 2> groups;
  std::string (*tell)(const Facts&);
};

constexpr std::string_view k_agent_words = "agent|conspir|who is here|who here|team.|crew.";
constexpr std::string_view k_work_words =
  "task|queue|inbox|job|request|backlog|work.|anything|what.";
constexpr std::string_view k_past_words =
  "ledger|happen|histor|event|audit|recent|lately|activit|refus|news.|what new|yesterday|"
  "last night|been going on|been doing|agents done|did agents do.|did the agents do.";
constexpr std::string_view k_whom_words = "whom.|each other|one another|task|delegat|assign|messag";

const std::array k_topics{
  Topic{3, {"may.|can.|allow|permi|right.|rights.|able|authori", k_whom_words}, tell_may_task},
  Topic{3, {"whom.|tasking rule|chain of command", ""}, tell_may_task},
  Topic{3, {"disk|storage|space|filesystem|file system|partition", ""}, tell_disk},
  Topic{3, {"memory|ram.|swap", ""}, tell_memory},
  Topic{3, {"load.|loaded|cpu|processor|uptime|been up|how busy is the", ""}, tell_load},
  Topic{3, {"packag|software|dpkg|apt.|installed|programs.", ""}, tell_packages},
  Topic{3, {k_past_words, ""}, tell_ledger},
  Topic{3, {"contract|complian|doctor|healthcheck|health check", ""}, tell_contracts},
  Topic{3,
    {"daily|morning|weekly|status|short|brief", "review|brief|report|summar|overview|digest"},
    tell_overview},
  Topic{2,
    {"wait|pend|queue|fail|stuck|backlog|unfinish|outstanding|in progress|left to do|"
     "to do|open.|unanswered",
      k_work_words},
    tell_queues},
  Topic{
    2, {"queue|backlog|inbox|workload|stuck|pending|fail|error|waits.|waiting", ""}, tell_queues},
  Topic{2, {"version|hostname|which host|what host|release", ""}, tell_version},
  Topic{1, {"machine|server|host|system|computer|box.|resourc|capacit|hardware", ""}, tell_machine},
  Topic{1, {k_agent_words, ""}, tell_agents},
  Topic{1,
    {"who.|anyone|anybody|everyone|everybody", "run|work|up.|online|here|alive|held|"
                                               "hold|idle|busy|there"},
    tell_agents},
  Topic{1, {"task", "how many|many|list.|which|what|all.|current"}, tell_queues},
  Topic{0,
    {"everything|overview|status|what up|going on|how are things|how is it going|wrong|"
     "problem|all right|alright|healthy|all ok|fine.|in order",
      ""},
    tell_overview},
};

bool fits(const Topic& topic, const Words& words)
{
  return std::all_of(topic.groups.begin(), topic.groups.end(), [&](std::string_view group) {
    return group.empty() || has_any(words, group);
  });
}

std::string tell_one(const AgentFacts& agent, const Facts& facts)
{
  auto text = fmt::format("{} ({}, {}) is {}{}.\n", agent.name, word_of(agent.tier),
    agent.mode ? to_string(*agent.mode) : "mode unknown", state_of(agent, facts), hold_of(agent));
  const auto& queue = agent.queue;
  text += fmt::format("It has {} waiting, {} held, {} failed; {}.\n", number_of(queue.waiting),
    number_of(queue.held), number_of(queue.failed), last_of(agent, facts));
  return text;
}

} // namespace

std::vector<const AgentFacts*> agents_named(const Words& words, const Facts& facts)
{
  std::vector<const AgentFacts*> named;
  for (const auto& agent : facts.agents) {
    if (find_phrase(words, words_of(agent.name))) {
      named.push_back(&agent);
    }
  }
  return named;
}

std::string tell(const Words& words, const Facts& facts, Width width)
{
  std::vector<const Topic*> fitting;
  for (const auto& topic : k_topics) {
    const bool is_told = std::any_of(fitting.begin(), fitting.end(), [&](const Topic* other) {
      return other->tell == topic.tell;
    });
    if (!is_told && fits(topic, words)) {
      fitting.push_back(&topic);
    }
  }
  const int rank = fitting.empty() ? 0 : fitting.front()->rank; // the table begins with the highest
  const auto named = agents_named(words, facts);
  std::string text;
  if (rank < 3 && width == Width::best) { // the state of one agent is more to the point
    for (const auto* agent : named) {
      text += tell_one(*agent, facts);
    }
  }
  if (!text.empty()) {
    return text;
  }
  for (const auto* topic : fitting) {
    const bool is_named = width == Width::all && rank < 3 && topic->rank > 0;
    if (topic->rank == rank || is_named) {
      text += (text.empty() ? "" : "\n") + topic->tell(facts);
    }
  }
  return text;
}

} // namespace conos::steward
