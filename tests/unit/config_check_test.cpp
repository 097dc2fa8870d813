#include "config/config.hpp"
#include "sys/text.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

using namespace conos;
using config::check;
using config::Finding;

namespace {

using Lines = std::vector<std::string>;

// What is said of `text`, without the warning that nobody is the concierge.
Lines said_of(std::string_view text)
{
  Lines lines;
  for (const auto& finding : check(text).findings) {
    const auto line = config::line_of(finding, "conos.toml");
    if (line.find("there is no agent 'concierge'; a task") == line.npos) {
      lines.push_back(line);
    }
  }
  return lines;
}

config::Config resolved(std::string_view text)
{
  const auto checked = check(text);
  INFO(join(said_of(text), "\n"));
  REQUIRE(checked.config);
  return *checked.config;
}

constexpr std::string_view k_one = "[[agents]]\nname = \"one\"\n";

// A good file that says `value` of `key` in a table of that kind.
std::string sample_with(
  const config::TableKind& kind, const config::Key& key, std::string_view value)
{
  std::string table = kind.name == "providers" ? "[providers.own]" : config::title_of(kind);
  const std::vector<std::pair<config::In, std::string_view>> needed{
    {config::in_agents, "name = \"other\""},
    {config::in_routes, "match = \"x\""},
    {config::in_routes, "to = \"concierge\""},
  };
  for (const auto& [in, line] : needed) {
    if (in == kind.in && !line.starts_with(fmt::format("{} ", key.name))) {
      table += "\n" + std::string(line);
    }
  }
  return fmt::format("{}\n{} = {}\n[[agents]]\nname = \"concierge\"\n[[agents]]\n"
                     "name = \"sysadmin\"\n",
    table, key.name, value);
}

std::string with_one(std::string_view more)
{
  return std::string(k_one) + std::string(more);
}

} // namespace

