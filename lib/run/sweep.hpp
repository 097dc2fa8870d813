#pragma once

#include "host/units.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "task/site.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace conos {

// What the path units cannot do, every half minute (root): returns held tasks that are due, gives
// files that a path unit does not see (names that begin with a dot or end in "~", ".bak" and the
// like) a name it does, removes what makers of tasks that died left in transit, and starts again
// what failed, with a pause that doubles to 15 minutes. Each mending is a ledger row. Has a
// checkpoint signed when the ledger grew by many rows since the last. One agent that cannot be
// swept does not stop the others; the first error is returned.
Result<> sweep(const Site& site);

// Pure: the pause before a unit that failed `times` times in a row is started again.
Duration mending_pause(int times);

// Pure: whether a checkpoint is not to wait for its timer, when `rows` came after the last one.
// Where `service`, which signs them, failed, the timer tries it again.
inline constexpr std::int64_t k_rows_to_sign = 1000;
bool is_checkpoint_due(std::int64_t rows, const UnitSummary& service);

// Pure: the name under which a hidden file is seen; empty when nothing of it is left.
std::string visible_name(std::string_view hidden);

} // namespace conos
