#pragma once

#include "audit/checkpoint.hpp"
#include "audit/ledger.hpp"
#include "audit/witness.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace conos::audit {

// What became of a wish for a checkpoint.
struct Sealed {
  SignedCheckpoint newest;
  bool is_new = false;              // signed just now; otherwise nothing was appended since
  Row row;                          // that tells of it, and
  std::optional<Recorded> recorded; // when it was appended just now
  std::vector<Error> unheard;       // of witnesses that have not got it
};

// Signs a checkpoint for all rows of the ledger in `directory`, adds it to its checkpoints, records
// that it did, in the name of `actor`, and tells the witnesses. The ledger's key is made when it
// has none and never signed anything.
//
// Nothing is signed that does not begin with all that was signed before, as far as the last
// checkpoint here and those of the witnesses tell, nor when a row since then is not as it was
// written: Kind::bad_data. Kind::not_found when there is no ledger, or nothing in it.
//
// A crash leaves a checkpoint that no row and no witness knows; the next call tells them.
Result<Sealed> seal(const std::string& directory, const std::string& actor, const Journal& journal);

// How many rows of the ledger in `directory` came after its last checkpoint; 0 where there is no
// ledger. Reads the last row and the end of the checkpoints and judges neither: Kind::bad_data when
// that end is no checkpoint.
Result<std::int64_t> rows_not_signed(const std::string& directory);

} // namespace conos::audit
