#include "plan_model.hpp"
#include "plan_sample.hpp"

#include "plan/record.hpp"
#include "plan/show.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

using namespace conos;
using namespace conos::plan;

namespace {

std::string outline(const Plan& plan)
{
  std::string text;
  for (const auto& step : plan.steps) {
    text += title_of(step) + "\n";
    for (const auto& change : step.changes) {
      text += fmt::format("  {}: {}{}\n", change.subject, change.what,
        change.why.empty() ? "" : "  (" + change.why + ")");
    }
  }
  return text;
}

std::string planned(const State& wanted, const Seen& seen, CanLock can_lock = CanLock::yes)
{
  return outline(diff(wanted, seen, can_lock));
}

std::size_t index_of(const State& state, std::string_view path)
{
  const auto found = std::find_if(state.files.begin(), state.files.end(), [&](const File& file) {
    return file.path == path;
  });
  REQUIRE(found != state.files.end());
  return static_cast<std::size_t>(found - state.files.begin());
}

std::size_t directory_of(const State& state, std::string_view path)
{
  const auto found =
    std::find_if(state.directories.begin(), state.directories.end(), [&](const Directory& d) {
      return d.path == path;
    });
  REQUIRE(found != state.directories.end());
  return static_cast<std::size_t>(found - state.directories.begin());
}

std::size_t unit_of(const State& state, std::string_view name)
{
  const auto found = std::find_if(state.units.begin(), state.units.end(), [&](const Unit& unit) {
    return unit.name == name;
  });
  REQUIRE(found != state.units.end());
  return static_cast<std::size_t>(found - state.units.begin());
}

// A valid configuration, another for each seed.
std::string random_config(unsigned seed)
{
  std::mt19937 dice(seed);
  const auto roll = [&](int most) {
    return std::uniform_int_distribution<int>(0, most)(dice);
  };
  const int count = roll(6);
  std::string text = roll(1) != 0 ? "[base]\ntimeout = \"5m\"\nrunner = \"cat\"\n" : "";
  text += roll(1) != 0 ? "[base.worker]\nmemory_max = \"1G\"\n" : "";
  for (int i = 0; i < count; ++i) {
    constexpr const char* k_tiers[] = {"officer", "operator", "worker"};
    constexpr const char* k_modes[] = {"on-demand", "continuous", "cron"};
    const int mode = roll(2);
    text += fmt::format("[[agents]]\nname = \"agent-{}\"\ntier = \"{}\"\nmode = \"{}\"\n", i,
      k_tiers[roll(2)], k_modes[mode]);
    text += mode == 2 ? fmt::format("cron = \"{} {} {} * {}\"\n", roll(59), roll(23),
                          roll(1) != 0 ? "*" : "13", roll(1) != 0 ? "*" : "5")
                      : "";
    text +=
      roll(2) == 0 ? fmt::format("may_task = [\"agent-{}\", \"@worker\"]\n", roll(count - 1)) : "";
    text += roll(2) == 0 ? "jit = true\ncpu_quota = \"20%\"\n" : "";
  }
  return text;
}

} // namespace

TEST_CASE("a machine that is as wanted has nothing to do", "[plan][diff]")
{
  const auto state = state_of(k_three);
  const auto plan = diff(state, seen_of(state), CanLock::yes);
  CHECK(outline(plan).empty());
  CHECK(plan.warnings.empty());
}

TEST_CASE("an empty machine gets everything, in an order that works", "[plan][diff]")
{
  const auto state = state_of(k_three);
  const auto plan = diff(state, empty_machine(state), CanLock::yes);

  std::vector<Act> acts;
  for (const auto& step : plan.steps) {
    acts.push_back(step.act);
  }
  CHECK(
    acts == std::vector<Act>{Act::tables, Act::accounts, Act::directories, Act::files, Act::files,
              Act::files, Act::files, Act::links, Act::enable, Act::firewall, Act::sysctls,
              Act::start, Act::record}); // and no reload: systemd has none of the units in memory
}