TEST_CASE("each rule has its own complaint, with its place", "[config][check]")
{
  struct Case {
    std::string text;
    std::string complaint;
  };
  const std::vector<Case> cases{
    // the text as a whole
    {"a = = 1", "conos.toml:1:5: not TOML: "},
    {"[system]\nname = \"a\"\nname = \"b\"", "conos.toml:3:"},
    {"[sytem]\n", "conos.toml:1:2: key 'sytem': there is no such table, did you mean 'system'"},
    {"system = 1", "conos.toml:1:1: key 'system': is a whole number, not a table [system]"},
    {"[agents]\nname = \"x\"", "conos.toml:1:2: key 'agents': is a table; each of them is a table "
                               "[[agents]]"},
    {"agents = [1]", "conos.toml:1:11: key 'agents': holds a whole number, not a table [[agents]]"},
    // keys
    {with_one("teir = \"worker\""),
      "conos.toml:3:1: key 'teir': there is no such key in [[agents]], did you mean 'tier'"},
    {with_one("zzzzzzzz = 1"),
      "conos.toml:3:1: key 'zzzzzzzz': there is no such key in [[agents]]"},
    {"[base]\noficer = {}", "conos.toml:2:1: key 'oficer': there is no such key in [base], did you "
                            "mean 'officer'"},
    {"[base.officer]\nmodle = \"x\"",
      "conos.toml:2:1: key 'modle': there is no such key in [base.officer], did you mean 'model'"},
    {"[base.captain]\n", "conos.toml:1:7: key 'captain': there is no such key in [base]"},
    {"[base.officer.worker]\n", "conos.toml:1:15: key 'worker': there is no such key in "
                                "[base.officer]"},
    {with_one("budget = { usd_dai = 1 }"),
      "conos.toml:3:12: key 'budget.usd_dai': there is no such key in [[agents]], did you mean "
      "'usd_day'"},
    {with_one("budget = 3"), "conos.toml:3:1: key 'budget': is a whole number, not a table"},
    {"[contracts.sytem]\n", "conos.toml:1:12: key 'sytem': there is no such key in [contracts], "
                            "did you mean 'system'"},
    {with_one("sudo = true"), "conos.toml:3:1: key 'sudo': no agent has sudo; what it may ask for "
                              "is said by 'gate'"},
    {"[egress]\nx = 1", "conos.toml:2:1: key 'x': there is only [egress.groups]"},
    {"[egress.groups]\ncode = [\"a b\"]", "conos.toml:2:9: key 'code': 'a b' is not host"},
    {"[egress.groups]\na = [\"@b\"]\nb = []",
      "conos.toml:2:6: key 'a': '@b' is a group, and a group names hosts only"},
    {"[egress.groups]\n\"a b\" = []", "conos.toml:2:1: key 'a b': is not a plain name"},
    {"[egress.groups]\ncode = []\n" + with_one("egress = [\"@cod\"]"),
      "conos.toml:5:11: key 'egress': there is no group 'cod' in [egress.groups], did you mean "
      "'code'"},
    {with_one("egress = [\"@\"]"), "'@' is not @ and the plain name of a group"},
    {with_one("egress = [\"2130706433\"]"), "'2130706433' is not host"},
    {with_one("egress = [\"http://a.org\"]"), "'http://a.org' is not host"},
    {with_one("egress_networks = [\"10.0.0.1/8\"]"), "has bits set behind the first 8"},
    {with_one("egress_networks = [\"lan\"]"), "'lan' is not an address or a network"},
    {"[egress.groups]\n\"a\\nb\" = 1", "conos.toml:2:10: key 'a\\nb': is a whole number"},
    {"[providers]\nx = 1", "conos.toml:2:1: key 'x': is not a table [providers.NAME]"},
    {"[providers.x]\napi = \"soap\"", "conos.toml:2:7: key 'api': 'soap' is not one of anthropic"},
    {"[defaults.boss]\n", "conos.toml:1:11: key 'boss': is not a table [defaults.officer]"},
    // types
    {"[system]\nname = 3", "conos.toml:2:8: key 'name': is a whole number, not a text in quotes"},
    {"[system]\nmax_hops = \"3\"", "conos.toml:2:12: key 'max_hops': is a text, not a whole "
                                   "number"},
    {"[system]\nmax_hops = 3.0", "conos.toml:2:12: key 'max_hops': is a number with a fraction"},
    {with_one("jit = \"yes\""), "conos.toml:3:7: key 'jit': is a text, not true or false"},
    {with_one("roles = \"sysadmin\""), "conos.toml:3:9: key 'roles': is a text, not a list of "
                                       "texts"},
    {with_one("roles = [\"a\", 1]"), "conos.toml:3:15: key 'roles': holds a whole number"},
    {with_one("timeout = 30"), "conos.toml:3:11: key 'timeout': is a whole number, not a duration "
                               "in quotes, such as \"30s\""},
    {with_one("timeout = 10:00:00"), "conos.toml:3:11: key 'timeout': is a date or time"},
    {with_one("budget = { usd_day = \"1\" }"), "key 'budget.usd_day': is a text, not a number"},
    {with_one("budget = { usd_day = nan }"), "key 'budget.usd_day': is not a number from 0 on"},
    {with_one("budget = { usd_day = -1 }"), "key 'budget.usd_day': is not a number from 0 on"},
    {"[providers.x]\nprices = 3", "conos.toml:2:1: key 'prices': is a whole number, not a table"},
    // forms
    {with_one("timeout = \"soon\""), "conos.toml:3:11: key 'timeout': 'soon' is not a duration"},
    {with_one("timeout = \"0\""), "key 'timeout': '0' is not from 1.0 s to 7 d 0 h"},
    {with_one("timeout = \"8d\""), "key 'timeout': '8d' is not from 1.0 s"},
    {with_one("retry = [\"30s\", \"x\"]"), "conos.toml:3:17: key 'retry': 'x' is not a duration"},
    {with_one("attempts = 0"), "conos.toml:3:12: key 'attempts': 0 is not from 1 to 20"},
    {with_one("memory_max = \"lots\""), "key 'memory_max': 'lots' is not a size such as 512M"},
    {with_one("memory_max = \"101%\""), "key 'memory_max': '101%' is not a size"},
    {with_one("cpu_quota = \"half\""), "key 'cpu_quota': 'half' is not a percentage"},
    {with_one("tier = \"oficer\""), "conos.toml:3:8: key 'tier': 'oficer' is not one of officer, "
                                    "operator, worker, did you mean 'officer'"},
    {with_one("mode = \"cron\""), "conos.toml:3:1: key 'mode': mode cron needs the key 'cron'"},
    {with_one("mode = \"cron\"\ncron = \"0 25 * * *\""),
      "conos.toml:4:8: key 'cron': '0 25 * * *' is not a crontab time: hour '25'"},
    {with_one("cron = \"@daily\""), "conos.toml:3:1: warning: key 'cron': has no effect in mode "
                                    "on-demand"},
    {with_one("roles = [\"../x\"]"), "conos.toml:3:10: key 'roles': '../x' is not a plain name"},
    {with_one("scopes = [\"/srv/conos/agents\"]"), "reaches /srv/conos, which no agent may write"},
    {with_one("scopes = [\"/srv\"]"), "'/srv' reaches /srv/conos"},
    {with_one("scopes = [\"/\"]"), "'/' reaches /bin"},
    {with_one("scopes = [\"/etc/x\"]"), "reaches /etc"},
    {with_one("scopes = [\"/data/../etc\"]"), "has an empty, '.' or '..' part"},
    {with_one("scopes = [\"/data%h\"]"), "has a character other than"},
    {with_one("scopes = [\"/data\\nUser=root\"]"), "has a character other than"},
    {with_one("environment = [\"PATH\"]"), "key 'environment': 'PATH' is not KEY=value"},
    {with_one("environment = [\"1A=x\"]"), "'1A=x' is not KEY=value"},
    {with_one("runner = \"../x\""), "is neither the plain name of a program nor an absolute path"},
    {with_one("runner = \"cat -n\""), "'cat -n' is neither the plain name"},
    {with_one("runner_args = [\"a\\u0000b\"]"), "has a NUL character"},
    {with_one("runner_settings = \"x\""), "key 'runner_settings': 'x' is not an absolute path"},
    {with_one("scopes = [\"/opt/" + std::string(256, 'x') + "\"]"),
      "a part of more than 255 bytes"},
    {with_one("may_task = [\"@boss\"]"), "'@boss' is not *, @officer"},
    {with_one("allowed_ports = [0]"), "conos.toml:3:18: key 'allowed_ports': holds what is not a "
                                      "port"},
    {with_one("egress = [\"a:b\"]"), "'a:b' is not host, host:port"},
    {with_one("provider = \"antropic\""), "did you mean 'anthropic'"},
    {with_one("[[routes]]\nmatch = \"(\"\nto = \"one\""), "conos.toml:4:9: key 'match': '(' is not "
                                                          "a pattern: missing ): ("},
    {"[contracts]\nbrief_output = \"state.md\"", "'state.md' is not an absolute path"},
    // names
    {"[[agents]]\ntier = \"worker\"", "conos.toml:1:1: key 'name': this agent has none"},
    {"[[agents]]\nname = \"\"", "conos.toml:2:1: key 'name': '' is not of small letters"},
    {"[[agents]]\nname = \"Bob\"", "conos.toml:2:1: key 'name': 'Bob' is not of small letters"},
    {"[[agents]]\nname = \"a--b\"", "'a--b' is not of small letters"},
    {"[[agents]]\nname = \"a;reboot\"", "'a;reboot' is not of small letters"},
    {"[[agents]]\nname = \"a\\nUser=root\"", "'a\\nUser=root' is not of small letters"},
    {"[[agents]]\nname = \"abcdefghijklmnopqrstuvwxyzabcd\"", "at most 29"},
    {"[[agents]]\nname = \"healthcheck\"", "'healthcheck' is kept for a unit or tool of conos"},
    {"[[agents]]\nname = \"model-x\"", "'model-x' is kept for"},
    {with_one(k_one), "conos.toml:4:1: key 'name': 'one' is the name of the agent in line 2"},
    // references
    {"[system]\nconcierge = \"on\"\n" + with_one(""),
      "conos.toml:2:1: key 'concierge': there is no agent 'on', did you mean 'one'"},
    {with_one("may_task = [\"two\"]"), "conos.toml:3:13: key 'may_task': there is no agent 'two'"},
    {with_one("[[routes]]\nmatch = \"x\"\nto = \"two\""), "conos.toml:5:1: key 'to': there is no "
                                                          "agent 'two'"},
    {with_one("[[routes]]\nto = \"one\""), "conos.toml:3:1: key 'match': this route has none"},
    {with_one("[[routes]]\nmatch = \"x\""), "conos.toml:3:1: key 'to': this route has none"},
    // numbers that do not fit together
    {"[system]\nuid_base = 60000", "conos.toml:2:1: key 'uid_base': 60000 to 69999 is not within"},
    {"[system]\nuid_count = 40000", "conos.toml:2:1: key 'uid_base': 70000 to 109999"},
    {"[system]\nuid_count = 1\n" + with_one("[[agents]]\nname = \"two\""),
      "conos.toml:2:1: key 'uid_count': 1 are not enough for 2 agents"},
    {"[dashboard]\nenabled = true\nbind = \"0.0.0.0\"",
      "conos.toml:3:1: key 'bind': is an address of this machine's alone"},
    {"[dashboard]\nbind = \"status.example.org\"", "conos.toml:2:1: key 'bind': "
                                                   "'status.example.org' is no address"},
  };
  for (const auto& [text, complaint] : cases) {
    INFO(text);
    INFO(join(said_of(text), "\n"));
    CHECK_THAT(join(said_of(text), "\n"), Catch::Contains(complaint));
    CHECK(check(text).config.has_value() == (complaint.find("warning") != complaint.npos));
  }
}

