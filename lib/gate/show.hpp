#pragma once

#include "config/gate.hpp"
#include "gate/record.hpp"
#include "sys/clock.hpp"

#include <string>
#include <vector>

// Requests for the person who decides about them. All of what they say was written by somebody who
// wants to be allowed something, and is escaped.
namespace conos::gate {

// A line each, oldest first.
std::string list_text(const std::vector<Request>& requests, Time now);

// All there is to know before one decides.
std::string show_text(
  const Request& request, const std::vector<std::string>& consequences, Time now);

// One object on a line: what is in its file.
std::string json_line(const Request& request);

// What it would do, in lines; those that begin with "! " are what to look at twice: programs that
// run as root, a tier, a gate, a network. `conos_toml` is what an agent would be added to.
std::vector<std::string> consequences_of(const Request& request, const std::string& conos_toml);

} // namespace conos::gate
