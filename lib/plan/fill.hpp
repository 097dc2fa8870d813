#pragma once

#include "sys/error.hpp"

#include <map>
#include <string>
#include <string_view>

namespace conos::plan {

using Values = std::map<std::string, std::string, std::less<>>;

// Puts values for @NAME@ and its like, names being capitals and underlines. Kind::config when there
// is no such value. Values are not quoted: none may have a character that means something where it
// goes.
Result<std::string> filled(std::string_view text, const Values& values);

} // namespace conos::plan
