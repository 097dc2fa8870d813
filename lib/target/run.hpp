#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/process.hpp"
#include "target/argv.hpp"

#include <string>
#include <vector>

// Running verbs on targets.
namespace conos::target {

// Our environment without CONOS_API_KEY: what is started here has no use for it.
std::vector<std::string> environment_for_others();

// Runs argv, argv[0] being looked up in PATH, with our standard streams, or with `input` for its
// standard input, to its end; whoever presses Ctrl-C means it and not us, and it ends when we do.
// Gives its exit status, 128 and the number of a signal that ended it. Kind::not_found when there
// is no such program.
Result<int> run_attached(const Argv& argv, const UniqueFd* input = nullptr);

// What came of a verb on a target.
struct Outcome {
  int status = 0;
  bool is_there = true; // false: nothing answers there, and the status is the transport's own
};

// The verb with our streams. A status that a transport may also have when it reaches nobody is
// looked into: is the front door there at all?
Result<Outcome> run_there(const Target& target, const std::vector<std::string>& words,
  Terminal terminal, const UniqueFd* input = nullptr);

// The verb with nothing on its standard input, for what it prints.
Result<Ended> ask_there(const Target& target, const std::vector<std::string>& words, Duration time);

// Whether the front door answers, and its version: "conos (conos) 0.1". Kind::unavailable with what
// was said when it does not, within `time`.
Result<std::string> version_there(const Target& target, Duration time);

} // namespace conos::target
