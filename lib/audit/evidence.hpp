#pragma once

#include "audit/checkpoint.hpp"
#include "audit/verify.hpp"
#include "audit/witness.hpp"
#include "sys/error.hpp"

#include <optional>
#include <string>
#include <vector>

namespace conos::audit {

// What a ledger is held against: all that was signed or copied of it and can be found.
struct Evidence {
  std::vector<Expected> expected;
  std::vector<SignedCheckpoint> kept; // beside the ledger, oldest first
  std::vector<Finding> bad;           // with the evidence itself
  std::vector<std::string> notices;   // what could not be asked
  std::optional<VerifierKey> key;     // by which all of it was judged
};

// What lies in the ledger's directory and with its witnesses, judged by `key`, or by the key that
// lies there. That there is none, and no checkpoint, is no finding of its own.
Result<Evidence> gather(
  const std::string& directory, const std::optional<VerifierKey>& key, const Journal& journal);

// Adds the notes in `file`, which must be there, be complete, and be signed by evidence.key: else
// they are findings.
Result<> add_checkpoints(const std::string& file, Evidence& evidence);

// Adds the last row of each YYYY-MM-DD.jsonl in `directory`: what stands there was in the ledger.
// No directory is none.
Result<> add_day_files(const std::string& directory, Evidence& evidence);

// Whether each checkpoint that rows of the ledger tell of is beside it.
std::optional<Finding> judge_signed_rows(const Verdict& verdict, const Evidence& evidence);

} // namespace conos::audit
