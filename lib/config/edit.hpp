#pragma once

#include "sys/error.hpp"

#include <string>
#include <string_view>

// Changes to conos.toml as a document: what is not meant stays to the byte, comments and layout
// too.
namespace conos::config {

// The text with `item` in list `key` of the agent, which gets that key below its name where it has
// none. The same text when it is there already. Kind::not_found when there is no such agent,
// Kind::bad_data when the text is no TOML or written in a way that this cannot change; then a
// person can.
Result<std::string> with_item(
  std::string_view text, std::string_view agent, std::string_view key, std::string_view item);

// The text without it; the same text when it is not there. A line that held nothing else goes.
Result<std::string> without_item(
  std::string_view text, std::string_view agent, std::string_view key, std::string_view item);

} // namespace conos::config
