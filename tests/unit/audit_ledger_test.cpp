#include "audit/ledger.hpp"

#include "audit/chain.hpp"
#include "audit/moment.hpp"
#include "audit/reader.hpp"
#include "audit/verify.hpp"
#include "audit_samples.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

using namespace conos;
using namespace conos::audit;

namespace {

namespace fs = std::filesystem;

// In a process of its own, which opens what it needs itself: SQLite must not be carried over a
// fork. Gives the exit status, or minus the signal.
int in_another_process(const std::function<int()>& body)
{
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::int64_t verified_rows(const TempDir& dir)
{
  const auto verdict = verify(database_in(dir)).value();
  INFO((verdict.bad ? verdict.bad->what : ""));
  CHECK_FALSE(verdict.bad);
  return verdict.rows;
}

mode_t mode_of(const TempDir& dir, const std::string& name)
{
  return stat_at(dir.fd, name).value().st_mode & 07777U;
}

const Row k_row{"a.b", "root", R"({"n":1})", ""};

} // namespace

TEST_CASE("rows get ids in order and each hash covers the one before", "[audit][ledger]")
{
  TempDir dir;
  auto ledger = Ledger::open(dir.path).value();

  const auto first = ledger.append({k_row}).value();
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
  CHECK(ledger.append({}).value().empty());
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
  CHECK(verified_rows(dir) == 2);
}

TEST_CASE("one bad row keeps the whole batch out", "[audit][ledger]")
{
  TempDir dir;
  auto ledger = Ledger::open(dir.path).value();

  for (const Row& bad : std::vector<Row>{{"a|b.c", "root", "{}", ""}, {"a.b", "ro|ot", "{}", ""},
         {"a.b", "root", "[]", ""}, {"a.b", "root", "{}", "\n"}}) {
    CHECK(ledger.append({k_row, bad}).error().kind == Kind::bad_data);
  }

  CHECK(ledger.append({k_row}).value().at(0).id == 1);
}

TEST_CASE("the ledger is made for its owner alone, whatever the umask", "[audit][ledger]")
{
  TempDir dir;
  const auto before = ::umask(0);
  const auto made = Ledger::open(dir.path + "/new/");
  (void)::umask(before);

  REQUIRE(made);
  CHECK(mode_of(dir, "new") == 0700U);
  const auto inner = open_dir_at(dir.fd, "new").value();
  for (const auto* name : {"audit.db", "audit.db-wal", "audit.db-shm"}) {
    CHECK((stat_at(inner, name).value().st_mode & 07777U) == 0600U);
  }
}

TEST_CASE("a database that others could have put there is refused", "[audit][ledger]")
{
  TempDir dir;
  TempDir other;
  (void)make_ledger(other, 1);

  REQUIRE(::symlinkat(database_in(other).c_str(), dir.fd.get(), "audit.db") == 0);
  CHECK(Ledger::open(dir.path).error().kind == Kind::bad_data);
  REQUIRE(remove_name(dir.fd, "audit.db"));

  fs::create_hard_link(database_in(other), database_in(dir));
  CHECK(Ledger::open(dir.path).error().kind == Kind::bad_data);
  REQUIRE(remove_name(dir.fd, "audit.db"));

  REQUIRE(::mkfifoat(dir.fd.get(), "audit.db", 0600) == 0);
  CHECK(Ledger::open(dir.path).error().kind == Kind::bad_data);
  REQUIRE(remove_name(dir.fd, "audit.db"));

  REQUIRE(publish(dir.fd, "audit.db", "", 0620));
  CHECK(Ledger::open(dir.path).error().kind == Kind::denied);
  REQUIRE(remove_name(dir.fd, "audit.db"));

  REQUIRE(::fchmod(dir.fd.get(), 0770) == 0);
  CHECK(Ledger::open(dir.path).error().kind == Kind::denied);
  REQUIRE(::fchmod(dir.fd.get(), 0700) == 0);

  if (::geteuid() == 0) {
    REQUIRE(publish(dir.fd, "audit.db", "", 0600, {65534, 65534}));
    CHECK(Ledger::open(dir.path).error().kind == Kind::denied);
    REQUIRE(remove_name(dir.fd, "audit.db"));
    REQUIRE(::fchown(dir.fd.get(), 65534, 65534) == 0);
    CHECK(Ledger::open(dir.path).error().kind == Kind::denied);
  }
}

TEST_CASE("what is no ledger is left as it is", "[audit][ledger]")
{
  TempDir dir;
  const auto text = std::string(8192, 'x');
  REQUIRE(publish(dir.fd, "audit.db", text, 0600));
  CHECK(Ledger::open(dir.path).error().kind == Kind::bad_data);
  CHECK(read_file(dir.fd, "audit.db", 1U << 20U).value() == text);

  REQUIRE(remove_name(dir.fd, "audit.db"));
  tamper(database_in(dir), "CREATE TABLE mine(x)");
  REQUIRE(::fchmodat(dir.fd.get(), "audit.db", 0600, 0) == 0);
  CHECK(Ledger::open(dir.path).error().kind == Kind::bad_data);

  TempDir newer;
  (void)make_ledger(newer, 1);
  tamper(database_in(newer), "PRAGMA user_version=3");
  CHECK(Ledger::open(newer.path).error().kind == Kind::bad_data);
}

TEST_CASE("what a crash while it was made leaves is completed", "[audit][ledger]")
{
  SECTION("an empty file") {}
  SECTION("a database without tables")
  {
    TempDir dir;
    REQUIRE(publish(dir.fd, "audit.db", "", 0600));
    tamper(database_in(dir), "PRAGMA journal_mode=WAL");
    REQUIRE(Ledger::open(dir.path).value().append({k_row}));
    CHECK(verified_rows(dir) == 1);
  }
  TempDir dir;
  REQUIRE(publish(dir.fd, "audit.db", "", 0600));
  REQUIRE(Ledger::open(dir.path).value().append({k_row}));
  CHECK(verified_rows(dir) == 1);
}

TEST_CASE("a log beside a database that was removed or emptied is not deleted", "[audit][ledger]")
{
  TempDir dir;
  (void)make_ledger(dir, 5);
  const auto log = read_file(dir.fd, "audit.db-wal", 1U << 20U).value();

  REQUIRE(::truncate(database_in(dir).c_str(), 0) == 0);
  CHECK(Ledger::open(dir.path).error().kind == Kind::bad_data);
  REQUIRE(remove_name(dir.fd, "audit.db"));
  CHECK(Ledger::open(dir.path).error().kind == Kind::bad_data);

  CHECK(read_file(dir.fd, "audit.db-wal", 1U << 20U).value() == log);
}

TEST_CASE("a ledger whose log or index is gone goes on where the database ends", "[audit][ledger]")
{
  TempDir dir;
  (void)make_ledger(dir, 5);
  tamper(database_in(dir), "PRAGMA wal_checkpoint(TRUNCATE)"); // and its close removes both files
  CHECK_FALSE(exists_at(dir.fd, "audit.db-wal"));
  CHECK(Ledger::open(dir.path).value().append({k_row}).value().at(0).id == 6);

  REQUIRE(remove_name(dir.fd, "audit.db-shm"));
  CHECK(Ledger::open(dir.path).value().append({k_row}).value().at(0).id == 7);
  CHECK(verified_rows(dir) == 7);
}

TEST_CASE("the log is bounded, whoever opens the ledger", "[audit][ledger]")
{
  TempDir dir;
  const auto one = [&] {
    return Ledger::open(dir.path).value().append({k_row}).has_value();
  };
  SECTION("for each row anew")
  {
    for (int i = 0; i < 300; ++i) {
      REQUIRE(one());
    }
    CHECK(stat_at(dir.fd, "audit.db-wal").value().st_size < 400'000);
  }
  SECTION("for many rows")
  {
    auto ledger = Ledger::open(dir.path).value();
    for (int i = 0; i < 1000; ++i) {
      REQUIRE(ledger.append({k_row}));
    }
    CHECK(stat_at(dir.fd, "audit.db-wal").value().st_size < 4'300'000);
    REQUIRE(one()); // and the next who opens it for a row starts it over
    REQUIRE(one());
  }
  CHECK(verified_rows(dir) % 100 < 3);
}

TEST_CASE("two processes that append at once lose nothing and fork nothing", "[audit][ledger]")
{
  TempDir dir;
  constexpr int k_each = 150;
  std::vector<pid_t> children;
  for (int child = 0; child < 3; ++child) {
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      for (int i = 0; i < k_each; ++i) {
        auto ledger = Ledger::open(dir.path);
        const Row own{"a.b", "root", "{}", fmt::format("{}/{}", child, i)};
        const Row common{"a.b", "root", "{}", fmt::format("common/{}", i)};
        const auto appended =
          ledger ? ledger->append({own, common}).map([](const auto&) {}) : Result<>();
        if (!ledger || !appended) {
          fmt::print(stderr, "{}\n", (ledger ? appended.error() : ledger.error()).text());
          ::_exit(1);
        }
      }
      ::_exit(0);
    }
    children.push_back(pid);
  }
  // and one who reads and verifies meanwhile
  std::int64_t seen = 0;
  while (seen < 100) {
    const auto verdict = verify(database_in(dir)).value();
    if (verdict.rows > 0) {
      CHECK_FALSE(verdict.bad);
      CHECK(verdict.rows >= seen);
      auto reader = Reader::open(database_in(dir)).value();
      CHECK(reader.last(5).value().back().id >= verdict.rows);
    }
    seen = verdict.rows;
  }
  for (const pid_t pid : children) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
  }
  CHECK(verified_rows(dir) == 4 * k_each);
}

