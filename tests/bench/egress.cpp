// egress - what passing the egress door costs, beside a direct connection
//
//   egress MEBIBYTES REQUESTS
//
// The door, a server and a client are threads of one process, on loopback; each pair of numbers is
// taken in turns, so both have the same neighbours.
#include "budget/current.hpp"
#include "egress/door.hpp"
#include "sys/address.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

namespace {

using namespace conos;
using Clock = std::chrono::steady_clock;

const Address k_here = parse_address("127.0.0.1").value();

// A ClientHello that names localhost and nothing else: what follows need not be TLS.
const std::string k_hello("\x16\x03\x01\x00\x45\x01\x00\x00\x41\x03\x03"
                          "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
                          "\x00\x00\x02\x13\x01\x01\x00\x00\x16\x00\x00\x00\x0e\x00\x0c\x00\x00\x09"
                          "localhost\x00\x17\x00\x00",
  74);

[[noreturn]] void die(const std::string& what)
{
  fmt::print(stderr, "egress: {}\n", what);
  std::exit(1);
}

struct Listener {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;

  Listener()
  {
    const auto any = socket_address(k_here, 0);
    sockaddr_in self{};
    socklen_t size = sizeof self;
    if (::bind(fd.get(), any.get(), any.size) < 0 || ::listen(fd.get(), 128) < 0 ||
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&self), &size) < 0) {
      die("listen");
    }
    port = ntohs(self.sin_port);
  }
};

UniqueFd connect_to(std::uint16_t port)
{
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto to = socket_address(k_here, port);
  const int on = 1;
  if (::connect(fd.get(), to.get(), to.size) < 0 ||
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
    die("connect");
  }
  return fd;
}

void say(const UniqueFd& fd, const std::string& text)
{
  if (::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(text.size())) {
    die("say");
  }
}

// Bytes until the end.
std::uint64_t hear_all(const UniqueFd& fd)
{
  static std::array<char, 256U << 10U> buffer;
  std::uint64_t all = 0;
  for (;;) {
    const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      return got == 0 ? all : 0;
    }
    all += static_cast<std::uint64_t>(got);
  }
}

void hear(const UniqueFd& fd, std::size_t size)
{
  std::array<char, 4096> buffer{};
  for (std::size_t have = 0; have < size;) {
    const auto got = ::recv(fd.get(), buffer.data(), std::min(buffer.size(), size - have), 0);
    if (got <= 0) {
      die("the door closed");
    }
    have += static_cast<std::size_t>(got);
  }
}

// To each that connects `bytes`, once it has said `greeting` bytes.
void serve_bytes(const UniqueFd& listener, std::size_t greeting, std::uint64_t bytes, int clients)
{
  const std::string block(256U << 10U, 'x');
  for (int i = 0; i < clients; ++i) {
    const UniqueFd client(::accept(listener.get(), nullptr, nullptr));
    hear(client, greeting);
    for (std::uint64_t left = bytes; left > 0;) {
      const auto size = std::min<std::uint64_t>(left, block.size());
      const auto sent = ::send(client.get(), block.data(), size, MSG_NOSIGNAL);
      if (sent <= 0) {
        die("serve");
      }
      left -= static_cast<std::uint64_t>(sent);
    }
  }
}

double seconds_since(Clock::time_point began)
{
  return std::chrono::duration<double>(Clock::now() - began).count();
}

struct Door {
  std::string dir;
  std::uint16_t port = 0;
  std::thread thread;

