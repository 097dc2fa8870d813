#include "audit/sha256.hpp"

#include "sys/free_with.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>
#include <new>

namespace conos::audit {

namespace {

// Fetched once: OpenSSL 3 looks an algorithm up by name at each use otherwise, which takes longer
// than to hash a row. In a library context of our own, because the first use of the common one
// reads openssl.cnf, a file (or $OPENSSL_CONF) that has no say in what SHA-256 is.
struct Algorithm {
  std::unique_ptr<OSSL_LIB_CTX, FreeWith<OSSL_LIB_CTX_free>> library{OSSL_LIB_CTX_new()};
  std::unique_ptr<EVP_MD, FreeWith<EVP_MD_free>> sha256{
    EVP_MD_fetch(library.get(), "SHA256", nullptr)};
};

const EVP_MD* algorithm()
{
  static const Algorithm the_algorithm;
  return the_algorithm.sha256.get();
}

} // namespace

Digest sha256(std::string_view bytes)
{
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>> context(
    EVP_MD_CTX_new());
  Digest digest{};
  if (EVP_DigestInit_ex2(context.get(), algorithm(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    throw std::bad_alloc(); // the only way SHA-256 fails
  }
  return digest;
}

std::string hex(const Digest& digest)
{
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    text += k_digits[byte >> 4U];
    text += k_digits[byte & 15U];
  }
  return text;
}

std::string sha256_hex(std::string_view bytes)
{
  return hex(sha256(bytes));
}

} // namespace conos::audit
