#include "budget/current.hpp"
#include "egress/door.hpp"
#include "egress/hello.hpp"
#include "egress/journal.hpp"
#include "egress_samples.hpp"
#include "sys/address.hpp"
#include "temp_dir.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>

#include <functional>
#include <thread>

using namespace conos;
using namespace conos::egress;

namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

const Address k_here = parse_address("127.0.0.1").value();

struct Listener {
  Listener()
      : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
  {
    const auto any = socket_address(k_here, 0);
    REQUIRE(::bind(fd.get(), any.get(), any.size) == 0);
    REQUIRE(::listen(fd.get(), 64) == 0);
    sockaddr_in self{};
    socklen_t size = sizeof self;
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&self), &size) == 0);
    port = ntohs(self.sin_port);
  }
  UniqueFd fd;
  std::uint16_t port = 0;
};

bool can_be_read(const UniqueFd& fd, milliseconds time)
{
  pollfd waited{fd.get(), POLLIN, 0};
  return ::poll(&waited, 1, static_cast<int>(time.count())) == 1;
}

// One end of a connection.
struct Peer {
  UniqueFd fd;

  void say(const std::string& text) const
  {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const auto more = ::send(fd.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (more < 0) {
        return; // it was cut off, which the test sees
      }
      sent += static_cast<std::size_t>(more);
    }
  }
  void end() const { (void)::shutdown(fd.get(), SHUT_WR); }

  // What comes, until it is `size` bytes or there is no more.
  std::string hear(std::size_t size) const
  {
    std::string text(size, '\0');
    std::size_t have = 0;
    while (have < size && can_be_read(fd, milliseconds(5000))) {
      const auto got = ::recv(fd.get(), text.data() + have, size - have, 0);
      if (got <= 0) {
        break;
      }
      have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
  }
  std::string hear_all() const { return hear(64U << 20U); }
  std::string hear_until(const std::string& end) const
  {
    std::string text;
    while (!text.ends_with(end)) {
      const auto more = hear(1);
      if (more.empty()) {
        return text;
      }
      text += more;
    }
    return text;
  }
};

// A door in a thread, with a server behind it, as agent `writer` who works on task `t1`.
struct Site {
  TempDir state;
  TempDir current;
  Listener server;
  std::uint16_t port = 0;
  DoorPlace place;
  DoorBounds bounds;
  std::thread thread;

  Site()
  {
    place.settings.agent = "writer";
    place.settings.networks = {parse_network("127.0.0.0/8").value()};
    place.settings.written = {"@servers"};
    place.settings.rules = {parse_egress_rule("localhost:" + std::to_string(server.port)).value()};
    place.state = state.path;
    place.current = current.path;
    place.ledger = state.path + "/no-ledger.sock";
    bounds.idle = milliseconds(500);
    bounds.farewell = milliseconds(100);
    REQUIRE(budget::write_current(current.path, "writer", {"t1", "r1", 1}));
  }
  ~Site() { stop(); }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  void start()
  {
    Listener listener;
    port = listener.port;
    std::vector<UniqueFd> listeners;
    const int flags = ::fcntl(listener.fd.get(), F_GETFL);
    REQUIRE(::fcntl(listener.fd.get(), F_SETFL, flags | O_NONBLOCK) == 0);
    listeners.push_back(std::move(listener.fd));
    thread = std::thread([this, all = std::move(listeners)]() mutable {
      (void)serve(place, std::move(all), bounds);
    });
  }

  void stop()
  {
    if (thread.joinable()) {
      thread.join(); // it ends by itself
    }
  }

