#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "task/envelope.hpp"

#include <cstddef>
#include <string>
#include <string_view>

// Handing in a task, as a person or a program does it.
namespace conos {

// Of the whole file, header and all. An inbox may have a smaller limit of its own.
constexpr std::size_t k_max_task_bytes = 1048576;

// The text of a task file that says `envelope`. Kind::bad_data when its body is empty, when it is
// not UTF-8 or larger than k_max_task_bytes, or when a value could not be read back from the
// header as it is.
Result<std::string> task_file_text(const Envelope& envelope);

// Makes an id and puts ID.task into the directory `inbox`, whole and durably; gives the id. Needs
// the right to create there, none to list or read. Kind::denied where that right is missing.
Result<std::string> submit_task(const std::string& inbox, const Envelope& envelope);

// A time as people write it: RFC 3339, or a duration from `now` on.
Result<Time> parse_when(std::string_view text, Time now);

} // namespace conos
