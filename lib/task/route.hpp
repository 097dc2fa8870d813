#pragma once

#include "config/compiled.hpp"
#include "sys/error.hpp"
#include "task/envelope.hpp"

#include <string>

namespace conos {

struct Route {
  std::string to;
  std::string rule; // "to", "routes[2]", "concierge": what decided, for the ledger
};

// Where a task from the outer inbox goes: its To:, else the first rule whose pattern is found in
// the body, else the concierge. Kind::not_found when To: names no agent.
Result<Route> decide_route(const Routing& routing, const Envelope& envelope);

} // namespace conos
