// asks - the clock of the bench of gates: asks as somebody else and prints milliseconds
//
//   asks serve
//     the least a socket service can do: answers whatever comes on the socket systemd gave
//   asks first COUNT UID REQUEST UNIT SOCKET UNIT SOCKET
//     the first answer when the service is down, of two services in turn
//   asks later COUNT UID REQUEST SOCKET
//     an answer of a service that is up, by one connection
#include "sys/fd.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using conos::UniqueFd;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr int k_given = 3; // SD_LISTEN_FDS_START

[[noreturn]] void die(const std::string& what)
{
  fmt::print(stderr, "asks: {}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

double since(Clock::time_point began)
{
  return Milliseconds(Clock::now() - began).count();
}

double median(std::vector<double> values)
{
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print_ms(const std::string& name, const std::vector<double>& values)
{
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  fmt::print("{} {:.2f} ms (from {:.2f} to {:.2f})\n", name, median(values), *least, *most);
}

// Who connects is who we are just then.
UniqueFd connect_as(uid_t uid, const std::string& path)
{
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(&address.sun_path[0], sizeof(address.sun_path) - 1);
  if (!fd || ::setegid(uid) < 0 || ::seteuid(uid) < 0) {
    die("become another");
  }
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) {
    die("connect to " + path);
  }
  if (::seteuid(0) < 0 || ::setegid(0) < 0) {
    die("become root again");
  }
  return fd;
}

void ask(const UniqueFd& fd, const std::string& line)
{
  if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    die("send");
  }
  std::string answer;
  static std::array<char, 1U << 16U> buffer;
  while (!answer.ends_with('\n')) {
    const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      die("receive");
    }
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (answer.find(R"("status":"done")") == std::string::npos) {
    die("it was not done: " + answer);
  }
}

void stop(const std::string& unit)
{
  const auto pid = ::fork();
  if (pid == 0) {
    ::execlp("systemctl", "systemctl", "--quiet", "stop", unit.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) < 0 || status != 0) {
    die("stop " + unit);
  }
}

void serve()
{
  for (;;) {
    const UniqueFd fd(::accept4(k_given, nullptr, nullptr, SOCK_CLOEXEC));
    std::array<char, 4096> buffer;
    if (!fd || ::recv(fd.get(), buffer.data(), buffer.size(), 0) <= 0) {
      continue;
    }
    const std::string answer = "{\"status\":\"done\"}\n";
    (void)::send(fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL); // who is gone is gone
  }
}

struct Service {
  std::string unit;
  std::string socket;
};

void first(int count, uid_t uid, const std::string& line, const std::vector<Service>& services)
{
  std::vector<std::vector<double>> spent(services.size());
  for (int i = 0; i <= count; ++i) {
    for (std::size_t s = 0; s < services.size(); ++s) {
      stop(services[s].unit);
      const auto began = Clock::now();
      ask(connect_as(uid, services[s].socket), line);
      if (i > 0) { // the first one warms up
        spent[s].push_back(since(began));
      }
    }
  }
  print_ms("gate_first_answer", spent[0]);
  print_ms("bare_first_answer", spent[1]);
  fmt::print("first_answer_ratio {:.2f} x\n", median(spent[0]) / median(spent[1]));
}

void later(int count, uid_t uid, const std::string& line, const std::string& socket)
{
  const auto fd = connect_as(uid, socket);
  std::vector<double> spent;
  for (int i = 0; i < count + 5; ++i) {
    const auto began = Clock::now();
    ask(fd, line);
    if (i >= 5) {
      spent.push_back(since(began));
    }
    (void)::poll(nullptr, 0, 25); // a gate answers 50 in a second
  }
  print_ms("gate_later_answer", spent);
}

} // namespace

int main(int argc, char* argv[])
{
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto verb = words.empty() ? "" : words[0];
  const auto number = [&](std::size_t index) {
    return words.size() > index ? std::atoi(words[index].c_str()) : 0;
  };
  const auto line = words.size() > 3 ? words[3] + "\n" : "";
  const auto uid = static_cast<uid_t>(number(2));
  if (verb == "serve") {
    serve();
  } else if (verb == "first" && words.size() == 8) {
    first(number(1), uid, line, {{words[4], words[5]}, {words[6], words[7]}});
  } else if (verb == "later" && words.size() == 5) {
    later(number(1), uid, line, words[4]);
  } else {
    fmt::print(stderr, "usage: asks serve|first|later ...\n");
    return 64;
  }
  return 0;
}
