#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "web/files.hpp"

namespace conos::web {

// Serves a site by HTTP/1.1 on a listening socket until nobody has asked for `idle` and all who did
// are answered: open connections that ask nothing do not count. Who else has
// the socket finds it listening still.
Result<> serve(const Site& site, UniqueFd listener, Duration idle);

} // namespace conos::web
