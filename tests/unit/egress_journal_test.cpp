#include "egress/journal.hpp"
#include "temp_dir.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::egress;

TEST_CASE("a row waits until the ledger has it", "[egress][journal]")
{
  const TempDir dir;
  auto journal = Journal::open(dir.path).value();
  REQUIRE(journal.note("egress.denied", "{}"));

  const auto waiting = journal.waiting(10).value();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].type == "egress.denied");
  CHECK(waiting[0].payload == "{}");
  CHECK(waiting[0].key.size() == 32);

  REQUIRE(journal.recorded(waiting));
  CHECK(journal.waiting(10).value().empty());
  CHECK(journal.backlog().value() == 0);
}

TEST_CASE("a connection has one row, once it is over", "[egress][journal]")
{
  const TempDir dir;
  auto journal = Journal::open(dir.path).value();
  const auto first = journal.begin("first so far").value();
  const auto second = journal.begin("second so far").value();
  CHECK(journal.waiting(10).value().empty());
  CHECK(journal.backlog().value() == 2);

  REQUIRE(journal.end(second, "second"));

  const auto waiting = journal.waiting(10).value();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].type == "egress.allowed");
  CHECK(waiting[0].payload == "second");
  CHECK(first != second);
}

TEST_CASE("what a killed door left open is recorded as it was", "[egress][journal]")
{
  const TempDir dir;
  {
    auto killed = Journal::open(dir.path).value();
    REQUIRE(killed.begin("so far"));
    REQUIRE(killed.set_moved("task", 5000, now()));
  }
  auto journal = Journal::open(dir.path).value();

  CHECK(journal.close_left().value() == 1);
  CHECK(journal.waiting(10).value().at(0).payload == "so far");
  CHECK(journal.moved_by("task").value() == 5000);
  CHECK(journal.close_left().value() == 0);
}

TEST_CASE("two hands write to one journal", "[egress][journal]")
{
  const TempDir dir;
  auto door = Journal::open(dir.path).value();
  auto clerk = Journal::open(dir.path).value();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(door.note("egress.denied", std::to_string(i)));
    if (i % 10 == 0) {
      REQUIRE(clerk.recorded(clerk.waiting(5).value()));
    }
  }
  CHECK(clerk.waiting(1000).value().size() == static_cast<std::size_t>(door.backlog().value()));
}

TEST_CASE("what a task moved long ago is forgotten", "[egress][journal]")
{
  const TempDir dir;
  {
    auto journal = Journal::open(dir.path).value();
    REQUIRE(journal.set_moved("old", 1, now() - std::chrono::hours(91 * 24)));
    REQUIRE(journal.set_moved("new", 1, now()));
    REQUIRE(journal.set_moved("new", 2, now()));
  }
  auto journal = Journal::open(dir.path).value();
  CHECK(journal.moved_by("old").value() == 0);
  CHECK(journal.moved_by("new").value() == 2);
  CHECK(journal.moved_by("none").value() == 0);
}
