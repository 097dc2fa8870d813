#pragma once

#include "plan/diff.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <string>

namespace conos::plan {

// A line for people: "directories              52", "start units              conos-x.path".
std::string line_of(const Step& step);

// The whole plan for people: each step with each of its changes, why, and of each file that is
// changed the lines that differ, as diff(1) shows them.
Result<std::string> text_of(const Plan& plan, const State& wanted, const Seen& seen);

// The lines that differ between two texts, as diff(1) shows them; empty where none do.
Result<std::string> diff_of(
  const std::string& path, const std::string& before, const std::string& after);

// One JSON document:
// {"steps":[{"act","agent","changes":[{"subject","what","why","drift"}]}],"warnings":[]}
std::string json_of(const Plan& plan);

// What is wanted, whole: groups, accounts, directories, files with what is in them, links, units,
// firewall, kernel parameters.
std::string json_of(const State& state);
std::string yaml_of(const State& state);

// The same comparison as a plan, the other way round: of each kind of thing how many there are, and
// which are not as they should be.
std::string report_of(const Plan& plan, const State& wanted);
std::string json_report_of(const Plan& plan, const State& wanted);

} // namespace conos::plan
