#include "audit/sha256.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>

namespace conos::audit {

// OpenSSL 3 calls these deprecated and wants EVP, whose first use in a process takes 1 to 2 ms to
// look for providers and read openssl.cnf; it can be told not to only for the whole process, which
// then has no system-wide TLS policy either. A step of a task hashes two rows in its life, and
// these take 0.2 us for one. Should they go, EVP is a change to this function alone.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

Digest sha256(std::string_view bytes)
{
  Digest digest;
  SHA256_CTX context;
  (void)SHA256_Init(&context); // none of the three can fail
  (void)SHA256_Update(&context, bytes.data(), bytes.size());
  (void)SHA256_Final(digest.data(), &context);
  return digest;
}

struct Hasher::State {
  SHA256_CTX context;
};

Hasher::Hasher()
    : m_state(std::make_unique<State>())
{
  (void)SHA256_Init(&m_state->context);
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::string_view bytes)
{
  (void)SHA256_Update(&m_state->context, bytes.data(), bytes.size());
}

std::string Hasher::finish()
{
  Digest digest;
  (void)SHA256_Final(digest.data(), &m_state->context);
  return hex(digest);
}

#pragma GCC diagnostic pop

std::string hex(std::string_view bytes)
{
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string text(2 * bytes.size(), '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto value = static_cast<unsigned char>(bytes[i]);
    text[2 * i] = k_digits[value >> 4U];
    text[2 * i + 1] = k_digits[value & 15U];
  }
  return text;
}

std::string_view bytes_of(const Digest& digest)
{
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string hex(const Digest& digest)
{
  return hex(bytes_of(digest));
}

std::string sha256_hex(std::string_view bytes)
{
  return hex(sha256(bytes));
}

namespace {

std::optional<Digest> digest_of(std::string_view bytes)
{
  Digest digest;
  if (bytes.size() != digest.size()) {
    return std::nullopt;
  }
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

std::string from_hex(std::string_view text)
{
  const auto value = [](char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
  };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(value(text[i]) * 16 + value(text[i + 1]));
  }
  return bytes;
}

} // namespace

std::string base64(std::string_view bytes)
{
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, 0); // and the NUL it writes
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
    reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string base64(const Digest& digest)
{
  return base64(bytes_of(digest));
}

std::optional<std::string> from_base64(std::string_view text)
{
  std::string bytes(3 * (text.size() / 4), 0);
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
    reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0 || static_cast<std::size_t>(size) != bytes.size()) {
    return std::nullopt;
  }
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) {
    text.remove_suffix(1);
    bytes.pop_back();
  }
  // EVP takes line ends, space and stray bits for nothing; there is one way to write a text here
  const auto again = base64(bytes);
  return again.substr(0, text.size()) == text && again.size() - text.size() < 3
           ? std::optional(bytes)
           : std::nullopt;
}

std::optional<Digest> digest_from_base64(std::string_view text)
{
  const auto bytes = from_base64(text);
  return bytes ? digest_of(*bytes) : std::nullopt;
}

std::optional<Digest> digest_from_hex(std::string_view text)
{
  const auto digest = digest_of(from_hex(text));
  return digest && hex(*digest) == text ? digest : std::nullopt;
}

} // namespace conos::audit
