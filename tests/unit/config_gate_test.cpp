#include "config/config.hpp"
#include "config/gate.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace conos;

namespace {

GateDoor door_with(GatePolicy policy, Tier tier = Tier::worker)
{
  GateDoor door;
  door.agent = "writer";
  door.tier = tier;
  door.policy = std::move(policy);
  return door;
}

GateRule rule(const GateDoor& door, std::string_view verb, std::string_view argument,
  std::string_view tier = "")
{
  return decide(door, {verb, argument, tier}).rule;
}

} // namespace

TEST_CASE("without a policy an agent may look, write down and give tasks", "[config][gate]")
{
  const auto door = door_with({});

  for (const auto* verb : {"task.send", "note", "query", "approval.status", "service.status"}) {
    CHECK(rule(door, verb, "x") == GateRule::allow);
  }
  for (const auto* verb : {"package.request", "service.restart", "contract.run", "agent.propose",
         "contract.propose", "no.such"}) {
    CHECK(rule(door, verb, "x") == GateRule::deny);
  }
}

TEST_CASE("operators may propose, and a person decides whatever is allowed", "[config][gate]")
{
  CHECK(rule(door_with({}, Tier::operator_), "agent.propose", "") == GateRule::ask);
  CHECK(rule(door_with({}, Tier::operator_), "contract.propose", "") == GateRule::ask);
  CHECK(rule(door_with({}, Tier::officer), "agent.propose", "") == GateRule::deny);
  CHECK(rule(door_with({{"*"}, {}, {}}), "agent.propose", "") == GateRule::ask);
  CHECK(rule(door_with({{}, {}, {"agent.propose"}}, Tier::operator_), "agent.propose", "") ==
        GateRule::deny);
}

TEST_CASE("the pattern that says most decides", "[config][gate]")
{
  const auto door = door_with({{"package.request:jq", "service.restart:web-*", "task.send:@worker"},
    {"package.request"}, {"*", "task.send", "service.restart:web-db*"}});

  CHECK(rule(door, "package.request", "jq") == GateRule::allow);
  CHECK(rule(door, "package.request", "vim") == GateRule::ask);
  CHECK(rule(door, "service.restart", "web-1.service") == GateRule::allow);
  CHECK(rule(door, "service.restart", "web-db.service") == GateRule::deny);
  CHECK(rule(door, "service.restart", "ssh.service") == GateRule::deny);
  CHECK(rule(door, "task.send", "researcher", "worker") == GateRule::allow);
  CHECK(rule(door, "task.send", "boss", "officer") == GateRule::deny);
  CHECK(rule(door, "note", "x") == GateRule::deny);
  CHECK(decide(door, {"package.request", "vim"}).pattern == "package.request");
}

TEST_CASE("of two that say as much a denial wins, then asking", "[config][gate]")
{
  CHECK(rule(door_with({{"note:a"}, {"note:a"}, {"note:a"}}), "note", "a") == GateRule::deny);
  CHECK(rule(door_with({{"note:a"}, {"note:a"}, {}}), "note", "a") == GateRule::ask);
  CHECK(rule(door_with({{"note"}, {"note:*"}, {}}), "note", "a") == GateRule::ask);
  CHECK(rule(door_with({{"service.*"}, {}, {"service.*"}}), "service.restart", "a.service") ==
        GateRule::deny);
}

