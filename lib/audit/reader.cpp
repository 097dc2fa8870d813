#include "audit/reader.hpp"

#include "audit/schema.hpp"
#include "audit/sha256.hpp"
#include "audit/sqlite.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <limits>

namespace conos::audit {

using sqlite::Statement;

namespace {

// Times of one form are in order as text is.
constexpr std::string_view k_fitting =
  "SELECT id, ts, type, actor, payload, prev_hash, hash FROM events WHERE id BETWEEN ?1 AND ?2 AND "
  "ts <> '' "
  "AND (?3 = '' OR type GLOB ?3 OR type GLOB ?3 || '.*') AND (?4 = '' OR actor = ?4) "
  "AND (?5 = '' OR ts >= ?5) AND (?6 = '' OR ts <= ?6) ORDER BY id ";

constexpr std::int64_t k_last_of_all = std::numeric_limits<std::int64_t>::max();

// What is read before the ledger is let go of.
constexpr std::size_t k_rows_at_once = 4096;
constexpr std::size_t k_bytes_at_once = 4U << 20U;

Event event_in(const Statement& row)
{
  return {row.integer(0), std::string(row.text(1)), std::string(row.text(2)),
    std::string(row.text(3)), std::string(row.text(4)), hex(row.blob(5)), hex(row.blob(6))};
}

// Owns what a statement only borrows, and what SQL cannot look for.
class Bound
{
public:
  explicit Bound(const Filter& filter)
      : m_type(filter.type)
      , m_actor(filter.actor)
      , m_since(filter.since ? rfc3339(*filter.since) : "")
      , m_until(filter.until ? rfc3339(*filter.until) : "")
      , m_grep(filter.grep, RE2::Quiet)
      , m_has_grep(!filter.grep.empty())
  {
  }

  void bind_to(Statement& query, const Stretch& stretch) const
  {
    query.bind(1, stretch.first);
    query.bind(2, stretch.last);
    query.bind(3, m_type);
    query.bind(4, m_actor);
    query.bind(5, m_since);
    query.bind(6, m_until);
  }

  bool fits(std::string_view payload) const
  {
    return !m_has_grep ||
           RE2::PartialMatch(re2::StringPiece(payload.data(), payload.size()), m_grep);
  }

private:
  std::string m_type;
  std::string m_actor;
  std::string m_since;
  std::string m_until;
  RE2 m_grep;
  bool m_has_grep;
};

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

Result<> check_grep(const std::string& expression)
{
  constexpr int k_most = 500;
  const RE2 compiled(expression, RE2::Quiet);
  if (!compiled.ok()) {
    return fail(
      Kind::usage, "'{}' is no expression: {}", escaped(expression, 80), compiled.error());
  }
  if (compiled.ProgramSize() > k_most) {
    return fail(Kind::usage, "'{}' is too large an expression", escaped(expression, 80));
  }
  return {};
}

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
  CONOS_TRY(
    auto forward, Statement::prepare(raw, std::string(k_fitting) + "ASC").map_error(purpose));
  CONOS_TRY(
    auto backward, Statement::prepare(raw, std::string(k_fitting) + "DESC").map_error(purpose));
  return Reader(std::make_unique<Database>(
    Database{std::move(connection), std::move(forward), std::move(backward)}));
}

Result<> Reader::each_in(const Stretch& stretch, Order order, const Filter& filter,
  const std::function<bool(const Event&)>& take, const std::function<bool(std::int64_t)>& pass)
{
  const Bound bound(filter);
  auto& query = order == Order::forward ? m_database->forward : m_database->backward;
  bound.bind_to(query, stretch);
  for (;;) {
    CONOS_TRY(const bool row, query.step().map_error(during("read the ledger")));
    if (!row) {
      return {};
    }
    const bool more = bound.fits(query.text(4)) ? take(event_in(query)) : pass(query.integer(0));
    if (!more) {
      query.reset();
      return {};
    }
  }
}

Result<std::vector<Event>> Reader::last(std::size_t count, const Filter& filter)
{
  std::vector<Event> events;
  if (count > 0) {
    CONOS_CHECK(each_in({1, k_last_of_all}, Order::backward, filter, [&](const Event& event) {
      events.push_back(event);
      return events.size() < count;
    }));
  }
  std::reverse(events.begin(), events.end());
  return events;
}

Result<> Reader::each_after(
  std::int64_t id, const Filter& filter, const std::function<bool(const Event&)>& take)
{
  for (bool more = true; more;) {
    std::vector<Event> events;
    std::size_t bytes = 0;
    more = false;
    CONOS_CHECK(each_in({id + 1, k_last_of_all}, Order::forward, filter, [&](const Event& event) {
      bytes += event.payload.size();
      events.push_back(event);
      more = events.size() == k_rows_at_once || bytes >= k_bytes_at_once;
      return !more;
    }));
    for (const auto& event : events) {
      if (!take(event)) {
        return {};
      }
      id = event.id;
    }
  }
  return {};
}

Result<std::optional<Event>> Reader::find(const std::string& key)
{
  const auto purpose = during("read the ledger");
  CONOS_TRY(auto query,
    Statement::prepare(m_database->connection.get(),
      "SELECT events.id, ts, type, actor, payload, prev_hash, hash FROM keys JOIN events ON "
      "events.id = keys.id WHERE key = ?1")
      .map_error(purpose));
  query.bind(1, key);
  CONOS_TRY(const bool found, query.step().map_error(purpose));
  return found ? std::optional(event_in(query)) : std::nullopt;
}

Result<std::int64_t> Reader::last_id()
{
  return number_of(m_database->connection.get(), "SELECT coalesce(max(id), 0) FROM events")
    .map_error(during("read the ledger"));
}

} // namespace conos::audit
