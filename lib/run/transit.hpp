#pragma once

#include "sys/error.hpp"
#include "task/meta.hpp"
#include "task/site.hpp"

#include <string>
#include <string_view>

// Tasks that our own steps make for an agent: forwards, replies, the schedule's. They wait in
// /srv/conos/transit/ID (root 0700) as {task, meta.json}, the form they have in claimed/, and
// conos-route carries each there with one rename.
namespace conos {

// Puts a task into transit, whole, durably, or not at all. One that is there already is left alone:
// a step that is repeated after a crash makes the same task under the same id.
Result<> put_in_transit(const Site& site, const Meta& meta, std::string_view task);

// The meta.json of the task that follows from `parent`: one hop further, the same root, the same
// trust, the id ROOT.HOP.
Meta follow_up(const Meta& parent, TaskKind kind, const std::string& agent);

} // namespace conos
