// ledger - what the ledger costs beside a bare SQLite table on the same disk, in one run
//
//   ledger DIR CONOS-AUDIT      prints lines "name value unit"
#include "audit/ledger.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
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

// What a program takes that is run and waited for; its output goes nowhere.
struct Cost {
  double seconds = 0;
  long kib = 0; // of memory at its largest
};

Cost cost_of(const std::vector<std::string>& words)
{
  Cost cost;
  cost.seconds = seconds_for([&] {
    const pid_t child = ::fork();
    if (child == 0) {
      std::vector<char*> argv;
      for (const auto& word : words) {
        argv.push_back(const_cast<char*>(word.c_str()));
      }
      argv.push_back(nullptr);
      const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      (void)::dup2(nowhere, STDOUT_FILENO);
      (void)::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    int status = 0;
    rusage used{};
    if (child < 0 || ::wait4(child, &status, 0, &used) < 0 || status != 0) {
      die(words.front() + " failed");
    }
    cost.kib = used.ru_maxrss;
  });
  return cost;
}

// The best of some: what else runs on the machine only makes it worse.
Cost best_cost_of(const std::vector<std::string>& words)
{
  constexpr int k_times = 3;
  auto best = cost_of(words);
  for (int i = 1; i < k_times; ++i) {
    const auto again = cost_of(words);
    best = again.seconds < best.seconds ? again : best;
  }
  return best;
}

void fill(const std::string& ledger, int rows)
{
  constexpr std::size_t k_payload_bytes = 200;
  std::string payload = R"({"text":")";
  payload += std::string(k_payload_bytes - payload.size() - 2, 'x') + "\"}";
  constexpr int k_at_once = 1000;
  auto opened = must(audit::Ledger::open(ledger));
  for (int i = 0; i < rows; i += k_at_once) {
    auto some = rows_of(k_at_once);
    for (auto& row : some) {
      row.payload = payload;
    }
    (void)must(opened.append(some));
  }
}

// As a person runs it: the program, with its checkpoint and all.
void large(const std::string& dir, const std::string& tool, int rows)
{
  const auto ledger = dir + "/ledger-large";
  fill(ledger, rows);
  const auto option = "--ledger=" + ledger;
  const auto file = ledger + "/audit.db";
  fmt::print("first-checkpoint {:.0f} ms\n", cost_of({tool, "checkpoint", option}).seconds * 1e3);
  fmt::print(
    "bytes-a-row {:.0f} bytes\n", static_cast<double>(std::filesystem::file_size(file)) / rows);
  const auto sum = best_cost_of({"sha256sum", file});
  const auto verify = best_cost_of({tool, "verify", option});
  fmt::print("verify {:.0f} rows/s\nverify-sha256sum-ratio {:.2f} -\nverify-memory {:.1f} MiB\n",
    rows / verify.seconds, verify.seconds / sum.seconds, static_cast<double>(verify.kib) / 1024);
  const auto prove = best_cost_of({tool, "prove", option, std::to_string(rows / 3)});
  const auto next = best_cost_of({tool, "checkpoint", option});
  fmt::print("prove {:.1f} ms\ncheckpoint-of-nothing-new {:.1f} ms\n", prove.seconds * 1e3,
    next.seconds * 1e3);
}

} // namespace

int main(int argc, char* argv[])
{
  if (argc != 3) {
    die("the directory to work in, or the tool, is missing");
  }
  compare(argv[1], 1, 2'000);
  compare(argv[1], 100, 500);
  compare(argv[1], 1'000, 100);
  opened_each_time(argv[1]);
  large(argv[1], argv[2], 1'000'000);
}
