#pragma once

#include "plan/place.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

namespace conos::plan {

// Looks at everything `state` speaks of, and at nothing else. Changes nothing.
Result<Seen> observe(const Place& place, const State& state);

} // namespace conos::plan
