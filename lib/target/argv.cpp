#include "target/argv.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::target {

namespace {

bool is_harmless(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-./:,@+").find(c) != std::string_view::npos;
}

void append(Argv& argv, const Argv& words)
{
  argv.insert(argv.end(), words.begin(), words.end());
}

// What runs there: on itself, whatever its own targets are.
Argv far_words(const Target& target, const std::vector<std::string>& words)
{
  auto argv = target.program;
  argv.push_back("--target=" + k_local);
  append(argv, words);
  return argv;
}

Argv ssh_argv(const Target& target, const Argv& words, Terminal terminal)
{
  Argv argv{"ssh"};
  for (const auto* option : {"StrictHostKeyChecking=yes", "NoHostAuthenticationForLocalhost=no",
         "ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no",
         "RemoteCommand=none", "EscapeChar=none", "ConnectTimeout=15", "ServerAliveInterval=15"}) {
    append(argv, {"-o", option});
  }
  if (terminal == Terminal::no) {
    append(argv, {"-o", "BatchMode=yes"}); // nobody is there to be asked
  }
  if (!target.known_hosts.empty()) {
    append(argv, {"-o", "UserKnownHostsFile=" + target.known_hosts});
  }
  if (!target.identity.empty()) {
    append(argv, {"-o", "IdentitiesOnly=yes", "-i", target.identity});
  }
  if (target.port != 0) {
    append(argv, {"-p", std::to_string(target.port)});
  }
  if (!target.user.empty()) {
    append(argv, {"-l", target.user});
  }
  append(argv, {terminal == Terminal::yes ? "-t" : "-T", "--", target.address});
  Argv quoted;
  std::transform(words.begin(), words.end(), std::back_inserter(quoted), quoted_for_shell);
  argv.push_back(join(quoted, " "));
  return argv;
}

// systemd puts variables of the unit into the words it runs; $$ is a dollar.
std::string without_variables(const std::string& word)
{
  std::string out;
  for (const char c : word) {
    out += c;
    out += c == '$' ? "$" : "";
  }
  return out;
}

// Not machinectl shell: it needs a terminal and loses the exit status.
Argv machine_argv(const Target& target, const Argv& words, Terminal terminal)
{
  Argv argv{"systemd-run", "--machine=" + target.address, "--quiet", "--collect", "--wait",
    "--service-type=exec", terminal == Terminal::yes ? "--pty" : "--pipe", "--"};
  std::transform(words.begin(), words.end(), std::back_inserter(argv), without_variables);
  return argv;
}

Argv container_argv(const Target& target, const Argv& words, Terminal terminal)
{
  Argv argv{std::string(to_string(target.transport)), "exec", "--interactive"};
  if (terminal == Terminal::yes) {
    argv.emplace_back("--tty");
  }
  argv.push_back(target.address);
  append(argv, words);
  return argv;
}

// No port is opened, nothing is privileged, and a container of that name is not touched.
Argv container_install(const Target& target)
{
  Argv argv{std::string(to_string(target.transport)), "run", "--detach", "--name=" + target.address,
    "--hostname=" + target.name, "--restart=unless-stopped", "--stop-signal=SIGRTMIN+3",
    "--cap-add=LINUX_IMMUTABLE", "--cap-add=NET_ADMIN"};
  if (target.transport == Transport::podman) {
    argv.emplace_back("--systemd=always");
  } else {
    append(argv, {"--cgroupns=private", "--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp"});
  }
  append(argv, target.run_args);
  append(argv, {target.image, "/sbin/init"});
  return argv;
}

// Not of the machine we are on: whoever starts and stops that one does not do it from inside.
std::optional<Argv> machinectl(const std::string& verb, const Target& target)
{
  return target.address == k_this_machine ? std::nullopt
                                          : std::optional(Argv{"machinectl", verb, target.address});
}

std::optional<Argv> unless_empty(const Argv& argv)
{
  return argv.empty() ? std::nullopt : std::optional(argv);
}

} // namespace

std::string quoted_for_shell(std::string_view word)
{
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_harmless)) {
    return std::string(word);
  }
  // a quote and a backslash stand outside of quotes, where every shell reads them alike
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'' || c == '\\') {
      out += "'\\";
      out += c;
      out += '\'';
    } else {
      out += c;
    }
  }
  return out + "'";
}

Argv argv_of(const Target& target, const std::vector<std::string>& words, Terminal terminal)
{
  auto far = far_words(target, words);
  switch (target.transport) {
  case Transport::local:
    return far;
  case Transport::machine:
    return machine_argv(target, far, terminal);
  case Transport::podman:
  case Transport::docker:
    return container_argv(target, far, terminal);
  case Transport::ssh:
    return ssh_argv(target, far, terminal);
  case Transport::command: {
    auto argv = target.command;
    append(argv, far);
    return argv;
  }
  }
  return {};
}

std::optional<Argv> install_argv(const Target& target)
{
  switch (target.transport) {
  case Transport::machine:
    return machinectl("start", target);
  case Transport::podman:
  case Transport::docker:
    return target.image.empty() ? std::nullopt : std::optional(container_install(target));
  case Transport::command:
    return unless_empty(target.install);
  case Transport::local:
  case Transport::ssh:
    break;
  }
  return std::nullopt;
}

std::optional<Argv> start_argv(const Target& target)
{
  switch (target.transport) {
  case Transport::machine:
    return machinectl("start", target);
  case Transport::podman:
  case Transport::docker:
    return Argv{std::string(to_string(target.transport)), "start", target.address};
  case Transport::command:
    return unless_empty(target.start);
  case Transport::local:
  case Transport::ssh:
    break;
  }
  return std::nullopt;
}

std::optional<Argv> stop_argv(const Target& target, Force force)
{
  const bool forced = force == Force::yes;
  switch (target.transport) {
  case Transport::machine:
    return machinectl(forced ? "terminate" : "poweroff", target);
  case Transport::podman:
  case Transport::docker:
    return Argv{std::string(to_string(target.transport)), forced ? "kill" : "stop", target.address};
  case Transport::command:
    return unless_empty(target.stop);
  case Transport::local:
  case Transport::ssh:
    break;
  }
  return std::nullopt;
}

std::string address_text(const Target& target)
{
  if (target.transport == Transport::local) {
    return "this machine";
  }
  if (target.transport == Transport::command) {
    return escaped(join(target.command, " "), 80);
  }
  const auto user = target.user.empty() ? "" : target.user + "@";
  const auto port = target.port == 0 ? "" : fmt::format(":{}", target.port);
  return user + target.address + port;
}

} // namespace conos::target