TEST_CASE("all that is wrong is said at once, in the order of the text", "[config][check]")
{
  const auto lines = said_of(R"([system]
max_hops = "many"
[[agents]]
name = "One"
teir = "worker"
[[agents]]
name = "two"
timeout = "x"
mode = "cron"
cron = "bad"
)");
  REQUIRE(lines.size() == 5);
  CHECK_THAT(lines[0], Catch::StartsWith("conos.toml:2:12: key 'max_hops'"));
  CHECK_THAT(lines[1], Catch::StartsWith("conos.toml:4:1: key 'name'"));
  CHECK_THAT(lines[2], Catch::StartsWith("conos.toml:5:1: key 'teir'"));
  CHECK_THAT(lines[3], Catch::StartsWith("conos.toml:8:11: key 'timeout'"));
  CHECK_THAT(lines[4], Catch::StartsWith("conos.toml:10:8: key 'cron'")); // and not: mode needs it
}

TEST_CASE("what an inherited list gets wrong is said once", "[config][check]")
{
  const auto lines =
    said_of("[base]\nmay_task = [\"who\"]\n" + with_one("[[agents]]\nname=\"two\""));
  CHECK(lines.size() == 1);
}

TEST_CASE("foreign text in a complaint is one safe line", "[config][check]")
{
  const auto lines = said_of("[base]\n\"a\\n\\u001b[31mb\" = 1");
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("key 'a\\n\\x1b[31mb'"));
}

