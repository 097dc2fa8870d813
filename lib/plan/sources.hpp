#pragma once

#include "config/config.hpp"
#include "config/door.hpp"
#include "host/accounts.hpp"
#include "plan/place.hpp"
#include "plan/record.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace conos::plan {

// What the desired state is made of beside the configuration: read once, so that the rest is pure.
struct Sources {
  // shipped in /usr/lib
  std::string agent_path;
  std::string agent_service;
  std::string agent_timer;
  std::map<Tier, std::string> tiers; // drop-ins
  std::string sysusers;
  std::string tmpfiles;
  std::map<std::string, std::string> contracts; // templates, by their file names
  // of the administrator, in /etc/conos
  std::string config_sha256;
  std::map<std::string, std::string> instructions; // of each agent, assembled
  std::vector<std::string> locked;                 // paths that are to be immutable
  Prices prices;                                   // shipped ones, and the administrator's own
  // of the machine
  bool has_sudo = false;
  bool can_set_sysctls = false;
  bool can_lock = false; // this machine lets us set the immutable flag
  bool has_audit = false;
  std::map<std::string, std::string> programs; // absolute path of each runner
  Accounts accounts;
  Record record;
  std::set<std::string> held; // agents a person stopped
  std::vector<Retired> retired;
  std::vector<std::string> strays; // units called conos-... that are in nobody's name
  // what a person should know
  std::vector<std::string> warnings;
};

// The files below /etc/conos and in the machine's contracts that are immutable while they are in
// use: what people wrote, and conos and agents read. In the order of their names.
Result<std::vector<std::string>> guarded_paths(const Place& place);

// `config_text` is the text `config` was made of. Kind::unavailable when conos is not installed
// whole, Kind::config when instructions cannot be used.
Result<Sources> read_sources(
  const Place& place, const config::Config& config, std::string_view config_text);

} // namespace conos::plan
