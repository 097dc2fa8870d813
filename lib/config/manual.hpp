#pragma once

#include <string>

namespace conos::config {

// All keys of conos.toml in Markdown, a table for each of its tables: what docs/conos.toml.md is.
std::string manual_markdown();

} // namespace conos::config
