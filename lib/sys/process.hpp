#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace conos {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
};

// A program to run: no shell, an argument vector, a chosen environment.
struct Command {
  std::vector<std::string> argv;        // argv[0] with a slash is a path, else looked up in PATH
  std::vector<std::string> environment; // all of it, "KEY=value"; PATH= in it is the one searched
  std::string directory;                // to start in; empty stays where we are
  int input = -1;                       // descriptor for standard input (not taken over); -1: none
  int output = -1;                      // the same for standard output; -1: collected in Ended
  int script = -1;                      // becomes descriptor 3, for /proc/self/fd/3; -1: none

  // What follows is for programs of others'; any of it set takes another way to start, which is as
  // quick.
  std::optional<Identity> identity{}; // become this, without supplementary groups and with no way
                                      // to gain privileges (only root can)
  std::size_t data_bytes = 0;         // most private memory of each process (RLIMIT_DATA); 0: any
  bool dies_with_us = false;          // killed when the thread that started it ends
  int rules = -1;                     // of Landlock, which it takes on (not taken over); -1: none
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
