#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "task/site.hpp"

#include <optional>
#include <string>
#include <vector>

// An agent on hold: /var/lib/conos/hold/NAME. While the file is there, claim takes nothing and
// nothing starts the agent's units. It outlives a reboot. Root only.
namespace conos {

struct Hold {
  std::string by; // who asked; empty when unknown
  std::string reason;
  std::optional<Time> since;
  std::vector<std::string> stopped; // units that ran then: what a resume starts again
};

// The file alone counts, whatever is in it: `touch` makes a hold too.
bool is_held(const Site& site, const std::string& agent);

// None when the agent is not held. A file that is not one of ours is a hold whose reason is its
// text.
Result<std::optional<Hold>> read_hold(const Site& site, const std::string& agent);

// Durably; an older hold is replaced.
Result<> write_hold(const Site& site, const std::string& agent, const Hold& hold);

// Durably; absent is success.
Result<> remove_hold(const Site& site, const std::string& agent);

} // namespace conos
