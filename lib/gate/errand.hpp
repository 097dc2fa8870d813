#pragma once

#include "gate/record.hpp"
#include "sys/error.hpp"
#include "task/site.hpp"

#include <string>

namespace conos::gate {

// The task an agent is working on, as claim wrote it down; where several were claimed together,
// `wanted` says which. Kind::denied, with the reason for the agent, when it works on none, or on
// several and names none of them.
Result<AskedFor> task_worked_on(
  const Site& site, const std::string& agent, const std::string& wanted);

} // namespace conos::gate
