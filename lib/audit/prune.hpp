#pragma once

#include "audit/ledger.hpp"
#include "audit/witness.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace conos::audit {

struct Pruning {
  std::int64_t rows = 0;              // what rows 1 to this one say goes
  std::int64_t already = 0;           // of them, and went before
  std::int64_t uncovered = 0;         // older ones that stay until a checkpoint covers them
  std::int64_t bytes = 0;             // of text that goes now
  Row row{};                          // that tells of it, and
  std::optional<Recorded> recorded{}; // when it was appended just now
};

enum class Prune { look, go };

// Drops what the rows before time `before` say and keeps their hashes, so that the chain goes on
// from the last of them, the tree stays what it was, and every proof given out stays good. Rows
// after the first that is not older stay, whatever their time. Prune::look changes nothing.
//
// First a row `ledger.pruned` tells of it, in the name of `actor`, then the bodies go, some
// thousand at a time; after a crash the next call goes on. What was in them is overwritten.
//
// Kind::bad_data when the ledger does not verify. Rows that no checkpoint of its own covers stay:
// only a checkpoint tells afterwards that the hashes are the right ones.
Result<Pruning> prune(const std::string& directory, Time before, const std::string& actor,
  const Journal& journal, Prune how);

} // namespace conos::audit
