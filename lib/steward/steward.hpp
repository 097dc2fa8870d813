#pragma once

#include "facts/facts.hpp"

#include <optional>
#include <string>
#include <string_view>

// The runner that needs no model: it recognises requests for facts, answers them, does the steps of
// a skill that are such requests, passes on what is clearly another agent's, and says plainly what
// it cannot do.
namespace conos::steward {

// The answer to a prompt as claim assembles it, for people; "ROUTE_TO: NAME" to pass it on. Without
// facts, as workers are, it says that it was given none.
std::string answer(std::string_view prompt, const std::optional<Facts>& facts);

} // namespace conos::steward
