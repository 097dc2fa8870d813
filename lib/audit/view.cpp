#include "audit/view.hpp"

#include "audit/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::audit {

namespace {

using sqlite::Statement;

Result<std::int64_t> number_of(sqlite3* connection, std::string_view sql)
{
  CONOS_TRY(auto statement, Statement::prepare(connection, sql));
  CONOS_TRY(const bool row, statement.step());
  const auto number = row ? statement.integer(0) : 0;
  statement.reset();
  return number;
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

Result<> is_ledger(sqlite3* connection)
{
  CONOS_TRY(const auto application, number_of(connection, "PRAGMA application_id"));
  CONOS_TRY(const auto version, number_of(connection, "PRAGMA user_version"));
  if (application != k_application_id || version != k_schema_version) {
    return fail(Kind::bad_data, "not a ledger of version {}", k_schema_version);
  }
  return {};
}

} // namespace

View::View(sqlite::Connection connection, StoredTree tree, std::int64_t rows)
    : m_connection(std::move(connection))
    , m_tree(std::move(tree))
    , m_rows(rows)
{
}

Result<View> View::open(const std::string& file)
{
  const auto purpose = during(fmt::format("read '{}'", file));
  CONOS_TRY(auto connection,
    sqlite::open_to_read(file, sqlite::Reading::beside_writers).map_error(purpose));
  auto* raw = connection.get();
  CONOS_CHECK(sqlite::execute(raw, "BEGIN").map_error(purpose));
  CONOS_CHECK(is_ledger(raw).map_error(purpose));
  CONOS_TRY(
    const auto rows, number_of(raw, "SELECT coalesce(max(id), 0) FROM events").map_error(purpose));
  CONOS_TRY(auto tree, StoredTree::prepare(raw).map_error(purpose));
  return View(std::move(connection), std::move(tree), rows);
}

Result<Digest> View::root(std::int64_t rows)
{
  return m_tree.root(static_cast<merkle::Size>(rows));
}

Result<Event> View::row(std::int64_t id)
{
  CONOS_TRY(
    auto find, Statement::prepare(m_connection.get(),
                 "SELECT id, ts, type, actor, payload, prev_hash, hash FROM events WHERE id = ?"));
  find.bind(1, id);
  CONOS_TRY(const bool any, find.step());
  if (!any) {
    return fail(Kind::not_found, "there is no row {}", id);
  }
  Event event{find.integer(0), std::string(find.text(1)), std::string(find.text(2)),
    std::string(find.text(3)), std::string(find.text(4)), hex(find.blob(5)), hex(find.blob(6))};
  find.reset();
  return event;
}

Result<Head> View::head(std::int64_t id)
{
  if (id == 0) {
    return Head{};
  }
  CONOS_TRY(
    auto find, Statement::prepare(m_connection.get(), "SELECT hash FROM events WHERE id = ?"));
  find.bind(1, id);
  CONOS_TRY(const bool any, find.step());
  if (!any) {
    return fail(Kind::not_found, "there is no row {}", id);
  }
  CONOS_TRY(const auto hash, digest_of(find.blob(0), id));
  find.reset();
  return Head{id, hash};
}

} // namespace conos::audit
