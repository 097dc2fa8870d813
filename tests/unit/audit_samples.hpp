#pragma once

#include "audit/ledger.hpp"
#include "temp_dir.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <string>
#include <vector>

namespace conos::audit {

// A ledger of `count` rows with keys "K1", "K2", …, closed again.
inline std::vector<Recorded> make_ledger(const TempDir& dir, int count)
{
  std::vector<Row> rows;
  for (int i = 1; i <= count; ++i) {
    rows.push_back({i % 2 == 0 ? "task.claimed" : "task.failed", i % 3 == 0 ? "alice" : "root",
      fmt::format(R"({{"n":{}}})", i), fmt::format("K{}", i)});
  }
  return Ledger::open(dir.path).value().append(rows).value();
}

inline std::string database_in(const TempDir& dir)
{
  return dir.path + "/audit.db";
}

// What somebody with another SQLite client does to it. Leaves one file, without a log.
inline void tamper(const std::string& file, const std::string& sql)
{
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &raw) == SQLITE_OK);
  char* error = nullptr;
  const int code = sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, &error);
  INFO(sql << ": " << (error != nullptr ? error : ""));
  REQUIRE(code == SQLITE_OK);
  REQUIRE(sqlite3_close(raw) == SQLITE_OK);
}

} // namespace conos::audit