TEST_CASE("a wrong name is safe in what is said of others, too", "[config][check]")
{
  const std::string agent = "[[agents]]\nname = \"sysad\\u001b[2Jmin\"\n";
  for (const std::string other : {"", "[[routes]]\nmatch = \"x\"\nto = \"sysad[2Jmin\"\n",
         "[system]\nconcierge = \"sysad[2Jmi\"\n",
         "[providers.\"open\\u001bai\"]\n[base]\nprovider = \"openaj\"\n"}) {
    for (const auto& finding : check(other + agent).findings) {
      CHECK(finding.text.find('\x1b') == finding.text.npos);
    }
  }
}

TEST_CASE("an agent inherits from its tier, the tier from the base", "[config][resolve]")
{
  const auto config = resolved(R"(
[base]
runner = "cat"
timeout = "1m"
attempts = 5
[base.officer]
timeout = "2m"
[[agents]]
name = "concierge"
tier = "officer"
[[agents]]
name = "own"
tier = "officer"
timeout = "3m"
[[agents]]
name = "plain"
)");
  using namespace std::chrono_literals;
  REQUIRE(config.agents.size() == 3);
  CHECK(config.agents[0].timeout == 2min);
  CHECK(config.agents[0].runner == "cat");
  CHECK(config.agents[1].timeout == 3min);
  CHECK(config.agents[1].attempts == 5);
  CHECK(config.agents[2].timeout == 1min);
  CHECK(config.agents[2].tier == Tier::worker);
  CHECK(config.agents[2].mode == Mode::on_demand);
  CHECK(config.concierge == "concierge");
  CHECK(config.agents[2].at.line == 15);
}

