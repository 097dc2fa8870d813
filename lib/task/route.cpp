#include "task/route.hpp"

#include "sys/log.hpp"
#include "sys/text.hpp"

#include <re2/re2.h>

#include <algorithm>

namespace conos {

Result<Route> decide_route(const Routing& routing, const Envelope& envelope)
{
  if (envelope.to) {
    if (std::find(routing.agents.begin(), routing.agents.end(), *envelope.to) ==
        routing.agents.end()) {
      return fail(Kind::not_found, "there is no agent '{}'", escaped(*envelope.to, 64));
    }
    return Route{*envelope.to, "to"};
  }
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(8 << 20);
  for (std::size_t i = 0; i < routing.rules.size(); ++i) {
    const RE2 pattern(routing.rules[i].match, options);
    if (!pattern.ok()) { // bootstrap refuses these: somebody wrote the compiled file by hand
      log::warning("skip routes[{}]: {}", i, pattern.error());
      continue;
    }
    if (RE2::PartialMatch(envelope.body, pattern)) {
      return Route{routing.rules[i].to, fmt::format("routes[{}]", i)};
    }
  }
  return Route{routing.concierge, "concierge"};
}

} // namespace conos
