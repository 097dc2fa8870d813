#pragma once

#include "sys/error.hpp"
#include "sys/process.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Whether the contracts a task contract names pass.
namespace conos::task_contract {

struct Verdict {
  bool is_good = false;
  std::string findings; // lines, why not
};

// Makes the checks of these contracts. An error: they could not be made.
using Judge = std::function<Result<Verdict>(const std::vector<std::string>& checks)>;

using Run = std::function<Result<Ended>(const Command& command, const Bounds& bounds)>;

// conos-contract in a process of its own: a check that hangs in the kernel holds nobody up.
Judge by_conos_contract(Run run);

// The verdict on the report of `conos-contract check --json`. Each contract that is named has a
// check that passed, each check that is named has passed itself, and none failed, not even as a
// warning; what was skipped or is let off says neither.
// Kind::bad_data when it is no report.
Result<Verdict> verdict_of(std::string_view report, const std::vector<std::string>& checks);

} // namespace conos::task_contract
