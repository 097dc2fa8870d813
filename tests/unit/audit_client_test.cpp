#include "audit/client.hpp"

#include "audit/present.hpp"
#include "audit_samples.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <fstream>
#include <thread>

using namespace conos;
using namespace conos::audit;

namespace {

// Somebody who answers in our place, a connection after the other.
class Other
{
public:
  explicit Other(const TempDir& dir)
      : path(dir.path + "/sock")
      , m_listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
  {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    REQUIRE(
      ::bind(m_listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(::listen(m_listener.get(), 8) == 0);
  }

  // Takes the next one, and reads what it says up to so many lines.
  std::string hear(int lines)
  {
    m_client = UniqueFd(::accept4(m_listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return hear_more(lines);
  }

  std::string hear_more(int lines) const
  {
    std::string text;
    char c = 0;
    while (lines > 0 && ::read(m_client.get(), &c, 1) == 1) {
      text += c;
      lines -= c == '\n' ? 1 : 0;
    }
    return text;
  }

  void say(const std::string& text) const
  {
    (void)::send(m_client.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  void hang_up() { m_client.reset(); }

  std::string path;

private:
  UniqueFd m_listener;
  UniqueFd m_client;
};

std::string receipt(std::int64_t id)
{
  Recorded recorded;
  recorded.id = id;
  recorded.hash = std::string(64, 'a');
  return receipt_line(recorded);
}

using Ids = std::vector<std::int64_t>;

struct Appended {
  Ids ids;
  Result<> result;
};

Appended append_to(const std::string& path, const std::vector<Row>& rows)
{
  Appended appended;
  auto appender = Appender::connect(path);
  if (!appender) {
    appended.result = tl::unexpected<Error>(appender.error());
    return appended;
  }
  appended.result = appender->append(rows, [&](const Recorded& recorded) {
    appended.ids.push_back(recorded.id);
  });
  return appended;
}

const Row k_plain{"note.made", "", "{}", ""};
const Row k_keyed{"note.made", "", "{}", "k"};

Ids ids_of(const std::vector<Event>& events)
{
  Ids ids;
  for (const auto& event : events) {
    ids.push_back(event.id);
  }
  return ids;
}

void write_row(const TempDir& dir, int id, int day)
{
  const Event event{id, fmt::format("2026-11-{}T10:00:00.000Z", day),
    id % 2 == 0 ? "note.made" : "task.failed", "alice", fmt::format("{{\"n\":{}}}", id),
    std::string(64, 'a'), std::string(64, 'a')};
  std::ofstream(fmt::format("{}/2026-11-{}.jsonl", dir.path, day), std::ios::app)
    << json_line(event) << '\n';
}

// Rows 1 to 6, two on each of three days.
void write_days(const TempDir& dir)
{
  for (int id = 1; id <= 6; ++id) {
    write_row(dir, id, 18 + (id + 1) / 2);
  }
}

} // namespace

TEST_CASE("rows are asked for together, and receipts come in their order", "[audit][client]")
{
  TempDir dir;
  Other other(dir);
  std::string heard;
  std::thread there([&] {
    heard = other.hear(3);
    other.say(receipt(1) + receipt(2) + receipt(3));
  });

  const auto appended = append_to(other.path, {k_plain, k_keyed, k_plain});
  there.join();

  CHECK(appended.result);
  CHECK(appended.ids == Ids{1, 2, 3});
  CHECK(heard == request_line(k_plain) + request_line(k_keyed) + request_line(k_plain));
}

TEST_CASE("a row that came too early is asked for again", "[audit][client]")
{
  TempDir dir;
  Other other(dir);
  std::thread there([&] {
    (void)other.hear(2);
    other.say(refusal_line({{Kind::busy, 0, "wait"}, Duration(1)}) + receipt(1));
    (void)other.hear_more(1);
    other.say(receipt(2));
  });

  const auto appended = append_to(other.path, {k_plain, k_plain});
  there.join();

  CHECK(appended.result);
  CHECK(appended.ids == Ids{2, 1});
}

TEST_CASE(
  "a row that is refused for good ends it; the receipts there are, are given", "[audit][client]")
{
  TempDir dir;
  Other other(dir);
  std::thread there([&] {
    (void)other.hear(3);
    other.say(receipt(1) + refusal_line({{Kind::denied, 0, "no"}}) + receipt(2));
  });

  const auto appended = append_to(other.path, {k_plain, k_plain, k_plain});
  there.join();

  CHECK(appended.ids == Ids{1, 2});
  REQUIRE_FALSE(appended.result);
  CHECK(appended.result.error().kind == Kind::denied);
}

TEST_CASE("a broken connection is no receipt, and no second row", "[audit][client]")
{
  TempDir dir;
  Other other(dir);
  std::thread there([&] {
    (void)other.hear(2);
    other.say(receipt(1));
    other.hang_up();
  });

  const auto appended = append_to(other.path, {k_keyed, k_plain});
  there.join();

  CHECK(appended.ids == Ids{1});
  REQUIRE_FALSE(appended.result);
  CHECK(appended.result.error().kind == Kind::unavailable);
}

TEST_CASE("a row with a key is asked for again when the connection broke", "[audit][client]")
{
  TempDir dir;
  Other other(dir);
  std::thread there([&] {
    (void)other.hear(2);
    other.say(receipt(1));
    other.hang_up();
    CHECK(other.hear(1) == request_line(k_keyed));
    other.say(receipt(2));
  });

  const auto appended = append_to(other.path, {k_plain, k_keyed});
  there.join();

  CHECK(appended.result);
  CHECK(appended.ids == Ids{1, 2});
}

TEST_CASE("one for whom there is no place comes back, without keys too", "[audit][client]")
{
  TempDir dir;
  Other other(dir);
  std::thread there([&] {
    (void)other.hear(0);
    other.say(refusal_line({{Kind::busy, 0, "full"}, Duration(1), true}));
    other.hang_up();
    (void)other.hear(2);
    other.say(receipt(1) + receipt(2));
  });

  const auto appended = append_to(other.path, {k_plain, k_plain});
  there.join();

  CHECK(appended.result);
  CHECK(appended.ids == Ids{1, 2});
}

TEST_CASE("a connection that was closed in silence is made anew", "[audit][client]")
{
  TempDir dir;
  Other other(dir);
  auto appender = Appender::connect(other.path).value();
  (void)other.hear(0);
  other.hang_up();
  std::thread there([&] {
    (void)other.hear(1);
    other.say(receipt(9));
  });
  Ids ids;

  const auto result = appender.append({k_plain}, [&](const Recorded& recorded) {
    ids.push_back(recorded.id);
  });
  there.join();

  CHECK(result);
  CHECK(ids == Ids{9});
}

TEST_CASE("where nobody listens it is said so", "[audit][client]")
{
  TempDir dir;

  CHECK(LineSocket::connect(dir.path + "/none").error().kind == Kind::unavailable);
  CHECK(LineSocket::connect("/" + std::string(200, 'x')).error().kind == Kind::usage);
}

TEST_CASE("an answer cut by a bound goes on behind it", "[audit][client]")
{
  TempDir dir;
  Other other(dir);
  const auto row = [](std::int64_t id) {
    return fmt::format(
      R"({{"actor":"a","hash":"{}","id":{},"payload":{{}},"prev_hash":"","ts":"","type":"a.b"}})"
      "\n",
      std::string(64, 'a'), id);
  };
  std::string second;
  std::thread there([&] {
    (void)other.hear(1);
    End cut;
    cut.last = 2;
    cut.cut = "rows";
    other.say(row(1) + row(2) + end_line(cut));
    second = other.hear_more(1);
    other.say(row(3) + end_line({1, 3, "", false}));
  });
  auto remote = Remote::connect(other.path, [](const auto&) {}).value();
  Ids ids;

  const auto result = remote.each_after(0, {}, [&](const Event& event) {
    ids.push_back(event.id);
    return true;
  });
  there.join();

  CHECK(result);
  CHECK(ids == Ids{1, 2, 3});
  CHECK(second == "{\"after\":2}\n");
}

TEST_CASE("day files are read in order, the last from the end", "[audit][client]")
{
  TempDir dir;
  write_days(dir);
  auto files = DayReader::open(dir.path).value();

  CHECK(ids_of(files.last(3, {}).value()) == Ids{4, 5, 6});
  CHECK(ids_of(files.last(2, {"task", ""}).value()) == Ids{3, 5});
  CHECK(ids_of(files.last(9, {"", "", parse_rfc3339("2026-11-20T00:00:00Z").value()}).value()) ==
        Ids{3, 4, 5, 6});
  CHECK(ids_of(files.last(9, {"", "", {}, {}, "n\":[12]}"}).value()) == Ids{1, 2});
  CHECK(ids_of(files.last(9, {"", "bob"}).value()).empty());
  CHECK(files.last_id().value() == 6);
}

TEST_CASE("day files go on where they were left", "[audit][client]")
{
  TempDir dir;
  write_days(dir);
  auto files = DayReader::open(dir.path).value();
  Ids ids;
  const auto keep = [&](const Event& event) {
    ids.push_back(event.id);
    return true;
  };

  REQUIRE(files.each_after(0, {}, keep));
  write_row(dir, 7, 22);
  REQUIRE(files.each_after(6, {}, keep));
  REQUIRE(files.each_after(5, {}, keep));

  CHECK(ids == Ids{1, 2, 3, 4, 5, 6, 7, 6, 7});
}

TEST_CASE("a line of a day file that was cut is left out", "[audit][client]")
{
  TempDir dir;
  write_days(dir);
  std::ofstream(dir.path + "/2026-11-21.jsonl", std::ios::app) << "{\"actor\":\"al";
  auto files = DayReader::open(dir.path).value();

  CHECK(ids_of(files.last(2, {}).value()) == Ids{5, 6});
}
