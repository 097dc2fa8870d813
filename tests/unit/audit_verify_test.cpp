#include "audit/verify.hpp"

#include "audit/chain.hpp"
#include "audit_samples.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

using namespace conos;
using namespace conos::audit;

namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> contents_of(const std::string& dir)
{
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::directory_iterator(dir)) {
    const auto path = entry.path().string();
    struct stat st = {};
    REQUIRE(::stat(path.c_str(), &st) == 0);
    contents[path] = fmt::format("{}.{} {} {}", st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_size,
      sha256_hex(read_path(path, 1U << 30U).value()));
  }
  return contents;
}

// A copy for another to write in, of the database alone and with everything in it.
void copy_whole(const TempDir& from, const TempDir& to)
{
  fs::copy(from.path, to.path, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  tamper(database_in(to), "PRAGMA wal_checkpoint(TRUNCATE)");
}

} // namespace

TEST_CASE("an untouched ledger verifies, in use, closed and copied", "[audit][verify]")
{
  TempDir dir;
  TempDir copy;
  const auto made = make_ledger(dir, 100);
  const auto good = [&](const std::string& file) {
    const auto verdict = verify(file).value();
    CHECK_FALSE(verdict.bad);
    CHECK(verdict.rows == 100);
    CHECK(verdict.head == made.back().hash);
    CHECK(verdict.ts == made.back().ts);
  };

  good(database_in(dir));
  {
    const auto in_use = Ledger::open(dir.path).value();
    good(database_in(dir));
  }
  copy_whole(dir, copy);
  good(database_in(copy));
}

TEST_CASE("an empty ledger verifies and says so", "[audit][verify]")
{
  TempDir dir;
  REQUIRE(Ledger::open(dir.path));

  const auto verdict = verify(database_in(dir)).value();

  CHECK_FALSE(verdict.bad);
  CHECK(verdict.rows == 0);
  CHECK(verdict.head == std::string(64, '0'));
}

TEST_CASE("verifying writes nothing, with log and index, with the log alone, with neither",
  "[audit][verify]")
{
  TempDir dir;
  TempDir copy;
  (void)make_ledger(dir, 50);
  const auto unchanged = [](const TempDir& where) {
    const auto before = contents_of(where.path);
    const auto verdict = verify(database_in(where)).value();
    CHECK_FALSE(verdict.bad);
    CHECK(verdict.rows == 50);
    CHECK(contents_of(where.path) == before);
  };

  unchanged(dir);
  fs::copy(database_in(dir), database_in(copy));
  fs::copy(database_in(dir) + "-wal", database_in(copy) + "-wal");
  unchanged(copy);
  copy_whole(dir, copy);
  fs::remove(database_in(copy) + "-wal");
  fs::remove(database_in(copy) + "-shm");
  unchanged(copy);
}

TEST_CASE("a ledger in a directory nobody can write is read", "[audit][verify]")
{
  TempDir dir;
  (void)make_ledger(dir, 5);
  for (const auto* name : {"audit.db", "audit.db-wal", "audit.db-shm"}) {
    REQUIRE(::fchmodat(dir.fd.get(), name, 0400, 0) == 0);
  }
  REQUIRE(::fchmod(dir.fd.get(), 0500) == 0);

  const auto verdict = verify(database_in(dir)).value();

  CHECK_FALSE(verdict.bad);
  CHECK(verdict.rows == 5);
  REQUIRE(::fchmod(dir.fd.get(), 0700) == 0);
}

