#include "audit/client.hpp"
#include "audit/present.hpp"
#include "audit_samples.hpp"
#include "serve/append_service.hpp"
#include "serve/query_service.hpp"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <thread>

using namespace conos;
using namespace conos::audit;
using namespace conos::serve;

namespace {

std::vector<UniqueFd> listeners_at(const std::string& path)
{
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::listen(fd.get(), 64) == 0);
  std::vector<UniqueFd> listeners;
  listeners.push_back(std::move(fd));
  return listeners;
}

// A service in a thread, on a socket in a directory, until it is told to end as systemd would.
template<typename Of>
class Running
{
public:
  template<typename... Args>
  Running(const TempDir& dir, const Bounds& bounds, Args... args)
      : path(dir.path + "/sock")
      , m_listeners(listeners_at(path))
      , m_server(bounds)
      , m_service(m_server, args...)
  {
    sigset_t term;
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    REQUIRE(::pthread_sigmask(SIG_BLOCK, &term, nullptr) == 0);
    m_thread = std::thread([this] {
      m_ended = m_server.run(m_listeners, m_service);
    });
  }
  ~Running() { stop(); }

  void stop()
  {
    if (m_thread.joinable()) {
      (void)::pthread_kill(m_thread.native_handle(), SIGTERM);
      m_thread.join();
      CHECK(m_ended);
    }
  }

  // Until it ends by itself.
  void wait() { m_thread.join(); }

  LineSocket connect() const { return LineSocket::connect(path).value(); }

  std::string path;

private:
  std::vector<UniqueFd> m_listeners;
  LineServer m_server;
  Of m_service;
  std::thread m_thread;
  Result<> m_ended;
};

// The tests may run as anybody: their own group is the one that may.
AppendPlace place_in(const TempDir& dir)
{
  return {dir.path + "/ledger", day_files_in(dir.path), {::getegid()}};
}

Reader reader_in(const TempDir& dir)
{
  return Reader::open(dir.path + "/ledger/audit.db").value();
}

std::string kind_of(const std::string& line)
{
  const auto answer = parse_answer(line).value();
  if (const auto* refusal = std::get_if<Refusal>(&answer)) {
    return refusal->error.kind == Kind::bad_data ? "bad"
           : refusal->error.kind == Kind::denied ? "denied"
                                                 : "other";
  }
  return "receipt";
}

const std::string k_note = R"({"type":"note.made"})"
                           "\n";

struct Answer {
  std::vector<std::int64_t> ids;
  End end;
};

Answer answer_of(LineSocket& socket)
{
  Answer answer;
  for (;;) {
    const auto line = parse_row(socket.receive().value()).value();
    if (const auto* event = std::get_if<Event>(&line)) {
      answer.ids.push_back(event->id);
      continue;
    }
    answer.end = std::get<End>(line);
    return answer;
  }
}

Answer ask(LineSocket& socket, const std::string& query)
{
  REQUIRE(socket.send(query + "\n"));
  return answer_of(socket);
}

using Ids = std::vector<std::int64_t>;

} // namespace

TEST_CASE("a receipt is that of a row in the ledger, in the caller's name", "[serve][append]")
{
  TempDir dir;
  const Running<AppendService> running(dir, append_bounds(), place_in(dir));
  auto socket = running.connect();

  REQUIRE(socket.send(R"({"type":"note.made","payload":{"a": 1}})"
                      "\n"));
  const auto recorded = std::get<Recorded>(parse_answer(socket.receive().value()).value());
  const auto events = reader_in(dir).last(9).value();

  REQUIRE(events.size() == 1);
  CHECK(events[0].hash == recorded.hash);
  CHECK(events[0].payload == R"({"a": 1})");
  CHECK(events[0].actor.find('|') == std::string::npos);
  CHECK_FALSE(events[0].actor.empty());
}

TEST_CASE("each line is answered in its turn, whatever it is", "[serve][append]")
{
  TempDir dir;
  const Running<AppendService> running(dir, append_bounds(), place_in(dir));
  auto socket = running.connect();

  REQUIRE(socket.send(k_note + "\n  \r\nGET / HTTP/1.1\n" + k_note +
                      "{\"type\":\"note.made\",\"payload\":{\"a\":\"\xff\"}}\n" +
                      R"({"type":"note.made","actor":"root"})"
                      "\n" +
                      R"({"type":"note.made","payload":{"a":1)"
                      "\n" +
                      "}}\n" + std::string("\0\n", 2) + k_note));
  std::string kinds;
  for (int i = 0; i < 9; ++i) {
    kinds += kind_of(socket.receive().value()) + " ";
  }

  CHECK(kinds == "receipt bad receipt bad bad bad bad bad receipt ");
  CHECK(reader_in(dir).last_id().value() == 3);
}

