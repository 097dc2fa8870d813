#pragma once

#include "health/state.hpp"
#include "sys/error.hpp"

#include <string>

// The reference's files in /srv/conos/logs/audit, for people and for programs that read them.
namespace conos::health {

// Who ran it, for each line.
struct Run {
  std::string evaluation; // eval-<16 hex>
  std::string id;         // hc-<seconds>
  std::string actor;      // conos-healthcheck, or an account
};

// Into `directory`: contracts.log, a line for each change and, when there are any, a summary;
// contracts-state.diff.jsonl, a record where there are changes; contracts-state.latest.json,
// replaced each time. What is appended is durable. A log of 8 MiB is set aside as NAME.1.
Result<> write_journal(
  const std::string& directory, const contract::Report& report, const Step& step, const Run& run);

// A line for each check of `report`, as contracts.log has them for those that changed, and the
// summary.
std::string report_lines(const contract::Report& report, const Run& run);

// The hash of a record of the diff: SHA-256 of the record without it, as JSON with sorted keys and
// no white space. `prev_hash` in it is the one of the record before, so one that is changed, added
// or taken away shows.
std::string hash_of_record(const std::string& record);

} // namespace conos::health
