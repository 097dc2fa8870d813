#include "audit/sqlite.hpp"

#include <sys/stat.h>

#include <cctype>
#include <chrono>
#include <filesystem>
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

// --- the system's own access to files, with a difference -----------------------------------------

constexpr const char* k_writer = "conos";
constexpr const char* k_reader = "conos-reader";
constexpr const char* k_copy_reader = "conos-copy-reader"; // takes no locks

using Open = int (*)(sqlite3_vfs*, const char*, sqlite3_file*, int, int*);

Open system_open()
{
  static const Open open = sqlite3_vfs_find("unix")->xOpen;
  return open;
}

// After its first flush of a log it opened with O_CREAT, SQLite flushes the directory as well, in
// every process anew, half as dear as the flush itself. Our log is there, durably, before SQLite
// opens it (place.cpp).
int open_as_writer(
  sqlite3_vfs* access, const char* name, sqlite3_file* file, int flags, int* opened_with)
{
  const bool log = (flags & SQLITE_OPEN_WAL) != 0;
  if (log &&
      system_open()(access, name, file, flags & ~SQLITE_OPEN_CREATE, opened_with) == SQLITE_OK) {
    return SQLITE_OK;
  }
  return system_open()(access, name, file, flags, opened_with);
}

// SQLite opens even a read-only database's log for writing, makes one, and deletes one it finds
// beside an empty database.
int open_as_reader(
  sqlite3_vfs* access, const char* name, sqlite3_file* file, int flags, int* opened_with)
{
  constexpr int k_writing = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  return system_open()(
    access, name, file, (flags & ~k_writing) | SQLITE_OPEN_READONLY, opened_with);
}

int delete_nothing(sqlite3_vfs* /*unused*/, const char* /*unused*/, int /*unused*/)
{
  return SQLITE_IOERR_DELETE;
}

sqlite3_vfs reader_of(const char* system, const char* name)
{
  auto access = *sqlite3_vfs_find(system);
  access.zName = name;
  access.xOpen = open_as_reader;
  access.xDelete = delete_nothing;
  return access;
}

void register_accesses()
{
  static sqlite3_vfs reader = reader_of("unix", k_reader);
  static sqlite3_vfs copy_reader = reader_of("unix-none", k_copy_reader);
  static sqlite3_vfs writer = [] {
    auto access = *sqlite3_vfs_find("unix");
    access.zName = k_writer;
    access.xOpen = open_as_writer;
    return access;
  }();
  static const bool done = [] {
    for (auto* access : {&writer, &reader, &copy_reader}) {
      (void)sqlite3_vfs_register(access, 0); // without memory, and then no database opens either
    }
    return true;
  }();
  (void)done;
}

// -------------------------------------------------------------------------------------------------

// A reader that comes while a writer sets up the log's index is not made to wait by SQLite.
bool is_worth_another_try(sqlite3* connection, int times)
{
  const int code = sqlite3_extended_errcode(connection);
  return (code == SQLITE_READONLY_RECOVERY || code == SQLITE_READONLY_CANTINIT) &&
         wait_once(nullptr, times) != 0;
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
  case SQLITE_CANTOPEN:
    return err != 0 ? kind_of(err) : Kind::os;
  default:
    return Kind::os;
  }
}

} // namespace

tl::unexpected<Error> failure(sqlite3* connection, const std::string& deed)
{
  const int last = errno;
  const int code = sqlite3_extended_errcode(connection);
  const int primary = code & 0xFF;
  int err = 0;
  if (primary == SQLITE_FULL) {
    err = ENOSPC;
  } else if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) {
    // SQLite keeps none for a commit that fails; step() has cleared the common one before
    err = sqlite3_system_errno(connection);
    err = err != 0 ? err : last;
  }
  const auto kind = kind_of_code(code, err);
  return tl::unexpected<Error>(
    Error{kind, err, fmt::format("{}: {}", deed, sqlite3_errmsg(connection))});
}

namespace {

Result<Connection> open(const std::string& name, int flags, const char* access)
{
  register_accesses();
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(
    name.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, access);
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

std::string uri_of(const std::string& path)
{
  std::string uri = "file://";
  for (const char c : path) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '.' ||
                       c == '-' || c == '_';
    uri += plain ? std::string(1, c) : fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return uri;
}

// A killed writer's log may be all header, which SQLite, reading without a trace, would try to make
// sense of for ever.
constexpr off_t k_log_header_bytes = 32;

// Bytes of a file; -1 when there is none.
off_t size_of(const std::string& path)
{
  struct stat st = {};
  return ::stat(path.c_str(), &st) == 0 ? st.st_size : -1;
}

} // namespace

Result<Connection> open_to_write(const std::string& file)
{
  return open(file, SQLITE_OPEN_READWRITE, k_writer);
}

bool is_quiet(const std::string& file)
{
  return size_of(file + "-wal") <= k_log_header_bytes;
}

Result<Connection> open_to_read(const std::string& file, Reading reading)
{
  std::error_code failed;
  const auto path = std::filesystem::canonical(file, failed).string(); // where its log lies
  errno = failed.value();
  struct stat st = {};
  if (failed || ::stat(path.c_str(), &st) < 0) {
    return os_error("open '{}'", file);
  }
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::bad_data, "'{}' is not a regular file", file);
  }
  constexpr int k_flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  const auto log = size_of(path + "-wal");
  const bool has_index = size_of(path + "-shm") >= 0;
  if (reading == Reading::beside_writers && log >= 0 && has_index) {
    return open(uri_of(path), k_flags, k_reader);
  }
  if (log <= k_log_header_bytes) {
    return open(uri_of(path) + "?immutable=1", k_flags, k_reader);
  }
  if (has_index) {
    return open(uri_of(path) + "?readonly_shm=1", k_flags, k_reader);
  }
  CONOS_TRY(auto connection, open(uri_of(path), k_flags, k_copy_reader));
  // the index of the log is then kept in memory instead of in a file beside it
  CONOS_CHECK(execute(connection.get(), "PRAGMA locking_mode=EXCLUSIVE"));
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

Result<> fold_log(sqlite3* connection)
{
  // before it has read anything, SQLite knows of no log and has nothing to do
  CONOS_CHECK(execute(connection, "SELECT 1 FROM sqlite_schema LIMIT 1"));
  if (sqlite3_wal_checkpoint_v2(
        connection, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) != SQLITE_OK) {
    return failure(connection, "copy the log into the database");
  }
  return {};
}

Result<Statement> Statement::prepare(sqlite3* connection, std::string_view sql)
{
  for (int times = 0;; ++times) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()),
          SQLITE_PREPARE_PERSISTENT, &raw, nullptr) == SQLITE_OK) {
      return Statement(raw);
    }
    if (!is_worth_another_try(connection, times)) {
      return failure(connection, "SQLite");
    }
  }
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
  auto* connection = sqlite3_db_handle(m_statement.get());
  for (int times = 0;; ++times) {
    errno = 0;
    const int code = sqlite3_step(m_statement.get());
    if (code == SQLITE_ROW) {
      return true;
    }
    if (code == SQLITE_DONE) {
      reset();
      return false;
    }
    const bool again = is_worth_another_try(connection, times);
    auto error = failure(connection, "SQLite");
    reset();
    if (!again) {
      return error;
    }
  }
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
