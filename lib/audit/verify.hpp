#pragma once

#include "sys/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace conos::audit {

struct Finding {
  std::int64_t id = 0; // of the first row that is not as it was written; 0: the file as a whole
  std::string what;    // "row 5: its hash is not that of what it says"
};

// What can be said of a ledger without asking anybody else. That its last rows were cut off, or all
// of it was written anew, is not among it: for this the head must have been kept elsewhere.
struct Verdict {
  std::int64_t rows = 0; // that are good, from the first on
  std::string head;      // hash of the last of them, 64 hex digits
  std::string ts;        // and its time; empty when there is none
  std::optional<Finding> bad;
};

// Recomputes each hash of a ledger's database, in use or a copy, and never writes to it. Needs as
// much memory for ten million rows as for ten. A file that is missing, empty or not a ledger has a
// finding; an error says that the file could not be read.
Result<Verdict> verify(const std::string& file);

} // namespace conos::audit
