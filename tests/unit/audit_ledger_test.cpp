#include "audit/ledger.hpp"

#include "audit/chain.hpp"
#include "temp_dir.hpp"

using namespace conos;
using namespace conos::audit;

TEST_CASE("rows get ids in order and each hash covers the one before", "[audit][ledger]")
{
  TempDir dir;
  auto ledger = Ledger::open(dir.path).value();

  const auto first = ledger.append({{"a.b", "root", R"({"n":1})", ""}}).value();
  const auto more =
    ledger.append({{"a.c", "root", R"({"n":2})", ""}, {"a.d", "uid:7", "{}", ""}}).value();

  REQUIRE(first.size() == 1);
  REQUIRE(more.size() == 2);
  CHECK(first[0].id == 1);
  CHECK(first[0].prev_hash == std::string(64, '0'));
  CHECK(first[0].hash == hex(chain_hash({1, first[0].ts, "a.b", "root", R"({"n":1})"}, k_genesis)));
  CHECK(more[0].id == 2);
  CHECK(more[0].prev_hash == first[0].hash);
  CHECK(more[1].id == 3);
  CHECK(more[1].prev_hash == more[0].hash);
}

TEST_CASE("a key stands for one row for ever", "[audit][ledger]")
{
  TempDir dir;
  const Row row{"task.claimed", "root/conos-run", R"({"id":"x"})", "x/1/task.claimed"};
  const auto first = Ledger::open(dir.path).value().append({row}).value().at(0);

  const auto again = Ledger::open(dir.path).value().append({row}).value().at(0);
  const auto mixed =
    Ledger::open(dir.path).value().append({row, {"a.b", "root", "{}", "new"}, row}).value();

  CHECK_FALSE(first.already);
  CHECK(again.already);
  CHECK(again.id == first.id);
  CHECK(again.hash == first.hash);
  CHECK(again.ts == first.ts);
  CHECK(again.prev_hash == first.prev_hash);
  CHECK(mixed.at(0).already);
  CHECK(mixed.at(1).id == 2);
  CHECK(mixed.at(2).id == 1);
}
