#pragma once

#include "audit/ledger.hpp"
#include "config/config.hpp"
#include "host/credentials.hpp"
#include "plan/environment.hpp"
#include "plan/place.hpp"
#include "sys/error.hpp"

#include <set>
#include <string>
#include <vector>

// Secrets of the machine: where they are kept, the rows about them, and the intake of an
// environment file, where keys used to be.
namespace conos::plan {

// The credential of secret X is conos.X.
Credstore credstore_of(const Place& place);

// --- one secret --------------------------------------------------------------------------------

// Stores it and records that as secret.set, by the account that acts; of the value nothing. `from`
// says where it was taken from; empty: a person gave it.
Result<> set_secret(const Credstore& store, audit::Ledger& ledger, const std::string& name,
  const Secret& secret, const std::string& from = "");

// Removes it and records that as secret.removed. Kind::not_found when there is none.
Result<> remove_secret(const Credstore& store, audit::Ledger& ledger, const std::string& name);

// The key of a provider is of no use while no agent has a model of it: what a person does next, as
// a sentence; empty where `name` is no provider's.
std::string next_step(const config::Config& config, const std::string& name);

// --- the intake --------------------------------------------------------------------------------

// A variable that is to be a secret.
struct Intake {
  std::string name;         // of the secret
  std::string variable;     // where it is
  int line = 0;             // of the file; 0: of the environment we were started with
  std::size_t position = 0; // among the variables
};

// The variables in which agents have their keys, as the configuration says.
std::set<std::string> key_variables(const config::Config& config);

// What becomes of the variables: the key of an agent is the secret of that agent's provider, any
// other is the secret env.NAME, in small letters; those without a value are none. [base] speaks for
// a variable and a provider that no agent names. Kind::config when two different values would be
// one secret, or when one cannot be kept.
Result<std::vector<Intake>> secrets_of(
  const config::Config& config, const std::vector<Variable>& variables);

// What take_in_environment would take in now. Changes nothing.
Result<std::vector<Intake>> find_environment(const Place& place, const config::Config& config);

// Makes secrets of all variables in /etc/conos/env, each with its row in the ledger, and then
// replaces the file by a comment that says where they went. A file that others could have written,
// that has other names, or a line that cannot be read stops it before anything is done. From our
// own environment it takes the variables in which agents have their keys, where their values are
// not stored already. Returns what it took in. Broken off at any point, the next call goes on:
// the file goes last.
Result<std::vector<Intake>> take_in_environment(const Place& place, const config::Config& config);

// The same with another store, for tests.
Result<std::vector<Intake>> find_environment(
  const Place& place, const Credstore& store, const config::Config& config);
Result<std::vector<Intake>> take_in_environment(
  const Place& place, const Credstore& store, const config::Config& config);

// "secret 'anthropic' from MY_KEY in /etc/conos/env"
std::string line_of(const Intake& intake);

} // namespace conos::plan
