#include "target/run.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace conos::target {

namespace {

constexpr std::string_view k_key = "CONOS_API_KEY=";
constexpr Duration k_probe_time = std::chrono::seconds(20);

// Whether a transport ends with this status for troubles of its own: 1 is docker's and
// systemd-run's, 125 to 127 are those of containers and shells, 255 of ssh and podman. What needs
// no second look gets none: ssh may have asked for a password, and a second time it may not.
bool may_be_the_transports(Transport transport, int status)
{
  const bool is_of_a_shell = status == 126 || status == 127;
  switch (transport) {
  case Transport::local:
    return false;
  case Transport::machine:
    return status == 1;
  case Transport::ssh:
    return is_of_a_shell || status == 255;
  case Transport::podman:
  case Transport::docker:
  case Transport::command:
    return status == 1 || status == 125 || is_of_a_shell || status == 255;
  }
  return false;
}

std::vector<char*> pointers_to(std::vector<std::string>& words)
{
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
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

// What the child needs, made before it is there: it is in our memory, and may not allocate.
struct Launch {
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  int input = -1; // -1: ours
  pid_t parent = 0;
};

// It ends with us, however we end, or it would go on at a terminal that has somebody else already.
bool set_up_child(const Launch& launch)
{
  struct sigaction usual {
  };
  usual.sa_handler = SIG_DFL; // NOLINT(cppcoreguidelines-pro-type-cstyle-cast): the system's own
  for (const int signal : {SIGINT, SIGQUIT, SIGPIPE}) {
    (void)::sigaction(signal, &usual, nullptr);
  }
  return ::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && ::getppid() == launch.parent &&
         (launch.input < 0 || ::dup2(launch.input, STDIN_FILENO) == STDIN_FILENO);
}

// The child leaves its errno in a variable of ours.
[[gnu::noinline]] pid_t launch_child(const Launch& launch, volatile int& error)
{
  const pid_t pid = ::vfork(); // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (pid == 0) {
    if (set_up_child(launch)) { // NOLINT(clang-analyzer-unix.Vfork): system calls, no more
      (void)::execvpe(launch.argv[0], launch.argv, launch.environment);
    }
    error = errno;
    ::_exit(127);
  }
  return pid;
}

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
  auto words = argv;
  auto environment = environment_for_others();
  const auto argv_pointers = pointers_to(words);
  const auto environment_pointers = pointers_to(environment);
  const Launch launch{argv_pointers.data(), environment_pointers.data(),
    input == nullptr ? -1 : input->get(), ::getpid()};
  const Deaf deaf;
  volatile int error = 0;
  const pid_t pid = launch_child(launch, error);
  if (pid < 0) {
    return os_error("start '{}'", escaped(argv.front()));
  }
  CONOS_TRY(const auto status, status_of(pid));
  if (error != 0) {
    errno = error;
    return os_error("start '{}'", escaped(argv.front()));
  }
  return status;
}

Result<Outcome> run_there(const Target& target, const std::vector<std::string>& words,
  Terminal terminal, const UniqueFd* input)
{
  CONOS_TRY(const auto status, run_attached(argv_of(target, words, terminal), input));
  if (!may_be_the_transports(target.transport, status)) {
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
