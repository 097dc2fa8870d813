#pragma once

#include "audit/checkpoint.hpp"
#include "audit/verify.hpp"
#include "sys/error.hpp"

#include <optional>
#include <string>

// A ledger's tree as plain files, c2sp.org/tlog-tiles: any web server is then a log that its
// monitors and clients can read. The entry of a row is its hash, 32 bytes, so nothing a row says
// leaves the machine; a proof brings it along.
namespace conos::audit {

// Writes tiles and entries of the first checkpoint.rows rows of a ledger's database below
// `directory`, which is made, and last of all the checkpoint. Files that are there and complete are
// left as they are, so exporting again writes what is new. Kind::bad_data when the ledger is not
// that of the checkpoint: then no checkpoint is written.
Result<> export_tiles(
  const std::string& file, const SignedCheckpoint& checkpoint, const std::string& directory);

struct TilesVerdict {
  std::int64_t rows = 0; // of its checkpoint
  Digest root{};
  std::optional<Finding> bad;
};

// Whether all that export_tiles() writes is there and as `key` signed it; the finding names the
// first row that is not.
Result<TilesVerdict> verify_tiles(const std::string& directory, const VerifierKey& key);

} // namespace conos::audit
