#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace conos::audit {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes);

// Lower-case hex digits, 64 for a digest.
std::string hex(const Digest& digest);
std::string hex(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);

// The digest of what comes in pieces.
class Hasher
{
public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::string_view bytes);
  // 64 hex digits; nothing can be added afterwards.
  std::string finish();

private:
  struct State;
  std::unique_ptr<State> m_state;
};

// RFC 4648, section 4, with padding.
std::string base64(std::string_view bytes);
std::string base64(const Digest& digest);

// None when it is not what base64() would have made: no other letters, no stray bits, no line ends.
std::optional<std::string> from_base64(std::string_view text);
std::optional<Digest> digest_from_base64(std::string_view text);
// Of 64 lower-case hex digits.
std::optional<Digest> digest_from_hex(std::string_view text);

// The digest's bytes, borrowed.
std::string_view bytes_of(const Digest& digest);

} // namespace conos::audit
