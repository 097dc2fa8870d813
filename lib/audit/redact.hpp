#pragma once

#include "audit/sha256.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

// Keys and passwords that strayed into a payload never reach the ledger, where nobody could take
// them out again: in their place stands "[redacted: KIND]".
namespace conos::audit {

// In the ledger's directory, 0600: of each secret of this machine a line, its SHA-256 in hex and
// how many bytes it has; older ones have the digest only.
inline const std::string k_known_secrets = "secrets.sha256";

class Redactor
{
public:
  // Knows the forms of the usual keys.
  Redactor() = default;

  // And, from k_known_secrets in `dir`, the machine's own; no file is none.
  static Result<Redactor> load(const UniqueFd& dir);

  // From the text of such a file.
  static Redactor parse(std::string_view text);

  void know(std::string_view secret);

  // The text, which stays JSON where it was: what is taken out and put in has no character that
  // means anything there.
  std::string redacted(std::string_view text) const;

private:
  struct Place {
    std::size_t at = 0;
    std::size_t size = 0;
  };
  // The first known secret that begins at `from` or later.
  std::optional<Place> known_after(std::string_view text, std::size_t from) const;
  std::optional<Place> known_in(std::string_view text, const Place& run, std::size_t from) const;
  std::size_t known_at(std::string_view rest) const;

  std::map<std::size_t, std::set<Digest>> m_known; // by length; 0: it is not known
};

// Adds a secret to k_known_secrets. Durable.
Result<> remember_secret(const UniqueFd& dir, std::string_view secret);

} // namespace conos::audit
