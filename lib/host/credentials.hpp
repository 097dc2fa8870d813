#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/secret.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Secrets as systemd's encrypted credentials: a file in /etc/credstore.encrypted for each, that
// only this machine can decrypt, and that a unit gets by LoadCredentialEncrypted=. Nothing here
// gives a secret back.
namespace conos {

struct Credstore {
  std::string root;                      // "" for the machine itself
  std::string prefix;                    // "conos.": in front of each name, as file and credential
  std::string program = "systemd-creds"; // systemd-creds(1), which encrypts
};

struct Credential {
  std::string name; // without the prefix
  Time set_at;
  std::size_t bytes = 0; // of the encrypted file
};

constexpr std::size_t k_max_secret_bytes = 64U << 10U;

// ^[a-z][a-z0-9._-]{0,63}$, or Kind::usage.
Result<> check_credential_name(std::string_view name);

// A secret is 1 to k_max_secret_bytes bytes without NUL, one newline at its end not counted;
// Kind::bad_data otherwise.
Result<> check_secret(const Secret& secret);

// Encrypts `secret`, without one newline at its end, and puts it in place of what had that name:
// whole or not at all, and durably, 0600. The directory is made, 0700, where it is missing;
// Kind::denied when it is not ours alone to write. Kind::unavailable when there is no
// systemd-creds, or it cannot encrypt here.
Result<> store_credential(const Credstore& store, const std::string& name, const Secret& secret);

// Whether that secret is what the credential holds. One that is missing, or that this machine
// cannot decrypt, does not.
bool credential_is(const Credstore& store, const std::string& name, const Secret& secret);

// Those with the prefix, by name; at most 10,000. None where the directory is missing.
Result<std::vector<Credential>> list_credentials(const Credstore& store);

// Durably. Kind::not_found when there is none of that name.
Result<> remove_credential(const Credstore& store, const std::string& name);

} // namespace conos
