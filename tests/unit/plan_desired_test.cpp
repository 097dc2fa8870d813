#include "plan_sample.hpp"

#include "plan/record.hpp"
#include "plan/show.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

using namespace conos;
using namespace conos::plan;

namespace {

using Lines = std::vector<std::string>;

// The state as text; of the long files only their names.
std::string described(const State& state)
{
  std::string text;
  for (const auto& group : state.groups) {
    text += fmt::format("group {}\n", group);
  }
  for (const auto& a : state.accounts) {
    text += fmt::format(
      "user {} {}:{} {} {} ({})\n", a.name, a.uid, a.gid, a.home, join(a.groups, ","), a.why);
  }
  for (const auto& d : state.directories) {
    text += fmt::format("dir {} {:04o} {}:{}", d.path, d.mode, d.owner, d.group);
    text += d.acl.empty() ? "" : " acl " + join(d.acl, ",");
    text += d.default_acl.empty() ? "\n" : " default " + join(d.default_acl, ",") + "\n";
  }
  for (const auto& f : state.files) {
    text += fmt::format("file {} {:04o} {}:{}{}{}\n", f.path, f.mode, f.owner, f.group,
      f.immutable ? " immutable" : "", f.wanted ? "" : " not wanted");
  }
  for (const auto& l : state.links) {
    text += fmt::format("link {} to {} as {}\n", l.path, l.target, l.owner);
  }
  for (const auto& u : state.units) {
    text += fmt::format("unit {} {}{}\n", u.name,
      u.wanted ? "wanted by " + u.wanted_by : "not wanted", u.idle ? " idle" : "");
  }
  return text;
}

const Directory& directory(const State& state, std::string_view path)
{
  const auto found =
    std::find_if(state.directories.begin(), state.directories.end(), [&](const Directory& d) {
      return d.path == path;
    });
  REQUIRE(found != state.directories.end());
  return *found;
}

const File& file(const State& state, std::string_view path)
{
  const auto found = std::find_if(state.files.begin(), state.files.end(), [&](const File& f) {
    return f.path == path;
  });
  REQUIRE(found != state.files.end());
  return *found;
}

AgentSettings settings(const State& state, const std::string& agent)
{
  const auto read =
    agent_settings_from_json(*file(state, "/var/lib/conos/compiled/" + agent + ".json").content);
  REQUIRE(read);
  return *read;
}

} // namespace

TEST_CASE("the state of three agents is the one that was agreed on", "[plan][desired]")
{
  // to agree on another: copy what this test writes beside it
  const auto golden = source_file("tests/unit/golden/three.state");
  const auto text = described(state_of(k_three));
  if (text != golden) {
    std::ofstream("three.state.new") << text;
  }
  CHECK(text == golden);
}

TEST_CASE("the same configuration gives the same state to the byte", "[plan][desired]")
{
  const auto one = state_of(k_three);
  const auto two = state_of(k_three);
  REQUIRE(one.files.size() == two.files.size());
  for (std::size_t i = 0; i < one.files.size(); ++i) {
    CHECK(one.files[i].content == two.files[i].content);
  }
  CHECK(one.applied.content == two.applied.content);
}

TEST_CASE("only a tasker may write an inbox, and nobody its own", "[plan][desired]")
{
  const auto state = state_of(k_three);
  CHECK(directory(state, "/srv/conos/agents/concierge/inbox").acl ==
        Lines{"g::-wx", "m::-wx", "o::---", "u::rwx", "u:a-strategist:-wx"});
  CHECK(directory(state, "/srv/conos/agents/writer/inbox").acl ==
        Lines{"g::-wx", "m::-wx", "o::---", "u::rwx", "u:a-concierge:-wx", "u:a-strategist:-wx"});

  const auto lonely = state_of("[[agents]]\nname = \"one\"");
  CHECK(directory(lonely, "/srv/conos/agents/one/inbox").acl.empty());
}

TEST_CASE(
  "an agent that may go somewhere has a door, and one that may not has none", "[plan][desired]")
{
  const auto state = state_of(
    "[[agents]]\nname = \"one\"\negress = [\"a.org\"]\negress_networks = [\"10.0.0.0/8\"]\n"
    "environment = [\"NO_PROXY=a.org\"]\n[[agents]]\nname = \"two\"\n");
  const auto door =
    egress_door_from_json(*file(state, "/var/lib/conos/compiled/one.egress.json").content);
  REQUIRE(door);
  CHECK(door->agent == "one");
  CHECK(to_string(door->rules.at(0)) == "a.org");
  CHECK(to_string(door->networks.at(0)) == "10.0.0.0/8");
  CHECK(door->max_bytes == 1073741824);
  CHECK(directory(state, "/var/lib/conos/egress/one").owner == "conos-egress");
  CHECK(settings(state, "one").has_egress);
  CHECK(settings(state, "one").environment ==
        Lines{"NO_PROXY=a.org", "HTTPS_PROXY=http://127.0.0.1:3128",
          "https_proxy=http://127.0.0.1:3128", "HTTP_PROXY=http://127.0.0.1:3128",
          "http_proxy=http://127.0.0.1:3128", "no_proxy=127.0.0.1,localhost,::1"});
  const auto& drop_in = file(state, "/etc/systemd/system/conos-one.service.d/30-doors.conf");
  CHECK(drop_in.wanted);
  CHECK_THAT(
    *drop_in.content, Catch::Contains("\nWants=conos-egress@one.socket conos-gate@one.socket\n"));
  CHECK_THAT(*drop_in.content, Catch::Contains("\nJoinsNamespaceOf=conos-egress@one.socket\n"));

  CHECK_FALSE(file(state, "/var/lib/conos/compiled/two.egress.json").wanted);
  const auto& of_two = file(state, "/etc/systemd/system/conos-two.service.d/30-doors.conf");
  CHECK_THAT(*of_two.content, Catch::Contains("\nWants=conos-gate@two.socket\n"));
  CHECK_THAT(*of_two.content, !Catch::Contains("JoinsNamespaceOf="));
  CHECK(settings(state, "two").environment.empty());
  CHECK_FALSE(settings(state, "two").has_egress);
}