TEST_CASE("each change to a row is found, at the row", "[audit][verify]")
{
  TempDir dir;
  TempDir copy;
  const auto made = make_ledger(dir, 9);

  struct Change {
    std::string sql;
    std::int64_t id;
    std::string what;
  };
  const std::vector<Change> changes{
    {"UPDATE events SET ts='2026-11-20T21:35:43.012Z' WHERE id=5", 5, "its hash is"},
    {"UPDATE events SET ts='yesterday' WHERE id=5", 5, "not a time"},
    {"UPDATE events SET type='task.done' WHERE id=5", 5, "its hash is"},
    {"UPDATE events SET type='task|x.done' WHERE id=5", 5, "not a type"},
    {"UPDATE events SET actor='bob' WHERE id=5", 5, "its hash is"},
    {"UPDATE events SET actor='' WHERE id=5", 5, "not an actor"},
    {"UPDATE events SET payload='{\"n\":6}' WHERE id=5", 5, "its hash is"},
    {"UPDATE events SET payload=payload||' ' WHERE id=5", 5, "its hash is"},
    {"UPDATE events SET payload=CAST(payload AS BLOB) WHERE id=5", 5, "not of its type"},
    {"UPDATE events SET payload=payload||char(0) WHERE id=5", 5, "its hash is"},
    {"UPDATE events SET hash=zeroblob(32) WHERE id=5", 5, "its hash is"},
    {"UPDATE events SET hash=x'00' WHERE id=5", 5, "its hash is"},
    {"UPDATE events SET hash=lower(hex(hash)) WHERE id=5", 5, "not of its type"},
    {"UPDATE events SET prev_hash=zeroblob(32) WHERE id=5", 5, "does not continue row 4"},
    {"UPDATE events SET prev_hash=zeroblob(31) WHERE id=1", 1, "does not continue row 0"},
    {"UPDATE events SET prev_hash=zeroblob(33) WHERE id=1", 1, "does not continue row 0"},
    {"DELETE FROM events WHERE id=1", 1, "is missing"},
    {"DELETE FROM events WHERE id=5", 5, "is missing"},
    {"DELETE FROM events WHERE id BETWEEN 5 AND 7", 5, "all before row 8"},
    {"UPDATE events SET id=0 WHERE id=1", 0, "begin with 1"},
    {"UPDATE events SET id=-9223372036854775808 WHERE id=5", INT64_MIN, "begin with 1"},
    {"UPDATE events SET id=9223372036854775807 WHERE id=9", 9, "is missing"},
    // swapped, doubled, put in
    {"UPDATE events SET id=99 WHERE id=5; UPDATE events SET id=5 WHERE id=6; "
     "UPDATE events SET id=6 WHERE id=99",
      5, "does not continue row 4"},
    {"INSERT INTO events SELECT 10, ts, type, actor, payload, prev_hash, hash FROM events "
     "WHERE id=9",
      10, "does not continue row 9"},
    {"INSERT INTO events SELECT 10, ts, type, actor, payload, hash, hash FROM events WHERE id=9",
      10, "its hash is"},
  };
  for (const auto& change : changes) {
    INFO(change.sql);
    copy_whole(dir, copy);
    tamper(database_in(copy), change.sql);

    const auto verdict = verify(database_in(copy)).value();

    REQUIRE(verdict.bad);
    CHECK(verdict.bad->id == change.id);
    CHECK_THAT(verdict.bad->what, Catch::Contains(change.what));
    CHECK(verdict.rows == (change.id < 1 ? 0 : change.id - 1));
    CHECK((verdict.rows == 0 ||
           verdict.head == made.at(static_cast<std::size_t>(verdict.rows) - 1).hash));
  }
}

TEST_CASE("a row forged with a right hash breaks the chain at the next", "[audit][verify]")
{
  TempDir dir;
  const auto made = make_ledger(dir, 3);
  const auto& second = made[1];
  const auto forged = chain_hash(
    {2, second.ts, "task.claimed", "root", R"({"n":7})"}, sha256("") /* not what row 1 has */);
  REQUIRE(hex(forged) != second.hash);
  TempDir copy;
  copy_whole(dir, copy);

  tamper(database_in(copy),
    fmt::format("UPDATE events SET payload='{{\"n\":7}}', hash=x'{}' "
                "WHERE id=2",
      hex(chain_hash({2, second.ts, "task.claimed", "root", R"({"n":7})"}, [&] {
        Digest first{};
        for (std::size_t i = 0; i < first.size(); ++i) {
          first[i] =
            static_cast<unsigned char>(std::stoi(made[0].hash.substr(2 * i, 2), nullptr, 16));
        }
        return first;
      }()))));

  const auto verdict = verify(database_in(copy)).value();
  REQUIRE(verdict.bad);
  CHECK(verdict.bad->id == 3);
  CHECK_THAT(verdict.bad->what, Catch::Contains("does not continue row 2"));
}

