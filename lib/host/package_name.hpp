#pragma once

#include <string_view>

namespace conos {

// Debian Policy 5.6.1: ^[a-z0-9][a-z0-9+.-]+$, at most 128 characters, and nothing apt-get(8) takes
// for an order: "jq-" removes and "jq+" installs, whatever the command says.
bool is_package_name(std::string_view name);

} // namespace conos
