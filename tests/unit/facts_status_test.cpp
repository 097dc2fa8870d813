#include "facts/status.hpp"

#include <catch2/catch.hpp>

using namespace conos;

namespace {

Facts some_facts()
{
  Facts facts;
  facts.at = parse_rfc3339("2026-11-20T21:30:00Z").value();
  facts.host = "box";
  facts.version = "1.0";
  facts.capacity.disk_total = 40ULL << 30U;
  facts.capacity.disk_free = 10ULL << 30U;
  facts.capacity.load = std::array{0.5, 0.25, 0.125};
  facts.capacity.processors = 2;
  AgentFacts agent;
  agent.name = "sysadmin";
  agent.tier = Tier::operator_;
  agent.queue.waiting = 3;
  agent.queue.oldest = facts.at - std::chrono::seconds(90);
  agent.last = LastTask{"fix-disk", "failed", "runner-exit", facts.at - std::chrono::minutes(2)};
  facts.agents.push_back(agent);
  return facts;
}

bool has(const std::string& text, std::string_view part)
{
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the status is a short page", "[facts][status]")
{
  const auto text = status_text(some_facts());

  CHECK(has(text, "conos 1.0 on box\n"));
  CHECK(has(text, "load 0.50 0.25 0.12 on 2 processors"));
  CHECK(has(text, "disk 10.0 of 40.0 GiB free, 25 %"));
  CHECK(has(text, "memory unknown"));
  CHECK(has(text, "sysadmin  operator  -           waiting        3    1 min 30 s"));
  CHECK(has(text, "failed (runner-exit) 2 min 0 s ago"));
}

TEST_CASE("a hold is told with its reason, escaped", "[facts][status]")
{
  auto facts = some_facts();
  facts.agents[0].hold = Hold{"alice", "see\x1b[2J", facts.at, {}};

  CHECK(has(
    status_text(facts), "sysadmin is on hold since 2026-11-20T21:30:00Z by alice: see\\x1b[2J\n"));
}

TEST_CASE("no agents is a hint, not an empty table", "[facts][status]")
{
  auto facts = some_facts();
  facts.agents.clear();

  CHECK(has(status_text(facts), "conos-bootstrap"));
}

TEST_CASE("an agent's state is the most telling one", "[facts]")
{
  AgentFacts agent;
  CHECK(agent.state() == "idle");
  agent.queue.waiting = 1;
  CHECK(agent.state() == "waiting");
  agent.units = UnitFacts{"inactive", "inactive", ""};
  CHECK(agent.state() == "stopped");
  agent.units = UnitFacts{"active", "activating", ""};
  CHECK(agent.state() == "working");
  agent.units = UnitFacts{"active", "failed", ""};
  CHECK(agent.state() == "failed");
  agent.hold.emplace();
  CHECK(agent.state() == "held");
}