TEST_CASE("a line without an end is one when its writer has ended", "[serve][append]")
{
  TempDir dir;
  const Running<AppendService> running(dir, append_bounds(), place_in(dir));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(running.path.begin(), running.path.end(), address.sun_path);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);

  REQUIRE(::send(fd.get(), k_note.data(), k_note.size() - 1, 0) > 0);
  REQUIRE(::shutdown(fd.get(), SHUT_WR) == 0);
  std::string said(4096, '\0');
  const auto got = ::recv(fd.get(), said.data(), said.size(), 0);

  REQUIRE(got > 0);
  CHECK(kind_of(said.substr(0, static_cast<std::size_t>(got) - 1)) == "receipt");
  CHECK(::recv(fd.get(), said.data(), said.size(), 0) == 0);
}

TEST_CASE("a line without bounds is cut off", "[serve][append]")
{
  TempDir dir;
  const Running<AppendService> running(dir, append_bounds(), place_in(dir));
  auto socket = running.connect();
  auto other = running.connect();

  REQUIRE(socket.send(k_note + std::string(1U << 20U, 'a')));
  const auto first = socket.receive().value();
  const auto second = std::get<Refusal>(parse_answer(socket.receive().value()).value());
  REQUIRE(other.send(k_note));

  CHECK(kind_of(first) == "receipt");
  CHECK(second.is_last);
  CHECK(second.error.kind == Kind::bad_data);
  CHECK(socket.receive().error().kind == Kind::unavailable);
  CHECK(kind_of(other.receive().value()) == "receipt");
}

TEST_CASE("what many write at once is all there, and each writer's in order", "[serve][append]")
{
  constexpr int k_writers = 8;
  constexpr int k_rows = 20;
  TempDir dir;
  const Running<AppendService> running(dir, append_bounds(), place_in(dir));
  std::vector<std::thread> writers;
  std::vector<Ids> ids(k_writers);
  for (int w = 0; w < k_writers; ++w) {
    writers.emplace_back([&, w] {
      std::vector<Row> rows;
      for (int i = 0; i < k_rows; ++i) {
        rows.push_back({"note.made", "", fmt::format(R"({{"w":{},"i":{}}})", w, i), ""});
      }
      auto appender = Appender::connect(running.path);
      (void)appender->append(rows, [&](const Recorded& recorded) {
        ids[static_cast<std::size_t>(w)].push_back(recorded.id);
      });
    });
  }
  for (auto& writer : writers) {
    writer.join();
  }

  const auto events = reader_in(dir).last(1000).value();
  REQUIRE(events.size() == k_writers * k_rows);
  for (int w = 0; w < k_writers; ++w) {
    const auto& own = ids[static_cast<std::size_t>(w)];
    REQUIRE(own.size() == k_rows);
    for (int i = 0; i < k_rows; ++i) {
      const auto at = static_cast<std::size_t>(own[static_cast<std::size_t>(i)] - 1);
      CHECK(events[at].payload == fmt::format(R"({{"w":{},"i":{}}})", w, i));
    }
  }
}

TEST_CASE("nobody has more connections than their share", "[serve][append]")
{
  TempDir dir;
  auto bounds = append_bounds();
  bounds.clients_of_uid = 2;
  const Running<AppendService> running(dir, bounds, place_in(dir));
  auto first = running.connect();
  auto second = running.connect();
  auto third = running.connect();

  const auto refused = std::get<Refusal>(parse_answer(third.receive().value()).value());
  REQUIRE(first.send(k_note));

  CHECK(refused.error.kind == Kind::busy);
  CHECK(refused.is_last);
  CHECK(refused.retry);
  CHECK(kind_of(first.receive().value()) == "receipt");
}

TEST_CASE("strangers are not heard", "[serve][append]")
{
  if (::geteuid() == 0) {
    TempDir dir;
    LineServer server(append_bounds());
    AppendService service(server, {dir.path, day_files_in(dir.path), {5}});
    Peer peer{1000, {1000, 6}, "alice"};
    CHECK(service.admit(peer).error().kind == Kind::denied);
    peer.groups.push_back(5);
    CHECK(service.admit(peer));
    peer.account = "a-sysadmin";
    CHECK(service.admit(peer).error().kind == Kind::denied);
    QueryService query(server, dir.path, 5);
    CHECK(query.admit(peer).error().kind == Kind::denied);
  }
}

TEST_CASE("a service ends when nobody is there, and one who is silent is not", "[serve][append]")
{
  TempDir dir;
  auto bounds = append_bounds();
  bounds.silence = bounds.idle = std::chrono::seconds(1);
  Running<AppendService> running(dir, bounds, place_in(dir));
  auto socket = running.connect();

  CHECK(socket.receive().error().kind == Kind::unavailable);
  running.wait();
}

