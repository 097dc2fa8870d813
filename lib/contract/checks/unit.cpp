#include "contract/checks/look.hpp"
#include "sys/text.hpp"

#include <algorithm>

namespace conos::contract {

namespace {

// Those in memory are known from one question; systemd has to load any other first.
Result<UnitSummary> summary_of(const Look& look, const std::string& name)
{
  const auto& units = look.machine.units();
  if (!units) {
    return tl::unexpected(units.error());
  }
  if (const auto found = units->find(name); found != units->end()) {
    return found->second;
  }
  return look.machine.ask_systemd([&](const Units& bus) -> Result<UnitSummary> {
    CONOS_TRY(auto state, bus.state(name));
    return state;
  });
}

Result<std::string> file_state(const Look& look, const std::string& name)
{
  auto state = look.machine.ask_systemd([&](const Units& bus) {
    return bus.file_state(name);
  });
  if (!state && state.error().kind == Kind::not_found) {
    return "not-found";
  }
  return state;
}

Value value_of(const PropertyValue& value)
{
  return std::visit(
    [](const auto& held) {
      return Value(held);
    },
    value);
}

// Of a unit that systemd does not know each property would be its default, which says nothing.
Result<> judge_properties(const Look& look, const UnitSummary& unit, Findings& findings)
{
  for (const auto& [name, assertion] : look.check.properties) {
    if (unit.load == "not-found") {
      findings.add("there is no unit '" + escaped(unit.name, 100) + "'");
      return {};
    }
    CONOS_TRY(const auto property, look.machine.ask_systemd([&, key = name](const Units& bus) {
      return bus.property(unit.name, key);
    }));
    auto seen = value_of(property);
    if (assertion.kind == Type::duration) { // microseconds
      const auto* micros = std::get_if<std::int64_t>(&seen);
      const bool is_infinite =
        micros != nullptr && *micros == std::numeric_limits<std::int64_t>::max();
      seen = micros == nullptr || is_infinite ? seen : Value(*micros / 1000);
    }
    if (!holds(assertion, seen)) {
      findings.add(fmt::format("unit '{}': {} is {}, should be {}", escaped(unit.name, 100), name,
        shown(assertion.kind, seen), wanted(assertion)));
    }
  }
  return {};
}

} // namespace

Outcome look_at_unit(const Look& look)
{
  const auto name = look.params().text("name");
  const auto unit = summary_of(look, name);
  if (!unit) {
    return Outcome::broken(unit.error().text());
  }
  Subject subject;
  subject.name = "unit '" + escaped(name, 100) + "'";
  subject.add("load", unit->load);
  subject.add("active", unit->active);
  subject.add("sub", unit->sub);
  if (look.asks("enabled")) {
    const auto state = file_state(look, name);
    if (!state) {
      return Outcome::broken(state.error().text());
    }
    subject.add("enabled", *state);
  }
  Findings findings;
  if (const auto judged = judge_properties(look, *unit, findings); !judged) {
    return Outcome::broken(judged.error().text());
  }
  const auto outcome = judge(look, {subject});
  if (findings.empty() || outcome.verdict != Outcome::Verdict::good) {
    return outcome;
  }
  return findings.outcome();
}

} // namespace conos::contract
