#pragma once

#include "sys/error.hpp"
#include "sys/file.hpp"

#include <string>
#include <string_view>

// Logs that are plain files in a directory of root's: root writes, group conos reads.
namespace conos {

// To append to, and to read: root:conos 0640, made where it is not there. One that has grown to 8
// MiB is set aside as NAME.1 first, in place of an older one.
Result<UniqueFd> open_log(const UniqueFd& dir, const std::string& name);

// Appends whole lines, durably. A line that a crash cut off is ended first.
Result<> append_lines(const UniqueFd& log, std::string_view lines);

} // namespace conos
