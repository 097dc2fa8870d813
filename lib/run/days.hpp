#pragma once

#include "task/site.hpp"

namespace conos {

// Copies what was recorded to the day files. That it could not is logged: what counts is the
// ledger, and the next who copies goes on where this one stopped.
void copy_to_days(const Site& site);

} // namespace conos
