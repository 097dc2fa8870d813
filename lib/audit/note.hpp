#pragma once

#include "audit/sha256.hpp"
#include "sys/error.hpp"
#include "sys/secret.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Signed notes (c2sp.org/signed-note): a text, an empty line, and a line for each signature. Keys
// are Ed25519 and written as golang.org/x/mod/sumdb/note writes them.
namespace conos::audit {

inline constexpr std::size_t k_max_note_bytes = 64U << 10U;
inline constexpr std::size_t k_max_note_signatures = 64;

// Not empty, UTF-8, at most 255 bytes, without spaces of any kind, control characters and '+'.
bool is_key_name(std::string_view name);

// Who may have signed: "NAME+ID+BASE64", public.
struct VerifierKey {
  std::string name;
  std::uint32_t id = 0; // of name and key: tells keys of one name apart, and proves nothing
  Digest key{};         // of Ed25519, 32 bytes

  friend bool operator==(const VerifierKey&, const VerifierKey&) = default;
};

std::string to_text(const VerifierKey& key);

// Line ends and spaces around it are left out. Kind::bad_data when it is not the text of an Ed25519
// key.
Result<VerifierKey> parse_verifier_key(std::string_view text);

class SigningKey
{
public:
  // A new one. Kind::bad_data when is_key_name() says no.
  static Result<SigningKey> generate(const std::string& name);
  // One whose name may hang on the key itself.
  static Result<SigningKey> generate(const std::function<std::string(const Digest&)>& name);

  // "PRIVATE+KEY+NAME+ID+BASE64". The error does not repeat the text.
  static Result<SigningKey> parse(std::string_view text);
  Secret to_text() const;

  const VerifierKey& verifier() const { return m_verifier; }

  // The note: the text, which ends in a newline, and below it this key's signature. Kind::bad_data
  // for a text that cannot be a note's.
  Result<std::string> sign(std::string_view text) const;

private:
  SigningKey(Secret seed, VerifierKey verifier);
  Secret m_seed; // 32 bytes
  VerifierKey m_verifier;
};

struct Note {
  std::string text;                 // with its last newline
  std::vector<std::string> signers; // names of the known keys that signed it, at least one
};

// The text of a note that one or more of `keys` have signed; signatures of others are passed over.
// Kind::bad_data when it is not a note, or a signature of a known key does not fit; Kind::denied
// when none of them signed it.
Result<Note> open_note(std::string_view note, const std::vector<VerifierKey>& keys);

} // namespace conos::audit
