#include "target/run.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace conos::target {

namespace {

constexpr std::string_view k_key = "CONOS_API_KEY=";
constexpr Duration k_probe_time = std::chrono::seconds(20);

// Statuses a transport has for troubles of its own: 1 docker and systemd-run, 125 to 127
// containers and shells, 255 ssh and podman.
bool may_be_the_transports(int status)
{
  return status == 1 || (status >= 125 && status <= 127) || status == 255;
}

std::vector<char*> pointers_to(std::vector<std::string>& words)
{
  std::vector<char*> pointers;
  for (auto& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

// SIGINT and SIGQUIT go to whoever is at work in the foreground, and we wait for that one.
class Deaf
{
public:
  Deaf()
  {
    struct sigaction ignore {
    };
    ignore.sa_handler = SIG_IGN; // NOLINT(cppcoreguidelines-pro-type-cstyle-cast): the system's own
    for (std::size_t i = 0; i < k_signals.size(); ++i) {
      (void)::sigaction(k_signals[i], &ignore, &m_before[i]);
    }
  }
  ~Deaf()
  {
    for (std::size_t i = 0; i < k_signals.size(); ++i) {
      (void)::sigaction(k_signals[i], &m_before[i], nullptr);
    }
  }
  Deaf(const Deaf&) = delete;
  Deaf& operator=(const Deaf&) = delete;

private:
  static constexpr std::array k_signals{SIGINT, SIGQUIT};
  std::array<struct sigaction, k_signals.size()> m_before{};
};

class Spawning
{
public:
  Spawning()
  {
    ::posix_spawn_file_actions_init(&m_actions);
    ::posix_spawnattr_init(&m_attributes);
    sigset_t usual;
    ::sigemptyset(&usual);
    for (const int signal : {SIGINT, SIGQUIT, SIGPIPE}) {
      ::sigaddset(&usual, signal);
    }
    (void)::posix_spawnattr_setsigdefault(&m_attributes, &usual);
    (void)::posix_spawnattr_setflags(&m_attributes, POSIX_SPAWN_SETSIGDEF);
  }
  ~Spawning()
  {
    ::posix_spawn_file_actions_destroy(&m_actions);
    ::posix_spawnattr_destroy(&m_attributes);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;

  void take_input(int fd) { ::posix_spawn_file_actions_adddup2(&m_actions, fd, STDIN_FILENO); }

  int spawn(pid_t& pid, const Argv& argv) const
  {
    auto words = argv;
    auto environment = environment_for_others();
    return ::posix_spawnp(&pid, words.front().c_str(), &m_actions, &m_attributes,
      pointers_to(words).data(), pointers_to(environment).data());
  }

private:
  posix_spawn_file_actions_t m_actions{};
  posix_spawnattr_t m_attributes{};
};

Result<int> status_of(pid_t pid)
{
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return os_error("wait for a program");
    }
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace

std::vector<std::string> environment_for_others()
{
  auto environment = own_environment();
  std::erase_if(environment, [](const std::string& entry) {
    return entry.starts_with(k_key);
  });
  return environment;
}

Result<int> run_attached(const Argv& argv, const UniqueFd* input)
{
  Spawning spawning;
  if (input != nullptr) {
    spawning.take_input(input->get());
  }
  const Deaf deaf;
  pid_t pid = 0;
  if (const int error = spawning.spawn(pid, argv); error != 0) {
    errno = error;
    return os_error("start '{}'", escaped(argv.front()));
  }
  return status_of(pid);
}

Result<Outcome> run_there(const Target& target, const std::vector<std::string>& words,
  Terminal terminal, const UniqueFd* input)
{
  CONOS_TRY(const auto status, run_attached(argv_of(target, words, terminal), input));
  if (!may_be_the_transports(status)) {
    return Outcome{status, true};
  }
  return Outcome{status, version_there(target, k_probe_time).has_value()};
}

Result<Ended> ask_there(const Target& target, const std::vector<std::string>& words, Duration time)
{
  Command command;
  command.argv = argv_of(target, words, Terminal::no);
  command.environment = environment_for_others();
  Bounds bounds;
  bounds.time = time;
  bounds.grace = std::chrono::seconds(1);
  bounds.out_bytes = 65536;
  return run_command(command, bounds);
}

Result<std::string> version_there(const Target& target, Duration time)
{
  if (target.transport == Transport::local) {
    return "conos (conos) " CONOS_VERSION;
  }
  CONOS_TRY(const auto ended, ask_there(target, {"--version"}, time));
  if (ended.how == Ended::How::timeout) {
    return fail(Kind::unavailable, "no answer after {}", for_people(time));
  }
  if (ended.how != Ended::How::exited || ended.status != 0 || ended.out.empty()) {
    const auto said = trimmed(ended.err);
    return fail(Kind::unavailable, "{}",
      said.empty() ? fmt::format("status {}", ended.status)
                   : escaped(said.substr(said.rfind('\n') + 1), 200));
  }
  return escaped(trimmed(ended.out), 80);
}

} // namespace conos::target
