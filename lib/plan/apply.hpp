#pragma once

#include "plan/diff.hpp"
#include "plan/place.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <functional>

namespace conos::plan {

// Does the plan, step by step, and calls `done` after each. Stops at the first that fails; what is
// done by then stays, and a plan made anew goes on where this one stopped. Running tasks are not
// touched: no service is stopped, and files are replaced whole.
//
// `take_in` takes in the secrets that lie open, which only whoever read the configuration can.
Result<> apply(const Place& place, const State& wanted, const Plan& plan, CanLock can_lock,
  const std::function<Result<>()>& take_in, const std::function<void(const Step&)>& done);

} // namespace conos::plan