TEST_CASE("both doors of an agent are in one network", "[plan][desired]")
{
  const auto state = state_of("[[agents]]\nname = \"one\"\negress = [\"a.org\"]\n"
                              "provider = \"anthropic\"\nmodel = \"m\"\n");
  const auto& text = *file(state, "/etc/systemd/system/conos-one.service.d/30-doors.conf").content;
  CHECK_THAT(
    text, Catch::Contains("\nJoinsNamespaceOf=conos-model@one.socket conos-egress@one.socket\n"));
}

TEST_CASE("what is compiled for an agent is what it inherits", "[plan][desired]")
{
  const auto config =
    config_of("[base]\ntimeout = \"90s\"\nrunner = \"cat\"\nrunner_args = [\"-n\"]\n"
              "[[agents]]\nname = \"one\"\ntier = \"officer\"\n"
              "[[agents]]\nname = \"two\"\n");
  const auto state = desired(config, sources_for(config));
  REQUIRE(state);

  const auto one = settings(*state, "one");
  CHECK(one.uid == 70000);
  CHECK(one.gid == 70000);
  CHECK(one.runner == Lines{"/usr/bin/cat", "-n"});
  CHECK(one.timeout == std::chrono::seconds(90));
  CHECK(one.may_task == Lines{"two"});
  CHECK(one.instructions_sha256.size() == 64);
  const auto& service = *file(*state, "/etc/systemd/system/conos-one.service").content;
  CHECK_THAT(service, Catch::Contains("\nTimeoutStartSec=120s\n"));
  const auto routing =
    routing_from_json(*file(*state, "/var/lib/conos/compiled/routes.json").content);
  REQUIRE(routing);
  CHECK(routing->agents == Lines{"one", "two"});
}

TEST_CASE("uids stay, and one that was used is never another's", "[plan][uids]")
{
  const auto config = config_of("[[agents]]\nname = \"new\"\n[[agents]]\nname = \"old\"\n"
                                "[[agents]]\nname = \"back\"\n[[agents]]\nname = \"last\"\n");
  auto sources = sources_for(config);
  sources.accounts.users.push_back({"a-old", 70000, 70123, "", ""});
  sources.accounts.users.push_back({"somebody", 70001, 100, "", ""});
  sources.accounts.groups.push_back({"something", 70002, {}});
  sources.record.uids = {{"gone", 70003}, {"back", 70009}, {"old", 70000}};

  const auto state = desired(config, sources);

  REQUIRE(state);
  CHECK(state->accounts[0].uid == 70004);
  CHECK(state->accounts[1].uid == 70000);
  CHECK(state->accounts[1].gid == 70123);
  CHECK(state->accounts[2].uid == 70009);
  CHECK(state->accounts[3].uid == 70005);
  const auto record = record_from_json(*state->applied.content);
  REQUIRE(record);
  CHECK(record->uids == std::map<std::string, uid_t>{{"back", 70009}, {"gone", 70003},
                          {"last", 70005}, {"new", 70004}, {"old", 70000}});
}

TEST_CASE("a user of that name from elsewhere is refused", "[plan][uids]")
{
  const auto config = config_of("[[agents]]\nname = \"one\"\n");
  auto sources = sources_for(config);
  sources.accounts.users.push_back({"a-one", 1001, 1001, "", ""});

  const auto state = desired(config, sources);

  REQUIRE_FALSE(state);
  CHECK(state.error().kind == Kind::config);
  CHECK_THAT(state.error().what, Catch::Contains("user 'a-one' exists with uid 1001"));
}

TEST_CASE("a range that is used up is refused", "[plan][uids]")
{
  const auto config = config_of("[system]\nuid_count = 2\n[[agents]]\nname = \"one\"\n");
  auto sources = sources_for(config);
  sources.record.uids = {{"x", 70000}, {"y", 70001}};

  const auto state = desired(config, sources);

  REQUIRE_FALSE(state);
  CHECK_THAT(state.error().what, Catch::Contains("no uid is left for agent 'one'"));
}

