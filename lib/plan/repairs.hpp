#pragma once

#include "audit/ledger.hpp"
#include "plan/diff.hpp"
#include "plan/place.hpp"
#include "sys/error.hpp"

#include <string>
#include <vector>

// What is done to a machine and cannot be seen any more once it is done: that something had been
// changed, that an agent was there. The ledger says so after the deed, and this file, which is
// written before it, keeps the rows for a run that is killed between the two.
namespace conos::plan {

inline const std::string k_repairs = "/var/lib/conos/repairs.json";

// A row for the ledger, and the change of the plan it is about.
struct Repair {
  audit::Row row;
  std::string step; // its title
  std::string subject;
  std::string what;
};

// Keeps them, durably, in place of others; gives each row the key by which it can be appended
// twice and is there once.
Result<> keep_repairs(const Place& place, std::vector<Repair>& repairs);

// Those an earlier run kept and did not live to forget; none when there is no such file.
// Kind::config when it is not what keep_repairs wrote.
Result<std::vector<Repair>> read_repairs(const Place& place);

// Absent is success.
Result<> forget_repairs(const Place& place);

// Those that were begun: without the ones the plan has still to do just as they stand there.
std::vector<Repair> begun(const std::vector<Repair>& repairs, const Plan& plan);

} // namespace conos::plan
