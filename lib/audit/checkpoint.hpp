#pragma once

#include "audit/note.hpp"
#include "audit/sha256.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Checkpoints (c2sp.org/tlog-checkpoint): how many rows a ledger had and the root of the tree over
// them, as a signed note. And the files that hold them.
namespace conos::audit {

// In a ledger's directory.
inline const std::string k_checkpoints = "checkpoints"; // notes, one below the other, oldest first
inline const std::string k_signing_key = "audit.key";   // 0600
inline const std::string k_verifier_key = "audit.pub";  // its public half
inline const std::string k_witnesses = "witnesses";     // see witness.hpp

inline constexpr std::size_t k_max_checkpoints_bytes = 256U << 20U; // about a million

struct Checkpoint {
  std::string origin; // which ledger: the name of its key
  std::int64_t rows = 0;
  Digest root{};

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// The text of its note.
std::string to_text(const Checkpoint& checkpoint);

// Lines after the third are passed over. Kind::bad_data.
Result<Checkpoint> parse_checkpoint(std::string_view text);

// One whose signature was seen to fit.
struct SignedCheckpoint {
  Checkpoint checkpoint;
  std::string note;
};

// Opens a note of `key`, whose name must be the origin. Errors as of open_note().
Result<SignedCheckpoint> open_checkpoint(std::string_view note, const VerifierKey& key);

// A file of notes of checkpoints divided into them, borrowed.
struct Notes {
  std::vector<std::string_view> notes;
  // What an append left behind that a crash cut short: without a signature or without a last
  // newline.
  std::string_view unfinished;
};
Notes divide_notes(std::string_view file);

// Appends a note to file `name` in `dir`, durably, in place of what a crash left of another; one
// that cannot be flushed is taken out again. Makes the file (0644) with Missing::make. For one
// writer at a time. Kind::not_found.
enum class Missing { make, is_error };
Result<> append_note(
  const UniqueFd& dir, const std::string& name, std::string_view note, Missing missing);

// --- keys ----------------------------------------------------------------------------------------

// The public key beside a ledger; none when there is none.
Result<std::optional<VerifierKey>> find_verifier_key(const UniqueFd& dir);

// The key of the ledger in `dir`, made with both its files when there is neither. Kind::bad_data
// when one is missing that should be there, or they do not belong together.
Result<SigningKey> find_or_make_signing_key(const UniqueFd& dir);

// The key there is. Kind::not_found.
Result<SigningKey> find_signing_key(const UniqueFd& dir);

} // namespace conos::audit
