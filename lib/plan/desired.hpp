#pragma once

#include "config/config.hpp"
#include "plan/sources.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <string>

namespace conos::plan {

// What an administrator decides beside conos.toml.
struct Wish {
  bool sidecar = false;     // on a machine of others: see State
  bool prune = false;       // take away agents that are no longer configured
  std::string archive = ""; // see State
};

// The machine as this configuration wants it. Pure: the same configuration and sources give the
// same state, to the byte. Kind::config when a uid cannot be given or a template is not one.
Result<State> desired(const config::Config& config, const Sources& sources, const Wish& wish = {});

} // namespace conos::plan
