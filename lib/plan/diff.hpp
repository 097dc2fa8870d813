#pragma once

#include "plan/state.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace conos::plan {

// What is done to the machine, in the order it is done.
enum class Act {
  retire,      // take away what is left of one agent that is no longer configured
  tables,      // write the tables systemd-sysusers and systemd-tmpfiles read
  accounts,    // systemd-sysusers
  leave,       // take a user out of a tier it no longer has
  shells,      // give a user its shell back
  directories, // systemd-tmpfiles
  secrets,     // take what /etc/conos/env holds into the encrypted store
  stop,        // stop and disable units that are no longer wanted
  files,       // of one agent, or of all
  links,
  enable,
  reload, // systemd reads its unit files again
  firewall,
  sysctls,
  start,
  lock,     // set the immutable flag on what an administrator wrote
  packages, // of Debian, late: what they come from may not be reached today
  record,   // the ledger's row and applied.json
};

struct Change {
  std::string subject;         // a path, a user, a unit
  std::string what;            // "new", "mode 0755 to 0750"
  std::string why;             // "conos.toml:12"; empty: always so
  std::size_t index = 0;       // in the vector of State the act works on
  bool drift = false;          // somebody else changed it since the last run
  std::string before_sha256{}; // of the content that is replaced, if it is
  bool save = false;           // a file with somebody's own edits in it, kept beside the new one
};

// Of the record, when only the rest of the machine differs.
inline const std::string k_unchanged = "unchanged";
// Of the record, when the ledger lacks what an earlier run mended.
inline const std::string k_unsaid = "the ledger does not say yet what was mended";

struct Step {
  Act act;
  std::string agent; // of files: whose; empty: everybody's
  std::vector<Change> changes;
};

struct Plan {
  std::vector<Step> steps; // none: nothing to do
  std::vector<std::string> warnings;
  std::vector<std::string> obstacles; // with any of these nothing may be done
};

// What has to be done to get from what was seen to what is wanted. `can_lock` says whether this
// machine lets us set the immutable flag; where not, the flag is not missed, and a warning says so.
// Nor is it where it is not wanted: in an image, or beside others.
enum class CanLock { yes, no, unwanted };
Plan diff(const State& wanted, const Seen& seen, CanLock can_lock);

// "users", "directories", "files of concierge"
std::string title_of(const Step& step);

} // namespace conos::plan
