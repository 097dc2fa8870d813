#include "audit/sha256.hpp"

#include <openssl/sha.h>

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

std::string hex(const Digest& digest)
{
  return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::string sha256_hex(std::string_view bytes)
{
  return hex(sha256(bytes));
}

} // namespace conos::audit