  Peer client() const
  {
    Peer peer{UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
    const auto to = socket_address(k_here, port);
    REQUIRE(::connect(peer.fd.get(), to.get(), to.size) == 0);
    return peer;
  }

  Peer accepted() const
  {
    REQUIRE(can_be_read(server.fd, milliseconds(5000)));
    return {UniqueFd(::accept(server.fd.get(), nullptr, nullptr))};
  }
  bool was_not_reached() const { return !can_be_read(server.fd, milliseconds(0)); }

  std::string target() const { return "localhost:" + std::to_string(server.port); }
  std::string connect() const { return "CONNECT " + target() + " HTTP/1.1\r\n\r\n"; }
  std::string get(const std::string& more = "") const
  {
    return "GET http://" + target() + "/a HTTP/1.1\r\nHost: " + target() + "\r\n" + more + "\r\n";
  }

  // What the ledger would have got, once the door has ended.
  std::vector<Json> rows(const std::string& type)
  {
    stop();
    auto journal = Journal::open(state.path).value();
    std::vector<Json> found;
    const auto waiting = journal.waiting(1000).value();
    for (const auto& row : waiting) {
      if (row.type == type) {
        found.push_back(Json::parse(row.payload));
      }
    }
    return found;
  }
};

std::string hello_to(const std::string& name)
{
  return samples::hello_with(samples::server_name(name));
}

const std::string k_connected = "HTTP/1.1 200 Connection established\r\n\r\n";

} // namespace

TEST_CASE("a tunnel passes what both sides say", "[egress][door]")
{
  Site site;
  site.start();
  const auto client = site.client();
  client.say(site.connect());
  const auto server = site.accepted();
  CHECK(client.hear(k_connected.size()) == k_connected);
  const auto hello = hello_to("localhost");
  client.say(hello + "more");
  CHECK(server.hear(hello.size() + 4) == hello + "more");
  server.say("answer");
  CHECK(client.hear(6) == "answer");
  client.end();
  CHECK(server.hear_all().empty());
  server.say("last");
  server.end();
  CHECK(client.hear_all() == "last");

  const auto rows = site.rows("egress.allowed");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["host"] == "localhost");
  CHECK(rows[0]["port"] == site.server.port);
  CHECK(rows[0]["id"] == "t1");
  CHECK(rows[0]["outcome"] == "done");
  CHECK(rows[0]["bytes_up"] == hello.size() + 4);
  CHECK(rows[0]["bytes_down"] == 10);
}

TEST_CASE(
  "what comes before the answer to a CONNECT is judged as what comes after it", "[egress][door]")
{
  Site site;
  site.start();
  const auto client = site.client();
  client.say(site.connect() + hello_to("localhost"));
  CHECK(site.accepted().hear(hello_to("localhost").size()) == hello_to("localhost"));

  const auto other = site.client();
  other.say(site.connect() + hello_to("elsewhere.org"));
  CHECK(other.hear_all() == k_connected + std::string(denial_alert()));
  CHECK(site.accepted().hear_all().empty());
}

TEST_CASE("TLS with another server is cut off before a byte of it goes out", "[egress][door]")
{
  for (const auto& first :
    {hello_to("elsewhere.org"), samples::hello_with(samples::extension(10, "x")),
      std::string("GET / HTTP/1.1\r\n\r\n"), std::string("SSH-2.0-x\r\n")}) {
    Site site;
    site.start();
    const auto client = site.client();
    client.say(site.connect());
    CHECK(client.hear(k_connected.size()) == k_connected);
    client.say(first);
    CHECK(client.hear_all() == denial_alert());
    CHECK(site.accepted().hear_all().empty());

    const auto rows = site.rows("egress.denied");
    REQUIRE(rows.size() == 1);
    CHECK(rows[0]["reason"] == "server-name");
    CHECK(site.rows("egress.allowed").empty());
  }
}

TEST_CASE("what the allowlist lacks is refused with the line to add", "[egress][door]")
{
  Site site;
  site.start();
  const auto client = site.client();
  client.say("CONNECT elsewhere.invalid:443 HTTP/1.1\r\n\r\n");
  const auto answer = client.hear_all();
  CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 403 Forbidden\r\n"));
  CHECK_THAT(answer, Catch::Contains("X-Conos-Reason: host\r\n"));
  CHECK_THAT(answer, Catch::Contains("egress = [\"@servers\", \"elsewhere.invalid\"]"));

  const auto rows = site.rows("egress.denied");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["host"] == "elsewhere.invalid");
  CHECK(rows[0]["reason"] == "host");
}

TEST_CASE("a name that leads into the machine is refused", "[egress][door]")
{
  Site site;
  site.place.settings.networks.clear();
  site.start();
  const auto client = site.client();
  client.say(site.connect());
  CHECK_THAT(client.hear_all(), Catch::Contains("X-Conos-Reason: address\r\n"));
  CHECK(site.was_not_reached());
  CHECK(site.rows("egress.denied").at(0)["reason"] == "address");
}

TEST_CASE(
  "an address that is allowed by itself must be in a network that is named", "[egress][door]")
{
  Site site;
  site.place.settings.rules = {parse_egress_rule("10.255.255.1").value()};
  site.start();
  const auto client = site.client();
  client.say("CONNECT 10.255.255.1:443 HTTP/1.1\r\n\r\n");
  CHECK_THAT(client.hear_all(), Catch::Contains("X-Conos-Reason: address\r\n"));
}

