#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <string>
#include <vector>

namespace conos::plan {

// Runs one of the OS's own tools to a good end, in a plain environment. Kind::os with what it said
// when it fails or takes longer than `time`. `input` is for its standard input, -1 for none.
Result<> run_tool(
  std::vector<std::string> argv, int input = -1, Duration time = std::chrono::minutes(5));

} // namespace conos::plan