TEST_CASE("one who does not read is let go, and holds up nobody", "[serve][query]")
{
  TempDir dir;
  std::vector<Row> rows(
    1000, {"note.made", "root", R"({"a":")" + std::string(3000, 'a') + "\"}", ""});
  (void)Ledger::open(dir.path).value().append(rows).value();
  auto bounds = query_bounds();
  bounds.stall = std::chrono::seconds(1);
  const Running<QueryService> running(dir, bounds, database_in(dir), ::getegid());
  auto slow = running.connect();
  REQUIRE(slow.send("{}\n"));
  auto other = running.connect();

  CHECK(ask(other, R"({"n":1})").ids == Ids{1000});
  ::sleep(3);
  Result<std::string> line;
  do {
    line = slow.receive();
  } while (line);

  CHECK(line.error().kind == Kind::unavailable);
}

TEST_CASE("questions get their rows, and where the answer ends", "[serve][query]")
{
  TempDir dir;
  (void)make_ledger(dir, 5000);
  const Running<QueryService> running(dir, query_bounds(), database_in(dir), ::getegid());
  auto socket = running.connect();

  CHECK(ask(socket, R"({"n":2})").ids == Ids{4999, 5000});
  CHECK(ask(socket, R"({"n":2,"type":"task.failed"})").ids == Ids{4997, 4999});
  CHECK(ask(socket, R"({"n":2,"grep":"n\":7}"})").ids == Ids{7});
  CHECK(ask(socket, R"({"n":9,"after":4998})").ids == Ids{4999, 5000});
  CHECK(ask(socket, R"({"n":0})").ids == Ids{});
  CHECK(ask(socket, R"({"n":0})").end.last == 5000);
  CHECK(ask(socket, R"({"after":5000})").ids == Ids{});
  CHECK(ask(socket, R"({"after":9000})").end.last == 9000);
  CHECK(ask(socket, R"({"actor":"nobody"})").ids == Ids{});
  CHECK(ask(socket, R"({"actor":"nobody"})").end.last == 5000);
  CHECK(ask(socket, "{}").ids.size() == 5000);
}

TEST_CASE("an answer has a bound, and goes on behind it", "[serve][query]")
{
  TempDir dir;
  (void)make_ledger(dir, 12'000);
  const Running<QueryService> running(dir, query_bounds(), database_in(dir), ::getegid());
  auto socket = running.connect();

  const auto first = ask(socket, "{}");
  const auto second = ask(socket, fmt::format(R"({{"after":{}}})", first.end.last));
  auto remote = Remote::connect(running.path, [](const auto&) {}).value();
  const auto all = remote.last(11'000, {}).value();

  CHECK(first.end.cut == "rows");
  CHECK(first.ids.size() == 10'000);
  CHECK(second.end.cut.empty());
  CHECK(second.ids.front() == 10'001);
  CHECK(second.ids.size() == 2'000);
  REQUIRE(all.size() == 11'000);
  CHECK(all.front().id == 1'001);
  CHECK(all.back().id == 12'000);
}

TEST_CASE("a question that is none is refused, and the next is heard", "[serve][query]")
{
  TempDir dir;
  (void)make_ledger(dir, 3);
  const Running<QueryService> running(dir, query_bounds(), database_in(dir), ::getegid());
  auto socket = running.connect();

  REQUIRE(socket.send("'; DROP TABLE events\n"));

  CHECK(kind_of(socket.receive().value()) == "bad");
  CHECK(ask(socket, R"({"n":1})").ids == Ids{3});
}

TEST_CASE("an expression that is dear holds up nobody", "[serve][query]")
{
  constexpr int k_rows = 80;
  TempDir dir;
  std::minstd_rand random; // NOLINT(cert-msc51-cpp): the same each time
  std::string text(60'000, 'a');
  for (auto& c : text) {
    c = random() % 2 == 0 ? 'a' : 'b';
  }
  const std::vector<Row> rows(k_rows, {"note.made", "root", R"({"a":")" + text + "\"}", ""});
  (void)Ledger::open(dir.path).value().append(rows).value();
  const Running<QueryService> running(dir, query_bounds(), database_in(dir), ::getegid());
  auto dear = running.connect();
  auto other = running.connect();
  const auto since = Clock::now();
  REQUIRE(dear.send(R"({"grep":"a[ab]{200}y"})"
                    "\n"));

  for (int i = 0; i < 3; ++i) {
    CHECK(ask(other, fmt::format(R"({{"n":1,"after":{}}})", k_rows - 1)).ids == Ids{k_rows});
  }
  const auto others = Clock::now() - since;
  (void)answer_of(dear);

  CHECK(others < (Clock::now() - since) / 2);
}
