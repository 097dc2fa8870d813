#include "egress/journal.hpp"

#include "sys/id.hpp"

#include <sqlite3.h>

namespace conos::egress {

namespace {

namespace sqlite = audit::sqlite;

constexpr auto k_kept = std::chrono::hours(90 * 24); // how long a task is remembered
constexpr std::size_t k_key_digits = 32;

constexpr const char* k_schema = R"(
CREATE TABLE IF NOT EXISTS rows(id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL,
  key TEXT NOT NULL, payload TEXT NOT NULL, ready INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS rows_ready ON rows(id) WHERE ready = 1;
CREATE TABLE IF NOT EXISTS moved(task TEXT PRIMARY KEY, bytes INTEGER NOT NULL,
  at_ms INTEGER NOT NULL) WITHOUT ROWID;
)";

std::int64_t ms_of(Time time)
{
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

} // namespace

Result<Journal> Journal::open(const std::string& directory)
{
  const auto file = directory + "/journal.db";
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &opened,
    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, nullptr);
  sqlite::Connection connection(opened);
  if (code != SQLITE_OK) {
    return sqlite::failure(opened, "open '" + file + "'");
  }
  sqlite::wait_for_others(opened);
  CONOS_CHECK(sqlite::execute(opened, "PRAGMA journal_mode=WAL"));
  CONOS_CHECK(sqlite::execute(opened, "PRAGMA synchronous=NORMAL"));
  CONOS_CHECK(sqlite::execute(opened, k_schema));
  CONOS_TRY(auto old, sqlite::Statement::prepare(opened, "DELETE FROM moved WHERE at_ms < ?1"));
  old.bind(1, ms_of(now() - k_kept));
  CONOS_CHECK(old.run());
  return Journal(std::move(connection));
}

Result<std::int64_t> Journal::number(std::string_view sql)
{
  CONOS_TRY(auto statement, sqlite::Statement::prepare(m_connection.get(), sql));
  CONOS_TRY(const bool found, statement.step());
  return found ? statement.integer(0) : 0;
}

Result<std::int64_t> Journal::close_left()
{
  CONOS_CHECK(sqlite::execute(m_connection.get(), "UPDATE rows SET ready = 1 WHERE ready = 0"));
  return sqlite3_changes(m_connection.get());
}

Result<> Journal::add(const std::string& type, const std::string& row, bool is_ready)
{
  CONOS_TRY(const auto key, random_hex(k_key_digits));
  CONOS_TRY(
    auto statement, sqlite::Statement::prepare(m_connection.get(),
                      "INSERT INTO rows(type, key, payload, ready) VALUES(?1, ?2, ?3, ?4)"));
  statement.bind(1, std::string_view(type));
  statement.bind(2, std::string_view(key));
  statement.bind(3, std::string_view(row));
  statement.bind(4, static_cast<std::int64_t>(is_ready));
  return statement.run();
}

Result<std::int64_t> Journal::begin(const std::string& row)
{
  CONOS_CHECK(add("egress.allowed", row, false));
  return sqlite3_last_insert_rowid(m_connection.get());
}

Result<> Journal::end(std::int64_t number, const std::string& row)
{
  CONOS_TRY(auto statement, sqlite::Statement::prepare(m_connection.get(),
                              "UPDATE rows SET ready = 1, payload = ?2 WHERE id = ?1"));
  statement.bind(1, number);
  statement.bind(2, std::string_view(row));
  return statement.run();
}

Result<> Journal::note(const std::string& type, const std::string& row)
{
  return add(type, row, true);
}

Result<std::vector<audit::WaitingRow>> Journal::waiting(std::size_t most)
{
  CONOS_TRY(auto statement,
    sqlite::Statement::prepare(m_connection.get(),
      "SELECT id, type, key, payload FROM rows WHERE ready = 1 ORDER BY id LIMIT ?1"));
  statement.bind(1, static_cast<std::int64_t>(most));
  std::vector<audit::WaitingRow> rows;
  for (;;) {
    CONOS_TRY(const bool more, statement.step());
    if (!more) {
      return rows;
    }
    rows.push_back({statement.integer(0), std::string(statement.text(1)),
      std::string(statement.text(2)), std::string(statement.text(3))});
  }
}

Result<> Journal::recorded(const std::vector<audit::WaitingRow>& rows)
{
  CONOS_CHECK(sqlite::execute(m_connection.get(), "BEGIN IMMEDIATE"));
  CONOS_TRY(auto statement,
    sqlite::Statement::prepare(m_connection.get(), "DELETE FROM rows WHERE id = ?1"));
  for (const auto& row : rows) {
    statement.bind(1, row.number);
    if (auto done = statement.run(); !done) {
      (void)sqlite::execute(m_connection.get(), "ROLLBACK"); // what failed first is what is told
      return done;
    }
  }
  return sqlite::execute(m_connection.get(), "COMMIT");
}

Result<std::int64_t> Journal::backlog()
{
  return number("SELECT count(*) FROM rows");
}

Result<std::int64_t> Journal::moved_by(const std::string& task)
{
  CONOS_TRY(auto statement,
    sqlite::Statement::prepare(m_connection.get(), "SELECT bytes FROM moved WHERE task = ?1"));
  statement.bind(1, std::string_view(task));
  CONOS_TRY(const bool found, statement.step());
  return found ? statement.integer(0) : 0;
}

Result<> Journal::set_moved(const std::string& task, std::int64_t bytes, Time now)
{
  CONOS_TRY(auto statement, sqlite::Statement::prepare(m_connection.get(),
                              "INSERT INTO moved(task, bytes, at_ms) VALUES(?1, ?2, ?3) "
                              "ON CONFLICT DO UPDATE SET bytes = ?2, at_ms = ?3"));
  statement.bind(1, std::string_view(task));
  statement.bind(2, bytes);
  statement.bind(3, ms_of(now));
  return statement.run();
}

} // namespace conos::egress
