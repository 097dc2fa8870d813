#pragma once

#include "sys/error.hpp"

#include <string>
#include <vector>

// Contracts out of what a machine has.
namespace conos::contract {

// The kinds of things a contract can be written of.
std::vector<std::string> kinds_to_add();

// A contract, as YAML, that is true now of `target`: a path, an account, a unit, "443" or "udp/53",
// a package, a mount point, "inet NAME", "PATH:USER". An empty id makes one of kind and target.
// Type::usage for another kind, Type::not_found when there is no such thing.
Result<std::string> contract_of(
  const std::string& kind, const std::string& target, const std::string& id);

} // namespace conos::contract
