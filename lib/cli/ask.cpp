#include "cli/ask.hpp"

#include "sys/file.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <optional>
#include <utility>

namespace conos::cli {

namespace {

// While it lives the terminal does not show what is typed, and the signals that would end or stop
// us before it does again wait.
class Unseen
{
public:
  Unseen()
  {
    ::sigemptyset(&m_signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) {
      ::sigaddset(&m_signals, signal);
    }
    (void)::sigprocmask(SIG_BLOCK, &m_signals, &m_before);
    m_waiting = UniqueFd(::signalfd(-1, &m_signals, SFD_CLOEXEC | SFD_NONBLOCK));
    m_good = m_waiting && ::tcgetattr(STDIN_FILENO, &m_shown) == 0;
    auto unseen = m_shown;
    unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    unseen.c_lflag |= ECHONL;
    m_good = m_good && ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen) == 0;
  }
  ~Unseen()
  {
    if (m_good) {
      (void)::tcsetattr(STDIN_FILENO, TCSAFLUSH, &m_shown); // what was typed ahead is a secret too
    }
    (void)::sigprocmask(SIG_SETMASK, &m_before, nullptr); // here a signal that waited is delivered
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;

  explicit operator bool() const { return m_good; }

  // Waits for a line; false when a signal came first.
  bool wait() const
  {
    std::array<pollfd, 2> fds{{{STDIN_FILENO, POLLIN, 0}, {m_waiting.get(), POLLIN, 0}}};
    while (::poll(fds.data(), fds.size(), -1) < 0 && errno == EINTR) {
    }
    return fds[1].revents == 0;
  }

private:
  sigset_t m_signals{};
  sigset_t m_before{};
  UniqueFd m_waiting;
  termios m_shown{};
  bool m_good = false;
};

// Nothing when a signal came that did not end us: we were stopped, and go on.
Result<std::optional<Secret>> try_to_ask(const std::string& prompt)
{
  constexpr std::size_t k_longest = 4095; // of a terminal's line; the rest would be lost
  const Unseen unseen;
  if (!unseen) {
    return os_error("keep the terminal from showing what is typed");
  }
  CONOS_CHECK(write_all(UniqueFd(::dup(STDERR_FILENO)), prompt));
  if (!unseen.wait()) {
    return std::optional<Secret>();
  }
  Secret line;
  line.resize(k_longest + 1);
  const ssize_t got = ::read(STDIN_FILENO, line.data(), line.size());
  if (got < 0) {
    return os_error("read from the terminal");
  }
  line.resize(static_cast<std::size_t>(got));
  if (line.size() >= k_longest) {
    return fail(
      Kind::bad_data, "a terminal takes no longer line than {} bytes: use a pipe", k_longest - 1);
  }
  return std::optional<Secret>(std::move(line));
}

} // namespace

Result<std::function<bool()>> agreement(bool is_agreed)
{
  if (is_agreed) {
    return [] {
      return true;
    };
  }
  if (::isatty(STDIN_FILENO) != 1) {
    return fail(Kind::usage, "nobody is there to be asked: say --yes, or --dry-run to look only");
  }
  return [] {
    std::string answer;
    (void)std::fputs("apply this? [y/N] ", stderr); // who does not see it answers nothing
    std::getline(std::cin, answer);
    return answer == "y" || answer == "yes";
  };
}

Result<Secret> ask_secret(const std::string& prompt)
{
  for (;;) {
    CONOS_TRY(auto answer, try_to_ask(prompt));
    if (answer) {
      return std::move(*answer);
    }
  }
}

} // namespace conos::cli