TEST_CASE("an agent with nothing said has the documented defaults", "[config][resolve]")
{
  using namespace std::chrono_literals;
  const auto config = resolved(k_one);
  const auto& agent = config.agents.at(0);
  CHECK(agent.runner == "picoclaw");
  CHECK(agent.timeout == 30min);
  CHECK(agent.retry == std::vector<Duration>{30s, 2min, 10min});
  CHECK(agent.attempts == 3);
  CHECK(agent.memory_max.empty());
  CHECK(agent.tasks_max.empty());
  CHECK(agent.continuous_delay == 5s);
  CHECK(config.uid_base == 70000);
  CHECK(config.uid_count == 10000);
  CHECK(config.max_hops == 8);
  CHECK(config.concierge == config.agents.front().name);
}

TEST_CASE("tiers say who may task whom, may_task overrides them", "[config][resolve]")
{
  const auto config = resolved(R"(
[[agents]]
name = "boss"
tier = "officer"
[[agents]]
name = "op"
tier = "operator"
[[agents]]
name = "drudge"
[[agents]]
name = "mate"
may_task = ["drudge", "@officer"]
[[agents]]
name = "hermit"
tier = "officer"
may_task = []
[[agents]]
name = "self"
may_task = ["self", "*"]
)");
  CHECK(config.agents[0].may_task == Lines{"drudge", "hermit", "mate", "op", "self"});
  CHECK(config.agents[1].may_task == Lines{"boss", "drudge", "hermit", "mate", "self"});
  CHECK(config.agents[2].may_task.empty());
  CHECK(config.agents[3].may_task == Lines{"boss", "drudge", "hermit"});
  CHECK(config.agents[4].may_task.empty());
  CHECK(config.agents[5].may_task == Lines{"boss", "drudge", "hermit", "mate", "op"});
}

TEST_CASE("scopes are paths when they begin with a slash, else names", "[config][resolve]")
{
  const auto agent = resolved(with_one("scopes = [\"web\", \"/data/in\"]")).agents[0];
  CHECK(agent.scopes == Lines{"web"});
  CHECK(agent.writable == Lines{"/data/in"});
}

TEST_CASE("runner_settings are given to the runner once", "[config][resolve]")
{
  const auto a = resolved(with_one("runner = \"cat\"\nrunner_settings = \"/x\"")).agents[0];
  CHECK(a.runner_args == Lines{"--settings", "/x"});
  const auto b = resolved(with_one("runner = \"cat\"\nrunner_settings = \"/x\"\n"
                                   "runner_args = [\"--settings\", \"/y\"]"))
                   .agents[0];
  CHECK(b.runner_args == Lines{"--settings", "/y"});
}

TEST_CASE("the old defaults tables count where the new one is missing", "[config][resolve]")
{
  const auto old = "[defaults.worker]\nrunner = \"cat\"\n" + with_one("");
  CHECK(resolved(old).agents[0].runner == "cat");
  CHECK_THAT(join(said_of(old), "\n"), Catch::Contains("is the old name of [base.worker]"));
  CHECK(resolved("[base.worker]\nattempts = 2\n" + old).agents[0].runner == "picoclaw");
}

