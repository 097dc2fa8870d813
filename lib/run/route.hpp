#pragma once

#include "sys/error.hpp"
#include "task/site.hpp"

#include <cstddef>

namespace conos {

// Empties the outer inbox into the agents' inboxes, and transit into their claimed/. Of a file in
// the outer inbox only the name changes: its owner, which is what trust is made of, travels with
// it. What cannot be read as a task goes to the concierge, whose claim refuses it with the reason.
// Returns how many were moved. One task that cannot be moved does not stop the others: it stays,
// and the reason is returned.
Result<std::size_t> route_waiting(const Site& site);

// Puts the task of `agent`'s schedule into transit.
Result<> put_scheduled_task(const Site& site, const std::string& agent);

} // namespace conos
