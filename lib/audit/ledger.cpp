#include "audit/ledger.hpp"

#include "audit/chain.hpp"
#include "audit/moment.hpp"
#include "audit/place.hpp"
#include "audit/redact.hpp"
#include "audit/schema.hpp"
#include "audit/sqlite.hpp"
#include "audit/tree.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

namespace conos::audit {

namespace {

using sqlite::Statement;

Result<std::int64_t> number_of(sqlite3* connection, const char* sql)
{
  CONOS_TRY(auto statement, Statement::prepare(connection, sql));
  CONOS_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Result<> set_version(sqlite3* connection)
{
  return sqlite::execute(connection, fmt::format("PRAGMA user_version={}", k_schema_version));
}

Result<> make_tables(sqlite3* connection)
{
  for (const auto& table : k_tables) {
    CONOS_CHECK(sqlite::execute(connection, std::string(table.sql)));
  }
  CONOS_CHECK(set_version(connection));
  return sqlite::execute(connection, fmt::format("PRAGMA application_id={}", k_application_id));
}

// Within a transaction: of two who find it empty, the second finds it complete; and so with a tree.
Result<> complete_locked(sqlite3* connection)
{
  CONOS_TRY(const auto application, number_of(connection, "PRAGMA application_id"));
  CONOS_TRY(const auto version, number_of(connection, "PRAGMA user_version"));
  CONOS_TRY(const auto tables, number_of(connection, "SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && tables == 0) {
    return make_tables(connection);
  }
  if (application == k_application_id && version == k_version_without_tree) {
    CONOS_CHECK(make_tree(connection));
    return set_version(connection);
  }
  return {};
}

// The log is there by now, and its name is durable before a row can be in it.
Result<> complete(const UniqueFd& directory, sqlite3* connection)
{
  CONOS_CHECK(sync_file(directory));
  CONOS_CHECK(sqlite::execute(connection, "BEGIN IMMEDIATE"));
  auto completed = complete_locked(connection);
  if (completed) {
    completed = sqlite::execute(connection, "COMMIT");
  }
  if (!completed) {
    (void)sqlite::execute(connection, "ROLLBACK"); // SQLite may have done so itself
  }
  return completed;
}

Result<> is_ledger(const UniqueFd& directory, sqlite3* connection)
{
  CONOS_TRY(auto application, number_of(connection, "PRAGMA application_id"));
  CONOS_TRY(auto version, number_of(connection, "PRAGMA user_version"));
  if (application == 0 || (application == k_application_id && version == k_version_without_tree)) {
    CONOS_CHECK(complete(directory, connection));
    CONOS_TRY(application, number_of(connection, "PRAGMA application_id"));
    CONOS_TRY(version, number_of(connection, "PRAGMA user_version"));
  }
  if (application != k_application_id) {
    return fail(Kind::bad_data, "'{}' is not a ledger", k_database);
  }
  if (version != k_schema_version) {
    return fail(Kind::bad_data, "'{}' is a ledger of version {}; this program knows version {}",
      k_database, version, k_schema_version);
  }
  return {};
}

// From this many pages on the log is copied into the database before the next rows are added. A
// larger one is copied more rarely, and is read for longer by whoever opens the ledger when nobody
// else has it open: a step of a task, which adds a row or two, or one who goes on adding.
constexpr off_t k_log_pages = 64;
constexpr off_t k_log_pages_of_many = 1000;

// What a batch made larger is cut to this.
constexpr int k_log_bytes = 4 << 20;

// How long to wait for readers to let go of the log; the rows go to its end otherwise.
constexpr int k_log_wait_ms = 5;

Result<> configure(sqlite3* connection)
{
  CONOS_CHECK(sqlite::execute(connection, "PRAGMA journal_mode=WAL"));
  CONOS_CHECK(sqlite::execute(connection, "PRAGMA synchronous=FULL"));
  CONOS_CHECK(
    sqlite::execute(connection, fmt::format("PRAGMA journal_size_limit={}", k_log_bytes)));
  (void)sqlite3_wal_autocheckpoint(connection, 0); // start_log_over() does it
  return {};
}

std::string actor_here()
{
  return ::geteuid() == 0 ? "root" : fmt::format("uid:{}", ::geteuid());
}

Result<Digest> digest_of(std::string_view blob, std::int64_t id)
{
  Digest digest;
  if (blob.size() != digest.size()) {
    return fail(Kind::bad_data, "row {} is damaged; see conos-audit verify", id);
  }
  std::copy(blob.begin(), blob.end(), digest.begin());
  return digest;
}

} // namespace

struct Ledger::Database {
  UniqueFd directory;
  sqlite::Connection connection; // declared before its statements, which must go first
  Statement begin;
  Statement commit;
  Statement rollback;
  Statement head;
  Statement add_event;
  Statement add_key;
  Statement find_key;
  bool has_added = false;
  Redactor redactor{};
  std::optional<Moment> moment{}; // to be written down when the rows are committed
  bool has_room = true;

  Result<Head> find_head();
  Result<Recorded> old_row(const Row& row);
  Result<Recorded> new_row(const Row& row, const std::string& ts, Head& end);
  Result<Recorded> row_for(const Row& row, const std::string& ts, Head& end);
  std::vector<Row> of_the_clock(bool is_first);
  std::vector<Row> of_the_disk() const;
  bool reserve_room() const;
  void remember_moment();
  Result<std::vector<Recorded>> append_locked(const std::vector<Row>& rows);
  Result<> settle(const std::vector<Recorded>& recorded);
  Result<> flush_log() const;
  bool log_is_long(off_t pages) const;
  void start_log_over();
  Result<> rewrite_log();
};

Result<Head> Ledger::Database::find_head()
{
  CONOS_TRY(const bool any, head.step());
  if (!any) {
    return Head{};
  }
  const auto id = head.integer(0);
  auto hash = digest_of(head.blob(1), id);
  head.reset();
  if (!hash || id < 1 || id == std::numeric_limits<std::int64_t>::max()) {
    return fail(Kind::bad_data, "row {} is damaged; see conos-audit verify", id);
  }
  return Head{id, *hash};
}

// The row that has the key already; id 0 when there is none.
Result<Recorded> Ledger::Database::old_row(const Row& row)
{
  Recorded old;
  find_key.bind(1, row.key);
  CONOS_TRY(old.already, find_key.step());
  if (old.already) {
    old.id = find_key.integer(0);
    old.ts = find_key.text(1);
    const auto prev = digest_of(find_key.blob(2), old.id);
    const auto hash = digest_of(find_key.blob(3), old.id);
    find_key.reset();
    CONOS_CHECK(prev);
    CONOS_CHECK(hash);
    old.prev_hash = hex(*prev);
    old.hash = hex(*hash);
  }
  return old;
}

Result<Recorded> Ledger::Database::new_row(const Row& row, const std::string& ts, Head& end)
{
  const auto prev = end.hash;
  const auto payload = redactor.redacted(row.payload);
  end.id += 1;
  end.hash = chain_hash({end.id, ts, row.type, row.actor, payload}, prev);

  add_event.bind(1, end.id);
  add_event.bind(2, ts);
  add_event.bind(3, row.type);
  add_event.bind(4, row.actor);
  add_event.bind(5, payload);
  add_event.bind(6, prev);
  add_event.bind(7, end.hash);
  CONOS_CHECK(add_event.run());
  if (!row.key.empty()) {
    add_key.bind(1, row.key);
    add_key.bind(2, end.id);
    CONOS_CHECK(add_key.run());
  }
  CONOS_CHECK(keep_completed(connection.get(), end.id));
  return Recorded{
    end.id, hex(end.hash), false, ts, hex(prev), payload == row.payload ? "" : payload};
}

Result<Recorded> Ledger::Database::row_for(const Row& row, const std::string& ts, Head& end)
{
  auto old = row.key.empty() ? Result<Recorded>(Recorded()) : old_row(row);
  return old && !old->already ? new_row(row, ts, end) : std::move(old);
}

// Blocks for the next rows behind the end of the log, which nobody else can take. False when the
// disk has none; a file system that cannot keep any is no reason to stop.
bool Ledger::Database::reserve_room() const
{
  constexpr off_t k_reserve = 1 << 20;
  constexpr off_t k_block = 512; // of st_blocks, stat(2)
  const UniqueFd log(::openat(directory.get(), k_log.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  const auto st = stat_of(log);
  if (!log || !st || st->st_blocks * k_block >= st->st_size + k_reserve / 2) {
    return true;
  }
  return ::fallocate(log.get(), FALLOC_FL_KEEP_SIZE, st->st_size, k_reserve) == 0 ||
         (errno != ENOSPC && errno != EDQUOT);
}

std::vector<Row> Ledger::Database::of_the_disk() const
{
  if (has_room) {
    return {};
  }
  const auto hour = rfc3339(now(), 0).substr(0, std::string_view("YYYY-MM-DDTHH").size());
  return {{"ledger.full", actor_here(), "{}", "full/" + hour}};
}

// What happened to the clock since the last append. The moment is written down before the first row
// is there, and else when it is committed: a row that is told of twice has a key.
std::vector<Row> Ledger::Database::of_the_clock(bool is_first)
{
  moment = this_moment();
  if (!moment) {
    return {};
  }
  const auto line = first_line(directory, k_moment);
  const auto before = line && *line ? moment_in(**line) : std::nullopt;
  if (is_first) {
    remember_moment();
    return {};
  }
  if (before && !is_outdated(*before, *moment)) {
    auto rows = happened(*before, *moment, actor_here());
    if (rows.empty()) {
      moment.reset(); // the one that is there will do
    }
    return rows;
  }
  return before ? happened(*before, *moment, actor_here()) : std::vector<Row>();
}

// Lost, it is the moment of the next append.
void Ledger::Database::remember_moment()
{
  if (moment) {
    (void)overwrite(directory, k_moment, to_text(*moment));
    moment.reset();
  }
}

Result<std::vector<Recorded>> Ledger::Database::append_locked(const std::vector<Row>& rows)
{
  CONOS_TRY(auto end, find_head());
  // The clock's word, even when it was set back: what orders rows is their id.
  const auto ts = rfc3339(now());
  for (const auto& own : {of_the_disk(), of_the_clock(end.id == 0)}) {
    for (const auto& row : own) {
      CONOS_CHECK(row_for(row, ts, end));
    }
  }
  std::vector<Recorded> recorded;
  recorded.reserve(rows.size());
  for (const auto& row : rows) {
    CONOS_TRY(auto one, row_for(row, ts, end));
    recorded.push_back(std::move(one));
  }
  return recorded;
}

// Commits. A key that was there is a receipt too, for a row whose writer may have died before it
// flushed it.
Result<> Ledger::Database::settle(const std::vector<Recorded>& recorded)
{
  const bool anything_new = std::any_of(recorded.begin(), recorded.end(), [](const auto& each) {
    return !each.already;
  });
  if (anything_new) {
    CONOS_CHECK(commit.run());
    remember_moment();
    return {};
  }
  CONOS_CHECK(rollback.run());
  return flush_log();
}

Result<> Ledger::Database::flush_log() const
{
  const UniqueFd log(::openat(directory.get(), k_log.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!log) {
    return errno == ENOENT ? Result<>() : os_error("open '{}'", k_log);
  }
  return sync_file(log);
}

// Judged from the file itself (sqlite.org/fileformat2.html, 4.1): pages of one generation of the
// log carry the salt that stands in its header. SQLite only says how long it is after it has copied
// it.
bool Ledger::Database::log_is_long(off_t pages) const
{
  constexpr off_t k_header_bytes = 32;
  constexpr off_t k_page_bytes = 24 + 4096;
  constexpr off_t k_in_header = 16;
  constexpr off_t k_in_page = 8;
  const UniqueFd log(::openat(directory.get(), k_log.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  std::array<char, 8> salt{};
  std::array<char, 8> page{};
  const auto read = [&](std::array<char, 8>& bytes, off_t place) {
    return ::pread(log.get(), bytes.data(), bytes.size(), place) == std::ssize(bytes);
  };
  return read(page, k_header_bytes + pages * k_page_bytes + k_in_page) && read(salt, k_in_header) &&
         page == salt;
}

// Copies the log into the database, so that the next rows go to its beginning again. SQLite would
// do so after the commit that made it long, when the next writer may begin anew; but it remembers
// that only while somebody has the ledger open, and the log of a ledger opened for one row at a
// time would grow for ever. Truncating it is remembered, but then each commit pays for new blocks,
// twice the price of writing over old ones.
void Ledger::Database::start_log_over()
{
  const auto limit = std::exchange(has_added, true) ? k_log_pages_of_many : k_log_pages;
  if (!log_is_long(limit)) {
    return;
  }
  (void)sqlite3_busy_timeout(connection.get(), k_log_wait_ms);
  (void)sqlite3_wal_checkpoint_v2( // later, when it is busy; the commit tells of a failing disk
    connection.get(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  sqlite::wait_for_others(connection.get());
}

// After a flush that failed, the kernel believes the pages it lost are on disk: whoever opened the
// log next would find rows in it, add to them, flush, and promise what a power cut takes away.
// Copying the log into the database writes all of it anew, under flushes of its own. Where that
// fails too, a mark stays behind for the next who opens the ledger.
Result<> Ledger::Database::rewrite_log()
{
  (void)::unlinkat(directory.get(), k_unflushed.c_str(), 0); // set again below, if need be
  auto written = sqlite::fold_log(connection.get());
  if (written) {
    return {};
  }
  const UniqueFd mark(::openat(
    directory.get(), k_unflushed.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  return written;
}

Ledger::Ledger(std::unique_ptr<Database> database)
    : m_database(std::move(database))
{
}

Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

Result<Ledger> Ledger::open(const std::string& directory)
{
  const auto purpose = during(fmt::format("the ledger in '{}'", directory));
  CONOS_TRY(auto place, open_place(directory).map_error(purpose));
  CONOS_TRY(
    auto connection, sqlite::open_to_write(directory + "/" + k_database).map_error(purpose));
  auto* raw = connection.get();
  CONOS_CHECK(configure(raw).map_error(purpose));
  CONOS_CHECK(is_ledger(place, raw).map_error(purpose));

  CONOS_TRY(auto begin, Statement::prepare(raw, "BEGIN IMMEDIATE"));
  CONOS_TRY(auto commit, Statement::prepare(raw, "COMMIT"));
  CONOS_TRY(auto rollback, Statement::prepare(raw, "ROLLBACK"));
  CONOS_TRY(
    auto head, Statement::prepare(raw, "SELECT id, hash FROM events ORDER BY id DESC LIMIT 1"));
  CONOS_TRY(auto add_event,
    Statement::prepare(raw, "INSERT INTO events(id, ts, type, actor, payload, prev_hash, hash) "
                            "VALUES(?, ?, ?, ?, ?, ?, ?)"));
  CONOS_TRY(auto add_key, Statement::prepare(raw, "INSERT INTO keys(key, id) VALUES(?, ?)"));
  CONOS_TRY(
    auto find_key, Statement::prepare(raw,
                     "SELECT keys.id, ts, coalesce(nullif(prev_hash, x''), (SELECT hash "
                     "FROM events AS p WHERE p.id = keys.id - 1), zeroblob(32)), hash FROM keys "
                     "LEFT JOIN events ON events.id = keys.id WHERE key = ?"));

  Ledger ledger(std::make_unique<Database>(Database{std::move(place), std::move(connection),
    std::move(begin), std::move(commit), std::move(rollback), std::move(head), std::move(add_event),
    std::move(add_key), std::move(find_key), false}));
  CONOS_TRY(
    ledger.m_database->redactor, Redactor::load(ledger.m_database->directory).map_error(purpose));
  CONOS_TRY(
    const bool unflushed, is_there(ledger.m_database->directory, k_unflushed).map_error(purpose));
  if (unflushed) {
    CONOS_CHECK(ledger.m_database->rewrite_log().map_error(purpose));
  }
  ledger.m_database->has_room = ledger.m_database->reserve_room();
  let_others_in(ledger.m_database->directory);
  return ledger;
}

bool Ledger::has_room() const
{
  return m_database->has_room;
}

Result<> Ledger::keep_out(std::string_view secret)
{
  CONOS_CHECK(remember_secret(m_database->directory, secret)
                .map_error(during("keep a secret out of the ledger")));
  m_database->redactor.know(secret);
  return {};
}

Result<std::vector<Recorded>> Ledger::append(const std::vector<Row>& rows)
{
  const auto purpose = during("append to the ledger");
  for (const auto& row : rows) {
    CONOS_CHECK(check_fields(row.type, row.actor, row.payload).map_error(purpose));
    CONOS_CHECK(check_key(row.key).map_error(purpose));
  }
  if (rows.empty()) {
    return std::vector<Recorded>();
  }
  auto& database = *m_database;
  database.start_log_over();
  database.has_room = database.reserve_room();
  CONOS_CHECK(database.begin.run().map_error(purpose));
  auto recorded = database.append_locked(rows);
  const auto settled = recorded ? database.settle(*recorded) : Result<>();
  if (!recorded || !settled) {
    (void)database.rollback.run(); // SQLite may have done so itself
  }
  if (!settled) {
    (void)database.rewrite_log(); // leaves its mark when it fails
    return tl::unexpected<Error>(purpose(settled.error()));
  }
  return std::move(recorded).map_error(purpose);
}

} // namespace conos::audit
