#pragma once

#include "contract/model.hpp"
#include "sys/error.hpp"

#include <string>

// Contracts in words, for those who wrote them and those who have to act on them.
namespace conos::contract {

// A line for each mistake, "FILE:LINE:COLUMN: WHAT", and at the end how many contracts there are.
std::string lint_text(const Loaded& loaded);
std::string lint_json(const Loaded& loaded);

std::string list_text(const Loaded& loaded);
std::string list_json(const Loaded& loaded);

// What a contract, or "ID/NAME", is for: what, why, how to see it by hand, what mends it.
// Type::not_found when there is none.
Result<std::string> explain(const Loaded& loaded, const std::string& id);

} // namespace conos::contract
