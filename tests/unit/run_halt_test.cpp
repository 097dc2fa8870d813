#include "site_tree.hpp"

#include "audit/reader.hpp"
#include "run/halt.hpp"

#include <map>

using namespace conos;

namespace {

// A systemd that remembers what it was told.
struct FakeSystemd {
  UnitSwitch units()
  {
    return {
      [this](const std::string& unit) -> Result<UnitSummary> {
        const auto found = active.find(unit);
        return found == active.end()
                 ? UnitSummary{unit, "not-found", "inactive", "dead"}
                 : UnitSummary{unit, "loaded", found->second ? "active" : "inactive", ""};
      },
      [this](const std::string& unit) -> Result<> {
        told.push_back("start " + unit);
        active[unit] = true;
        return {};
      },
      [this](const std::string& unit) -> Result<> {
        told.push_back("stop " + unit);
        active[unit] = false;
        return {};
      },
    };
  }

  std::map<std::string, bool> active{
    {"conos-sysadmin.path", true}, {"conos-sysadmin.service", true}};
  std::vector<std::string> told;
};

struct World {
  World()
      : ledger(audit::Ledger::open(tree.site.lib).value())
  {
    tree.add_agent("sysadmin");
  }

  Result<std::optional<Hold>> halt(Halt how, const std::string& agent = "sysadmin")
  {
    return halt_agent(tree.site, systemd.units(), ledger, {agent, how, "alice", "looks odd"});
  }

  Result<std::optional<Hold>> resume()
  {
    return resume_agent(tree.site, systemd.units(), ledger, {"sysadmin", "alice", "seen to"});
  }

  std::vector<std::string> rows() const
  {
    std::vector<std::string> rows;
    const auto events = audit::Reader::open(tree.site.lib + "/audit.db").value().last(100).value();
    for (const auto& event : events) {
      rows.push_back(event.type + " " + event.actor + " " + event.payload);
    }
    return rows;
  }

  SiteTree tree;
  audit::Ledger ledger;
  FakeSystemd systemd;
};

using Told = std::vector<std::string>;

} // namespace

TEST_CASE("a hold stops what wakes the agent and lets its task end", "[run][halt]")
{
  World world;

  REQUIRE(world.halt(Halt::hold));

  CHECK(is_held(world.tree.site, "sysadmin"));
  CHECK(world.systemd.told == Told{"stop conos-sysadmin.path"});
  const auto hold = read_hold(world.tree.site, "sysadmin").value().value();
  CHECK(hold.by == "alice");
  CHECK(hold.stopped == Told{"conos-sysadmin.path"});
  CHECK(world.rows() ==
        Told{R"(agent.halted alice {"agent":"sysadmin","how":"hold","reason":"looks odd"})"});
}

TEST_CASE("a kill stops the running task too", "[run][halt]")
{
  World world;
  world.systemd.active["conos-sysadmin.timer"] = true;

  REQUIRE(world.halt(Halt::kill));

  CHECK(world.systemd.told == Told{"stop conos-sysadmin.path", "stop conos-sysadmin.timer",
                                "stop conos-sysadmin.service"});
}

TEST_CASE("a resume starts what the hold stopped, and no more", "[run][halt]")
{
  World world;
  world.systemd.active["conos-sysadmin.timer"] = false; // somebody had stopped it before
  REQUIRE(world.halt(Halt::hold));
  world.systemd.told.clear();

  const auto hold = world.resume();

  REQUIRE(hold);
  CHECK((*hold)->reason == "looks odd");
  CHECK_FALSE(is_held(world.tree.site, "sysadmin"));
  CHECK(world.systemd.told == Told{"start conos-sysadmin.path"});
  CHECK(world.rows().back() ==
        R"(agent.resumed alice {"agent":"sysadmin","held_for":"looks odd","reason":"seen to"})");
}

TEST_CASE("a second hold keeps the first one's record", "[run][halt]")
{
  World world;
  REQUIRE(world.halt(Halt::hold));

  const auto before = world.halt(Halt::kill);

  REQUIRE(before);
  CHECK(*before);
  CHECK(read_hold(world.tree.site, "sysadmin").value()->stopped == Told{"conos-sysadmin.path"});
  CHECK_FALSE(world.systemd.active["conos-sysadmin.service"]);
}

TEST_CASE("a resume that broke off after the file was gone can be repeated", "[run][halt]")
{
  World world;
  world.systemd.active["conos-sysadmin.timer"] = true;
  REQUIRE(world.halt(Halt::hold));
  REQUIRE(remove_hold(world.tree.site, "sysadmin"));
  world.systemd.told.clear();

  const auto hold = world.resume();

  REQUIRE(hold);
  CHECK_FALSE(*hold);
  CHECK(world.systemd.told == Told{"start conos-sysadmin.path", "start conos-sysadmin.timer"});
}

TEST_CASE("an agent that does not exist is not held", "[run][halt]")
{
  World world;

  CHECK(world.halt(Halt::hold, "sysadmn").error().kind == Kind::not_found);
  CHECK(world.halt(Halt::hold, "../x").error().kind == Kind::not_found);
  CHECK(world.systemd.told.empty());
}

TEST_CASE("an agent stays held when systemd cannot be told", "[run][halt]")
{
  World world;
  auto units = world.systemd.units();
  units.stop = [](const std::string&) -> Result<> {
    return fail(Kind::unavailable, "no systemd");
  };

  CHECK_FALSE(
    halt_agent(world.tree.site, units, world.ledger, {"sysadmin", Halt::hold, "alice", ""}));

  CHECK(is_held(world.tree.site, "sysadmin"));
}