TEST_CASE("random configurations: what was applied needs nothing more", "[plan][diff]")
{
  for (unsigned seed = 0; seed < 300; ++seed) {
    const auto text = random_config(seed);
    INFO(text);
    const auto state = state_of(text);

    CHECK(planned(state, seen_of(state)).empty());
    CHECK_FALSE(planned(state, empty_machine(state)).empty());
  }
}

TEST_CASE("random configurations: a plan makes of one machine the other", "[plan][diff]")
{
  for (unsigned seed = 0; seed < 250; ++seed) {
    const auto a = random_config(seed);
    const auto b = random_config(seed + 1000);
    INFO(a << "---\n" << b);
    const auto first = state_of(a);
    const auto second = state_after(first, b);
    auto seen = observed(first, second);

    carry_out(diff(second, seen, CanLock::yes), second, seen);

    // what was asked for is there
    CHECK(planned(second, seen).empty());
    // and what was removed is not
    for (std::size_t i = 0; i < second.files.size(); ++i) {
      CHECK((second.files[i].wanted || !seen.files[i].exists));
    }
    // beside uids it is what a machine would be where the first one never was
    const auto alone = state_of(b);
    REQUIRE(alone.directories.size() == second.directories.size());
    for (std::size_t i = 0; i < alone.directories.size(); ++i) {
      CHECK(alone.directories[i].path == second.directories[i].path);
      CHECK(alone.directories[i].acl == second.directories[i].acl);
    }
  }
}

TEST_CASE("random configurations: a plan cut off anywhere is made up for", "[plan][diff]")
{
  for (unsigned seed = 0; seed < 40; ++seed) {
    const auto first = state_of(random_config(seed));
    const auto second = state_after(first, random_config(seed + 2000));
    const auto plan = diff(second, observed(first, second), CanLock::yes);
    for (std::size_t steps = 0; steps < plan.steps.size(); ++steps) {
      auto seen = observed(first, second);
      auto cut = plan;
      cut.steps.resize(steps);
      carry_out(cut, second, seen);

      carry_out(diff(second, seen, CanLock::yes), second, seen);

      CHECK(planned(second, seen).empty());
    }
  }
}

TEST_CASE("random configurations: uids of a second run are those of the first", "[plan][diff]")
{
  for (unsigned seed = 0; seed < 100; ++seed) {
    const auto first = state_of(random_config(seed));
    const auto config = config_of(random_config(seed + 1));
    auto sources = sources_for(config);
    sources.accounts = seen_of(first).accounts;
    sources.record = record_from_json(*first.applied.content).value();

    const auto second = desired(config, sources);

    REQUIRE(second);
    for (const auto& account : second->accounts) {
      const auto before =
        std::find_if(first.accounts.begin(), first.accounts.end(), [&](const Account& other) {
          return other.name == account.name;
        });
      if (before != first.accounts.end()) {
        CHECK(before->uid == account.uid);
      } else {
        CHECK(std::none_of(first.accounts.begin(), first.accounts.end(), [&](const Account& other) {
          return other.uid == account.uid;
        }));
      }
    }
  }
}

TEST_CASE("each difference of a directory is named", "[plan][diff]")
{
  const auto state = state_of(k_three);
  auto seen = seen_of(state);
  auto& inbox = seen.directories[directory_of(state, "/srv/conos/agents/writer/inbox")];
  inbox.mode = 01770;
  inbox.owner = "a-writer";
  inbox.acl.push_back("u:a-writer:rwx");
  auto& outbox = seen.directories[directory_of(state, "/srv/conos/agents/writer/outbox")];
  outbox.default_acl.clear();
  auto& held = seen.directories[directory_of(state, "/srv/conos/agents/writer/held")];
  held.is_directory = false;

  const auto text = planned(state, seen);

  CHECK_THAT(text, Catch::Contains("writer/inbox: mode 1770 to 1730, owner a-writer to root, ACL "
                                   "-u:a-writer:rwx  (conos.toml:10)"));
  CHECK_THAT(text, Catch::Contains("writer/outbox: default ACL +g::r-x"));
  CHECK_THAT(text, Catch::Contains("writer/held: is not a directory"));
}

