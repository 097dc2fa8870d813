#pragma once

#include "sys/clock.hpp"
#include "task/site.hpp"

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>

// How many tasks of an agent one activation may take: as many as its last one did in a second.
// Fast runners are spared the price of an activation each, slow ones get one task at a time. A
// hint in /var/lib/conos/pace/NAME; when it is lost the next activation starts from a guess.
namespace conos {

std::size_t read_pace(const Site& site, const std::string& agent);
void note_pace(const Site& site, const std::string& agent, std::size_t done, Duration spent);

// Whose task was taken when several senders had some waiting: the next one's come first now. In
// /var/lib/conos/pace/NAME.turn, a hint too.
std::optional<uid_t> read_turn(const Site& site, const std::string& agent);
void note_turn(const Site& site, const std::string& agent, uid_t sender);

// Pure: what `done` tasks in `spent` promise for the next second.
std::size_t next_pace(std::size_t done, Duration spent);

} // namespace conos
