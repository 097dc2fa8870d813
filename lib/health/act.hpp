#pragma once

#include "audit/ledger.hpp"
#include "health/state.hpp"
#include "run/halt.hpp"
#include "sys/error.hpp"
#include "task/site.hpp"

#include <string>
#include <vector>

// What follows from a finding.
namespace conos::health {

// What it is done with, and what was done.
struct Means {
  const Site& site;
  const UnitSwitch& units;
  audit::Ledger* ledger; // none where it cannot be opened: agents are halted all the same
};

struct Deeds {
  std::vector<std::string> done;    // in words: "halted concierge"
  std::vector<std::string> trouble; // what could not be done, and why
};

// Carries out what on_fail asks for of a finding that was opened: agents are halted, a unit
// started. alert, warn and fail ask for nothing but to be recorded, escalate for a task
// (escalation.hpp), require_exemption for somebody's word. One deed that fails does not stop the
// others.
Deeds act_on(const Change& change, const Means& means);

// The agents a contract is about: of its scope, or those `affects` names.
std::vector<std::string> agents_of(const Change& change, const std::vector<std::string>& all);

} // namespace conos::health