TEST_CASE(
  "what permits names no instance of a template and no unit of ours by chance", "[config][gate]")
{
  const auto door = door_with({{"service.restart:*"}, {}, {}});
  CHECK(rule(door, "service.restart", "web.service") == GateRule::allow);
  CHECK(rule(door, "service.restart", "web@x.service") == GateRule::deny);
  CHECK(rule(door, "service.restart", "conos-granted@1234.service") == GateRule::deny);
  CHECK(rule(door, "service.restart", "conos-route.service") == GateRule::deny);

  const auto named = door_with({{"service.restart:web@*", "service.restart:conos-r*"}, {}, {}});
  CHECK(rule(named, "service.restart", "web@x.service") == GateRule::allow);
  CHECK(rule(named, "service.restart", "web@x@y.service") == GateRule::deny);
  CHECK(rule(named, "service.restart", "conos-route.service") == GateRule::allow);
  CHECK(rule(named, "service.restart", "conos-run@x.service") == GateRule::deny);

  const auto closed = door_with({{"service.restart:web@x.service"}, {}, {"service.restart:web*"}});
  CHECK(rule(closed, "service.restart", "web@y.service") == GateRule::deny);
}

TEST_CASE(
  "what the machine says of packages stands behind what is said of the agent", "[config][gate]")
{
  auto door = door_with({{}, {"package.request:vim"}, {"package.request:python3-evil"}});
  door.packages_allow = {"jq", "python3-*", "vim", "nmap"};
  door.packages_deny = {"nmap", "*-dev"};

  CHECK(rule(door, "package.request", "jq") == GateRule::allow);
  CHECK(rule(door, "package.request", "python3-yaml") == GateRule::allow);
  CHECK(rule(door, "package.request", "python3-evil") == GateRule::deny);
  CHECK(rule(door, "package.request", "vim") == GateRule::ask);
  CHECK(rule(door, "package.request", "nmap") == GateRule::deny);
  CHECK(rule(door, "package.request", "git") == GateRule::deny);
  CHECK(rule(door, "note", "nmap") == GateRule::allow);
  door.policy = {{"package.request:libc6-dev", "*"}, {}, {}};
  CHECK(rule(door, "package.request", "libc6-dev") == GateRule::deny);
  CHECK(rule(door, "package.request", "git") == GateRule::allow);
  CHECK(best_rule(door_with({}), "package.request") == GateRule::deny);
  door.policy = {};
  CHECK(best_rule(door, "package.request") == GateRule::allow);
}

TEST_CASE("a wildcard stands for any run of characters", "[config][gate]")
{
  const auto door = door_with({{"package.request:lib*-dev", "package.request:a*b*c"}, {}, {}});

  CHECK(rule(door, "package.request", "libfoo-dev") == GateRule::allow);
  CHECK(rule(door, "package.request", "lib-dev") == GateRule::allow);
  CHECK(rule(door, "package.request", "libfoo-devel") == GateRule::deny);
  CHECK(rule(door, "package.request", "axxbxbxc") == GateRule::allow);
  CHECK(rule(door, "package.request", "abcd") == GateRule::deny);
}

TEST_CASE("a permission more takes none away, and a denial more gives none", "[config][gate]")
{
  const std::vector<std::string> verbs{"note", "package.request", "service.restart", "task.send"};
  const std::vector<std::string> arguments{"a", "ab", "b", "abc"};
  const std::vector<std::string> shapes{"a", "a*", "*", "*b", "ab", "a*c", "b"};
  std::mt19937 random(7); // the same in each run
  const auto one_of = [&](const std::vector<std::string>& all) {
    return all[random() % all.size()];
  };
  const auto pattern = [&] {
    switch (random() % 4) {
    case 0:
      return std::string("*");
    case 1:
      return one_of(verbs);
    default:
      return one_of(verbs) + ":" + one_of(shapes);
    }
  };
  for (int turn = 0; turn < 2000; ++turn) {
    GatePolicy policy;
    for (int i = 0; i < 3; ++i) {
      policy.allow.push_back(pattern());
      policy.ask.push_back(pattern());
      policy.deny.push_back(pattern());
    }
    const auto verb = one_of(verbs);
    const auto argument = one_of(arguments);
    const auto before = rule(door_with(policy), verb, argument);
    auto more = policy;
    more.allow.push_back(pattern());
    CHECK(rule(door_with(more), verb, argument) <= before);
    auto less = policy;
    less.deny.push_back(pattern());
    CHECK(rule(door_with(less), verb, argument) >= before);
    // the order in which patterns are written does not count
    std::shuffle(policy.allow.begin(), policy.allow.end(), random);
    std::shuffle(policy.deny.begin(), policy.deny.end(), random);
    CHECK(rule(door_with(policy), verb, argument) == before);
  }
}