TEST_CASE("a right that is not configured any more is taken away", "[plan][diff]")
{
  const auto before = seen_of(state_of(k_three));
  const auto state =
    state_of(std::string(k_three) + "may_task = []\n[base.operator]\nmay_task = []\n");

  const auto text = planned(state, before);

  CHECK_THAT(text, Catch::Contains("writer/inbox: ACL -u:a-concierge:-wx"));
}

TEST_CASE("a file is written when anything of it differs", "[plan][diff]")
{
  const auto state = state_of(k_three);
  const auto at = index_of(state, "/etc/systemd/system/conos-writer.service");
  const auto what = [&](const auto& change, CanLock can_lock = CanLock::yes) {
    auto seen = seen_of(state);
    change(seen.files[at]);
    return planned(state, seen, can_lock);
  };
  using F = SeenFile;

  CHECK_THAT(what([](F& f) {
    f.content += "x";
  }),
    Catch::Contains("conos-writer.service: content"));
  CHECK_THAT(what([](F& f) {
    f.content += "x";
  }),
    Catch::Contains("reload\n"));
  CHECK_THAT(what([](F& f) {
    f.mode = 0666;
  }),
    Catch::Contains("mode 0666 to 0644"));
  CHECK_THAT(what([](F& f) {
    f.owner = "a-x";
  }),
    Catch::Contains("owner a-x to root"));
  CHECK_THAT(what([](F& f) {
    f.is_file = false;
  }),
    Catch::Contains("is not a plain file"));
  CHECK_THAT(what([](F& f) {
    f = {};
  }),
    Catch::Contains("conos-writer.service: new"));
  CHECK_THAT(what([](F& f) {
    f.immutable = Immutable::no;
  }),
    Catch::Contains("make immutable"));
  CHECK(what(
    [](F& f) {
      f.immutable = Immutable::no;
    },
    CanLock::no)
          .empty());
  CHECK(what([](F& f) {
    f.immutable = Immutable::unsupported;
  }).empty());
}

TEST_CASE("where the flag cannot be set, that is said", "[plan][diff]")
{
  const auto state = state_of(k_three);
  CHECK(diff(state, seen_of(state), CanLock::no).warnings.size() == 1);
}

TEST_CASE("a unit the administrator masked is left alone", "[plan][diff]")
{
  const auto state = state_of(k_three);
  auto seen = seen_of(state);
  auto& file = seen.files[index_of(state, "/etc/systemd/system/conos-writer.path")];
  file = {};
  file.exists = true;
  file.is_masked = true;
  seen.units[unit_of(state, "conos-writer.path")] = {false, false};

  const auto plan = diff(state, seen, CanLock::yes);

  CHECK(outline(plan).empty());
  REQUIRE(plan.warnings.size() == 1);
  CHECK_THAT(plan.warnings[0], Catch::Contains("masked by the administrator"));
}

TEST_CASE("an agent that is held is not started", "[plan][diff]")
{
  const auto config = config_of(k_three);
  auto sources = sources_for(config);
  sources.held = {"writer"};
  const auto state = desired(config, sources).value();
  auto seen = seen_of(state);
  seen.units[unit_of(state, "conos-writer.path")] = {true, false};

  CHECK(planned(state, seen).empty());
}

