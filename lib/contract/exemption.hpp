#pragma once

#include "contract/evaluate.hpp"
#include "sys/error.hpp"

#include <string>
#include <string_view>
#include <vector>

// What is let off, by whom, why and until when: kept in a file of root's, and each said in the
// ledger.
namespace conos::contract {

// Where that is kept and said.
struct ExemptionPlaces {
  std::string ledger = "/var/lib/conos";
  std::string file = "/var/lib/conos/contracts/exemptions.json"; // its directory is made
  std::string logs = "/srv/conos/logs/audit";                    // protocol.log
};

// Those that have not expired at `now`, by contract. No file, or no right to look: none.
Result<std::vector<Exemption>> load_exemptions(const ExemptionPlaces& places, Time now);

// Until when: a time in RFC 3339, or a duration from `now` on. Kind::usage when it is neither, has
// passed, or is further away than an exemption may last.
constexpr Duration k_longest_exemption = std::chrono::hours(24 * 366);
Result<Time> parse_expiry(std::string_view text, Time now);

// A row contract.exempted, a line in protocol.log, and, when it has an end, the file that later
// runs read, where it stands for an earlier one of the same check. In this order: nothing is let
// off that is not recorded. Needs root.
Result<> let_off(const ExemptionPlaces& places, const Exemption& exemption, Time now);

// A row contract.unexempted; false when it was not let off.
Result<bool> end_exemption(const ExemptionPlaces& places, const std::string& contract,
  const std::string& check, const std::string& by, Time now);

// "ID/CHECK, until TIME, by WHO: WHY".
std::string line_of(const Exemption& exemption);

} // namespace conos::contract
