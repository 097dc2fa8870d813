#pragma once

#include "audit/ledger.hpp"
#include "contract/evaluate.hpp"
#include "sys/error.hpp"

#include <string>
#include <vector>

// What is let off, by whom, why and until when: kept in a file of root's, and each said in the
// ledger.
namespace conos::contract {

inline const std::string k_exemptions = "/var/lib/conos/contracts/exemptions.json";

// Those that have not expired at `now`, by contract. No file, or no right to look: none.
Result<std::vector<Exemption>> load_exemptions(const std::string& file, Time now);

// Keeps one more, in place of an earlier one of the same check; those that have expired go.
Result<> keep_exemption(const std::string& file, const Exemption& exemption, Time now);

// False when there was none.
Result<bool> drop_exemption(
  const std::string& file, const std::string& contract, const std::string& check, Time now);

// The rows contract.exempted and contract.unexempted.
Result<> record_exemption(audit::Ledger& ledger, const Exemption& exemption);
Result<> record_end_of_exemption(audit::Ledger& ledger, const std::string& contract,
  const std::string& check, const std::string& by);

// "ID/CHECK, until TIME, by WHO: WHY".
std::string line_of(const Exemption& exemption);

} // namespace conos::contract
