#pragma once

#include "config/config.hpp"
#include "plan/sources.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

namespace conos::plan {

// The machine as this configuration wants it. Pure: the same configuration and sources give the
// same state, to the byte. Kind::config when a uid cannot be given or a template is not one.
Result<State> desired(const config::Config& config, const Sources& sources);

} // namespace conos::plan