TEST_CASE("a request goes out once, and nothing behind it", "[egress][door]")
{
  Site site;
  site.start();
  const auto client = site.client();
  client.say(site.get("Proxy-Connection: keep-alive\r\n") + site.get());
  const auto server = site.accepted();
  CHECK(server.hear_until("\r\n\r\n") ==
        "GET /a HTTP/1.1\r\nHost: " + site.target() + "\r\nConnection: close\r\n\r\n");
  server.say("HTTP/1.1 200 OK\r\n\r\nbody");
  CHECK_FALSE(can_be_read(server.fd, milliseconds(100)));
  server.end();
  CHECK(client.hear_all() == "HTTP/1.1 200 OK\r\n\r\nbody");
}

TEST_CASE("a body goes out as long as it says", "[egress][door]")
{
  Site site;
  site.start();
  const auto head =
    "POST http://" + site.target() + "/ HTTP/1.1\r\nHost: " + site.target() + "\r\n";
  for (const bool is_chunked : {false, true}) {
    const auto client = site.client();
    const std::string body = is_chunked ? "5\r\nhello\r\n0\r\n\r\n" : "hello";
    client.say(head + (is_chunked ? "Transfer-Encoding: chunked" : "Content-Length: 5") +
               "\r\n\r\n" + body.substr(0, 3));
    const auto server = site.accepted();
    CHECK_THAT(server.hear_until("\r\n\r\n"), Catch::StartsWith("POST / HTTP/1.1\r\n"));
    client.say(body.substr(3) + site.get());
    CHECK(server.hear(body.size()) == body);
    CHECK_FALSE(can_be_read(server.fd, milliseconds(50)));
    server.say("HTTP/1.1 204 No Content\r\n\r\n");
    server.end();
    CHECK(client.hear_all() == "HTTP/1.1 204 No Content\r\n\r\n");
  }
}

