#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <string>
#include <string_view>

namespace conos {

// "20261120T213000.123456Z-1f2e3d4c": sorts by time, cannot be guessed.
Result<std::string> new_task_id(Time time);

// [A-Za-z0-9._-]{1,128}, not beginning with a dot or a hyphen: a stem that may be an id as it is.
bool is_task_id(std::string_view stem);

// The stem of "X.task"; empty when the name has no such end or nothing before it.
std::string_view task_stem(std::string_view file_name);

} // namespace conos
