#pragma once

#include "plan/place.hpp"
#include "sys/error.hpp"

#include <string>

namespace conos::plan {

// Where a shipped profile is. Kind::not_found names those there are.
Result<std::string> profile_path(const Place& place, const std::string& name);

// Copies a profile to /etc/conos. Files that are there already stay as they are, and conos.toml is
// written last, so that a copy which was interrupted can be made again. Kind::exists when there is
// a conos.toml.
Result<> copy_profile(const Place& place, const std::string& from);

} // namespace conos::plan
