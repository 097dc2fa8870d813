#include "run/halt.hpp"

#include "sys/clock.hpp"
#include "task/find.hpp"

#include <nlohmann/json.hpp>

namespace conos {

namespace {

using Json = nlohmann::json;

std::string path_unit(const std::string& agent)
{
  return "conos-" + agent + ".path";
}

std::string timer_unit(const std::string& agent)
{
  return "conos-" + agent + ".timer";
}

std::string service_unit(const std::string& agent)
{
  return "conos-" + agent + ".service";
}

bool runs(const UnitSummary& unit)
{
  return unit.active == "active" || unit.active == "activating" || unit.active == "reloading";
}

// Of those that could wake the agent, the ones that do.
Result<std::vector<std::string>> waking_units(const UnitSwitch& units, const std::string& agent)
{
  std::vector<std::string> waking;
  for (const auto& unit : {path_unit(agent), timer_unit(agent)}) {
    CONOS_TRY(const auto state, units.look(unit));
    if (runs(state)) {
      waking.push_back(unit);
    }
  }
  return waking;
}

Result<> stop_if_known(const UnitSwitch& units, const std::string& unit)
{
  CONOS_TRY(const auto state, units.look(unit));
  return state.load == "not-found" ? Result<>{} : units.stop(unit);
}

Result<> record(
  audit::Ledger& ledger, const std::string& type, const std::string& by, const Json& payload)
{
  audit::Row row;
  row.type = type;
  row.actor = by;
  row.payload = payload.dump(-1, ' ', true, Json::error_handler_t::replace);
  CONOS_CHECK(ledger.append({row}).map_error(during("done, and not recorded")));
  return {};
}

// What to start again.
Result<std::vector<std::string>> units_to_start(
  const std::optional<Hold>& hold, const UnitSwitch& units, const std::string& agent)
{
  // a hold by hand knows of none, and one that broke off may have known better than we
  if (hold && !hold->stopped.empty()) {
    return hold->stopped;
  }
  std::vector<std::string> names{path_unit(agent)};
  CONOS_TRY(const auto timer, units.look(timer_unit(agent)));
  if (timer.load == "loaded") {
    names.push_back(timer_unit(agent));
  }
  return names;
}

} // namespace

UnitSwitch switch_of(const Units& units)
{
  return {
    [&units](const std::string& unit) -> Result<UnitSummary> {
      return units.state(unit);
    },
    [&units](const std::string& unit) {
      return units.start(unit);
    },
    [&units](const std::string& unit) {
      return units.stop(unit);
    },
  };
}

Result<std::optional<Hold>> halt_unrecorded(
  const Site& site, const UnitSwitch& units, const HaltWish& wish)
{
  CONOS_CHECK(check_agent(site, wish.agent));
  CONOS_TRY(const auto before, read_hold(site, wish.agent));
  if (!before) {
    Hold hold;
    hold.by = wish.by;
    hold.reason = wish.reason;
    hold.since = now();
    CONOS_TRY(hold.stopped, waking_units(units, wish.agent));
    CONOS_CHECK(write_hold(site, wish.agent, hold));
  }
  CONOS_CHECK(stop_if_known(units, path_unit(wish.agent)));
  CONOS_CHECK(stop_if_known(units, timer_unit(wish.agent)));
  if (wish.how == Halt::kill) {
    CONOS_CHECK(stop_if_known(units, service_unit(wish.agent)));
  }
  return before;
}

Result<std::optional<Hold>> halt_agent(
  const Site& site, const UnitSwitch& units, audit::Ledger& ledger, const HaltWish& wish)
{
  CONOS_TRY(const auto before, halt_unrecorded(site, units, wish));
  const auto* how = wish.how == Halt::kill ? "kill" : "hold";
  CONOS_CHECK(record(ledger, "agent.halted", wish.by,
    {{"agent", wish.agent}, {"how", how}, {"reason", wish.reason}}));
  return before;
}

Result<std::optional<Hold>> resume_agent(
  const Site& site, const UnitSwitch& units, audit::Ledger& ledger, const ResumeWish& wish)
{
  CONOS_CHECK(check_agent(site, wish.agent));
  CONOS_TRY(const auto hold, read_hold(site, wish.agent));
  CONOS_TRY(const auto names, units_to_start(hold, units, wish.agent));
  // first, or the claim that the path unit starts finds it and does nothing, again and again
  CONOS_CHECK(remove_hold(site, wish.agent));
  for (const auto& unit : names) {
    CONOS_CHECK(units.start(unit));
  }
  CONOS_CHECK(record(ledger, "agent.resumed", wish.by,
    {{"agent", wish.agent}, {"reason", wish.reason}, {"held_for", hold ? hold->reason : ""}}));
  return hold;
}

} // namespace conos
