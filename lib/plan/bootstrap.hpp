#pragma once

#include "cli/tool.hpp"
#include "plan/place.hpp"
#include "sys/error.hpp"

#include <string>

// conos-bootstrap itself: reads conos.toml, and makes the machine what it says.
namespace conos::plan {

struct Options {
  std::string config;       // path of conos.toml; empty: the one in /etc/conos
  std::string profile;      // a shipped profile to begin with; empty: none
  bool check_only = false;  // judge conos.toml and stop
  bool dry_run = false;     // show the plan and stop
  bool json = false;        // print the plan as JSON
  bool unlock_only = false; // take the immutable flag off what an administrator edits, and stop
};

// Findings and warnings go to standard error, steps to standard output.
// Exit::no: a dry run found changes. Exit::config: conos.toml is wrong, or not there.
Result<cli::Exit> bootstrap(const Place& place, const Options& options);

} // namespace conos::plan