TEST_CASE("another mode takes the timer away before its file", "[plan][diff]")
{
  const auto before = state_of("[[agents]]\nname = \"one\"\nmode = \"continuous\"\n");
  const auto after = state_of("[[agents]]\nname = \"one\"\n");

  const auto plan = diff(after, seen_of(before), CanLock::yes);

  REQUIRE(plan.steps.size() >= 3);
  CHECK(plan.steps[0].act == Act::stop);
  CHECK(plan.steps[0].changes[0].what == "stop, disable");
  CHECK(plan.steps[1].act == Act::files);
  CHECK_THAT(outline(plan), Catch::Contains("conos-one.timer: remove"));
  CHECK_THAT(outline(plan), Catch::Contains("reload\n"));
}

TEST_CASE("another tier moves the user from one group to the other", "[plan][diff]")
{
  const auto before = state_of("[[agents]]\nname = \"one\"\ntier = \"officer\"\n");
  const auto after = state_of("[[agents]]\nname = \"one\"\n");

  const auto text = planned(after, seen_of(before));

  CHECK_THAT(text, Catch::Contains("accounts\n  a-one: joins workers"));
  CHECK_THAT(text, Catch::Contains("leave groups\n  a-one: officers"));
}

TEST_CASE("systemd reads again what it has in memory, and only then", "[plan][diff]")
{
  const auto before = state_of("[[agents]]\nname = \"one\"\n");
  const auto grown = state_of("[[agents]]\nname = \"one\"\n[[agents]]\nname = \"two\"\n");
  auto seen = empty_machine(grown);
  seen.loaded = seen_of(before).loaded;
  CHECK_THAT(planned(grown, seen), Catch::Contains("reload\n")); // its file is gone, it is not

  const auto narrower = state_of("[[agents]]\nname = \"one\"\ncpu_quota = \"10%\"\n");
  CHECK_THAT(planned(narrower, seen_of(before)), Catch::Contains("reload\n"));
}

TEST_CASE("a reload that was cut off is made up for", "[plan][diff]")
{
  const auto state = state_of(k_three);
  auto seen = seen_of(state);
  seen.reload_pending = true;
  CHECK_THAT(planned(state, seen), Catch::StartsWith("reload\n"));
}

TEST_CASE("a directory the agent made in place of the link stays", "[plan][diff]")
{
  const auto state = state_of(k_three);
  auto seen = seen_of(state);
  seen.links[0] = {true, "", true};
  seen.links[1] = {true, "/etc/shadow", false};
  const auto plan = diff(state, seen, CanLock::yes);
  CHECK(plan.warnings.size() == 1);
  CHECK_THAT(outline(plan), Catch::Contains("/home/a-strategist/AGENTS.md: points elsewhere"));
}

TEST_CASE("a plan as JSON is one document", "[plan][show]")
{
  const auto state = state_of(k_three);
  const auto json = json_of(diff(state, empty_machine(state), CanLock::yes));
  CHECK_THAT(
    json, Catch::StartsWith("{\"steps\":[{\"act\":\"tables\",\"agent\":\"\",\"changes\":["));
  CHECK(std::count(json.begin(), json.end(), '\n') == 1);
}

TEST_CASE("the plan shows of a changed file the lines that differ", "[plan][show]")
{
  const auto state = state_of(k_three);
  auto seen = seen_of(state);
  auto& file = seen.files[index_of(state, "/etc/systemd/system/conos-writer.service")];
  file.content.replace(file.content.find("User=a-writer"), 13, "User=root");
  const auto text = text_of(diff(state, seen, CanLock::yes), state, seen);
  REQUIRE(text);
  CHECK_THAT(*text, Catch::Contains("    -User=root\n    +User=a-writer\n"));
  CHECK_THAT(*text, Catch::Contains("(conos.toml:10)"));
}

TEST_CASE("what differs where the same was wanted before is drift", "[plan][diff]")
{
  const auto config = config_of(k_three);
  auto sources = sources_for(config);
  const auto first = desired(config, sources).value();
  sources.record = record_from_json(*first.applied.content).value();
  const auto state = desired(config, sources).value();
  CHECK(state.settled.size() == 4);

  auto seen = seen_of(state);
  seen.directories[directory_of(state, "/srv/conos/agents/writer/outbox")].mode = 0777;
  const auto plan = diff(state, seen, CanLock::yes);
  REQUIRE(plan.steps.size() == 2);
  CHECK(plan.steps[0].changes[0].drift);

  const auto other = config_of(std::string(k_three) + "timeout = \"1m\"\n");
  const auto changed = desired(other, sources).value();
  CHECK_FALSE(changed.settled.contains("writer"));
  CHECK(changed.settled.contains("concierge"));
}