TEST_CASE("patterns are checked when they are written", "[config][gate]")
{
  for (const auto* good : {"*", "note", "service.*", "service.restart:nginx.service",
         "service.restart:web@*.service", "task.send:@worker", "task.send:a-b",
         "package.request:g++", "query:capacity", "contract.run:walls", "*:*"}) {
    CHECK(gate_pattern_complaint(good) == "");
  }
  for (const auto* bad : {"", "notes", "service", "service.", "service.restart:", "note:a b",
         "task.send:@boss", "service.restart:/etc/x.service", "package.request:a;b",
         "service.*:nginx.service", "approval.status:1", "agent.propose:x", "note:a\nb", "*:x"}) {
    INFO(bad);
    CHECK(gate_pattern_complaint(bad) != "");
  }
}

TEST_CASE("an agent that may ask for nothing has no gate", "[config][gate]")
{
  CHECK(is_open(door_with({})));
  CHECK_FALSE(is_open(door_with({{}, {}, {"*"}})));
  CHECK(is_open(door_with({{"note:x"}, {}, {"*"}})));
  CHECK_FALSE(is_open(door_with({{"note:x"}, {}, {"*", "note:x"}})));
  CHECK(best_rule(door_with({{"service.restart:a.service"}, {}, {}}), "service.restart") ==
        GateRule::allow);
  CHECK(best_rule(door_with({{}, {"package.request:*"}, {}}), "package.request") == GateRule::ask);
  CHECK(best_rule(door_with({}), "package.request") == GateRule::deny);
}

TEST_CASE("what is compiled is read back", "[config][gate]")
{
  auto door = door_with({{"note"}, {"package.request:*"}, {"query:ledger"}}, Tier::officer);
  door.uid = 70001;
  door.approval_timeout = std::chrono::hours(2);
  door.approvals_max = 3;
  door.packages_allow = {"jq"};
  door.packages_deny = {"nmap"};

  const auto read = gate_door_from_json(to_json(door));

  REQUIRE(read);
  CHECK(read->agent == "writer");
  CHECK(read->tier == Tier::officer);
  CHECK(read->uid == 70001);
  CHECK(read->policy == door.policy);
  CHECK(read->approval_timeout == door.approval_timeout);
  CHECK(read->approvals_max == 3);
  CHECK(read->packages_allow == door.packages_allow);
  CHECK(read->packages_deny == door.packages_deny);
  CHECK(gate_door_from_json("{}").error().kind == Kind::config);
}

TEST_CASE("policy is inherited key by key", "[config][gate]")
{
  const auto checked = config::check(R"([base]
gate = { allow = ["note"], deny = ["query:ledger"] }
approval_timeout = "2h"
[base.worker]
gate.ask = ["package.request:*"]
[[agents]]
name = "concierge"
tier = "operator"
[[agents]]
name = "writer"
gate.allow = ["agent.propose", "service.restart:nginx.service"]
)");

  REQUIRE(checked.config);
  const auto& writer = checked.config->agents[1];
  CHECK(writer.gate.allow ==
        std::vector<std::string>{"agent.propose", "service.restart:nginx.service"});
  CHECK(writer.gate.ask == std::vector<std::string>{"package.request:*"});
  CHECK(writer.gate.deny == std::vector<std::string>{"query:ledger"});
  CHECK(writer.approval_timeout == std::chrono::hours(2));
  CHECK(checked.config->agents[0].gate.allow == std::vector<std::string>{"note"});
  REQUIRE(checked.findings.size() == 1);
  CHECK(checked.findings[0].text ==
        "key 'gate.allow': a person is asked about 'agent.propose' all the same");
}
