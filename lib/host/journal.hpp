#pragma once

#include "sys/error.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

// The journal as a place where something is kept: journald(8) writes down who sent a line.
namespace conos {

// Names in capitals, as systemd.journal-fields(7) wants them.
using JournalFields = std::vector<std::pair<std::string, std::string>>;

// A line with these fields beside `message`. That journald has it on disk is not waited for.
Result<> journal_send(const std::string& message, const JournalFields& fields);

// The value of `field` in the last `count` lines that have all of `match` and were sent by our own
// uid, the newest last. No journal has no lines.
Result<std::vector<std::string>> journal_values(
  const std::string& field, const JournalFields& match, std::size_t count);

} // namespace conos
