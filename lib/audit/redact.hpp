#pragma once

#include "audit/sha256.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <set>
#include <string>
#include <string_view>

// Keys and passwords that strayed into a payload never reach the ledger, where nobody could take
// them out again: in their place stands "[redacted: KIND]".
namespace conos::audit {

// In the ledger's directory, 0600: a SHA-256 in hex of each secret of this machine, a line each.
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

  void know(const Digest& secret) { m_known.insert(secret); }

  // The text, which stays JSON where it was: what is taken out and put in has no character that
  // means anything there.
  std::string redacted(std::string_view text) const;

private:
  // The length of a known secret that begins there, 0 for none.
  std::size_t known_at(std::string_view text) const;

  std::set<Digest> m_known;
};

// Adds a secret's digest to k_known_secrets. Durable.
Result<> remember_secret(const UniqueFd& dir, std::string_view secret);

} // namespace conos::audit
