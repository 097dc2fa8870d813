#include "sys/process.hpp"

#include "sys/landlock.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>

namespace conos {

namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> make_pipe()
{
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) {
    return os_error("make a pipe");
  }
  Pipe made{UniqueFd(ends[0]), UniqueFd(ends[1])};
  // only our end: the other's file status is the runner's own affair
  if (::fcntl(made.reader.get(), F_SETFL, O_NONBLOCK) < 0) {
    return os_error("set up a pipe");
  }
  return made;
}

Result<std::string> find_program(const Command& command)
{
  const auto& name = command.argv.front();
  if (name.find('/') != std::string::npos) {
    return name;
  }
  std::string_view path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (const std::string_view entry : command.environment) {
    if (entry.starts_with("PATH=")) {
      path = entry.substr(5);
    }
  }
  for (const auto dir : split(path, ':')) {
    auto candidate = std::string(dir) + "/" + name;
    if (!dir.empty() && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return fail(Kind::not_found, "no program '{}' in {}", name, path);
}

std::vector<char*> pointers(const std::vector<std::string>& texts)
{
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) {
    out.push_back(const_cast<char*>(text.c_str()));
  }
  out.push_back(nullptr);
  return out;
}

class SpawnPlan
{
public:
  SpawnPlan()
  {
    (void)::posix_spawn_file_actions_init(&actions);
    (void)::posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan()
  {
    (void)::posix_spawn_file_actions_destroy(&actions);
    (void)::posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

Result<pid_t> spawn(const Command& command, const UniqueFd& out, const UniqueFd& err)
{
  CONOS_TRY(const auto program, find_program(command));
  SpawnPlan plan;
  if (command.input >= 0) {
    (void)::posix_spawn_file_actions_adddup2(&plan.actions, command.input, STDIN_FILENO);
  } else {
    (void)::posix_spawn_file_actions_addopen(&plan.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  (void)::posix_spawn_file_actions_adddup2(
    &plan.actions, command.output >= 0 ? command.output : out.get(), STDOUT_FILENO);
  (void)::posix_spawn_file_actions_adddup2(&plan.actions, err.get(), STDERR_FILENO);
  if (!command.directory.empty()) {
    (void)::posix_spawn_file_actions_addchdir_np(&plan.actions, command.directory.c_str());
  }

  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  (void)::posix_spawnattr_setsigmask(&plan.attributes, &none);
  (void)::posix_spawnattr_setsigdefault(&plan.attributes, &all);
  (void)::posix_spawnattr_setpgroup(&plan.attributes, 0);
  (void)::posix_spawnattr_setflags(
    &plan.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  const auto argv = pointers(command.argv);
  const auto environment = pointers(command.environment);
  pid_t pid = -1;
  const int error = ::posix_spawn(
    &pid, program.c_str(), &plan.actions, &plan.attributes, argv.data(), environment.data());
  if (error != 0) {
    errno = error;
    return os_error("start '{}'", program);
  }
  return pid;
}

// All that the child needs, made before it is there: it may neither allocate nor take a lock.
struct Launch {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const char* directory = nullptr;
  int input = -1;
  int output = -1;
  int error = -1;
  int script = -1;
  const Identity* identity = nullptr;
  rlim_t data_bytes = 0;
  bool dies_with_us = false;
  int rules = -1;
  pid_t parent = 0;
  int null = -1;
};

// The raw calls: the C library's would change all threads, and we are in our parent's memory.
bool take_identity(const Identity& identity)
{
  return ::syscall(SYS_setgroups, 0, nullptr) == 0 &&
         ::syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid) == 0 &&
         ::syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid) == 0 &&
         ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

// What holds the number 3 may be one of the others: they are put in place from copies above it.
bool place_descriptors(const Launch& launch)
{
  const int input = ::fcntl(launch.input >= 0 ? launch.input : launch.null, F_DUPFD_CLOEXEC, 10);
  const int output = ::fcntl(launch.output, F_DUPFD_CLOEXEC, 10);
  const int error = ::fcntl(launch.error, F_DUPFD_CLOEXEC, 10);
  const int script = launch.script >= 0 ? ::fcntl(launch.script, F_DUPFD_CLOEXEC, 10) : -1;
  return ::dup2(input, STDIN_FILENO) == STDIN_FILENO &&
         ::dup2(output, STDOUT_FILENO) == STDOUT_FILENO &&
         ::dup2(error, STDERR_FILENO) == STDERR_FILENO && (script < 0 || ::dup2(script, 3) == 3);
}

bool set_up_child(const Launch& launch)
{
  struct sigaction usual = {};
  usual.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    (void)::sigaction(signal, &usual, nullptr);
  }
  if (::setpgid(0, 0) < 0 || !place_descriptors(launch)) {
    return false;
  }
  if (launch.directory != nullptr && ::chdir(launch.directory) < 0) {
    return false;
  }
  const rlimit data{launch.data_bytes, launch.data_bytes};
  if (launch.data_bytes > 0 && ::setrlimit(RLIMIT_DATA, &data) < 0) {
    return false;
  }
  if (launch.identity != nullptr && !take_identity(*launch.identity)) {
    return false;
  }
  // after the change of identity, which undoes it
  if (launch.dies_with_us &&
      (::prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || ::getppid() != launch.parent)) {
    return false;
  }
  if (launch.rules >= 0 && !take_on(launch.rules)) {
    return false;
  }
  sigset_t none;
  ::sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

// The child runs in our memory until it has become the program, so it leaves its errno in a
// variable of ours.
[[gnu::noinline]] pid_t launch_child(const Launch& launch, volatile int& error)
{
  const pid_t pid = ::vfork(); // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (pid == 0) {
    if (set_up_child(launch)) {
      (void)::execve(launch.program, launch.argv, launch.environment);
    }
    error = errno;
    ::_exit(127);
  }
  return pid;
}

Result<pid_t> spawn_apart(const Command& command, const UniqueFd& out, const UniqueFd& err)
{
  CONOS_TRY(const auto program, find_program(command));
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) {
    return os_error("open '/dev/null'");
  }
  const auto argv = pointers(command.argv);
  const auto environment = pointers(command.environment);
  Launch launch;
  launch.program = program.c_str();
  launch.argv = argv.data();
  launch.environment = environment.data();
  launch.directory = command.directory.empty() ? nullptr : command.directory.c_str();
  launch.input = command.input;
  launch.output = command.output >= 0 ? command.output : out.get();
  launch.error = err.get();
  launch.script = command.script;
  launch.identity = command.identity ? &*command.identity : nullptr;
  launch.data_bytes = command.data_bytes;
  launch.dies_with_us = command.dies_with_us;
  launch.rules = command.rules;
  launch.parent = ::getpid();
  launch.null = null.get();

  // no handler of ours may run in the child
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
  volatile int error = 0;
  const pid_t pid = launch_child(launch, error);
  const int own = errno;
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = pid < 0 ? own : error;
  if (pid >= 0 && error == 0) {
    return pid;
  }
  const int failed = errno;
  if (pid > 0) {
    (void)::waitpid(pid, nullptr, 0);
  }
  errno = failed;
  return os_error("start '{}'", program);
}

bool is_apart(const Command& command)
{
  return command.identity || command.data_bytes > 0 || command.dies_with_us ||
         command.script >= 0 || command.rules >= 0;
}

// Reads what is there. False at the end of the stream.
Result<bool> drain(const UniqueFd& fd, std::string& into, std::size_t limit, bool& over)
{
  std::array<char, 64U << 10U> buffer;
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0 && errno == EAGAIN) {
      return true;
    }
    if (got < 0) {
      return os_error("read what it prints");
    }
    if (got == 0) {
      return false;
    }
    const auto size = static_cast<std::size_t>(got);
    const auto room = limit - std::min(limit, into.size());
    into.append(buffer.data(), std::min(size, room));
    over = over || size > room;
    if (over) {
      return true; // the caller decides before it reads more of an endless stream
    }
  }
}

int milliseconds_until(Clock::time_point when)
{
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// One run: the child, its two pipes, and how far along the way to its end we are.
class Run
{
public:
  Run(pid_t pid, UniqueFd pidfd, UniqueFd out, UniqueFd err, const Bounds& bounds,
    const std::function<void()>& end_rest)
      : m_pid(pid)
      , m_pidfd(std::move(pidfd))
      , m_out(std::move(out))
      , m_err(std::move(err))
      , m_bounds(bounds)
      , m_end_rest(end_rest)
      , m_deadline(Clock::now() + bounds.time)
  {
  }

  // An error when its output could not be read: half an answer is none.
  Result<Ended> wait()
  {
    while (!m_reaped || m_out || m_err) {
      step();
    }
    if (!m_trouble) {
      return tl::unexpected<Error>(m_trouble.error());
    }
    return std::move(m_ended);
  }

private:
  void step()
  {
    std::array<pollfd, 3> fds{{{m_out.get(), POLLIN, 0}, {m_err.get(), POLLIN, 0},
      {m_reaped ? -1 : m_pidfd.get(), POLLIN, 0}}};
    const int ready = ::poll(fds.data(), fds.size(), milliseconds_until(m_deadline));
    if (ready < 0 && errno != EINTR) {
      m_trouble = os_error("wait for what it says");
      kill_now(); // out of memory: nothing may be left running unwatched
    }
    if (ready > 0) {
      read_out(fds[0].revents);
      read_err(fds[1].revents);
      if (fds[2].revents != 0) {
        reap();
      }
    }
    if (Clock::now() >= m_deadline) {
      escalate();
    }
  }

  void read_from(UniqueFd& pipe, short events, std::string& into, std::size_t limit, bool& over)
  {
    if (events == 0) {
      return;
    }
    const auto more = drain(pipe, into, limit, over);
    if (!more) {
      m_trouble = tl::unexpected<Error>(more.error());
      kill_now();
    }
    if (!more || !*more) {
      pipe.reset();
    }
  }

  void read_out(short events)
  {
    bool over = false;
    read_from(m_out, events, m_ended.out, m_bounds.out_bytes, over);
    if (over) {
      m_verdict = Ended::How::output_limit;
      m_judged = true;
      m_out.reset();
      kill_now();
    }
  }

  void read_err(short events)
  {
    bool over = false;
    read_from(m_err, events, m_ended.err, m_bounds.err_bytes, over);
    m_ended.err_cut = m_ended.err_cut || over;
  }

  void reap()
  {
    int status = 0;
    pid_t reaped = -1;
    do {
      reaped = ::waitpid(m_pid, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    if (reaped != m_pid) { // then nobody knows how it ended
      m_trouble = os_error("wait for it");
    }
    m_reaped = true;
    if (m_judged) {
      m_ended.how = m_verdict;
    } else {
      m_ended.how = WIFSIGNALED(status) ? Ended::How::signalled : Ended::How::exited;
    }
    m_ended.status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    end_rest();
    // whoever escaped end_rest may hold the pipes for ever: read what is there, wait a moment
    m_deadline = Clock::now() + std::chrono::seconds(1);
  }

  void escalate()
  {
    if (m_reaped) {
      m_out.reset();
      m_err.reset();
    } else if (!m_judged) {
      m_judged = true;
      m_verdict = Ended::How::timeout;
      (void)::kill(-m_pid, SIGTERM);
      m_deadline = Clock::now() + m_bounds.grace;
    } else {
      kill_now();
    }
  }

  void kill_now()
  {
    (void)::kill(-m_pid, SIGKILL);
    (void)::kill(m_pid, SIGKILL); // it may have left its group
    m_deadline = Clock::now() + std::chrono::seconds(1);
  }

  void end_rest() const
  {
    if (m_end_rest) {
      m_end_rest();
    } else {
      (void)::kill(-m_pid, SIGKILL);
    }
  }

  pid_t m_pid;
  UniqueFd m_pidfd;
  UniqueFd m_out;
  UniqueFd m_err;
  const Bounds& m_bounds;
  const std::function<void()>& m_end_rest;
  Clock::time_point m_deadline;
  bool m_reaped = false;
  bool m_judged = false;
  Ended::How m_verdict = Ended::How::exited;
  Ended m_ended;
  Result<> m_trouble;
};

} // namespace

Result<Ended> run_command(
  const Command& command, const Bounds& bounds, const std::function<void()>& end_rest)
{
  CONOS_TRY(auto out, make_pipe());
  CONOS_TRY(auto err, make_pipe());
  CONOS_TRY(const pid_t pid, is_apart(command) ? spawn_apart(command, out.writer, err.writer)
                                               : spawn(command, out.writer, err.writer));
  out.writer.reset();
  err.writer.reset();
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    auto error = os_error("watch '{}'", command.argv.front());
    (void)::kill(pid, SIGKILL);
    (void)::waitpid(pid, nullptr, 0);
    return error;
  }
  return Run(pid, std::move(pidfd), std::move(out.reader), std::move(err.reader), bounds, end_rest)
    .wait();
}

Error become(const std::vector<std::string>& argv, const std::vector<std::string>& environment)
{
  (void)std::signal(SIGPIPE, SIG_DFL); // what is ignored stays ignored through exec
  (void)::execve(argv.front().c_str(), pointers(argv).data(), pointers(environment).data());
  return os_error("start '{}'", argv.front()).value();
}

std::vector<std::string> own_environment()
{
  std::vector<std::string> all;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    all.emplace_back(*entry);
  }
  return all;
}

std::vector<std::string> plain_environment()
{
  return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"};
}

} // namespace conos
