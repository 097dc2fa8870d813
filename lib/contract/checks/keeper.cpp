#include "contract/checks/keeper.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

namespace conos::contract {

namespace {

bool write_whole(int fd, const void* data, std::size_t size)
{
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::send(fd, at, size, MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    at += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

bool read_whole(int fd, void* data, std::size_t size)
{
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = ::read(fd, at, size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return false;
    }
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

struct Head {
  std::uint32_t verdict = 0;
  std::uint32_t message = 0; // bytes
  std::uint32_t evidence = 0;
};

constexpr std::uint32_t k_max_text = 1U << 20U;

std::string packed(const Outcome& outcome)
{
  const Head head{static_cast<std::uint32_t>(outcome.verdict),
    static_cast<std::uint32_t>(std::min<std::size_t>(outcome.message.size(), k_max_text)),
    static_cast<std::uint32_t>(std::min<std::size_t>(outcome.evidence.size(), k_max_text))};
  std::string out(sizeof(head), '\0');
  std::memcpy(out.data(), &head, sizeof(head));
  out.append(outcome.message, 0, head.message);
  out.append(outcome.evidence, 0, head.evidence);
  return out;
}

bool read_outcome(int fd, Outcome& into)
{
  Head head;
  if (!read_whole(fd, &head, sizeof(head)) || head.message > k_max_text ||
      head.evidence > k_max_text) {
    return false;
  }
  into.verdict = static_cast<Outcome::Verdict>(head.verdict);
  into.message.resize(head.message);
  into.evidence.resize(head.evidence);
  return read_whole(fd, into.message.data(), head.message) &&
         read_whole(fd, into.evidence.data(), head.evidence);
}

// Ends what runs and us. Only calls that a signal handler may make.
void end_all(int)
{
  std::array<char, 4096> text{};
  const timespec moment{0, 200'000};
  for (int round = 0; round < 5000; ++round) { // a second
    pid_t ended = 0;
    while ((ended = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    const int fd = ended < 0 ? -1 : ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      break;
    }
    const ssize_t got = ::read(fd, text.data(), text.size());
    (void)::close(fd);
    pid_t pid = 0;
    for (ssize_t i = 0; i < got; ++i) {
      const char c = text[static_cast<std::size_t>(i)];
      if (c >= '0' && c <= '9') {
        pid = pid * 10 + (c - '0');
      } else if (pid > 0) {
        (void)::kill(pid, SIGKILL);
        pid = 0;
      }
    }
    (void)::nanosleep(&moment, nullptr);
  }
  ::_exit(0);
}

[[noreturn]] void serve(int socket, pid_t parent, const MakeNumber& make)
{
  (void)std::signal(SIGTERM, end_all);
  (void)std::signal(SIGINT, end_all);
  (void)std::signal(SIGHUP, end_all);
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || ::prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 ||
      ::getppid() != parent) {
    ::_exit(1);
  }
  std::uint32_t number = 0;
  while (read_whole(socket, &number, sizeof(number))) {
    const auto text = packed(make(number));
    if (!write_whole(socket, text.data(), text.size())) {
      break;
    }
  }
  ::_exit(0);
}

} // namespace

Keeper::Keeper(pid_t pid, UniqueFd socket)
    : m_pid(pid)
    , m_socket(std::move(socket))
{
}

Keeper::~Keeper()
{
  if (m_socket && m_pid > 0) {
    m_socket.reset();
    (void)::kill(m_pid, SIGTERM); // it may be in the middle of a check that was given up
    (void)::waitpid(m_pid, nullptr, 0);
  }
}

Result<Keeper> Keeper::start(const MakeNumber& make, const std::vector<Keeper>& others)
{
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return os_error("make a socket");
  }
  UniqueFd ours(ends[0]);
  const UniqueFd its(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    return os_error("start a process for checks that run programs");
  }
  if (pid == 0) {
    ours.reset();
    for (const auto& other : others) {
      (void)::close(other.m_socket.get());
    }
    serve(its.get(), parent, make);
  }
  return Keeper(pid, std::move(ours));
}

Outcome Keeper::make(std::uint32_t number) const
{
  Outcome outcome;
  if (!write_whole(m_socket.get(), &number, sizeof(number)) ||
      !read_outcome(m_socket.get(), outcome)) {
    m_is_good = false;
    return Outcome::broken("the process that ran it was lost");
  }
  return outcome;
}

} // namespace conos::contract
