#include "audit/prune.hpp"

#include "audit/evidence.hpp"
#include "audit/proof.hpp"
#include "audit/reader.hpp"
#include "audit/seal.hpp"
#include "audit/tiles.hpp"
#include "audit_samples.hpp"

using namespace conos;
using namespace conos::audit;

namespace {

const Journal k_none;

Result<Sealed> seal_in(const TempDir& dir)
{
  return seal(dir.path, "root/conos-audit", k_none);
}

Result<Pruning> prune_in(const TempDir& dir, Time before, Prune how = Prune::go)
{
  return prune(dir.path, before, "root/conos-audit", k_none, how);
}

std::optional<Finding> judge(const TempDir& dir)
{
  const auto evidence = gather(dir.path, std::nullopt, k_none).value();
  const auto verdict = verify(database_in(dir), evidence.expected).value();
  if (verdict.bad) {
    return verdict.bad;
  }
  return evidence.bad.empty() ? judge_signed_rows(verdict, evidence) : evidence.bad.front();
}

// 600 rows, a checkpoint and its row, and then 20 more; the time between them.
Time make_two_halves(const TempDir& dir)
{
  (void)make_ledger(dir, 600);
  REQUIRE(seal_in(dir));
  const auto last = Reader::open(database_in(dir)).value().last(1).value().front();
  const auto between = parse_rfc3339(last.ts).value() + std::chrono::milliseconds(1);
  while (now() <= between) {
  }
  REQUIRE(
    Ledger::open(dir.path).value().append(std::vector<Row>(20, Row{"a.b", "root", "{}", ""})));
  return between;
}

bool file_holds(const TempDir& dir, const std::string& text)
{
  for (const auto* name : {"audit.db", "audit.db-wal"}) {
    const auto bytes = read_file(dir.fd, name, 1U << 30U);
    if (bytes && bytes->find(text) != std::string::npos) {
      return true;
    }
  }
  return false;
}

} // namespace

TEST_CASE("a pruned ledger verifies, goes on and proves what it proved", "[audit][prune]")
{
  TempDir dir;
  TempDir out;
  const auto between = make_two_halves(dir);
  REQUIRE(seal_in(dir));
  const auto key = find_verifier_key(dir.fd).value().value();
  const auto sealed = seal_in(dir).value().newest;
  const auto old_proof = prove(database_in(dir), 300, sealed).value();
  REQUIRE(file_holds(dir, R"({"n":300})"));

  const auto looked = prune_in(dir, between, Prune::look).value();
  CHECK(looked.rows == 601);
  CHECK(looked.bytes > 600 * 40);
  CHECK(verify(database_in(dir)).value().pruned == 0);
  const auto done = prune_in(dir, between).value();

  CHECK(done.rows == 601);
  REQUIRE(done.recorded);
  CHECK_FALSE(judge(dir));
  CHECK_FALSE(file_holds(dir, R"({"n":300})"));
  const auto evidence = gather(dir.path, std::nullopt, k_none).value();
  CHECK(verify(database_in(dir), evidence.expected).value().pruned == 601);
  CHECK(check_proof(old_proof, key));
  CHECK(prove(database_in(dir), 300, sealed).error().kind == Kind::not_found);
  CHECK(prove(database_in(dir), 610, sealed));
  CHECK(export_tiles(database_in(dir), sealed, out.path));
  CHECK(Reader::open(database_in(dir)).value().last(1000).value().front().id == 602);

  const auto again = Ledger::open(dir.path).value().append({{"a.b", "root", "{}", "K300"}});
  CHECK(again.value().front().already);
  CHECK(again.value().front().id == 300);
  CHECK(again.value().front().hash == hex(sha256(old_proof.preimage)));
  REQUIRE(seal_in(dir).value().is_new);
  CHECK_FALSE(judge(dir));
  CHECK(prune_in(dir, between).value().recorded == std::nullopt);
}