TEST_CASE("a writer that is killed leaves a ledger that verifies", "[audit][ledger]")
{
  TempDir dir;
  std::int64_t promised = 0;
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd receipts(ends[0]);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (;;) {
        auto ledger = Ledger::open(dir.path);
        const auto recorded = ledger ? ledger->append({k_row, k_row}) : tl::unexpected(Error());
        if (!recorded || ::write(ends[1], &recorded->back().id, sizeof(std::int64_t)) < 0) {
          ::_exit(1);
        }
      }
    }
    (void)::close(ends[1]);
    REQUIRE(::read(receipts.get(), &promised, sizeof(promised)) == sizeof(promised));
    (void)::usleep(static_cast<useconds_t>(317 * round));
    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    while (::read(receipts.get(), &promised, sizeof(promised)) == sizeof(promised)) {
    }

    const auto rows = verified_rows(dir);
    CHECK(rows >= promised); // no receipt without its row
    CHECK(rows % 2 == 0);    // and no half batch
  }
}

TEST_CASE(
  "a disk that is full keeps the batch out, and the ledger goes on after it", "[audit][ledger]")
{
  TempDir dir;
  (void)make_ledger(dir, 3);
  const Row big{"a.b", "root", R"({"a":")" + std::string(60'000, 'x') + R"("})", ""};

  const int status = in_another_process([&] {
    (void)std::signal(SIGXFSZ, SIG_IGN);
    const rlimit bound{100'000, 100'000};
    (void)::setrlimit(RLIMIT_FSIZE, &bound);
    auto ledger = Ledger::open(dir.path);
    const auto failed = ledger->append({big, big, big});
    const bool told = !failed && failed.error().kind == Kind::os && failed.error().err != 0;
    return told && ledger->append({k_row}) ? 0 : 1; // what fits is recorded
  });

  CHECK(status == 0);
  CHECK(verified_rows(dir) == 4);
  CHECK(Ledger::open(dir.path).value().append({big}).value().at(0).id == 5);
}

