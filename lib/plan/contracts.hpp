#pragma once

#include "config/config.hpp"
#include "plan/sources.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <vector>

// The contracts that come with conos, made of templates and of what the machine is to be: they
// check its files, rights and units one by one.
//
// In a template @NAME@ stands for a value, and a line "#@ each THING" begins lines that are
// repeated for each of them, "#@ if THING" lines that are there only then; "#@ end" ends either.
// Things are agent, pair (two agents), directory, file, unit, sysctl; and lock (the immutable flag
// can be set), whole (no sidecar), sudo, sysctls (they can be set), sysadmin (an agent has that
// role).
namespace conos::plan {

inline const std::string k_contracts = "/srv/conos/contracts";

// One file for each template, but for those an administrator has one of his own of the same name
// in /etc/conos/contracts. Kind::config when a template is none.
Result<std::vector<File>> contract_files_of(
  const State& state, const config::Config& config, const Sources& sources);

// The agent whose work the machine is: it has the role sysadmin, or is called so. Nothing when
// there is none.
const config::Agent* sysadmin_of(const config::Config& config);

} // namespace conos::plan
