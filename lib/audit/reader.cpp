#include "audit/reader.hpp"

#include "audit/schema.hpp"
#include "audit/sha256.hpp"
#include "audit/sqlite.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::audit {

using sqlite::Statement;

namespace {

// Times of one form are in order as text is.
constexpr std::string_view k_fitting =
  "SELECT id, ts, type, actor, payload, prev_hash, hash FROM events WHERE id > ?1 AND ts <> '' "
  "AND (?2 = '' OR type GLOB ?2 OR type GLOB ?2 || '.*') AND (?3 = '' OR actor = ?3) "
  "AND (?4 = '' OR ts >= ?4) ORDER BY id ";

constexpr std::int64_t k_from_the_first = 0;
constexpr std::int64_t k_at_once = 4096;

Event event_in(const Statement& row)
{
  return {row.integer(0), std::string(row.text(1)), std::string(row.text(2)),
    std::string(row.text(3)), std::string(row.text(4)), hex(row.blob(5)), hex(row.blob(6))};
}

// Owns what a statement only borrows.
struct Bound {
  explicit Bound(const Filter& filter)
      : type(filter.type)
      , actor(filter.actor)
      , since(filter.since ? rfc3339(*filter.since) : "")
  {
  }
  std::string type;
  std::string actor;
  std::string since;
};

Result<std::vector<Event>> fetch(
  Statement& query, std::int64_t after, const Bound& bound, std::int64_t count)
{
  query.bind(1, after);
  query.bind(2, bound.type);
  query.bind(3, bound.actor);
  query.bind(4, bound.since);
  query.bind(5, count);
  std::vector<Event> events;
  for (;;) {
    CONOS_TRY(const bool row, query.step());
    if (!row) {
      return events;
    }
    events.push_back(event_in(query));
  }
}

Result<std::int64_t> number_of(sqlite3* connection, std::string_view sql)
{
  CONOS_TRY(auto statement, Statement::prepare(connection, sql));
  CONOS_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Result<> is_ledger(sqlite3* connection)
{
  CONOS_TRY(const auto application, number_of(connection, "PRAGMA application_id"));
  CONOS_TRY(const auto version, number_of(connection, "PRAGMA user_version"));
  const bool known = version == k_schema_version || version == k_version_without_tree;
  if (application != k_application_id || !known) {
    return fail(Kind::bad_data, "not a ledger of version {}", k_schema_version);
  }
  return {};
}

} // namespace

struct Reader::Database {
  sqlite::Connection connection; // declared before its statements, which must go first
  Statement forward;
  Statement backward;
};

Event event_of(const Row& row, const Recorded& recorded)
{
  return {recorded.id, recorded.ts, row.type, row.actor,
    recorded.payload.empty() ? row.payload : recorded.payload, recorded.prev_hash, recorded.hash};
}

Reader::Reader(std::unique_ptr<Database> database)
    : m_database(std::move(database))
{
}

Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::open(const std::string& file)
{
  const auto purpose = during(fmt::format("read '{}'", file));
  CONOS_TRY(auto connection,
    sqlite::open_to_read(file, sqlite::Reading::beside_writers).map_error(purpose));
  auto* raw = connection.get();
  CONOS_CHECK(is_ledger(raw).map_error(purpose));
  CONOS_TRY(auto forward,
    Statement::prepare(raw, std::string(k_fitting) + "ASC LIMIT ?5").map_error(purpose));
  CONOS_TRY(auto backward,
    Statement::prepare(raw, std::string(k_fitting) + "DESC LIMIT ?5").map_error(purpose));
  return Reader(std::make_unique<Database>(
    Database{std::move(connection), std::move(forward), std::move(backward)}));
}

Result<std::vector<Event>> Reader::last(std::size_t count, const Filter& filter)
{
  constexpr std::size_t k_most = 1U << 30U;
  CONOS_TRY(auto events, fetch(m_database->backward, k_from_the_first, Bound(filter),
                           static_cast<std::int64_t>(std::min(count, k_most)))
                           .map_error(during("read the ledger")));
  std::reverse(events.begin(), events.end());
  return events;
}

Result<> Reader::each_after(
  std::int64_t id, const Filter& filter, const std::function<bool(const Event&)>& take)
{
  const Bound bound(filter);
  for (;;) {
    CONOS_TRY(const auto events,
      fetch(m_database->forward, id, bound, k_at_once).map_error(during("read the ledger")));
    for (const auto& event : events) {
      if (!take(event)) {
        return {};
      }
      id = event.id;
    }
    if (events.size() < k_at_once) {
      return {};
    }
  }
}

Result<std::int64_t> Reader::last_id()
{
  return number_of(m_database->connection.get(), "SELECT coalesce(max(id), 0) FROM events")
    .map_error(during("read the ledger"));
}

} // namespace conos::audit
