#pragma once

#include "gate/desk.hpp"
#include "sys/process.hpp"

#include <functional>
#include <string>

// What is done of a request that was allowed: in a unit of its own, once.
namespace conos::gate {

// What it is done with.
struct Hands {
  std::function<Result<>(const std::string& unit)> restart;
  std::function<Result<conos::Ended>(const Command& command, const Bounds& bounds)> run;
};

// systemd, and the programs themselves.
Hands own_hands();

// From its begin() to its end() and the task that tells the agent. An error: it may not be carried
// out, or what became of it could not be recorded. That it did not succeed is no error.
Result<Request> carry_out(Desk& desk, const std::string& id, const Hands& hands);

// What is wrong with a proposal, in lines for whoever made it; empty when nothing is. `path` is
// that of its file. Kind::config where it cannot be told.
Result<std::string> complaint_about(
  std::string_view verb, const std::string& path, const Hands& hands);

} // namespace conos::gate
