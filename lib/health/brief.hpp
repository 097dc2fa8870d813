#pragma once

#include "contract/evaluate.hpp"
#include "facts/facts.hpp"
#include "health/state.hpp"

#include <string>
#include <vector>

// The machine's state in words, for agents: system-state.md and `conos brief`.
namespace conos::health {

// What changed first, then what is not as it should be, room, agents, waiting work. The same state
// gives the same text: no time of writing stands in it, and what goes up and down all the time is
// rounded.
std::string brief_text(
  const State& state, const std::vector<contract::Exemption>& exemptions, const Facts& facts);

} // namespace conos::health