TEST_CASE("a chunked body that is none is cut off", "[egress][door]")
{
  Site site;
  site.start();
  const auto client = site.client();
  client.say("POST http://" + site.target() + "/ HTTP/1.1\r\nHost: " + site.target() +
             "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
  const auto server = site.accepted();
  CHECK_THAT(server.hear_until("5\r\nhel"), Catch::EndsWith("5\r\nhel"));
  client.say("loXX");
  CHECK_THAT(server.hear_all(), !Catch::Contains("X"));
  CHECK(site.rows("egress.denied").at(0)["reason"] == "request");
}

TEST_CASE("a task moves what it may and no more", "[egress][door]")
{
  Site site;
  site.place.settings.max_bytes = 10'000;
  site.start();
  const auto client = site.client();
  client.say(site.connect() + hello_to("localhost"));
  const auto server = site.accepted();
  server.say(std::string(1U << 20U, 'x'));
  CHECK(client.hear_all().size() <= 10'000 + k_connected.size());

  const auto next = site.client();
  next.say(site.connect());
  CHECK_THAT(next.hear_all(), Catch::Contains("X-Conos-Reason: budget\r\n"));
  CHECK(site.rows("egress.allowed").at(0)["outcome"] == "budget");
  CHECK(site.rows("egress.allowed").at(0)["bytes"] == 10'000);
  // and a door that comes after this one remembers
  CHECK(Journal::open(site.state.path).value().moved_by("t1").value() == 10'000);
}

TEST_CASE("who works on nothing reaches nothing", "[egress][door]")
{
  Site site;
  REQUIRE(budget::remove_current(site.current.path, "writer"));
  site.start();
  const auto client = site.client();
  client.say(site.connect());
  CHECK_THAT(client.hear_all(), Catch::Contains("X-Conos-Reason: task\r\n"));
  CHECK(site.was_not_reached());
}

TEST_CASE("who says nothing, or says it too slowly, is sent away", "[egress][door]")
{
  Site site;
  site.bounds.head = site.bounds.hello = milliseconds(300);
  site.start();
  const auto silent = site.client();
  const auto slow = site.client();
  const auto dumb = site.client();
  slow.say("CONNECT ");
  dumb.say(site.connect());
  CHECK(dumb.hear(k_connected.size()) == k_connected);
  dumb.say(hello_to("localhost").substr(0, 20));
  CHECK(silent.hear_all().empty());
  CHECK_THAT(slow.hear_all(), Catch::StartsWith("HTTP/1.1 408 "));
  CHECK(dumb.hear_all() == denial_alert());
}

TEST_CASE("a silent or an old connection is cut off", "[egress][door]")
{
  for (const bool is_old : {false, true}) {
    Site site;
    (is_old ? site.bounds.life : site.bounds.silence) = milliseconds(300);
    site.start();
    const auto client = site.client();
    client.say(site.connect() + hello_to("localhost"));
    const auto server = site.accepted();
    CHECK(client.hear_all() == k_connected);
    CHECK(site.rows("egress.allowed").at(0)["outcome"] == (is_old ? "life" : "silence"));
  }
}

TEST_CASE("more connections than there may be wait their turn", "[egress][door]")
{
  Site site;
  site.bounds.connections = 4;
  site.bounds.head = milliseconds(300);
  site.start();
  std::vector<Peer> idle;
  for (int i = 0; i < 20; ++i) {
    idle.push_back(site.client());
  }
  const auto client = site.client();
  client.say(site.get());
  const auto server = site.accepted(); // once the idle ones were sent away
  server.say("HTTP/1.1 204 No Content\r\n\r\n");
  server.end();
  CHECK_THAT(client.hear_all(), Catch::StartsWith("HTTP/1.1 204"));
}

TEST_CASE("a flood of refusals is a few rows and a number", "[egress][door]")
{
  Site site;
  site.bounds.denials_in_a_burst = 3;
  site.bounds.denials_each_second = 0.001;
  site.start();
  for (int i = 0; i < 10; ++i) {
    const auto client = site.client();
    client.say("CONNECT elsewhere.invalid:443 HTTP/1.1\r\n\r\n");
    CHECK_THAT(client.hear_all(), Catch::StartsWith("HTTP/1.1 403"));
  }
  const auto rows = site.rows("egress.denied");
  REQUIRE(rows.size() == 4);
  CHECK(rows.back()["reason"] == "suppressed");
  CHECK(rows.back()["suppressed"] == 7);
}

TEST_CASE("a server that is not there is said to be so", "[egress][door]")
{
  Site site;
  site.place.settings.rules.push_back(parse_egress_rule("nowhere.invalid").value());
  site.place.settings.rules.push_back(parse_egress_rule("localhost:1").value());
  site.start();
  const auto unknown = site.client();
  unknown.say("CONNECT nowhere.invalid:443 HTTP/1.1\r\n\r\n");
  CHECK_THAT(unknown.hear_all(), Catch::Contains("X-Conos-Reason: unknown\r\n"));
  const auto closed = site.client();
  closed.say("CONNECT localhost:1 HTTP/1.1\r\n\r\n");
  CHECK_THAT(closed.hear_all(), Catch::Contains("X-Conos-Reason: unreachable\r\n"));
  const auto rows = site.rows("egress.allowed");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["outcome"] == "unknown");
  CHECK(rows[1]["outcome"] == "unreachable");
}

TEST_CASE("a server that breaks off is not taken for one that has ended", "[egress][door]")
{
  Site site;
  site.start();
  const auto client = site.client();
  client.say(site.get());
  {
    const auto server = site.accepted();
    (void)server.hear_until("\r\n\r\n");
    server.say("HTTP/1.1 200 OK\r\n\r\nhalf");
    CHECK(client.hear(23) == "HTTP/1.1 200 OK\r\n\r\nhalf");
    const linger now{1, 0};
    REQUIRE(::setsockopt(server.fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
  }
  char byte = 0;
  REQUIRE(can_be_read(client.fd, milliseconds(5000)));
  CHECK(::recv(client.fd.get(), &byte, 1, 0) == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("a million bytes come through both ways at once as they were", "[egress][door]")
{
  Site site;
  site.start();
  std::string data(8U << 20U, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<char>((i * 2654435761U) >> 13U);
  }
  const auto client = site.client();
  const auto hello = hello_to("localhost");
  client.say(site.connect() + hello);
  CHECK(client.hear(k_connected.size()) == k_connected);
  const auto server = site.accepted();
  CHECK(server.hear(hello.size()) == hello);
  const auto talk = [&](const Peer& peer) {
    return std::thread([&] {
      peer.say(data);
      peer.end();
    });
  };
  auto up = talk(client);
  auto down = talk(server);
  std::string at_server;
  auto reader = std::thread([&] {
    at_server = server.hear_all();
  });
  const auto at_client = client.hear_all();
  reader.join();
  up.join();
  down.join();
  CHECK((at_client == data));
  CHECK((at_server == data));
}
