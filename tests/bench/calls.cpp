// calls - the clock of the bench of model doors: makes calls of its own and prints milliseconds and
// rates
//
//   calls serve
//     the least a socket service can do: answers whatever comes on the socket systemd gave
//   calls first COUNT UNIT SOCKET UNIT SOCKET
//     the first call when the service is down, of two services in turn
//   calls later COUNT SOCKET PORT KEY
//     a call by a door that is up, and the same call at the provider itself, in turn
//   calls stream COUNT MODEL SOCKET PORT KEY
//     the same, of a stream, to its end
//   calls think COUNT CMD...
//     from CMD's start to the first byte it asks at port 3999, its standard input being a prompt
#include "sys/fd.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using conos::UniqueFd;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

[[noreturn]] void die(const std::string& what)
{
  fmt::print(stderr, "calls: {}: {}\n", what, std::strerror(errno));
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

void print_ms(const char* name, const std::vector<double>& values)
{
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  fmt::print("{} {:.2f} ms (from {:.2f} to {:.2f})\n", name, median(values), *least, *most);
}

// --- a call ------------------------------------------------------------------------------------

// Where to call: a Unix socket, or a port of this machine where there is none.
struct Target {
  std::string socket;
  std::uint16_t port = 0;
  std::string key;
};

UniqueFd connect_to(const Target& target)
{
  if (!target.socket.empty()) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    target.socket.copy(&address.sun_path[0], sizeof(address.sun_path) - 1);
    if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) {
      die("connect to " + target.socket);
    }
    return fd;
  }
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!fd || ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) {
    die(fmt::format("connect to port {}", target.port));
  }
  const int on = 1;
  (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

struct Called {
  double first_ms = 0;
  double total_ms = 0;
  std::size_t bytes = 0;
};

Called call(const Target& target, const std::string& model, bool is_stream)
{
  const auto body =
    fmt::format(R"({{"model":"{}","max_tokens":9,"stream":{},"messages":[]}})", model, is_stream);
  const auto text = fmt::format(
    "POST /v1/messages HTTP/1.1\r\nHost: model\r\nx-api-key: {}\r\nConnection: close\r\n"
    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
    target.key, body.size(), body);
  Called called;
  const auto began = Clock::now();
  const auto fd = connect_to(target);
  if (::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(text.size())) {
    die("send");
  }
  static std::array<char, 1U << 18U> buffer;
  for (;;) {
    const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) {
      die("receive");
    }
    if (called.bytes == 0) {
      called.first_ms = since(began);
      if (std::string_view(buffer.data(), static_cast<std::size_t>(got)).find(" 200 ") > 12) {
        die("it was not answered");
      }
    }
    if (got == 0) {
      break;
    }
    called.bytes += static_cast<std::size_t>(got);
  }
  called.total_ms = since(began);
  return called;
}

// --- programs ----------------------------------------------------------------------------------

pid_t start(const std::vector<std::string>& argv, int input)
{
  std::vector<char*> words;
  for (const auto& word : argv) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  (void)::posix_spawn_file_actions_init(&actions);
  if (input >= 0) {
    (void)::posix_spawn_file_actions_adddup2(&actions, input, 0);
    (void)::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    (void)::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  }
  pid_t pid = -1;
  if (::posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), environ) != 0) {
    die("start " + argv[0]);
  }
  (void)::posix_spawn_file_actions_destroy(&actions);
  return pid;
}

void run(const std::vector<std::string>& argv)
{
  const auto pid = start(argv, -1);
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) {
    die(argv[0] + " failed");
  }
}

UniqueFd listen_at(std::uint16_t port)
{
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0 ||
      ::listen(fd.get(), 16) < 0) {
    die("listen");
  }
  return fd;
}

// --- verbs -------------------------------------------------------------------------------------