TEST_CASE("what stands beside the rows is looked at too", "[audit][verify]")
{
  TempDir dir;
  TempDir copy;
  (void)make_ledger(dir, 9);

  const std::vector<std::pair<std::string, std::string>> changes{
    {"INSERT INTO keys VALUES('zz', 10)", "key 'zz' is for row 10"},
    {"INSERT INTO keys VALUES('zz', 0)", "key 'zz' is for row 0"},
    {"UPDATE keys SET id='x' WHERE key='K1'", "key 'K1'"},
    {"CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END",
      "'t' does not belong"},
    {"CREATE TABLE a(x)", "'a' does not belong"},
    {"CREATE INDEX z ON events(type)", "'z' does not belong"},
    {"DROP TABLE keys", "table keys is not as it was made"},
    {"ALTER TABLE events RENAME TO e; CREATE VIEW events AS SELECT * FROM e",
      "'e' does not belong"},
    {"DROP TABLE events; CREATE VIEW events AS SELECT 1", "table events is not as it was made"},
    {"DROP TABLE tree", "table tree is not as it was made"},
    {"PRAGMA application_id=1", "not a ledger"},
    {"PRAGMA user_version=3", "not a ledger of version 2"},
  };
  for (const auto& [sql, what] : changes) {
    INFO(sql);
    copy_whole(dir, copy);
    tamper(database_in(copy), sql);

    const auto verdict = verify(database_in(copy)).value();

    REQUIRE(verdict.bad);
    CHECK(verdict.bad->id == 0);
    CHECK_THAT(verdict.bad->what, Catch::Contains(what));
  }
}

TEST_CASE("a ledger that is missing, empty, cut or no database fails", "[audit][verify]")
{
  TempDir dir;
  CHECK_THAT(verify(database_in(dir)).value().bad->what, Catch::Contains("is not there"));
  REQUIRE(publish(dir.fd, "empty", "", 0600));
  CHECK_THAT(verify(dir.path + "/empty").value().bad->what, Catch::Contains("is empty"));
  REQUIRE(publish(dir.fd, "text", std::string(10'000, 'x'), 0600));
  CHECK_THAT(verify(dir.path + "/text").value().bad->what, Catch::Contains("damaged"));
  REQUIRE(::mkfifoat(dir.fd.get(), "fifo", 0600) == 0);
  CHECK(verify(dir.path + "/fifo").value().bad); // and does not wait for somebody to write

  TempDir whole;
  TempDir copy;
  (void)make_ledger(whole, 500);
  copy_whole(whole, copy);
  const auto size = static_cast<off_t>(fs::file_size(database_in(copy)));
  for (off_t cut = size - 1; cut > 0; cut -= 1777) {
    INFO(cut);
    REQUIRE(::truncate(database_in(copy).c_str(), cut) == 0);
    CHECK(verify(database_in(copy)).value().bad);
  }
}

TEST_CASE("a changed byte anywhere in the rows' pages is found or harmless", "[audit][verify]")
{
  TempDir dir;
  TempDir copy;
  const auto made = make_ledger(dir, 60);
  copy_whole(dir, copy);
  const auto whole = read_path(database_in(copy), 1U << 20U).value();
  const UniqueFd file(::open(database_in(copy).c_str(), O_RDWR | O_CLOEXEC));
  int found = 0;
  int harmless = 0;

  for (std::size_t at = 0; at < whole.size(); at += 7) {
    const char changed = static_cast<char>(whole[at] ^ 0x41);
    REQUIRE(::pwrite(file.get(), &changed, 1, static_cast<off_t>(at)) == 1);
    const auto verdict = verify(database_in(copy));
    if (!verdict || verdict->bad) {
      ++found;
    } else {
      INFO(at);
      ++harmless; // a byte that says nothing: then all is as it was
      CHECK(verdict->rows == 60);
      CHECK(verdict->head == made.back().hash);
    }
    REQUIRE(::pwrite(file.get(), &whole[at], 1, static_cast<off_t>(at)) == 1);
  }

  CHECK(found > 1'000);
}