  explicit Door(std::uint16_t server)
  {
    std::string form = "/tmp/conos-bench-XXXXXX";
    dir = ::mkdtemp(form.data());
    Listener listener;
    port = listener.port;
    if (::fcntl(listener.fd.get(), F_SETFL, O_NONBLOCK) < 0 ||
        !budget::write_current(dir, "bench", {"t", "t", 1})) {
      die("prepare the door");
    }
    egress::DoorPlace place;
    place.settings.agent = "bench";
    place.settings.rules = {parse_egress_rule("localhost:" + std::to_string(server)).value()};
    place.settings.networks = {parse_network("127.0.0.0/8").value(), parse_network("::1").value()};
    place.state = place.current = dir;
    place.ledger = dir + "/none.sock";
    egress::DoorBounds bounds;
    bounds.idle = std::chrono::seconds(5);
    bounds.connections_in_a_burst = 1e6;
    bounds.backlog = 1'000'000;
    std::vector<UniqueFd> listeners;
    listeners.push_back(std::move(listener.fd));
    thread = std::thread([place, bounds, all = std::move(listeners)]() mutable {
      (void)egress::serve(place, std::move(all), bounds);
    });
  }
  ~Door()
  {
    thread.join();
    std::filesystem::remove_all(dir);
  }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
};

// A connection that has said its greeting, through the door or not.
UniqueFd open_connection(std::uint16_t port, std::uint16_t server)
{
  auto fd = connect_to(port);
  if (port != server) {
    say(fd, fmt::format("CONNECT localhost:{} HTTP/1.1\r\n\r\n", server));
    hear(fd, 39); // that it stands
  }
  say(fd, k_hello);
  return fd;
}

void throughput(std::uint64_t mebibytes)
{
  constexpr int k_rounds = 5;
  const Listener server;
  const Door door(server.port);
  std::thread serving([&] {
    serve_bytes(server.fd, k_hello.size(), mebibytes << 20U, 2 * k_rounds);
  });
  std::vector<double> ratios;
  double best[2] = {0, 0};
  for (int round = 0; round < k_rounds; ++round) {
    double rates[2] = {0, 0};
    for (const int through : {0, 1}) {
      const auto fd = open_connection(through == 1 ? door.port : server.port, server.port);
      const auto began = Clock::now();
      if (hear_all(fd) != mebibytes << 20U) {
        die("not all bytes came");
      }
      rates[through] = static_cast<double>(mebibytes) / seconds_since(began);
      best[through] = std::max(best[through], rates[through]);
    }
    ratios.push_back(rates[1] / rates[0]);
  }
  serving.join();
  std::sort(ratios.begin(), ratios.end());
  fmt::print("direct {:.0f} MiB/s\nthrough_the_door {:.0f} MiB/s\nratio_of_the_best {:.2f} x\n"
             "median_of_ratios {:.2f} x\n",
    best[0], best[1], best[1] / best[0], ratios[k_rounds / 2]);
}

// From connect(2) to the first byte of an answer, in milliseconds; the median.
void latency(int requests)
{
  const Listener server;
  const Door door(server.port);
  std::thread serving([&] {
    serve_bytes(server.fd, k_hello.size(), 1, 2 * requests);
  });
  std::vector<double> spent[2];
  for (int i = 0; i < requests; ++i) {
    for (const int through : {0, 1}) {
      const auto began = Clock::now();
      const auto fd = open_connection(through == 1 ? door.port : server.port, server.port);
      hear(fd, 1);
      spent[through].push_back(seconds_since(began) * 1000);
    }
  }
  serving.join();
  for (auto& one : spent) {
    std::sort(one.begin(), one.end());
  }
  const auto middle = static_cast<std::size_t>(requests) / 2;
  fmt::print(
    "first_byte_direct {:.2f} ms\nfirst_byte_through_the_door {:.2f} ms\nadded {:.2f} ms\n",
    spent[0][middle], spent[1][middle], spent[1][middle] - spent[0][middle]);
}

} // namespace

int main(int argc, char* argv[])
{
  if (argc != 3) {
    fmt::print(stderr, "usage: egress MEBIBYTES REQUESTS\n");
    return 64;
  }
  throughput(std::strtoull(argv[1], nullptr, 10));
  latency(std::atoi(argv[2]));
  return 0;
}
