#pragma once

#include "config/config.hpp"
#include "sys/error.hpp"

#include <string>
#include <vector>

namespace conos::plan {

// What an agent is told: base, its groups, its roles, its scopes, its own file, and what conos.toml
// says. Each layer is the AGENTS.md of its directory below `etc`, trimmed, and left out where there
// is none; between two of them stands "---". A layer that is no regular file, not UTF-8 or too
// large is an error, for an agent with half its instructions is worse than none.
//
// A group, role or scope that is named and has no directory adds a line to `warnings`.
Result<std::string> assemble_instructions(
  const std::string& etc, const config::Agent& agent, std::vector<std::string>& warnings);

constexpr std::size_t k_max_instructions_bytes = 256U << 10U; // of all layers

} // namespace conos::plan
