#pragma once

#include "contract/evaluate.hpp"
#include "health/state.hpp"
#include "sys/error.hpp"
#include "task/site.hpp"

#include <string>
#include <vector>

// A run of the healthcheck: look, compare with the last time, act, record.
namespace conos::health {

enum class Scope {
  all,       // every contract but protocols
  scheduled, // those tagged schedule, and once an hour those tagged hourly
};

struct Wish {
  Scope scope = Scope::all;
  std::string actor; // an account, or root/conos-healthcheck
};

struct Outcome {
  contract::Report report;
  Step step;
  std::vector<std::string> done;    // what followed, in words
  std::vector<std::string> trouble; // what could not be done or recorded: the run went on
};

// One at a time; another run is waited for. What it keeps may be damaged: it then says so, and
// begins anew. Kind::not_found when the machine has no contracts, Kind::config when conos-bootstrap
// has not been here.
Result<Outcome> healthcheck(const Site& site, const Wish& wish);

// The contracts of this machine as they are now, with exemptions that can be read; nothing is acted
// on or recorded.
Result<contract::Report> look(const Site& site);

// Exemptions that hold now.
Result<std::vector<contract::Exemption>> exemptions_of(const Site& site);

// What the last run left; an empty state when there was none.
Result<State> load_state(const Site& site);

// system-state.md as it would be written now.
Result<std::string> brief(const Site& site);

} // namespace conos::health
