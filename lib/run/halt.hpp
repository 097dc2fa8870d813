#pragma once

#include "audit/ledger.hpp"
#include "host/units.hpp"
#include "sys/error.hpp"
#include "task/hold.hpp"
#include "task/site.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

// Taking an agent out of service and back, by a person or by a contract (root).
namespace conos {

// What is asked of systemd here; a test puts something else in its place.
struct UnitSwitch {
  std::function<Result<UnitSummary>(const std::string& unit)> look;
  std::function<Result<>(const std::string& unit)> start;
  std::function<Result<>(const std::string& unit)> stop;
};

UnitSwitch switch_of(const Units& units);

enum class Halt {
  hold, // the task it works on ends in its own time
  kill, // at once: the task is tried again after a resume
};

struct HaltWish {
  std::string agent;
  Halt how = Halt::hold;
  std::string by;     // an account, for hold file and ledger
  std::string reason; // may be empty
};

// Writes the hold file, durably, then stops what could wake the agent. In this order a crash leaves
// an agent that does nothing, and sweep starts nothing that is held. Gives the hold that was there
// before: it is kept, and its units are still stopped again.
Result<std::optional<Hold>> halt_agent(
  const Site& site, const UnitSwitch& units, audit::Ledger& ledger, const HaltWish& wish);

// The same without a word in the ledger: for when there is none.
Result<std::optional<Hold>> halt_unrecorded(
  const Site& site, const UnitSwitch& units, const HaltWish& wish);

struct ResumeWish {
  std::string agent;
  std::string by;     // an account
  std::string reason; // may be empty
};

// Removes the hold file, then starts the units that ran before the hold; where nothing is known of
// those, the path unit and the timer if there is one. May be repeated. Gives the hold there was.
Result<std::optional<Hold>> resume_agent(
  const Site& site, const UnitSwitch& units, audit::Ledger& ledger, const ResumeWish& wish);

} // namespace conos
