#pragma once

#include "sys/error.hpp"
#include "task/site.hpp"

#include <string>

namespace conos {

// The first step of an activation (root): takes what waits for `agent` from inbox/ to claimed/,
// writes who asked, how far that can be trusted, and the prompt, counts the attempt, and leaves a
// batch for work. Finishes first what an earlier activation decided and did not get done, and holds
// what an earlier one died over. Nothing to do, or an agent on hold, is success.
//
// `invocation` is the unit's $INVOCATION_ID; empty: run by hand, a new one is made.
Result<> claim(const Site& site, const std::string& agent, const std::string& invocation);

} // namespace conos
