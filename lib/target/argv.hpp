#pragma once

#include "target/targets.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// How a target is reached: argument vectors, and where a shell is on the way, quoted for it.
namespace conos::target {

using Argv = std::vector<std::string>;

// A word that sh, bash, dash, ksh, zsh and fish read as it is. They have to: sshd(8) gives the
// command to whatever shell the user has there.
std::string quoted_for_shell(std::string_view word);

// Whether somebody sits before it: a terminal is then made on the other side too.
enum class Terminal { no, yes };

// Runs the front door of the target with these words, there on itself. argv[0] is looked up in
// PATH.
Argv argv_of(const Target& target, const std::vector<std::string>& words, Terminal terminal);

enum class Force { no, yes };

// Nothing where the transport has no way to do it.
std::optional<Argv> install_argv(const Target& target);
std::optional<Argv> start_argv(const Target& target);
std::optional<Argv> stop_argv(const Target& target, Force force);

// "ssh alice@host:22", "podman conos", for people.
std::string address_text(const Target& target);

} // namespace conos::target
