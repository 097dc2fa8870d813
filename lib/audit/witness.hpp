#pragma once

#include "audit/checkpoint.hpp"
#include "audit/ledger.hpp"
#include "audit/verify.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <functional>
#include <string>
#include <vector>

// Where copies of a ledger's checkpoints are kept, so that whoever can write the ledger cannot take
// them all back: a directory of another machine or medium, and the journal. Nobody is connected to.
namespace conos::audit {

inline const std::string k_journal_witness = "journal";

// The journal, which this room does not know how to reach.
struct Journal {
  // Puts a checkpoint there.
  std::function<Result<>(const SignedCheckpoint&)> put;
  // The newest notes there of the ledger of that name, the newest last.
  std::function<Result<std::vector<std::string>>(const std::string& origin)> notes;
};

// The witnesses of the ledger in `dir`, as they were added: absolute paths, and k_journal_witness.
Result<std::vector<std::string>> list_witnesses(const UniqueFd& dir);

// Makes a file for the ledger's checkpoints in directory `witness`, and one with its public key,
// and remembers it. Kind::exists when it is one already; Kind::bad_data when the files of another
// ledger's key are there.
Result<> add_witness(const UniqueFd& dir, const std::string& witness, const VerifierKey& key);

// What is with the witness stays there. Kind::not_found.
Result<> remove_witness(const UniqueFd& dir, const std::string& witness);

// The row that tells of it, in the name of `actor`, with a key: told again after a crash it is
// there once, and once more when the witness was removed and is added again.
enum class Witnessing { added, removed };
Result<Row> row_of_witness(const std::string& directory, Witnessing what,
  const std::string& witness, const std::string& actor);

// Brings a checkpoint to a witness that has not got it. Kind::not_found when the witness is not
// there: its files are made by add_witness() alone, so what lies under the mount point of a stick
// that was pulled is not taken for the stick.
Result<> tell_witness(const std::string& witness, const SignedCheckpoint& newest,
  const VerifierKey& key, const Journal& journal);

// What a witness has. Kind::not_found when it is not there, Kind::bad_data and Kind::denied when
// what is there is not what the ledger's key signed.
Result<std::vector<SignedCheckpoint>> ask_witness(
  const std::string& witness, const VerifierKey& key, const Journal& journal);

} // namespace conos::audit
