#pragma once

#include "cli/tool.hpp"

#include <string_view>

namespace conos::cli {

// Prints the completion script of `tool` for "bash", "zsh" or "fish"; false for another shell.
// The build runs each tool for this, so a completion can never differ from the options.
bool print_completion(const Tool& tool, std::string_view shell);

} // namespace conos::cli
