#include "audit/reader.hpp"

#include "audit_samples.hpp"

using namespace conos;
using namespace conos::audit;

namespace {

std::vector<std::int64_t> ids_of(const std::vector<Event>& events)
{
  std::vector<std::int64_t> ids;
  for (const auto& event : events) {
    ids.push_back(event.id);
  }
  return ids;
}

using Ids = std::vector<std::int64_t>;

} // namespace

TEST_CASE("the last rows come oldest first, whole", "[audit][reader]")
{
  TempDir dir;
  const auto made = make_ledger(dir, 10);
  auto reader = Reader::open(database_in(dir)).value();

  const auto events = reader.last(3).value();

  REQUIRE(ids_of(events) == Ids{8, 9, 10});
  CHECK(events[2].ts == made[9].ts);
  CHECK(events[2].type == "task.claimed");
  CHECK(events[2].actor == "root");
  CHECK(events[2].payload == R"({"n":10})");
  CHECK(events[2].hash == made[9].hash);
  CHECK(events[2].prev_hash == made[8].hash);
  CHECK(reader.last_id().value() == 10);
}

TEST_CASE("filters choose by type, noun, actor and time", "[audit][reader]")
{
  TempDir dir;
  (void)make_ledger(dir, 10);
  auto reader = Reader::open(database_in(dir)).value();

  CHECK(ids_of(reader.last(2, {"task.failed", "", {}}).value()) == Ids{7, 9});
  CHECK(ids_of(reader.last(2, {"task", "", {}}).value()) == Ids{9, 10});
  CHECK(ids_of(reader.last(2, {"*.claimed", "", {}}).value()) == Ids{8, 10});
  CHECK(ids_of(reader.last(2, {"tas", "", {}}).value()) == Ids{});
  CHECK(ids_of(reader.last(9, {"", "alice", {}}).value()) == Ids{3, 6, 9});
  CHECK(ids_of(reader.last(9, {"task.failed", "alice", {}}).value()) == Ids{3, 9});
  CHECK(reader.last(99, {"", "", now() - std::chrono::hours(1)}).value().size() == 10);
  CHECK(reader.last(99, {"", "", now() + std::chrono::hours(1)}).value().empty());
  CHECK(reader.last(0).value().empty());
}

TEST_CASE("rows after an id come in order until one is not taken", "[audit][reader]")
{
  TempDir dir;
  (void)make_ledger(dir, 10'000);
  auto reader = Reader::open(database_in(dir)).value();
  Ids all;
  Ids some;

  REQUIRE(reader.each_after(9'990, {}, [&](const Event& event) {
    some.push_back(event.id);
    return some.size() < 3;
  }));
  REQUIRE(reader.each_after(0, {}, [&](const Event& event) {
    all.push_back(event.id);
    return true;
  }));

  CHECK(some == Ids{9'991, 9'992, 9'993});
  REQUIRE(all.size() == 10'000);
  CHECK(all.front() == 1);
  CHECK(all.back() == 10'000);
}

TEST_CASE("a reader that stays open sees what is appended later", "[audit][reader]")
{
  TempDir dir;
  (void)make_ledger(dir, 2);
  auto reader = Reader::open(database_in(dir)).value();
  CHECK(reader.last_id().value() == 2);

  (void)Ledger::open(dir.path).value().append({{"a.b", "root", "{}", ""}}).value();

  CHECK(reader.last_id().value() == 3);
}

TEST_CASE("what is not a ledger is not read", "[audit][reader]")
{
  TempDir dir;
  CHECK(Reader::open(database_in(dir)).error().kind == Kind::not_found);
  CHECK(Reader::open(dir.path).error().kind == Kind::bad_data);
  REQUIRE(publish(dir.fd, "text", std::string(5000, 'x'), 0600));
  CHECK(Reader::open(dir.path + "/text").error().kind == Kind::bad_data);
  tamper(dir.path + "/other", "CREATE TABLE events(id INTEGER PRIMARY KEY)");
  CHECK(Reader::open(dir.path + "/other").error().kind == Kind::bad_data);
}
