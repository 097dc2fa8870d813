// ledger - what the ledger costs beside a bare SQLite table on the same disk, in one run
//
//   ledger DIR      prints lines "name value unit"
#include "audit/ledger.hpp"
#include "audit/verify.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace conos;
using Clock = std::chrono::steady_clock;

const std::string k_payload =
  R"({"agent":"sysadmin","attempt":1,"id":"20261120T213000.123456Z-1f2e3d4c","outcome":"answered",)"
  R"("reason":null,"root":"20261120T213000.123456Z-1f2e3d4c","trust":"verified"})";

[[noreturn]] void die(const std::string& what)
{
  fmt::print(stderr, "ledger: {}\n", what);
  std::exit(1);
}

template<class T>
T must(Result<T> result)
{
  if (!result) {
    die(result.error().text());
  }
  return std::move(*result);
}

double seconds_for(const std::function<void()>& body)
{
  const auto began = Clock::now();
  body();
  return std::chrono::duration<double>(Clock::now() - began).count();
}

// The floor: a table of the same columns, the same two hashes' worth of bytes, no index, no chain.
class Bare
{
public:
  explicit Bare(const std::string& file)
  {
    if (sqlite3_open(file.c_str(), &m_db) != SQLITE_OK) {
      die("open the bare table");
    }
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE events(id INTEGER PRIMARY "
        "KEY, ts TEXT, type TEXT, actor TEXT, payload TEXT, prev_hash BLOB, hash BLOB)");
    sqlite3_prepare_v2(m_db,
      "INSERT INTO events(ts, type, actor, payload, prev_hash, hash) "
      "VALUES('2026-11-20T21:30:00.000Z', 'task.delivered', 'root/conos-run', ?, "
      "zeroblob(32), zeroblob(32))",
      -1, &m_insert, nullptr);
  }
  ~Bare()
  {
    (void)sqlite3_finalize(m_insert);
    (void)sqlite3_close(m_db);
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  void append(int rows)
  {
    run("BEGIN IMMEDIATE");
    for (int i = 0; i < rows; ++i) {
      (void)sqlite3_bind_text(
        m_insert, 1, k_payload.data(), static_cast<int>(k_payload.size()), SQLITE_STATIC);
      if (sqlite3_step(m_insert) != SQLITE_DONE || sqlite3_reset(m_insert) != SQLITE_OK) {
        die("insert into the bare table");
      }
    }
    run("COMMIT");
  }

private:
  void run(const char* sql)
  {
    if (sqlite3_exec(m_db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      die(sqlite3_errmsg(m_db));
    }
  }

  sqlite3* m_db = nullptr;
  sqlite3_stmt* m_insert = nullptr;
};

std::vector<audit::Row> rows_of(int count)
{
  static int made = 0;
  std::vector<audit::Row> rows;
  for (int i = 0; i < count; ++i) {
    rows.push_back({"task.delivered", "root/conos-run", k_payload,
      fmt::format("20261120T213000.{:06}Z-1f2e3d4c/1/task.delivered", ++made)});
  }
  return rows;
}

// The two take turns, so that a disk that is slow for a while is slow for both.
void compare(const std::string& dir, int batch, int batches)
{
  constexpr int k_turns = 10;
  Bare bare(dir + "/bare-" + std::to_string(batch));
  auto ledger = must(audit::Ledger::open(dir + "/ledger-" + std::to_string(batch)));
  double floor = 0;
  double ours = 0;
  for (int turn = 0; turn < k_turns; ++turn) {
    floor += seconds_for([&] {
      for (int i = 0; i < batches / k_turns; ++i) {
        bare.append(batch);
      }
    });
    ours += seconds_for([&] {
      for (int i = 0; i < batches / k_turns; ++i) {
        (void)must(ledger.append(rows_of(batch)));
      }
    });
  }
  const double rows = static_cast<double>(batch) * batches;
  fmt::print("bare-by-{0} {1:.0f} rows/s\nledger-by-{0} {2:.0f} rows/s\nratio-by-{0} {3:.2f} -\n",
    batch, rows / floor, rows / ours, floor / ours);
}

void opened_each_time(const std::string& dir)
{
  constexpr int k_times = 500;
  const auto spent = seconds_for([&] {
    for (int i = 0; i < k_times; ++i) {
      (void)must(must(audit::Ledger::open(dir + "/ledger-1")).append(rows_of(1)));
    }
  });
  fmt::print("open-and-append {:.0f} us\n", spent / k_times * 1e6);
}

void verifying(const std::string& dir, int rows)
{
  {
    auto ledger = must(audit::Ledger::open(dir + "/ledger-verify"));
    for (int i = 0; i < rows; i += 1000) {
      (void)must(ledger.append(rows_of(1000)));
    }
  }
  const auto file = dir + "/ledger-verify/audit.db";
  const auto spent = seconds_for([&] {
    if (must(audit::verify(file)).rows != rows) {
      die("the ledger does not verify");
    }
  });
  const auto floor = seconds_for([&] {
    if (std::system(("sha256sum " + file + " >/dev/null").c_str()) != 0) {
      die("sha256sum");
    }
  });
  fmt::print("verify {:.0f} rows/s\nsha256sum-ratio {:.2f} -\n", rows / spent, spent / floor);
}

} // namespace

int main(int argc, char* argv[])
{
  if (argc != 2) {
    die("the directory to work in is missing");
  }
  compare(argv[1], 1, 2'000);
  compare(argv[1], 100, 500);
  compare(argv[1], 1'000, 100);
  opened_each_time(argv[1]);
  verifying(argv[1], 300'000);
}