TEST_CASE("what no checkpoint covers is not pruned, nor what does not verify", "[audit][prune]")
{
  TempDir dir;
  const auto between = make_two_halves(dir);
  const auto later = now() + std::chrono::hours(1);

  const auto looked = prune_in(dir, later, Prune::look).value();
  CHECK(looked.rows == 600);
  CHECK(looked.uncovered == 21); // the row of the checkpoint, and 20
  REQUIRE(seal_in(dir));
  tamper(database_in(dir), "UPDATE events SET payload='{}' WHERE id=300");
  CHECK_THAT(prune_in(dir, between).error().what, Catch::Contains("row 300"));
  CHECK(verify(database_in(dir)).value().pruned == 0);
}

TEST_CASE("a crash while rows are pruned leaves a ledger that verifies", "[audit][prune]")
{
  TempDir dir;
  const auto between = make_two_halves(dir);
  REQUIRE(seal_in(dir));
  REQUIRE(prune_in(dir, between, Prune::look));
  const std::string half = "UPDATE events SET ts='', type='', actor='', payload='', prev_hash=x'' "
                           "WHERE id<=";
  REQUIRE(Ledger::open(dir.path).value().append(
    {{"ledger.pruned", "root", R"({"rows":601})", "pruned/601"}}));

  CHECK_FALSE(judge(dir));
  tamper(database_in(dir), half + "200");
  CHECK_FALSE(judge(dir));
  const auto done = prune_in(dir, between).value();
  CHECK(done.already == 200);
  CHECK_FALSE(done.recorded);
  CHECK_FALSE(judge(dir));
}

TEST_CASE("a crash before the log was cut is made good by the next pruning", "[audit][prune]")
{
  TempDir dir;
  const auto between = make_two_halves(dir);
  REQUIRE(seal_in(dir));
  const auto all = prune_in(dir, between).value().rows;
  REQUIRE(Ledger::open(dir.path).value().append({{"a.b", "root", "{}", ""}})); // into the log
  REQUIRE(std::filesystem::file_size(dir.path + "/audit.db-wal") > 0);

  const auto again = prune_in(dir, between).value();

  CHECK(again.already == all);
  CHECK(std::filesystem::file_size(dir.path + "/audit.db-wal") == 0);
}

TEST_CASE("who drops rows without saying so is found", "[audit][prune]")
{
  TempDir dir;
  (void)make_two_halves(dir);
  REQUIRE(seal_in(dir));
  const std::string drop =
    "UPDATE events SET ts='', type='', actor='', payload='', prev_hash=x'' WHERE ";

  SECTION("the first rows")
  {
    tamper(database_in(dir), drop + "id<=3");
    CHECK(judge(dir)->id == 1);
  }
  SECTION("a row in between")
  {
    tamper(database_in(dir), drop + "id=300");
    CHECK(judge(dir)->id == 300);
  }
  SECTION("the last row")
  {
    tamper(database_in(dir), drop + "id=(SELECT max(id) FROM events)");
    CHECK(judge(dir)->id == 622);
  }
  REQUIRE(judge(dir));
}

TEST_CASE("a kept hash that was changed is found by the checkpoint", "[audit][prune]")
{
  TempDir dir;
  const auto between = make_two_halves(dir);
  REQUIRE(seal_in(dir));
  REQUIRE(prune_in(dir, between));

  SECTION("one hash")
  {
    tamper(database_in(dir), "UPDATE events SET hash=zeroblob(32) WHERE id=300");
    CHECK(judge(dir));
  }
  SECTION("the last, which the chain goes on from")
  {
    tamper(database_in(dir), "UPDATE events SET hash=zeroblob(32) WHERE id=601");
    CHECK(judge(dir)->id == 602);
  }
  SECTION("one more row than was said")
  {
    tamper(database_in(dir), "UPDATE events SET ts='', type='', actor='', payload='', "
                             "prev_hash=x'' WHERE id=602");
    CHECK(judge(dir)->id == 602);
  }
  SECTION("a row is missing")
  {
    tamper(database_in(dir), "DELETE FROM events WHERE id=300");
    CHECK(judge(dir)->id == 300);
  }
  SECTION("without a checkpoint nothing vouches for them")
  {
    const auto bad = verify(database_in(dir)).value().bad;
    REQUIRE(bad);
    CHECK_THAT(bad->what, Catch::Contains("no checkpoint to hold their hashes against"));
  }
}
