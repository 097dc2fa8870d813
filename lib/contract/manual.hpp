#pragma once

#include <string>

// What the manuals say of the keys of a contract, out of the table of keys.
namespace conos::contract {

// docs/contract-keys.md, whole.
std::string manual_markdown();

// The sections of conos-contract(5) between its description and its examples.
std::string manual_mdoc();

} // namespace conos::contract
