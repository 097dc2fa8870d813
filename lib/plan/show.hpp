#pragma once

#include "plan/diff.hpp"

#include <string>

namespace conos::plan {

// A line for people: "directories              52", "start units              conos-x.path".
std::string line_of(const Step& step);

// The whole plan for people: each step with each of its changes and why.
std::string text_of(const Plan& plan);

// One JSON document: {"steps":[{"act","agent","changes":[{"subject","what","why"}]}],"warnings":[]}
std::string json_of(const Plan& plan);

} // namespace conos::plan
