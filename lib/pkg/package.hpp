#pragma once

#include "sys/error.hpp"

#include <string>
#include <string_view>
#include <vector>

// What packages are called, and which may be had.
namespace conos::pkg {

struct Wanted {
  std::string name;
  std::string version; // empty: the one apt would take
};

// "jq" or "jq=1.6-2.1", the version as in Debian Policy 5.6.12. Kind::usage otherwise: nothing that
// apt would take for an option, a task, a path or a pattern comes through.
Result<Wanted> parse_wanted(std::string_view text);

// What apt is told: "jq", "jq=1.6-2.1".
std::string to_string(const Wanted& wanted);

// Patterns of fnmatch(3): "python3-*".
bool matches_one(const std::vector<std::string>& patterns, const std::string& name);

} // namespace conos::pkg
