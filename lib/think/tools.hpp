#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "think/message.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// What a model may do while it works: all of it as the agent, in its cage. The kernel says no,
// never these.
namespace conos::think {

struct Workplace {
  std::string directory; // where relative paths begin
  std::string skills;    // the path of skills.json; empty: none
  std::string agents = "/srv/conos/agents";
  std::string gate;                     // the path of the agent's gate; empty: none
  std::string task;                     // the id of the task it is asked for
  std::vector<std::string> environment; // of commands
  Duration command_time =
    std::chrono::seconds(120);           // the most a command may ask for is ten minutes
  std::size_t output_bytes = 16U << 10U; // that one call gives back
};

struct Outcome {
  std::string text;
  bool is_error = false;
  bool is_finish = false; // the text is the answer to the task
};

// All tools, always in the same order.
const std::vector<ToolSpec>& tool_specs();

// Runs a call to its end. Whatever goes wrong is for the model to read.
Outcome use_tool(const Block& call, const Workplace& place, Duration time_left);

// What changed from `before` to `after`, as a unified diff with three lines of context around one
// hunk; empty when nothing did.
std::string unified_diff(std::string_view path, std::string_view before, std::string_view after);

// At most `limit` bytes of a long text: its beginning and its end, and a line that says how much is
// missing. Always UTF-8; bytes that are not become \xNN.
std::string shortened(std::string_view text, std::size_t limit);

} // namespace conos::think
