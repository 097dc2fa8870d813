#pragma once

#include "cli/tool.hpp"
#include "plan/place.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <functional>
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
  std::string config{};    // path of conos.toml; empty: the one in /etc/conos
  std::string profile{};   // a shipped profile to begin with; empty: none
  bool check_only = false; // judge conos.toml and stop
  Tell tell = Tell::deeds;
  bool json = false;        // print all that as JSON
  std::string root{};       // "/" of an image that is being built; empty: this machine
  bool sidecar = false;     // the machine is others' too; remembered
  bool whole = false;       // no longer
  bool prune = false;       // take away agents that are no longer configured
  std::string archive{};    // the directory their data goes to; empty: it is thrown away
  bool unlock_only = false; // take the immutable flag off what an administrator edits, and stop
};

// Held by whoever changes the machine: one at a time. In /run, for nothing else of ours may be
// there yet. Kind::busy when another has it.
Result<UniqueFd> only_one(const Place& place);

// Findings and warnings go to standard error, steps to standard output.
// Exit::no: a plan or a report found changes. Exit::config: conos.toml is wrong, or not there.
Result<cli::Exit> bootstrap(const Options& options);

// Puts another conos.toml, from `file` or with "-" from standard input, in place of the one there
// is and makes the machine what it says. What is
// wrong with it is said and nothing is done; else the lines that differ and the plan are shown, and
// `agrees` is asked. The version there was is kept. Killed at any point, one of the two is there
// whole, and the next conos-bootstrap goes on. Exit::no: not agreed, or, with Tell::plan, changes.
Result<cli::Exit> replace_config(
  const std::string& file, const Options& options, const std::function<bool()>& agrees);

// The same with the conos.toml there is, as `edit` changes it.
Result<cli::Exit> edit_config(const std::function<Result<std::string>(const std::string&)>& edit,
  const Options& options, const std::function<bool()>& agrees);

// The same with one agent more, the table [[agents]] in that file. With Options::check_only what is
// wrong with it is printed, a line each, and nothing is done.
Result<cli::Exit> add_agent(
  const std::string& file, const Options& options, const std::function<bool()>& agrees);

// The same with an earlier version, the newest that is not what is there now when `name` is empty.
Result<cli::Exit> restore_config(
  const std::string& name, const Options& options, const std::function<bool()>& agrees);

} // namespace conos::plan
