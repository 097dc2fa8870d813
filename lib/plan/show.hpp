#pragma once

#include "plan/diff.hpp"

#include <string>

namespace conos::plan {

// A line for people: "directories       52 new, 1 changed".
std::string line_of(const Step& step);

// The whole plan for people: each step with each of its changes and why.
std::string text_of(const Plan& plan);

// One JSON document: {"steps":[{"act","agent","changes":[{"subject","what","why"}]}],"warnings":[]}
std::string json_of(const Plan& plan);

} // namespace conos::plan
