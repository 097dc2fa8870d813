#pragma once

#include "audit/ledger.hpp"

#include <functional>
#include <string>
#include <vector>

namespace conos::audit {

// Reads rows as scripts write them from the descriptor `in` and hands them to `put`, those that
// came together together and each as soon as it is complete. What begins with '{' is one JSON
// object a line, or one object over many lines; anything else is a text of at most 64 KiB, and
// becomes
// {"text":…}. Nothing at all becomes {}. The other fields are those of `form`; one with a key is
// for one row. An error says at which line; what was put before it stays.
Result<> read_rows(
  int in, const Row& form, const std::function<Result<>(const std::vector<Row>&)>& put);

} // namespace conos::audit
