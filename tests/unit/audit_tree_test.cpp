#include "audit/tree.hpp"

#include "audit/verify.hpp"
#include "audit_samples.hpp"

using namespace conos;
using namespace conos::audit;

namespace {

// The root as it is computed from nothing but the receipts.
Digest root_of(const std::vector<Recorded>& recorded, std::size_t size)
{
  merkle::Frontier tree;
  for (std::size_t i = 0; i < size; ++i) {
    tree.add(merkle::leaf(digest_from_hex(recorded[i].hash).value()));
  }
  return tree.root();
}

sqlite::Connection connection_to(const TempDir& dir)
{
  return sqlite::open_to_read(database_in(dir), sqlite::Reading::beside_writers).value();
}

const std::string k_make_it_old = "DROP TABLE tree; PRAGMA user_version=1";

} // namespace

TEST_CASE("the tree a ledger keeps is that of its rows, at every size", "[audit][tree]")
{
  TempDir dir;
  const auto made = make_ledger(dir, 1'100);
  const auto connection = connection_to(dir);
  auto tree = StoredTree::prepare(connection.get()).value();

  for (const std::size_t size : {0, 1, 2, 255, 256, 257, 511, 512, 513, 1000, 1024, 1100}) {
    CHECK(tree.root(size).value() == root_of(made, size));
  }
  CHECK_FALSE(tree.root(1101));
}

TEST_CASE("rows that come one by one make the same tree as rows together", "[audit][tree]")
{
  TempDir together;
  TempDir one_by_one;
  (void)make_ledger(together, 600);
  {
    auto ledger = Ledger::open(one_by_one.path).value();
    for (int i = 0; i < 600; ++i) {
      REQUIRE(ledger.append({{"a.b", "root", "{}", ""}}));
    }
  }
  const auto verdict = verify(database_in(one_by_one)).value();
  CHECK_FALSE(verdict.bad);
  const auto connection = connection_to(one_by_one);
  CHECK(base64(StoredTree::prepare(connection.get()).value().root(600).value()) == verdict.root);
}

TEST_CASE("proofs come from the tree that is kept", "[audit][tree]")
{
  TempDir dir;
  const auto made = make_ledger(dir, 700);
  const auto connection = connection_to(dir);
  auto tree = StoredTree::prepare(connection.get()).value();
  const auto subtree = [&](unsigned level, merkle::Size index) {
    return tree.subtree(level, index);
  };
  for (const merkle::Size index : {0, 255, 256, 511, 512, 699}) {
    const auto proof = merkle::inclusion(index, 700, subtree).value();
    const auto leaf = merkle::leaf(digest_from_hex(made[index].hash).value());
    CHECK(merkle::root_by_inclusion(index, 700, leaf, proof) == root_of(made, 700));
  }
  for (const merkle::Size before : {1, 256, 300, 512, 699}) {
    CHECK(merkle::is_consistent(before, root_of(made, before), 700, root_of(made, 700),
      merkle::consistency(before, 700, subtree).value()));
  }
}

TEST_CASE("a ledger without a tree verifies, and gets one when it is opened", "[audit][tree]")
{
  TempDir dir;
  const auto made = make_ledger(dir, 1'000);
  tamper(database_in(dir), k_make_it_old);
  const auto old = verify(database_in(dir)).value();
  CHECK_FALSE(old.bad);

  REQUIRE(Ledger::open(dir.path).value().append({{"a.b", "root", "{}", ""}}));

  const auto verdict = verify(database_in(dir)).value();
  CHECK_FALSE(verdict.bad);
  CHECK(verdict.rows == 1'001);
  const auto connection = connection_to(dir);
  auto tree = StoredTree::prepare(connection.get()).value();
  CHECK(base64(tree.root(1'000).value()) == old.root);
  CHECK(tree.root(1'000).value() == root_of(made, 1'000));
}

TEST_CASE("a tree that is not that of the rows is found", "[audit][tree]")
{
  TempDir dir;
  (void)make_ledger(dir, 600);
  const auto* const how = GENERATE("UPDATE tree SET hash=zeroblob(32) WHERE n=1",
    "DELETE FROM tree WHERE n=0", "INSERT INTO tree VALUES(1, 2, zeroblob(32))",
    "INSERT INTO tree VALUES(2, 0, zeroblob(32))", "UPDATE tree SET hash='x' WHERE n=0");
  tamper(database_in(dir), how);

  const auto verdict = verify(database_in(dir)).value();

  INFO(how);
  REQUIRE(verdict.bad);
  CHECK(verdict.bad->what.find("tree") != std::string::npos);
}

TEST_CASE("a ledger with a hole still takes rows", "[audit][tree]")
{
  TempDir dir;
  (void)make_ledger(dir, 255);
  tamper(database_in(dir), "DELETE FROM events WHERE id=7");

  CHECK(Ledger::open(dir.path).value().append({{"a.b", "root", "{}", ""}}));

  CHECK(verify(database_in(dir)).value().bad->id == 7);
}

TEST_CASE("an expected tree is found, or what is wrong is named", "[audit][verify]")
{
  TempDir dir;
  const auto made = make_ledger(dir, 300);
  const Expected early{100, root_of(made, 100), "'early'", Expected::Of::tree};
  const Expected late{300, root_of(made, 300), "'late'", Expected::Of::tree};
  const auto judge = [&](const std::vector<Expected>& expected) {
    return verify(database_in(dir), expected).value();
  };
  CHECK_FALSE(judge({late, early}).bad);
  CHECK(judge({late, early}).sealed == 300);

  auto other = late;
  other.hash[0] ^= 1U;
  CHECK(judge({early, other}).bad->id == 101);
  CHECK(judge({early, other}).bad->what ==
        "rows 101 to 300 are not those that checkpoint 'late' was signed for: one of them or more "
        "were written anew");
  other.rows = 310;
  CHECK(judge({early, other}).bad->id == 301);
  CHECK(judge({early, other}).bad->what ==
        "rows 301 to 310 are missing: checkpoint 'late' was signed for 310 rows");
  CHECK(verify(dir.path + "/none", {late}).value().bad);
}
