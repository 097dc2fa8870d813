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
// a step that is repeated after a crash makes the same task again. Where another has its id it gets
// its other_id.
Result<> put_in_transit(const Site& site, Meta meta, std::string_view task);

// Removes what makers that died left half made. One that lives is waited for by the next call.
Result<> clear_transit(const Site& site);

// The meta.json of the task that follows from an ended one: one hop further, the same root, the
// same trust, the id ROOT.HOP. Whoever makes it again makes the same.
Meta follow_up(const Receipt& parent, TaskKind kind, const std::string& agent);

// Whether both tell of one task, made of the same parent by the same agent at the same moment. The
// id does not say that: roots are file names that senders choose, and each agent has its own.
bool is_same_task(const Meta& a, const Meta& b);

// "ROOT.HOP-" and 8 hex digits: always the same for the same task, hardly ever for another.
std::string other_id(const Meta& meta);

} // namespace conos
