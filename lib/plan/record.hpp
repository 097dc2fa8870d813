#pragma once

#include "sys/error.hpp"

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>

namespace conos::plan {

// What conos-bootstrap did before: /var/lib/conos/applied.json. It outlives agents, so that the uid
// of one that is gone is never another's.
struct Record {
  std::map<std::string, uid_t> uids;        // of every agent there ever was
  std::map<std::string, std::string> files; // SHA-256 of what was written, by path
  std::string config_sha256;                // of the conos.toml that was applied
  // Digest of what was wanted, for each agent and, under the empty name, for all: where it is the
  // same again, whatever differs is drift.
  std::map<std::string, std::string> wanted;
  bool sidecar = false; // the machine is others' too
};

std::string to_json(const Record& record);

// Kind::config when the text is not what to_json writes.
Result<Record> record_from_json(std::string_view text);

} // namespace conos::plan
