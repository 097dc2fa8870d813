#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace conos {

// A program to run: no shell, an argument vector, a chosen environment.
struct Command {
  std::vector<std::string> argv;        // argv[0] with a slash is a path, else looked up in PATH
  std::vector<std::string> environment; // all of it, "KEY=value"; PATH= in it is the one searched
  std::string directory;                // to start in; empty stays where we are
  int input = -1;                       // descriptor for standard input (not taken over); -1: none
  int output = -1;                      // the same for standard output; -1: collected in Ended
};

struct Bounds {
  Duration time = std::chrono::seconds(60); // then SIGTERM to its process group
  Duration grace = std::chrono::seconds(5); // then SIGKILL
  std::size_t out_bytes = 1U << 20U;        // more on stdout than this ends it
  std::size_t err_bytes = 64U << 10U;       // of stderr only the first so many are kept
};

struct Ended {
  enum class How { exited, signalled, timeout, output_limit };
  How how = How::exited;
  int status = 0; // exit status, or the number of the signal
  std::string out;
  std::string err;
  bool err_cut = false;
};

// Runs `command` to its end and collects what it prints. `end_rest` is called each time the
// program itself has ended or been killed, to end whatever it left that may still hold its pipes.
// Kind::not_found when there is no such program, Kind::os when it could not be started. A program
// that fails is not an error: that is in Ended.
Result<Ended> run_command(
  const Command& command, const Bounds& bounds, const std::function<void()>& end_rest = nullptr);

// Turns this process into another program, argv[0] being its path. Comes back only with the reason
// why it could not: Kind::not_found when there is none.
Error become(const std::vector<std::string>& argv, const std::vector<std::string>& environment);

// Our own environment, to pass on.
std::vector<std::string> own_environment();

// The usual environment for a system tool: a fixed PATH and a C locale.
std::vector<std::string> plain_environment();

} // namespace conos
