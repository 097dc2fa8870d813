#include "audit/sqlite.hpp"

#include <chrono>
#include <thread>

namespace conos::audit::sqlite {

namespace {

// Larger than any row of ours; what a hostile file claims to hold beyond it is an error.
constexpr int k_max_value_bytes = 1 << 20;

// SQLite's own waits grow to 100 ms; a writer here holds the lock for one fsync.
int wait_once(void* /*unused*/, int times)
{
  constexpr int k_quick = 10;
  constexpr int k_give_up = 5'000;
  if (times >= k_give_up) {
    return 0;
  }
  std::this_thread::sleep_for(std::chrono::microseconds(times < k_quick ? 200 : 2'000));
  return 1;
}

// The system's own access to files, but for one flag: after its first flush of a log it opened with
// O_CREAT, SQLite flushes the directory as well, in every process anew, half as dear as the flush
// itself. Ours is there, durably, before SQLite opens it (place.cpp).
int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* opened_with)
{
  const auto system_open = sqlite3_vfs_find("unix")->xOpen;
  if ((flags & SQLITE_OPEN_WAL) != 0 &&
      system_open(vfs, name, file, flags & ~SQLITE_OPEN_CREATE, opened_with) == SQLITE_OK) {
    return SQLITE_OK;
  }
  return system_open(vfs, name, file, flags, opened_with);
}

const char* file_access()
{
  static sqlite3_vfs* const access = [] {
    static sqlite3_vfs ours = *sqlite3_vfs_find("unix");
    ours.zName = "conos";
    ours.xOpen = open_file;
    (void)sqlite3_vfs_register(&ours, 0); // fails only without memory, and then open does
    return &ours;
  }();
  return access->zName;
}

Kind kind_of_code(int code, int err)
{
  switch (code & 0xFF) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return Kind::busy;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_FORMAT:
  case SQLITE_TOOBIG:
  case SQLITE_MISMATCH:
  case SQLITE_ERROR: // our statements are right, so the schema is not
    return Kind::bad_data;
  case SQLITE_READONLY:
  case SQLITE_PERM:
  case SQLITE_AUTH:
    return Kind::denied;
  default:
    return err != 0 ? kind_of(err) : Kind::os;
  }
}

} // namespace

tl::unexpected<Error> failure(sqlite3* connection, const std::string& deed)
{
  const int code = sqlite3_extended_errcode(connection);
  const int primary = code & 0xFF;
  int err = 0;
  if (primary == SQLITE_FULL) {
    err = ENOSPC;
  } else if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) {
    err = sqlite3_system_errno(connection);
  }
  const auto kind = kind_of_code(code, err);
  return tl::unexpected<Error>(
    Error{kind, err, fmt::format("{}: {}", deed, sqlite3_errmsg(connection))});
}

Result<Connection> open(const std::string& name, int flags)
{
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(
    name.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, file_access());
  Connection connection(raw);
  if (code != SQLITE_OK) {
    return failure(raw, fmt::format("open '{}'", name));
  }
  wait_for_others(raw);
  (void)sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, k_max_value_bytes);
  for (const int off : {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
         SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_DQS_DML, SQLITE_DBCONFIG_DQS_DDL}) {
    (void)sqlite3_db_config(raw, off, 0, nullptr);
  }
  for (const int on : {SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE}) {
    (void)sqlite3_db_config(raw, on, 1, nullptr);
  }
  return connection;
}

void wait_for_others(sqlite3* connection)
{
  (void)sqlite3_busy_handler(connection, wait_once, nullptr);
}

Result<> execute(sqlite3* connection, const std::string& sql)
{
  if (sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failure(connection, "SQLite");
  }
  return {};
}

Result<Statement> Statement::prepare(sqlite3* connection, std::string_view sql)
{
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()),
        SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK) {
    return failure(connection, "SQLite");
  }
  return Statement(raw);
}

void Statement::bind(int place, std::int64_t value)
{
  (void)sqlite3_bind_int64(m_statement.get(), place, value);
}

void Statement::bind(int place, std::string_view text)
{
  (void)sqlite3_bind_text64(
    m_statement.get(), place, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int place, const Digest& digest)
{
  (void)sqlite3_bind_blob64(m_statement.get(), place, digest.data(), digest.size(), SQLITE_STATIC);
}

Result<bool> Statement::step()
{
  const int code = sqlite3_step(m_statement.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto error = failure(sqlite3_db_handle(m_statement.get()), "SQLite");
  reset();
  return error;
}

Result<> Statement::run()
{
  CONOS_TRY([[maybe_unused]] const bool row, step());
  reset();
  return {};
}

void Statement::reset()
{
  (void)sqlite3_reset(m_statement.get()); // reports the last step's error once more
}

int Statement::type(int column) const
{
  return sqlite3_column_type(m_statement.get(), column);
}

std::int64_t Statement::integer(int column) const
{
  return sqlite3_column_int64(m_statement.get(), column);
}

std::string_view Statement::text(int column) const
{
  const auto* bytes = sqlite3_column_text(m_statement.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(m_statement.get(), column));
  return bytes == nullptr ? std::string_view()
                          : std::string_view(reinterpret_cast<const char*>(bytes), size);
}

std::string_view Statement::blob(int column) const
{
  const auto* bytes = sqlite3_column_blob(m_statement.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(m_statement.get(), column));
  return bytes == nullptr ? std::string_view()
                          : std::string_view(static_cast<const char*>(bytes), size);
}

} // namespace conos::audit::sqlite
