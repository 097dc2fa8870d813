#pragma once

#include "plan/place.hpp"
#include "sys/error.hpp"

#include <string>
#include <string_view>
#include <vector>

// Earlier versions of conos.toml, kept when it is replaced or unlocked:
// /var/lib/conos/config/STAMP.toml.
namespace conos::plan {

// Keeps `text` and returns the name it has now. Durable. Of more than a hundred the oldest goes.
Result<std::string> keep_version(const Place& place, std::string_view text);

// The names of all versions, newest first.
Result<std::vector<std::string>> list_versions(const Place& place);

// Kind::not_found when there is none of that name.
Result<std::string> read_version(const Place& place, const std::string& name);

} // namespace conos::plan
