#pragma once

#include "contract/evaluate.hpp"
#include "contract/model.hpp"
#include "sys/error.hpp"

#include <memory>
#include <string>
#include <vector>

// Protocols: contracts that stand before a deed.
namespace conos::contract {

// Each with its id, what it promises, and what it stands before; a line when there are none.
std::string protocols_text(const Loaded& loaded);
std::string protocols_json(const Loaded& loaded);

// The contract of that id. Kind::bad_data when there is none, or its file is invalid.
Result<const Contract*> find_protocol(const Loaded& loaded, const std::string& id);

// Kind::usage when the contract has no check of that name.
Result<> check_is_in(const Contract& contract, const std::string& check);

struct Gate {
  Report report;
  std::size_t blocking = 0; // checks of the contract or of what it depends on that say no, or
                            // could not be made: only warnings, and what is let off, let through
  bool is_clear() const { return blocking == 0; }
};

// Makes the checks of this contract. Nothing made, because all was skipped, is clear: skip_if says
// so.
Result<Gate> ask_gate(std::shared_ptr<const Loaded> loaded, const std::string& id,
  const std::vector<Exemption>& exemptions);

// A line for each check, then "OK: ID" or "BLOCKED: ID".
std::string gate_text(const Gate& gate, const std::string& id);

} // namespace conos::contract
