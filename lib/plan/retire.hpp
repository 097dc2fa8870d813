#pragma once

#include "config/config.hpp"
#include "host/accounts.hpp"
#include "plan/diff.hpp"
#include "plan/place.hpp"
#include "plan/record.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <string>
#include <vector>

// Agents that were configured once and are no longer: what is left of them, and taking it away.
namespace conos::plan {

// Of every agent on record that is not in the configuration, what is still there; an agent of whom
// nothing is left is not named.
Result<std::vector<Retired>> find_retired(
  const Place& place, const config::Config& config, const Record& record, const Accounts& accounts);

// Its step of a plan. `archive` is the directory its data goes to, empty when it is thrown away.
Step retire_step(const Retired& retired, const std::string& archive);

// The first half: stops and disables the units, archives the trees. Killed anywhere, it can be done
// again. Returns the path of the archive, empty when there is none.
Result<std::string> put_away(
  const Place& place, const Retired& retired, const std::string& archive);

// The second half: removes the trees, the files and the user, in this order. Killed anywhere, both
// halves can be done again: what is left is archived a second time, and nothing is removed that
// was not.
Result<> take_away(const Place& place, const Retired& retired);

} // namespace conos::plan