TEST_CASE("a flush that failed is made good by the next who opens the ledger", "[audit][ledger]")
{
  TempDir dir;
  (void)make_ledger(dir, 5);
  REQUIRE(publish(dir.fd, "audit.db-unflushed", "", 0600));

  auto ledger = Ledger::open(dir.path).value();

  CHECK_FALSE(exists_at(dir.fd, "audit.db-unflushed"));
  CHECK(stat_at(dir.fd, "audit.db-wal").value().st_size == 0); // all of it was written anew
  CHECK(ledger.append({k_row}).value().at(0).id == 6);
}

TEST_CASE("a damaged end is not built upon", "[audit][ledger]")
{
  TempDir dir;
  (void)make_ledger(dir, 3);
  tamper(database_in(dir), "UPDATE events SET hash=x'00' WHERE id=3");

  CHECK(Ledger::open(dir.path).value().append({k_row}).error().kind == Kind::bad_data);

  tamper(database_in(dir), "DELETE FROM events WHERE id=3");
  CHECK(Ledger::open(dir.path)
          .value()
          .append({{"a.b", "root", "{}", "K3"}}) // leads to a row that is not there
          .error()
          .kind == Kind::bad_data);
}

TEST_CASE("the clock's word is kept when it was set back", "[audit][ledger]")
{
  TempDir dir;
  (void)make_ledger(dir, 1);
  tamper(database_in(dir),
    "DELETE FROM events; DELETE FROM keys; INSERT INTO events VALUES(1, "
    "'2999-01-01T00:00:00.000Z', "
    "'a.b', 'root', '{}', zeroblob(32), x'" +
      hex(chain_hash({1, "2999-01-01T00:00:00.000Z", "a.b", "root", "{}"}, k_genesis)) + "')");

  const auto next = Ledger::open(dir.path).value().append({k_row}).value().at(0);

  CHECK(next.id == 2);
  CHECK(next.ts < "2999");
  CHECK(verified_rows(dir) == 2);
}