int serve()
{
  const int listener = 3; // SD_LISTEN_FDS_START
  for (;;) {
    pollfd ready{listener, POLLIN, 0};
    if (::poll(&ready, 1, 10'000) <= 0) {
      return 0; // as a door does, ten seconds after the last call
    }
    const UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    std::array<char, 4096> buffer;
    (void)::recv(fd.get(), buffer.data(), buffer.size(), 0);
    constexpr std::string_view k_answer =
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    (void)::send(fd.get(), k_answer.data(), k_answer.size(), MSG_NOSIGNAL);
  }
}

void first(int count, const std::vector<std::pair<std::string, Target>>& services)
{
  std::vector<std::vector<double>> spent(services.size());
  for (int i = 0; i <= count; ++i) {
    for (std::size_t s = 0; s < services.size(); ++s) {
      const auto& [unit, target] = services[s];
      run({"systemctl", "--quiet", "stop", unit});
      const auto called = call(target, "plain", false);
      if (i > 0) { // the first one warms up
        spent[s].push_back(called.first_ms);
      }
    }
  }
  print_ms("door_first_call", spent[0]);
  print_ms("bare_first_call", spent[1]);
  fmt::print("first_call_ratio {:.2f} x\n", median(spent[0]) / median(spent[1]));
}

void later(int count, const Target& door, const Target& provider)
{
  std::vector<double> by_door;
  std::vector<double> directly;
  for (int i = 0; i < count + 5; ++i) {
    const auto one = call(door, "plain", false).first_ms;
    const auto other = call(provider, "plain", false).first_ms;
    if (i >= 5) {
      by_door.push_back(one);
      directly.push_back(other);
    }
  }
  print_ms("door_later_call", by_door);
  print_ms("direct_call", directly);
  fmt::print("added_to_first_byte {:.2f} ms\n", median(by_door) - median(directly));
}

void stream(int count, const std::string& model, const Target& door, const Target& provider)
{
  std::vector<double> by_door;
  std::vector<double> directly;
  const auto rate = [&](const Target& target) {
    const auto called = call(target, model, true);
    return static_cast<double>(called.bytes) / called.total_ms / 1000;
  };
  std::vector<double> ratios; // of neighbours: what else the computer does changes with time
  for (int i = 0; i < count; ++i) {
    directly.push_back(rate(provider));
    by_door.push_back(rate(door));
    ratios.push_back(by_door.back() / directly.back());
  }
  fmt::print("door_stream {:.0f} MB/s\ndirect_stream {:.0f} MB/s\nstream_ratio {:.2f} x\n",
    median(by_door), median(directly), median(ratios));
}

void think(int count, const std::vector<std::string>& argv)
{
  const auto listener = listen_at(3999);
  std::vector<double> spent;
  for (int i = 0; i <= count; ++i) {
    const UniqueFd prompt(::open("/root/prompt", O_RDONLY | O_CLOEXEC));
    const auto began = Clock::now();
    const auto pid = start(argv, prompt.get());
    const UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char byte = 0;
    if (::recv(fd.get(), &byte, 1, 0) != 1) {
      die("nothing was asked");
    }
    if (i > 0) {
      spent.push_back(since(began));
    }
    (void)::kill(pid, SIGKILL);
    (void)::waitpid(pid, nullptr, 0);
  }
  print_ms("think_start_to_request", spent);
}

} // namespace

int main(int argc, char* argv[])
{
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto verb = words.empty() ? "" : words[0];
  const int count = words.size() > 1 ? std::atoi(words[1].c_str()) : 0;
  const auto port = [&](std::size_t at) {
    return static_cast<std::uint16_t>(std::atoi(words[at].c_str()));
  };
  if (verb == "serve") {
    return serve();
  }
  if (verb == "first" && words.size() == 6) {
    first(count, {{words[2], {words[3], 0, ""}}, {words[4], {words[5], 0, ""}}});
  } else if (verb == "later" && words.size() == 5) {
    later(count, {words[2], 0, ""}, {"", port(3), words[4]});
  } else if (verb == "stream" && words.size() == 6) {
    stream(count, words[2], {words[3], 0, ""}, {"", port(4), words[5]});
  } else if (verb == "think" && words.size() > 2) {
    think(count, {words.begin() + 2, words.end()});
  } else {
    fmt::print(stderr, "usage: calls serve|first|later|stream|think ...\n");
    return 64;
  }
  return 0;
}
