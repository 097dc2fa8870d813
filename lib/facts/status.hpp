#pragma once

#include "facts/facts.hpp"

#include <cstdint>
#include <string>

// Facts in words, for a person.
namespace conos {

// The whole of `conos status`.
std::string status_text(const Facts& facts);

// "3.1 of 8.0 GiB available, 39 %"; "unknown" when a number is missing.
std::string memory_text(const Capacity& capacity);
std::string disk_text(const Capacity& capacity);

// "0.31 0.74 0.46 on 2 processors"
std::string load_text(const Capacity& capacity);

// "answered 2 min 5 s ago"; "-" when nothing is known.
std::string last_text(const AgentFacts& agent, Time now);

// "21:30:05  task.failed  sysadmin  fix-disk  runner-exit"
std::string happening_text(const Happening& happening);

} // namespace conos
