#pragma once

#include "config/config.hpp"
#include "plan/sources.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <optional>
#include <vector>

namespace conos::plan {

// What leads out of an agent's cage.
struct Doors {
  std::optional<ModelDoor> model; // what it may ask of language models
  bool has_gate = false;          // whether it may ask root for anything

  bool any() const { return model || has_gate; }
};

// The unit files and drop-ins of one agent; those it has not are there as not wanted, so that a
// change of its mode removes them. Kind::config when a template has an unknown placeholder.
Result<std::vector<File>> unit_files_of(
  const config::Agent& agent, const Sources& sources, const Doors& doors = {});

// Its units that are enabled and started: the path unit always, the timer in two modes.
std::vector<Unit> units_of(const config::Agent& agent, bool held);

} // namespace conos::plan
