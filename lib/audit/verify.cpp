#include "audit/verify.hpp"

#include "audit/chain.hpp"
#include "audit/schema.hpp"
#include "audit/sqlite.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>

namespace conos::audit {

namespace {

using sqlite::Statement;

// Rows between two points where the ledger is let go of: a reader that never does makes its log
// grow.
constexpr std::int64_t k_at_once = 20'000;

Finding about_row(std::int64_t id, const std::string& what)
{
  return {id, fmt::format("row {}: {}", id, what)};
}

Finding about_file(const std::string& what)
{
  return {0, what};
}

constexpr std::string_view k_rows =
  "SELECT id, ts, type, actor, payload, prev_hash, hash FROM events WHERE id >= ? ORDER BY id "
  "LIMIT ?";

bool has_right_types(const Statement& row)
{
  return row.type(0) == SQLITE_INTEGER && row.type(1) == SQLITE_TEXT &&
         row.type(2) == SQLITE_TEXT && row.type(3) == SQLITE_TEXT && row.type(4) == SQLITE_TEXT &&
         row.type(5) == SQLITE_BLOB && row.type(6) == SQLITE_BLOB;
}

bool is_digest(std::string_view blob, const Digest& digest)
{
  return std::equal(blob.begin(), blob.end(), digest.begin(), digest.end(), [](char a, auto b) {
    return static_cast<unsigned char>(a) == b;
  });
}

// What is wrong with the row that comes after `end`; moves `end` on when nothing is.
std::optional<Finding> judge_row(const Statement& row, Head& end)
{
  const auto id = row.integer(0);
  const auto next = end.id + 1;
  if (id < next) {
    return about_row(
      id, end.id == 0 ? "ids begin with 1" : fmt::format("comes after row {}", end.id));
  }
  if (id > next) {
    return about_row(
      next, id == next + 1 ? "is missing" : fmt::format("is missing, as all before row {}", id));
  }
  if (!has_right_types(row)) {
    return about_row(id, "a column is not of its type");
  }
  const Fields fields{id, row.text(1), row.text(2), row.text(3), row.text(4)};
  if (!is_timestamp(fields.ts)) {
    return about_row(id, fmt::format("'{}' is not a time", escaped(fields.ts, 80)));
  }
  if (!is_type(fields.type)) {
    return about_row(id, fmt::format("'{}' is not a type", escaped(fields.type, 80)));
  }
  if (!is_actor(fields.actor)) {
    return about_row(id, fmt::format("'{}' is not an actor", escaped(fields.actor, 80)));
  }
  if (!is_digest(row.blob(5), end.hash)) {
    return about_row(id, fmt::format("does not continue row {}, whose hash is {}; it names {}",
                           end.id, hex(end.hash), hex(row.blob(5).substr(0, end.hash.size()))));
  }
  const auto hash = chain_hash(fields, end.hash);
  if (!is_digest(row.blob(6), hash)) {
    return about_row(id, fmt::format("its hash is {}, and of what it says it is {}",
                           hex(row.blob(6).substr(0, hash.size())), hex(hash)));
  }
  end = {id, hash};
  return std::nullopt;
}

// Where a key leads, and whether the keys are in the order in which they are looked up.
std::optional<Finding> judge_key(const Statement& row, std::int64_t last, std::string& before)
{
  const auto key = row.text(0);
  const auto id = row.integer(1);
  if (row.type(0) != SQLITE_TEXT || row.type(1) != SQLITE_INTEGER || id < 1 || id > last) {
    return about_file(fmt::format("key '{}' is for row {}, which is not there", escaped(key), id));
  }
  if (key <= before) {
    return about_file(fmt::format("key '{}' is out of order", escaped(key)));
  }
  before = key;
  return std::nullopt;
}

Result<std::optional<Finding>> judge_keys(sqlite3* connection, std::int64_t last)
{
  CONOS_TRY(auto keys, Statement::prepare(connection, "SELECT key, id FROM keys ORDER BY key"));
  std::string before;
  for (;;) {
    CONOS_TRY(const bool any, keys.step());
    auto bad = any ? judge_key(keys, last, before) : std::nullopt;
    if (!any || bad) {
      return bad;
    }
  }
}

Result<std::int64_t> number_of(sqlite3* connection, std::string_view sql)
{
  CONOS_TRY(auto statement, Statement::prepare(connection, sql));
  CONOS_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

// The tables and nothing else: a view in a table's place could show anything, a trigger do
// anything.
Result<std::optional<Finding>> judge_schema(sqlite3* connection)
{
  CONOS_TRY(const auto application, number_of(connection, "PRAGMA application_id"));
  CONOS_TRY(const auto version, number_of(connection, "PRAGMA user_version"));
  if (application != k_application_id || version != k_schema_version) {
    return about_file(fmt::format("is not a ledger of version {}", k_schema_version));
  }
  CONOS_TRY(auto schema,
    Statement::prepare(connection, "SELECT name, sql FROM sqlite_schema ORDER BY name"));
  for (const auto& table : k_tables) {
    CONOS_TRY(const bool any, schema.step());
    if (!any || schema.text(0) != table.name || schema.text(1) != table.sql) {
      return about_file(fmt::format("table {} is not as it was made", table.name));
    }
  }
  CONOS_TRY(const bool more, schema.step());
  return more ? about_file(fmt::format("'{}' does not belong in it", escaped(schema.text(0))))
              : std::optional<Finding>();
}

struct Progress {
  Head end;
  std::string ts;
  bool done = false; // there are no more rows
};

Result<std::optional<Finding>> judge_some_rows(Statement& rows, Progress& progress)
{
  auto& end = progress.end;
  const auto before = end.id;
  rows.bind(1, before == 0 ? std::numeric_limits<std::int64_t>::min() : before + 1);
  rows.bind(2, k_at_once);
  for (;;) {
    CONOS_TRY(const bool any, rows.step());
    if (!any) {
      progress.done = end.id - before < k_at_once;
      return std::nullopt;
    }
    if (auto bad = judge_row(rows, end)) {
      rows.reset();
      return bad;
    }
    progress.ts = rows.text(1);
  }
}

Result<std::optional<Finding>> judge_contents(sqlite3* connection, Progress& progress)
{
  CONOS_TRY(auto bad, judge_schema(connection));
  if (bad) {
    return bad;
  }
  CONOS_TRY(auto rows, Statement::prepare(connection, k_rows));
  for (;;) {
    CONOS_CHECK(sqlite::execute(connection, "BEGIN"));
    CONOS_TRY(bad, judge_some_rows(rows, progress));
    if (!bad && progress.done) { // in one view of the ledger, or keys could seem to lead too far
      CONOS_TRY(bad, judge_keys(connection, progress.end.id));
    }
    if (bad || progress.done) {
      return bad;
    }
    CONOS_CHECK(sqlite::execute(connection, "COMMIT"));
  }
}

Result<std::optional<Finding>> judge_file(const std::string& file, Progress& progress)
{
  struct stat st = {};
  if (::stat(file.c_str(), &st) < 0) {
    auto error = os_error("verify '{}'", file);
    return error.value().kind == Kind::not_found
             ? Result<std::optional<Finding>>(about_file("is not there"))
             : error;
  }
  if (S_ISREG(st.st_mode) && st.st_size == 0) {
    return about_file("is empty");
  }
  CONOS_TRY(const auto connection, sqlite::open_to_read(file, sqlite::Reading::no_trace));
  return judge_contents(connection.get(), progress);
}

} // namespace

Result<Verdict> verify(const std::string& file)
{
  Progress progress;
  const bool was_quiet = sqlite::is_quiet(file);
  auto judged = judge_file(file, progress);
  if ((!judged || *judged) && was_quiet && !sqlite::is_quiet(file)) {
    progress = {}; // what was taken for a copy nobody writes to is in use
    judged = judge_file(file, progress);
  }
  if (!judged && judged.error().kind == Kind::bad_data) {
    const auto what = fmt::format("the file is damaged ({})", judged.error().text());
    judged = progress.done || progress.end.id == 0 ? about_file(what)
                                                   : about_row(progress.end.id + 1, what);
  }
  CONOS_TRY(auto bad, std::move(judged).map_error(during(fmt::format("verify '{}'", file))));
  return Verdict{progress.end.id, hex(progress.end.hash), progress.ts, std::move(bad)};
}

} // namespace conos::audit
