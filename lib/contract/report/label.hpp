#pragma once

#include <string>
#include <string_view>

namespace conos::contract {

// A label's value for prometheus, without its quotes: foreign text, safe and at most 300 bytes.
std::string quoted_label(std::string_view text);

} // namespace conos::contract
