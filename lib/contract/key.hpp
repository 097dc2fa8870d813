#pragma once

#include "contract/value.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

// The one table of what a contract may say. The loader, docs/contract-keys.md and the test of the
// manual page all read it.
namespace conos::contract {

enum class Role {
  subject,   // says what is looked at, or how; a value
  needed,    // such a value that has to be there
  property,  // is asserted of it; a value or operators
  condition, // of the documents' own checks: asserted, but alone it decides nothing
};

struct Key {
  std::string_view name;
  Type kind;
  Role role;
  std::string_view help;    // a sentence without a full stop
  std::string_view example; // as YAML
  // What it may be, with spaces between; empty: anything of the kind.
  std::string_view choices{};
  bool is_pattern = false; // a regular expression, found anywhere
};

// What one thing that has to be said about a check's subject means.
enum class Bare {
  exists, // nothing asserted: it has to be there
  wrong,  // something has to be asserted
};

struct Module {
  std::string_view name;
  std::string_view help;
  Bare bare = Bare::exists;
  std::span<const Key> keys;
};

std::span<const Module> modules();
const Module* find_module(std::string_view name);

const Key* find_key(std::span<const Key> keys, std::string_view name);

// Of a contract, of a check, of skip_if, of scope, of on_fail as a mapping. Their kinds say what
// they are; what has a structure of its own has Type::any.
std::span<const Key> contract_keys();
std::span<const Key> check_keys();
std::span<const Key> skip_keys();
std::span<const Key> scope_keys();
std::span<const Key> on_fail_keys();

} // namespace conos::contract
