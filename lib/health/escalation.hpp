#pragma once

#include "health/state.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "task/site.hpp"

#include <string>
#include <vector>

// Findings that an agent is told of: one task for a run, whatever its number.
namespace conos::health {

constexpr std::size_t k_most_in_a_digest = 50;
constexpr std::size_t k_most_digests = 5; // that wait for the agent; beyond, none is added

struct Digest {
  std::vector<Finding> bad;    // opened, changed or still there after a day
  std::vector<Finding> healed; // of which the agent had been told
  bool empty() const { return bad.empty() && healed.empty(); }
};

// Of the findings in `state` those whose on_fail says escalate (an invalid file is one) and that
// are due, and those that have healed. Marks them as told in it: keep it when they were.
Digest digest_of(const contract::Loaded& loaded, State& state, Time now);

// The task's text: the contracts' own words, and nothing that was seen on the machine, which
// anybody may have put there. The agent takes them for root's.
std::string text_of(const Digest& digest);

// Puts it into transit for the agent, as root's. False when too many wait already: nothing was put
// there.
Result<bool> send(
  const Site& site, const std::string& agent, const Digest& digest, const std::string& evaluation);

} // namespace conos::health
