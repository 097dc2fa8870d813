#include "audit/seal.hpp"

#include "audit/evidence.hpp"
#include "audit/reader.hpp"
#include "audit/schema.hpp"
#include "audit_samples.hpp"

#include <fcntl.h>

#include <array>
#include <map>
#include <thread>

using namespace conos;
using namespace conos::audit;

namespace {

namespace fs = std::filesystem;

// A journal that is a list.
struct Lines {
  std::vector<std::string> notes;
  bool is_there = true;

  Journal journal()
  {
    const auto put = [this](const SignedCheckpoint& one) -> Result<> {
      notes.push_back(one.note);
      return {};
    };
    const auto get = [this](const std::string& /*unused*/) -> Result<std::vector<std::string>> {
      if (!is_there) {
        return fail(Kind::unavailable, "no journal");
      }
      return notes;
    };
    return {put, get};
  }
};

Result<Sealed> seal_in(const TempDir& dir, Lines& lines)
{
  return seal(dir.path, "root/conos-audit", lines.journal());
}

Result<Sealed> seal_in(const TempDir& dir)
{
  Lines none;
  return seal_in(dir, none);
}

// What verify makes of a ledger with all that can be found.
std::optional<Finding> judge(const TempDir& dir, Lines& lines, const std::string& at_least = "")
{
  auto evidence = gather(dir.path, std::nullopt, lines.journal()).value();
  if (!at_least.empty()) {
    REQUIRE(add_checkpoints(at_least, evidence));
  }
  const auto verdict = verify(database_in(dir), evidence.expected).value();
  if (verdict.bad) {
    return verdict.bad;
  }
  return evidence.bad.empty() ? judge_signed_rows(verdict, evidence) : evidence.bad.front();
}

std::optional<Finding> judge(const TempDir& dir)
{
  Lines none;
  return judge(dir, none);
}

void append_rows(const TempDir& dir, int count)
{
  const std::vector<Row> rows(static_cast<std::size_t>(count), Row{"a.b", "root", "{}", ""});
  REQUIRE(Ledger::open(dir.path).value().append(rows));
}

// Somebody who can write the database and knows our chain: other rows from `id` on.
void rewrite_from(const TempDir& dir, std::int64_t id)
{
  auto events = Reader::open(database_in(dir)).value().last(100'000).value();
  std::string sql =
    "DROP TABLE tree; " + std::string(k_tree_table.sql) + "; PRAGMA user_version=1;";
  Digest prev = k_genesis;
  for (auto& event : events) {
    if (event.id == id) {
      event.payload = R"({"n":"never happened"})";
    }
    const auto hash =
      chain_hash({event.id, event.ts, event.type, event.actor, event.payload}, prev);
    sql += fmt::format("UPDATE events SET payload='{}', prev_hash=x'{}', hash=x'{}' WHERE id={};",
      event.payload, hex(prev), hex(hash), event.id);
    prev = hash;
  }
  tamper(database_in(dir), sql + "DROP TABLE tree;");
  REQUIRE(Ledger::open(dir.path)); // makes the tree of the new rows
}

void cut_after(const TempDir& dir, std::int64_t id)
{
  tamper(database_in(dir),
    fmt::format("DELETE FROM events WHERE id>{0}; DELETE FROM keys WHERE id>{0}; DELETE FROM tree "
                "WHERE (n+1)*256>{0}",
      id));
}

} // namespace

TEST_CASE("a checkpoint is signed, kept and recorded, once for the same rows", "[audit][seal]")
{
  TempDir dir;
  (void)make_ledger(dir, 9);

  const auto first = seal_in(dir).value();
  const auto again = seal_in(dir).value();

  CHECK(first.is_new);
  CHECK(first.newest.checkpoint.rows == 9);
  REQUIRE(first.recorded);
  CHECK(first.recorded->id == 10);
  CHECK_FALSE(again.is_new);
  CHECK_FALSE(again.recorded);
  CHECK(again.newest.note == first.newest.note);
  CHECK(read_file(dir.fd, k_checkpoints, 10'000).value() == first.newest.note);
  CHECK_FALSE(judge(dir));

  append_rows(dir, 300);
  const auto next = seal_in(dir).value();
  CHECK(next.is_new);
  CHECK(next.newest.checkpoint.rows == 310);
  CHECK_FALSE(judge(dir));
}

TEST_CASE("a crash between the checkpoint and its row is made good", "[audit][seal]")
{
  TempDir dir;
  Lines lines;
  (void)make_ledger(dir, 9);
  const auto first = seal_in(dir).value();
  cut_after(dir, 9);

  const auto again = seal_in(dir).value();

  CHECK_FALSE(again.is_new);
  REQUIRE(again.recorded);
  CHECK(again.recorded->id == 10);
  CHECK_FALSE(judge(dir));
}

TEST_CASE("where there is nothing to sign there is no ledger made", "[audit][seal]")
{
  TempDir dir;
  CHECK(seal_in(dir).error().kind == Kind::not_found);
  CHECK(fs::is_empty(dir.path));
  REQUIRE(Ledger::open(dir.path));
  CHECK(seal_in(dir).error().kind == Kind::not_found);
  CHECK_FALSE(fs::exists(dir.path + "/audit.key"));
}

TEST_CASE("nothing is signed that contradicts what was signed", "[audit][seal]")
{
  TempDir dir;
  TempDir stick;
  Lines lines;
  (void)make_ledger(dir, 20);
  REQUIRE(seal_in(dir, lines));
  append_rows(dir, 5);
  TempDir older;
  fs::copy(dir.path, older.path, fs::copy_options::recursive);
  append_rows(dir, 1);
  REQUIRE(seal_in(dir, lines));
  append_rows(dir, 2);
  const auto refused = [&](std::string_view why) {
    const auto sealed = seal_in(dir, lines);
    REQUIRE_FALSE(sealed);
    CHECK(sealed.error().kind == Kind::bad_data);
    CHECK_THAT(sealed.error().what, Catch::Contains(std::string(why)));
    CHECK(judge(dir, lines));
  };

  SECTION("rows were cut off")
  {
    cut_after(dir, 22);
    refused("has 22 rows");
  }
  SECTION("rows were written anew")
  {
    rewrite_from(dir, 7);
    refused("are not those");
  }
  SECTION("a row since then was changed")
  {
    tamper(database_in(dir), "UPDATE events SET payload='{\"n\":1}' WHERE id=28");
    refused("row 28: its hash is");
  }
  SECTION("the ledger is gone")
  {
    for (const auto* name : {"audit.db", "audit.db-wal", "audit.db-shm"}) {
      fs::remove(dir.path + "/" + name);
    }
    CHECK(seal_in(dir).error().kind == Kind::not_found);
    CHECK(judge(dir));
    append_rows(dir, 100);
    refused("are not those");
  }
  SECTION("an older copy took its place")
  {
    for (const auto* name : {"audit.db", "audit.db-wal", "audit.db-shm"}) {
      fs::remove(dir.path + "/" + name);
      fs::copy(older.path + "/" + name, dir.path + "/" + name);
    }
    refused("has 26 rows");
  }
  SECTION("the key is gone")
  {
    REQUIRE(remove_name(dir.fd, k_signing_key));
    CHECK(seal_in(dir).error().kind == Kind::bad_data);
  }
  SECTION("key and checkpoints are gone")
  {
    for (const auto& name : {k_signing_key, k_verifier_key, k_checkpoints}) {
      REQUIRE(remove_name(dir.fd, name));
    }
    refused("is gone, and the ledger was signed with it");
  }
}

TEST_CASE("a row says that a checkpoint was taken away", "[audit][seal]")
{
  TempDir dir;
  (void)make_ledger(dir, 20);
  const auto sealed = seal_in(dir).value();
  const auto contains = [&](const std::string& what) {
    const auto found = judge(dir);
    REQUIRE(found);
    CHECK_THAT(found->what, Catch::Contains(what));
  };

  SECTION("all")
  {
    REQUIRE(remove_name(dir.fd, k_checkpoints));
    contains("row 21: a checkpoint was signed for 20 rows");
  }
  SECTION("its signature")
  {
    const auto& note = sealed.newest.note;
    REQUIRE(replace(dir.fd, k_checkpoints, note.substr(0, note.find("\n\n") + 2), 0644));
    contains("row 21: a checkpoint was signed for 20 rows");
  }
  SECTION("the key")
  {
    REQUIRE(remove_name(dir.fd, k_verifier_key));
    contains("'audit.pub' is not there");
  }
  SECTION("the key, and another put in its place")
  {
    const auto other = SigningKey::generate(sealed.newest.checkpoint.origin).value();
    REQUIRE(replace(dir.fd, k_verifier_key, to_text(other.verifier()), 0644));
    contains("it is not signed by");
  }
}

TEST_CASE("witnesses are told, and believed against the ledger", "[audit][seal]")
{
  TempDir dir;
  TempDir stick;
  Lines lines;
  (void)make_ledger(dir, 20);
  const auto key = seal_in(dir, lines).value();
  const auto verifier = find_verifier_key(dir.fd).value().value();
  REQUIRE(add_witness(dir.fd, stick.path, verifier));
  REQUIRE(add_witness(dir.fd, "journal", verifier));
  CHECK(add_witness(dir.fd, stick.path, verifier).error().kind == Kind::exists);
  CHECK(add_witness(dir.fd, "relative", verifier).error().kind == Kind::usage);
  CHECK(list_witnesses(dir.fd).value() == std::vector<std::string>{stick.path, "journal"});
  REQUIRE(seal_in(dir, lines).value().unheard.empty());
  append_rows(dir, 10);
  REQUIRE(seal_in(dir, lines).value().unheard.empty());
  CHECK(ask_witness(stick.path, verifier, lines.journal()).value().size() == 2);
  CHECK(lines.notes.size() == 2);
  CHECK_FALSE(judge(dir, lines));
  const auto forget = [&] { // what root of this machine can do about it
    REQUIRE(remove_name(dir.fd, k_checkpoints));
    cut_after(dir, 19);
    tamper(database_in(dir), "DELETE FROM events WHERE type='checkpoint.signed'");
  };

  SECTION("the directory remembers")
  {
    forget();
    lines.notes.clear();
    CHECK(judge(dir, lines)->id == 20);
    CHECK_THAT(seal_in(dir, lines).error().what, Catch::Contains("has 19 rows"));
  }
  SECTION("the journal remembers")
  {
    forget();
    fs::remove_all(stick.path);
    CHECK(judge(dir, lines)->id == 20);
  }
  SECTION("one file of checkpoints kept by an auditor is enough")
  {
    TempDir auditor;
    REQUIRE(publish(auditor.fd, "kept", lines.notes.back(), 0600));
    forget();
    fs::remove_all(stick.path);
    lines.notes.clear();
    CHECK_FALSE(judge(dir, lines));
    CHECK(judge(dir, lines, auditor.path + "/kept")->id == 20);
  }
  SECTION("one that is not there is not taken for another, nor stops the next checkpoint")
  {
    fs::remove_all(stick.path);
    fs::create_directory(stick.path);
    append_rows(dir, 1);
    const auto sealed = seal_in(dir, lines).value();
    CHECK(sealed.is_new);
    REQUIRE(sealed.unheard.size() == 1);
    CHECK(sealed.unheard.front().kind == Kind::not_found);
    CHECK(fs::is_empty(stick.path));
    CHECK(lines.notes.size() == 3);
    CHECK_FALSE(judge(dir, lines));
    CHECK(gather(dir.path, std::nullopt, lines.journal()).value().notices.size() == 1);
  }
  SECTION("one that was away is told later")
  {
    TempDir elsewhere;
    fs::rename(stick.path, elsewhere.path + "/stick");
    append_rows(dir, 1);
    CHECK(seal_in(dir, lines).value().unheard.size() == 1);
    fs::rename(elsewhere.path + "/stick", stick.path);
    const auto sealed = seal_in(dir, lines).value();
    CHECK_FALSE(sealed.is_new);
    CHECK(sealed.unheard.empty());
    CHECK(ask_witness(stick.path, verifier, lines.journal()).value().size() == 3);
  }
  SECTION("one whose notes were tampered with is a finding")
  {
    const auto name = fmt::format("conos-{:08x}.checkpoints", verifier.id);
    auto text = read_file(stick.fd, name, 10'000).value();
    text[text.find("\n20\n") + 1] = '3';
    REQUIRE(replace(stick.fd, name, text, 0644));
    CHECK_THAT(judge(dir, lines)->what, Catch::Contains("does not fit"));
    CHECK(seal_in(dir, lines).error().kind == Kind::bad_data);
  }
  SECTION("one with another key is a finding")
  {
    const auto other = SigningKey::generate(verifier.name).value();
    REQUIRE(replace(stick.fd, fmt::format("conos-{:08x}.pub", verifier.id),
      to_text(other.verifier()) + "\n", 0644));
    CHECK_THAT(judge(dir, lines)->what, Catch::Contains("key of another ledger"));
  }
  SECTION("one that is removed is not told")
  {
    REQUIRE(remove_witness(dir.fd, "journal"));
    CHECK(remove_witness(dir.fd, "journal").error().kind == Kind::not_found);
    append_rows(dir, 1);
    REQUIRE(seal_in(dir, lines));
    CHECK(lines.notes.size() == 2);
  }
}

TEST_CASE("a row in a day file was in the ledger", "[audit][seal]")
{
  TempDir dir;
  TempDir days;
  const auto made = make_ledger(dir, 20);
  const auto line = fmt::format("{{\"hash\":\"{}\",\"id\":18}}\n", made[17].hash);
  REQUIRE(publish(days.fd, "2026-11-20.jsonl", "{\"id\":1}\n" + line + "{\"hash\":\"cut", 0640));
  REQUIRE(publish(days.fd, "2026-11-19.jsonl", "{\"hash\":\"cut", 0640));
  const auto judge_days = [&] {
    Evidence evidence;
    REQUIRE(add_day_files(days.path, evidence));
    REQUIRE(evidence.expected.size() == 1);
    return verify(database_in(dir), evidence.expected).value().bad;
  };

  CHECK_FALSE(judge_days());
  rewrite_from(dir, 18);
  CHECK(judge_days()->id == 18);
  cut_after(dir, 15);
  CHECK(judge_days()->id == 16);
  Evidence none;
  CHECK(add_day_files(days.path + "/none", none));
}

TEST_CASE("a witness of which a crash left half a key is completed", "[audit][witness]")
{
  TempDir dir;
  TempDir stick;
  Lines lines;
  (void)make_ledger(dir, 3);
  REQUIRE(seal_in(dir, lines));
  const auto verifier = find_verifier_key(dir.fd).value().value();
  const auto name = fmt::format("conos-{:08x}.pub", verifier.id);
  const auto whole = to_text(verifier) + "\n";
  const auto left = GENERATE(as<std::size_t>(), 0, 1, 40);
  REQUIRE(publish(stick.fd, name, whole.substr(0, left), 0644));

  REQUIRE(add_witness(dir.fd, stick.path, verifier));

  CHECK(read_file(stick.fd, name, 1000).value() == whole);
}

TEST_CASE("of witnesses that come at once none is lost", "[audit][witness]")
{
  TempDir dir;
  Lines lines;
  (void)make_ledger(dir, 3);
  REQUIRE(seal_in(dir, lines));
  const auto verifier = find_verifier_key(dir.fd).value().value();
  std::array<TempDir, 8> sticks;
  std::vector<std::thread> threads;
  for (const auto& stick : sticks) {
    threads.emplace_back([&] {
      (void)add_witness(dir.fd, stick.path, verifier);
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  CHECK(list_witnesses(dir.fd).value().size() == sticks.size());
}

TEST_CASE("that a witness came or went is told once each time", "[audit][witness]")
{
  TempDir dir;
  (void)make_ledger(dir, 3);
  const auto tell = [&](Witnessing what, const std::string& witness) {
    const auto row = row_of_witness(dir.path, what, witness, "root").value();
    return !Ledger::open(dir.path).value().append({row}).value().front().already;
  };

  CHECK(tell(Witnessing::added, "/mnt/a"));
  CHECK_FALSE(tell(Witnessing::added, "/mnt/a"));
  CHECK(tell(Witnessing::added, "/mnt/a/b"));
  for (int times = 0; times < 11; ++times) {
    CHECK(tell(Witnessing::removed, "/mnt/a"));
    CHECK_FALSE(tell(Witnessing::removed, "/mnt/a"));
    CHECK(tell(Witnessing::added, "/mnt/a"));
    CHECK_FALSE(tell(Witnessing::added, "/mnt/a"));
  }
}

TEST_CASE("the rows after the last checkpoint are counted", "[audit][seal]")
{
  TempDir dir;
  Lines lines;
  CHECK(rows_not_signed(dir.path).value() == 0);
  (void)make_ledger(dir, 20);
  CHECK(rows_not_signed(dir.path).value() == 20);
  REQUIRE(seal_in(dir, lines));
  CHECK(rows_not_signed(dir.path).value() == 1); // the one that tells of it
  append_rows(dir, 10);
  CHECK(rows_not_signed(dir.path).value() == 11);

  const auto note = read_file(dir.fd, k_checkpoints, 10'000).value();
  SECTION("in a file longer than what is read of it")
  {
    std::string many;
    while (many.size() < 4 * k_max_note_bytes) {
      many += note;
    }
    many.replace(many.rfind("\n20\n"), 4, "\n25\n");
    REQUIRE(replace(dir.fd, k_checkpoints, many, 0644));
    CHECK(rows_not_signed(dir.path).value() == 6);
  }
  SECTION("after one that was cut short")
  {
    REQUIRE(replace(dir.fd, k_checkpoints, note + note.substr(0, note.size() / 2), 0644));
    CHECK(rows_not_signed(dir.path).value() == 11);
  }
  SECTION("of more rows than there are none is left")
  {
    auto more = note;
    more.replace(more.find("\n20\n"), 4, "\n99\n");
    REQUIRE(replace(dir.fd, k_checkpoints, more, 0644));
    CHECK(rows_not_signed(dir.path).value() == 0);
  }
  SECTION("not by what is no checkpoint")
  {
    REQUIRE(replace(dir.fd, k_checkpoints, "none\n\n\u2014 of those\n", 0644));
    CHECK(rows_not_signed(dir.path).error().kind == Kind::bad_data);
  }
}
