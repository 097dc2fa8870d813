#pragma once

#include "host/accounts.hpp"
#include "host/immutable.hpp"

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

// The machine as conos wants it and as it is, as data. Nothing here touches the machine.
namespace conos::plan {

// The user of one agent.
struct Account {
  std::string name; // a-NAME
  uid_t uid = 0;
  gid_t gid = 0;
  std::string home;
  std::vector<std::string> groups; // beside its own
  std::string agent;               // who it is for, here and below; empty: for all
  std::string why;                 // "conos.toml:12", here and below; empty: always so
};

struct Directory {
  std::string path;
  mode_t mode = 0; // where there is an ACL, its mask is the mode's group part
  std::string owner;
  std::string group;
  std::vector<std::string> acl;         // all entries, as acl_entries() has them; empty: none
  std::vector<std::string> default_acl; // the same
  std::string agent;
  std::string why;
};

struct File {
  std::string path;
  std::optional<std::string> content; // nothing: whatever it holds, only the flag counts
  mode_t mode = 0644;
  std::string owner = "root";
  std::string group = "root";
  bool immutable = false;
  bool wanted = true;         // otherwise it must not be there
  std::string opens;          // what it lets an agent do that others may not, and what that costs
  std::string written_sha256; // of what conos wrote there the last time; empty: it did not
  std::string agent;
  std::string why;
};

// A symlink in a directory of somebody else, made with no more than that one's rights.
struct Link {
  std::string path;
  std::string target;
  std::string owner;
  std::string agent;
  std::string why;
};

struct Unit {
  std::string name;
  std::string wanted_by; // the target of its [Install] section
  bool wanted = true;    // enabled and running; otherwise neither
  bool idle = false;     // enabled, not started: a person stopped it, or it is for the next boot
  std::string agent;
  std::string why;
};

// A kernel parameter, sysctl(8), that is to be at least so much.
struct Sysctl {
  std::string key;
  long least = 0;
};

// An agent that was configured once, and what is left of it.
struct Retired {
  std::string name;
  std::vector<std::string> units; // that exist
  std::vector<std::string> files; // bootstrap's own, of and beside its units
  std::vector<std::string> trees; // its tasks, its home: somebody's data
  bool has_user = false;
};

// Of Debian, that an agent needs.
struct Package {
  std::string name;
  std::string agent;
  std::string why;
};

struct State {
  std::vector<std::string> groups;
  std::vector<Account> accounts;
  std::vector<Directory> directories;
  std::vector<File> files;
  std::vector<Link> links;
  std::vector<Unit> units;
  std::string firewall; // the nftables table, as nft lists it
  std::vector<Sysctl> sysctls;
  std::vector<std::string> secrets; // that lie open and are to be taken in, in words
  std::vector<Package> packages;
  std::vector<std::string> packages_deny; // patterns of what may not come along with them
  std::vector<Retired> retired;           // to be taken away
  std::string archive;  // the directory their data goes to; empty: it is thrown away
  bool sidecar = false; // the machine is others' too: nothing that is not ours is replaced
  File applied;         // the record, written when all else is done
  // Agents, and "" for what is everybody's, for whom the same was wanted the last time: whatever
  // differs there is drift.
  std::set<std::string> settled;
  std::string config_sha256;
};

// --- as it is: each of these stands at the index of what it was asked for ----------------------

struct SeenDirectory {
  bool exists = false;
  bool is_directory = false;
  mode_t mode = 0;
  std::string owner;
  std::string group;
  std::vector<std::string> acl;
  std::vector<std::string> default_acl;
};

struct SeenFile {
  bool exists = false;
  bool is_file = false;
  bool is_masked = false; // a unit that is a symlink to /dev/null
  std::string content;
  mode_t mode = 0;
  std::string owner;
  std::string group;
  Immutable immutable = Immutable::no;
};

struct SeenLink {
  bool exists = false;
  std::string target; // empty: not a symlink
  bool is_directory = false;
};

struct SeenUnit {
  bool enabled = false;
  bool active = false;
};

struct SeenSysctl {
  std::optional<long> value; // nothing: this kernel has none such
  bool settable = false;     // a container may show what it cannot set
};

struct Seen {
  Accounts accounts;
  std::vector<SeenDirectory> directories;
  std::vector<SeenFile> files;
  std::vector<SeenLink> links;
  std::vector<SeenUnit> units;
  std::optional<std::string> firewall; // empty: there is no such table; nothing: nobody can tell
  std::vector<SeenSysctl> sysctls;
  std::vector<bool> packages; // whether it is installed
  SeenFile applied;
  std::set<std::string> loaded; // units systemd has in memory
  bool repairs_pending = false; // an earlier run was killed before the ledger said what it mended
  bool reload_pending = false;  // unit files were changed and systemd may not have read them
};

} // namespace conos::plan
