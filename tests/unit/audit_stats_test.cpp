#include "audit/stats.hpp"

#include "audit_samples.hpp"

using namespace conos;
using namespace conos::audit;

TEST_CASE("stats count by type, actor and day", "[audit][stats]")
{
  TempDir dir;
  const auto made = make_ledger(dir, 12);
  auto reader = Reader::open(database_in(dir)).value();

  const auto stats = count_rows(reader, {}).value();

  CHECK(stats.all.rows == 12);
  CHECK(stats.all.bytes == 9 * 7 + 3 * 8);
  CHECK(stats.all.first == made.front().ts);
  CHECK(stats.all.last == made.back().ts);
  CHECK(stats.types.at("task.failed").rows == 6);
  CHECK(stats.actors.at("alice").rows == 4);
  CHECK(stats.actors.at("root").rows == 8);
  CHECK(stats.days.at(made.front().ts.substr(0, 10)).rows == 12);
  CHECK(count_rows(reader, {"*.failed", "alice"}).value().all.rows == 2);
}

TEST_CASE("stats of nothing are nothing", "[audit][stats]")
{
  TempDir dir;
  REQUIRE(Ledger::open(dir.path));
  auto reader = Reader::open(database_in(dir)).value();

  const auto stats = count_rows(reader, {}).value();

  CHECK(text_of(stats).starts_with("0 rows, 0 bytes of payload\n"));
  CHECK(json_of(stats) ==
        R"({"actors":{},"bytes":0,"days":{},"file_bytes":null,"first":null,"last":null,"rows":0,)"
        "\"types\":{}}\n");
}

TEST_CASE("what a ledger takes on disk is its database and its log", "[audit][stats]")
{
  TempDir dir;
  TempDir empty;
  (void)make_ledger(dir, 3);

  const auto bytes = bytes_on_disk(dir.path).value();

  CHECK(bytes == static_cast<std::int64_t>(std::filesystem::file_size(database_in(dir)) +
                                           std::filesystem::file_size(database_in(dir) + "-wal")));
  CHECK_FALSE(bytes_on_disk(empty.path));
}
