#pragma once

#include "config/compiled.hpp"
#include "task/site.hpp"

#include <cstddef>
#include <string>
#include <vector>

// Standing policy: what people have laid down for all agents, a tier, a group or one agent, in
// /etc/conos/policy.
namespace conos {

constexpr std::size_t k_max_policy_file_bytes = 4096;
constexpr std::size_t k_max_policy_bytes = 16384;

struct Policy {
  std::string text;               // with its preamble; empty where there is none
  std::vector<std::string> files; // what is in it: "global.md", "tiers/worker.md"
};

// global.md, tiers/TIER.md, groups/GROUP.md (sorted), agents/NAME.md, in this order. Each is cut at
// k_max_policy_file_bytes, all of it at k_max_policy_bytes: what does not fit is left out from the
// general end, for the most specific counts most. A file that cannot be read is left out with a
// warning.
Policy read_policy(const Site& site, const AgentSettings& settings);

} // namespace conos