TEST_CASE("an empty text is as good as none", "[config][resolve]")
{
  CHECK(
    resolved("[base]\nrunner = \"cat\"\n" + with_one("runner = \"\"")).agents[0].runner == "cat");
}

TEST_CASE("where an agent may go is said by hosts, groups and the older ports", "[config][resolve]")
{
  const std::string groups = "[egress.groups]\ncode = [\"a.org\", \"*.b.org:8443\"]\n";
  const auto agent =
    resolved(groups + with_one("egress = [\"@code\", \"C.org\", \"a.org\"]\n"
                               "egress_networks = [\"10.0.0.0/8\"]\negress_max_bytes = 5"))
      .agents[0];
  Lines rules;
  for (const auto& rule : agent.egress) {
    rules.push_back(to_string(rule));
  }
  CHECK(rules == Lines{"a.org", "*.b.org:8443", "c.org"});
  CHECK(agent.egress_written == Lines{"@code", "C.org", "a.org"});
  CHECK(to_string(agent.egress_networks.at(0)) == "10.0.0.0/8");
  CHECK(agent.egress_max_bytes == 5);

  const auto older = with_one("allowed_ports = [443]");
  CHECK(to_string(resolved(older).agents[0].egress.at(0)) == "*:443");
  CHECK_THAT(join(said_of(older), "\n"), Catch::Contains("warning: key 'allowed_ports': is the old "
                                                         "form of egress; 443 lets the agent"));
  CHECK(resolved(with_one("")).agents[0].egress.empty());
  CHECK(
    resolved("[base]\negress = [\"a.org\"]\n" + with_one("egress = []")).agents[0].egress.empty());
}

TEST_CASE("a key without effect yet says so, unless it says the default", "[config][check]")
{
  CHECK(said_of("[network]\noutbound_filter = \"strict\"\n" + with_one("")).empty());
  CHECK(said_of(with_one("budget = { usd_day = 0 }")).empty());
}

TEST_CASE("a variable of the environment wins over the file", "[config][environment]")
{
  const auto file = "[system]\nname = \"file\"\n" + with_one("");
  CHECK(check(file, {{"CONOS_SYSTEM_NAME", "variable"}}).config->name == "variable");
  CHECK(check(k_one, {{"CONOS_SYSTEM_NAME", "variable"}}).config->name == "variable");
  CHECK(check(file, {{"CONOS_SYSTEM_NAME", ""}}).config->name == "file");
  CHECK(check(file, {{"system.name", "x"}, {"NAME", "x"}, {"", "x"}}).config->name == "file");

  std::vector<Finding> findings;
  const auto document = config::read_document("[infra]\nssh_authorized_keys = [\"old\"]",
    {{"CONOS_SSH_AUTHORIZED_KEYS", "ssh-ed25519 AAAA a\r\n\n  ssh-ed25519 BBBB b\n"}}, findings);
  REQUIRE(document);
  CHECK(std::get<Lines>(document->table("infra").find("ssh_authorized_keys")->value) ==
        Lines{"ssh-ed25519 AAAA a", "ssh-ed25519 BBBB b"});
}

TEST_CASE("what a variable gets wrong names it and its value", "[config][environment]")
{
  const auto wrong = check(k_one, {{"CONOS_SYSTEM_NAME", "a\xff"}});
  CHECK_FALSE(wrong.config);
  REQUIRE_FALSE(wrong.findings.empty());
  CHECK(config::line_of(wrong.findings[0], "conos.toml") ==
        "environment: variable 'CONOS_SYSTEM_NAME': 'a\\xff' is not UTF-8");

  const auto early = check(k_one, {{"CONOS_INFRA_TAILSCALE_HOSTNAME", "agents-1"}});
  CHECK(early.config);
  CHECK_THAT(config::line_of(early.findings[0], "conos.toml"),
    Catch::StartsWith("environment: warning: variable 'CONOS_INFRA_TAILSCALE_HOSTNAME': has no "
                      "effect yet: "));
}

