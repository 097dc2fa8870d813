#pragma once

#include "cli/tool.hpp"
#include "sys/error.hpp"

#include <string>

// conos-bootstrap itself: reads conos.toml, and makes the machine what it says.
namespace conos::plan {

// What is printed, and whether anything is done.
enum class Tell {
  deeds,  // the steps as they are done
  plan,   // the steps there would be, and nothing is done
  wanted, // the state of the machine as conos.toml wants it
  report, // what is not so
};

struct Options {
  std::string config;      // path of conos.toml; empty: the one in /etc/conos
  std::string profile;     // a shipped profile to begin with; empty: none
  bool check_only = false; // judge conos.toml and stop
  Tell tell = Tell::deeds;
  bool json = false;        // print all that as JSON
  std::string root = "";    // "/" of an image that is being built; empty: this machine
  bool sidecar = false;     // the machine is others' too; remembered
  bool whole = false;       // no longer
  bool prune = false;       // take away agents that are no longer configured
  std::string archive = ""; // the directory their data goes to; empty: it is thrown away
  bool unlock_only = false; // take the immutable flag off what an administrator edits, and stop
};

// Findings and warnings go to standard error, steps to standard output.
// Exit::no: a plan or a report found changes. Exit::config: conos.toml is wrong, or not there.
Result<cli::Exit> bootstrap(const Options& options);

} // namespace conos::plan
