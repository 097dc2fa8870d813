#pragma once

#include "sys/error.hpp"
#include "task/site.hpp"

#include <cstddef>
#include <string>

namespace conos {

// Removes the sessions an agent's program keeps in workspace/sessions, and says how many there
// were. Conversations stay: they are conos's own. The directory is the agent's to plant things in,
// so nothing is followed and only files named *.json go. None where there is no such directory.
Result<std::size_t> clear_sessions(const Site& site, const std::string& agent);

} // namespace conos