TEST_CASE("only texts and lists of texts have a variable", "[config][environment]")
{
  Lines names;
  for (const auto& key : config::keys()) {
    if (!key.env.empty()) {
      INFO(key.env);
      CHECK((key.type == config::Type::text || key.type == config::Type::texts));
      CHECK((key.in == config::in_system || key.in == config::in_infra)); // stand in one table
      names.emplace_back(key.env);
    }
  }
  CHECK(names == Lines{"CONOS_SYSTEM_NAME", "CONOS_INFRA_TAILSCALE_HOSTNAME",
                   "CONOS_INFRA_TAILSCALE_LOGIN_SERVER", "CONOS_SSH_AUTHORIZED_KEYS"});
}

TEST_CASE("every example and every fallback is accepted in its table", "[config][keys]")
{
  for (const auto& kind : config::table_kinds()) {
    for (const auto& key : config::keys()) {
      if ((key.in & kind.in) == 0) {
        continue;
      }
      for (const auto value : {key.example, key.fallback}) {
        const auto text = sample_with(kind, key, value);
        const auto checked = check(text);
        INFO(text + "\n" + join(said_of(text), "\n"));
        CHECK((value.empty() || checked.config));
      }
    }
  }
}

TEST_CASE("a key whose fallback says little has an example", "[config][keys]")
{
  for (const auto& key : config::keys()) {
    INFO(key.name);
    const auto nothing = {"", "[]", "\"\"", "0"};
    const bool little = std::find(nothing.begin(), nothing.end(), key.fallback) != nothing.end();
    CHECK((!little || !key.example.empty()));
    CHECK(key.example != key.fallback);
  }
}

TEST_CASE("every key has a fallback of its own type", "[config][keys]")
{
  for (const auto& key : config::keys()) {
    INFO(key.name);
    CHECK_FALSE(key.help.empty());
    CHECK_FALSE(key.help.ends_with('.'));
    if (!key.fallback.empty()) {
      (void)config::fallback_of(key); // asserts
    }
    if (key.type == config::Type::integer || key.type == config::Type::duration) {
      CHECK(key.most > key.least);
    }
  }
}

TEST_CASE("the sample of the documents is valid", "[config][check]")
{
  const auto checked = check(R"(
[system]
name = "my-conspiracy"
[dashboard]
enabled = true
port = 8080
[contracts]
brief_output = "/srv/conos/context/system-state.md"
[base]
runner = "picoclaw"
provider = "anthropic"
api_key_env = "CONOS_API_KEY"
[base.officer]
model = "claude-sonnet-4-6"
[base.operator]
model = "claude-sonnet-4-6"
[[agents]]
name = "concierge"
tier = "operator"
[[agents]]
name = "researcher"
tier = "worker"
mode = "on-demand"
packages = ["curl", "jq"]
instructions = """
You are the Researcher.
"""
)");
  CHECK(checked.config);
}

TEST_CASE("random damage to a file never crashes the check", "[config][check]")
{
  const std::string good = R"([system]
max_hops = 3
[base.officer]
timeout = "2m"
budget = { usd_day = 1.5 }
[[agents]]
name = "one"
may_task = ["*"]
mode = "cron"
cron = "0 8 * * *"
[[routes]]
match = "a|b"
to = "one"
)";
  unsigned dice = 1;
  for (int i = 0; i < 3000; ++i) {
    auto text = good;
    for (int n = 0; n < 3; ++n) {
      dice = dice * 1664525U + 1013904223U;
      const auto at = (dice >> 8U) % text.size();
      dice = dice * 1664525U + 1013904223U;
      const auto what = (dice >> 8U) % 3;
      if (what == 0) {
        text.erase(at, 1 + (dice >> 24U) % 4);
      } else if (what == 1) {
        text.insert(at, 1, static_cast<char>((dice >> 16U) & 0xFFU));
      } else {
        text[at] = "[]{}\"=\n#.,'"[(dice >> 16U) % 11];
      }
    }
    const auto checked = check(text);
    CHECK((checked.config.has_value() || !checked.findings.empty()));
  }
}