TEST_CASE("a timer says when, by its mode", "[plan][units]")
{
  const auto state = state_of(k_three);
  const auto& cron = *file(state, "/etc/systemd/system/conos-strategist.timer").content;
  CHECK_THAT(cron, Catch::Contains("\nOnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 08:00:00\n"));
  CHECK_THAT(cron, Catch::Contains("\nPersistent=yes\n"));
  CHECK_THAT(cron, Catch::Contains("\nUnit=conos-cron@strategist.service\n"));
  const auto& loop = *file(state, "/etc/systemd/system/conos-writer.timer").content;
  CHECK_THAT(loop, Catch::Contains("\nOnActiveSec=5s\nOnUnitInactiveSec=5s\n"));
  CHECK_THAT(loop, Catch::Contains("\nUnit=conos-writer.service\n"));
  CHECK_FALSE(file(state, "/etc/systemd/system/conos-concierge.timer").wanted);
}

TEST_CASE("what an agent has of its own is a drop-in", "[plan][units]")
{
  const auto state = state_of(k_three);
  const auto& own =
    *file(state, "/etc/systemd/system/conos-writer.service.d/20-agent.conf").content;
  CHECK_THAT(own, Catch::Contains("\nMemoryMax=2G\n"));
  CHECK_THAT(own, Catch::Contains("\nMemoryDenyWriteExecute=no\n"));
  CHECK_THAT(own, Catch::Contains("\nBindPaths=-/data/out\n"));
  CHECK_FALSE(file(state, "/etc/systemd/system/conos-concierge.service.d/20-agent.conf").wanted);
}

TEST_CASE("a template with an unknown placeholder is refused", "[plan][units]")
{
  const auto config = config_of("[[agents]]\nname = \"one\"\n");
  auto sources = sources_for(config);
  sources.agent_service += "Environment=a@b.c @NAMES@\n";

  const auto state = desired(config, sources);

  REQUIRE_FALSE(state);
  CHECK_THAT(state.error().what, Catch::Contains("@NAMES@"));
}

TEST_CASE("tables of another form than ours are refused", "[plan][tables]")
{
  CHECK(groups_of("# x\n\ng conos -\ng  agents   -\n").value() == Lines{"conos", "agents"});
  CHECK_FALSE(groups_of("u conos -\n"));
  CHECK_FALSE(groups_of("g conos 12\n"));
  CHECK_FALSE(directories_of("d /x 0999 root root -\n"));
  CHECK_FALSE(directories_of("d /x 07777777 root root -\n"));
  CHECK_FALSE(directories_of("a /x - - - - u::rwx\n"));
  CHECK_FALSE(directories_of("f /x 0644 root root -\n"));
}

TEST_CASE("a directory's lines read back as the directory", "[plan][tables]")
{
  for (const auto& wanted : state_of(k_three).directories) {
    const auto read = directories_of(tmpfiles_of(wanted));
    REQUIRE(read);
    REQUIRE(read->size() == 1);
    CHECK(read->front().path == wanted.path);
    CHECK(read->front().mode == wanted.mode);
    CHECK(read->front().owner == wanted.owner);
    CHECK(read->front().acl == (wanted.acl.empty() ? acl_of_mode(wanted.mode) : wanted.acl));
    CHECK(read->front().default_acl == wanted.default_acl);
  }
}

TEST_CASE("the record reads back, and nothing else does", "[plan][record]")
{
  const Record record{{{"one", 70000}}, {{"/x", "00"}}, "abc", {{"one", "def"}}};
  const auto read = record_from_json(to_json(record));
  REQUIRE(read);
  CHECK(read->uids == record.uids);
  CHECK(read->files == record.files);
  CHECK(read->wanted == record.wanted);
  CHECK(record_from_json("{}").error().kind == Kind::config);
  CHECK(record_from_json("").error().kind == Kind::config);
}

TEST_CASE("conos's own runner has a model where one is named", "[plan][desired]")
{
  const auto config = config_of(R"([[agents]]
name = "one"
provider = "anthropic"
model = "m-1"
timeout = "5m"
[[agents]]
name = "two"
provider = "openai"
[[agents]]
name = "three"
runner = "cat"
provider = "anthropic"
)");
  const auto state = desired(config, sources_for(config), {});
  REQUIRE(state);
  const auto runner_of = [&](const std::string& agent) {
    for (const auto& file : state->files) {
      if (file.path.ends_with("/compiled/" + agent + ".json")) {
        return agent_settings_from_json(*file.content).value().runner;
      }
    }
    return std::vector<std::string>();
  };

  CHECK(runner_of("one") == std::vector<std::string>{"/usr/libexec/conos/conos-think", "--api",
                              "anthropic", "--model", "m-1", "--steward",
                              "/usr/libexec/conos/conos-steward", "--time", "290000ms"});
  CHECK(
    runner_of("two") == std::vector<std::string>{"/usr/bin/picoclaw"}); // where the sample has it
  CHECK(runner_of("three") == std::vector<std::string>{"/usr/bin/cat"});
}
