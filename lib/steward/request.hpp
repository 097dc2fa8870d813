#pragma once

#include "steward/words.hpp"

#include <string>
#include <string_view>
#include <vector>

// What a prompt asks for.
namespace conos::steward {

struct Skill {
  std::string name;
  std::vector<std::string> steps; // its numbered list, each on one line
};

struct Request {
  std::string text; // the body of the task, written by somebody else
  std::vector<Skill> skills;
};

// Reads a prompt as claim assembles it. The body stands between the lines "<<<TASK nonce" and
// "TASK nonce>>>" at the end; what others wrote before it is quoted with the same nonce and is not
// looked at. A text of another form is all body: the runner can be tried by hand.
Request read_request(std::string_view prompt);

} // namespace conos::steward