TEST_CASE("what somebody wrote into a file of ours is kept", "[plan][diff]")
{
  const auto config = config_of(k_three);
  auto sources = sources_for(config);
  sources.record = record_from_json(*desired(config, sources).value().applied.content).value();
  const auto state = desired(config, sources).value();
  auto seen = seen_of(state);
  const auto at = index_of(state, "/etc/systemd/system/conos-writer.service");
  seen.files[at].content += "User=root\n";
  const auto mine = diff(state, seen, CanLock::yes).steps[0].changes[0];
  CHECK(mine.save);
  CHECK(mine.before_sha256.size() == 64);
  CHECK_THAT(
    mine.what, Catch::Contains("kept as /etc/systemd/system/conos-writer.service.conos-save"));

  // an earlier version of ours is not
  const auto narrower = config_of(std::string(k_three) + "timeout = \"1m\"\n");
  const auto next = desired(narrower, sources).value();
  CHECK_FALSE(diff(next, seen_of(state), CanLock::yes).steps[0].changes[0].save);
}

TEST_CASE("a kernel parameter that only the host can set is said, not tried", "[plan][diff]")
{
  const auto state = state_of(k_three);
  auto seen = seen_of(state);
  seen.sysctls[0] = {1, false};
  seen.sysctls[1] = {0, true};
  seen.sysctls[2] = {100000, true};
  const auto plan = diff(state, seen, CanLock::yes);
  CHECK_THAT(outline(plan), Catch::StartsWith("kernel parameters\n  fs.protected_fifos: 0 to 1\n"));
  REQUIRE(plan.warnings.size() == 1);
  CHECK_THAT(plan.warnings[0], Catch::Contains("only the host"));
}

TEST_CASE("a firewall with other rules in it is made anew", "[plan][diff]")
{
  const auto state = state_of(k_three);
  auto seen = seen_of(state);
  seen.firewall->replace(seen.firewall->find("drop"), 4, "accept");
  CHECK_THAT(planned(state, seen), Catch::StartsWith("firewall\n  table inet conos: rules\n"));
  seen.firewall.reset();
  CHECK(planned(state, seen).empty());
}

TEST_CASE("the state and the report are documents", "[plan][show]")
{
  const auto state = state_of(k_three);
  const auto yaml = yaml_of(state);
  CHECK_THAT(yaml, Catch::Contains("name: \"a-writer\""));
  CHECK_THAT(yaml, Catch::Contains("mode: \"0750\""));
  CHECK_THAT(json_of(state), Catch::Contains("\"firewall\":\"table inet conos"));
  auto seen = seen_of(state);
  CHECK_THAT(report_of(diff(state, seen, CanLock::yes), state),
    Catch::EndsWith("all is as conos.toml says\n"));
  seen.directories[0].mode = 0777;
  const auto report = report_of(diff(state, seen, CanLock::yes), state);
  CHECK_THAT(report, Catch::Contains("not as they should be: 1\n"));
  CHECK_THAT(report, Catch::Contains("1 finding;"));
}

TEST_CASE("a repair the ledger does not know of is something to do", "[plan][diff]")
{
  const auto state = state_of(k_three);
  auto seen = seen_of(state);
  seen.repairs_pending = true;

  const auto plan = diff(state, seen, CanLock::yes);

  REQUIRE(plan.steps.size() == 1);
  CHECK(plan.steps[0].act == Act::record);
  CHECK(plan.steps[0].changes[0].what == k_unsaid);
}