TEST_CASE("a secret in a payload is not in the ledger", "[audit][ledger]")
{
  TempDir dir;
  auto ledger = Ledger::open(dir.path).value();
  REQUIRE(ledger.keep_out("correct-horse-battery"));
  const std::vector<Row> rows{
    {"note.x", "root", R"({"a":"sk-ant-api03-abcdefghij0123456789"})", ""},
    {"note.x", "root", R"({"a":"correct-horse-battery"})", ""}, {"note.x", "root", "{}", ""}};
  const auto recorded = ledger.append(rows).value();
  CHECK(recorded[0].payload == R"({"a":"[redacted: Anthropic key]"})");
  CHECK(recorded[1].payload == R"({"a":"[redacted: secret of this machine]"})");
  CHECK(recorded[2].payload.empty());
  CHECK_FALSE(verify(database_in(dir)).value().bad);
  for (const auto* file : {"/audit.db", "/audit.db-wal"}) {
    const auto bytes = read_path(dir.path + file, 1U << 24U).value();
    CHECK(bytes.find("api03") == bytes.npos);
    CHECK(bytes.find("horse") == bytes.npos);
  }
}

TEST_CASE("what happened to the clock between two appends is recorded, once", "[audit][ledger]")
{
  TempDir dir;
  (void)make_ledger(dir, 2);
  const auto types = [&] {
    std::vector<std::string> found;
    const auto events = Reader::open(database_in(dir)).value().last(99).value();
    for (const auto& event : events) {
      found.push_back(event.type);
    }
    return std::vector<std::string>(found.begin() + 2, found.end());
  };
  const auto append = [&] {
    return Ledger::open(dir.path).value().append({{"a.b", "root", "{}", ""}}).value().at(0).id;
  };
  const auto pretend = [&](const Moment& moment) {
    REQUIRE(replace(dir.fd, "audit.db-moment", to_text(moment) + "\n", 0600));
  };
  auto moment = this_moment().value();

  CHECK(append() == 3);
  SECTION("another boot")
  {
    moment.boot = std::string(32, '0');
    moment.wall -= moment.since_boot + std::chrono::hours(1);
    pretend(moment);
    CHECK(append() == 5);
    CHECK(append() == 6);
    pretend(moment); // as when the power went before this was written down
    CHECK(append() == 7);
    CHECK(types() == std::vector<std::string>{"a.b", "machine.booted", "a.b", "a.b", "a.b"});
  }
  SECTION("a clock set back by a year")
  {
    moment.wall += std::chrono::hours(24 * 365);
    pretend(moment);
    CHECK(append() == 5);
    pretend(moment);
    CHECK(append() == 6);
    CHECK(types() == std::vector<std::string>{"a.b", "clock.jumped", "a.b", "a.b"});
  }
  SECTION("nothing known of it")
  {
    REQUIRE(replace(dir.fd, "audit.db-moment", "x", 0600));
    CHECK(append() == 4);
    REQUIRE(remove_name(dir.fd, "audit.db-moment"));
    REQUIRE(make_dir(dir.fd, "audit.db-moment", 0700));
    CHECK(append() == 5);
  }
  CHECK_FALSE(verify(database_in(dir)).value().bad);
}
