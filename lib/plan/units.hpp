#pragma once

#include "config/config.hpp"
#include "plan/sources.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <optional>
#include <vector>

namespace conos::plan {

// The ways out of an agent's cage; one it has not is nothing.
struct Doors {
  std::optional<ModelDoor> model;
  std::optional<EgressDoor> egress;

  bool has_any() const { return model || egress; }
};

// The unit files and drop-ins of one agent; those it has not are there as not wanted, so that a
// change of its mode removes them. Kind::config when a template has an unknown placeholder.
Result<std::vector<File>> unit_files_of(
  const config::Agent& agent, const Sources& sources, const Doors& doors = {});

// Its units that are enabled and started: the path unit always, the timer in two modes.
std::vector<Unit> units_of(const config::Agent& agent, bool held);

} // namespace conos::plan
