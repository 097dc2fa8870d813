#pragma once

#include "sys/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// The machines the front door opens to: targets.toml, read strictly.
namespace conos::target {

enum class Transport {
  local,   // this machine
  machine, // of systemd-machined, by systemd-run(1)
  podman,
  docker,
  ssh,
  command, // whatever a program of one's own reaches: the words follow its own
};

std::string_view to_string(Transport transport);

struct Target {
  std::string name;
  Transport transport = Transport::local;
  bool is_default = false;
  std::string address;               // the machine, the container or the host
  std::string user;                  // ssh; empty: as ssh_config(5) says
  int port = 0;                      // ssh; 0: the same
  std::string identity;              // ssh: path of the private key; empty: the same
  std::string known_hosts;           // ssh: path; empty: the same
  std::string image;                 // podman, docker: what `install` makes the container of
  std::vector<std::string> run_args; // podman, docker: options of `run` besides ours
  std::vector<std::string> command;  // command: put before the program's words
  std::vector<std::string> install;  // command: what makes it
  std::vector<std::string> start;    // command
  std::vector<std::string> stop;     // command
  std::vector<std::string> program{"/usr/bin/conos"}; // the front door there
};

// Something wrong with the text.
struct Finding {
  unsigned line = 0;
  unsigned column = 0;
  std::string text;
};

struct Parsed {
  std::vector<Target> targets;   // in their order; only those with nothing wrong
  std::vector<Finding> findings; // everything that is wrong
};

Parsed parse(std::string_view text);

// This machine, which needs no line in a file.
Target local();

inline const std::string k_local = "local";
inline const std::string k_this_machine = ".host"; // systemd-machined's name for it
constexpr std::size_t k_max_targets_bytes = 65536;
constexpr std::size_t k_max_targets = 100;

// Those of `files`, which need not be there. A later file wins, by the name and with its default.
// A file belongs to root or to us and nobody else can write to it, for it says what is run:
// Kind::denied otherwise. Kind::config with FILE:LINE:COLUMN of everything that is wrong.
Result<std::vector<Target>> load(const std::vector<std::string>& files);

// /etc/conos/targets.toml and ~/.config/conos/targets.toml, or $XDG_CONFIG_HOME/conos/targets.toml.
std::vector<std::string> usual_files();

// The one of that name; with an empty name the default one, or this machine when there is none.
// Kind::usage when there is none of that name.
Result<Target> choose(const std::vector<Target>& targets, const std::string& name);

} // namespace conos::target
