#include "audit/verify.hpp"

#include "audit/chain.hpp"
#include "audit/schema.hpp"
#include "audit/sqlite.hpp"
#include "audit/tree.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <utility>

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

std::optional<Finding> judge_order(std::int64_t id, const Head& end)
{
  const auto next = end.id + 1;
  if (id < next) {
    return about_row(
      id, end.id == 0 ? "ids begin with 1" : fmt::format("comes after row {}", end.id));
  }
  if (id > next) {
    return about_row(
      next, id == next + 1 ? "is missing" : fmt::format("is missing, as all before row {}", id));
  }
  return std::nullopt;
}

// Nothing but its id and hash is left of it.
bool is_pruned(const Statement& row)
{
  return row.text(1).empty() && row.text(2).empty() && row.text(3).empty() && row.text(4).empty() &&
         row.blob(5).empty() && row.blob(6).size() == Digest().size();
}

// What is wrong with the row that comes after `end`; moves `end` on when nothing is.
std::optional<Finding> judge_row(const Statement& row, Head& end)
{
  if (auto bad = judge_order(row.integer(0), end)) {
    return bad;
  }
  if (!has_right_types(row)) { // asked before anything is read, which would convert it
    return about_row(row.integer(0), "a column is not of its type");
  }
  const Fields fields{row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4)};
  const auto before = end;
  if (auto bad = judge_fields(fields, row.blob(5), end)) {
    return bad;
  }
  if (!is_digest(row.blob(6), end.hash)) {
    const auto hash = std::exchange(end, before).hash;
    return about_row(fields.id, fmt::format("its hash is {}, and of what it says it is {}",
                                  hex(row.blob(6).substr(0, hash.size())), hex(hash)));
  }
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

bool is_ours(std::string_view name)
{
  return std::any_of(k_tables.begin(), k_tables.end(), [&](const auto& table) {
    return table.name == name;
  });
}

Finding does_not_belong(std::string_view name)
{
  return about_file(fmt::format("'{}' does not belong in it", escaped(name)));
}

// The tables and nothing else: a view in a table's place could show anything, a trigger do
// anything.
Result<std::optional<Finding>> judge_schema(sqlite3* connection, bool& has_tree)
{
  CONOS_TRY(const auto application, number_of(connection, "PRAGMA application_id"));
  CONOS_TRY(const auto version, number_of(connection, "PRAGMA user_version"));
  const bool known = version == k_schema_version || version == k_version_without_tree;
  if (application != k_application_id || !known) {
    return about_file(fmt::format("is not a ledger of version {}", k_schema_version));
  }
  CONOS_TRY(auto schema,
    Statement::prepare(connection, "SELECT name, sql FROM sqlite_schema ORDER BY name"));
  has_tree = version == k_schema_version;
  for (const auto& table : k_tables) {
    if (table.name == k_tree_table.name && !has_tree) {
      continue;
    }
    CONOS_TRY(const bool any, schema.step());
    if (any && !is_ours(schema.text(0))) {
      return does_not_belong(schema.text(0));
    }
    if (!any || schema.text(0) != table.name || schema.text(1) != table.sql) {
      return about_file(fmt::format("table {} is not as it was made", table.name));
    }
  }
  CONOS_TRY(const bool more, schema.step());
  return more ? does_not_belong(schema.text(0)) : std::optional<Finding>();
}

// Compares the tree that grows from the rows with the hashes the database keeps of it.
class KeptTree
{
public:
  static Result<KeptTree> prepare(sqlite3* connection)
  {
    CONOS_TRY(auto nodes, KeptNodes::prepare(connection));
    return KeptTree(connection, std::move(nodes));
  }

  void judge(unsigned level, merkle::Size index, const Digest& hash)
  {
    if (level % k_tile_height != 0 || !m_judged || *m_judged) {
      return;
    }
    const auto has = m_nodes.has(level / k_tile_height, index, hash);
    if (!has) {
      m_judged = tl::unexpected<Error>(has.error());
    } else if (!*has) {
      const auto first = (index << level) + 1;
      m_judged = about_file(fmt::format("the tree it keeps over rows {} to {} is not that of these "
                                        "rows: they or it were changed",
        first, first + (merkle::Size{1} << level) - 1));
    }
    ++m_count;
  }

  const Result<std::optional<Finding>>& judged() const { return m_judged; }

  Result<std::optional<Finding>> judge_end() const
  {
    CONOS_TRY(const auto count, number_of(m_connection, "SELECT count(*) FROM tree"));
    return count == m_count
             ? std::optional<Finding>()
             : about_file(
                 fmt::format("the tree it keeps has {} hashes, its rows make {}: rows were cut off",
                   count, m_count));
  }

private:
  KeptTree(sqlite3* connection, KeptNodes nodes)
      : m_connection(connection)
      , m_nodes(std::move(nodes))
  {
  }
  sqlite3* m_connection;
  KeptNodes m_nodes;
  std::int64_t m_count = 0;
  Result<std::optional<Finding>> m_judged = std::optional<Finding>();
};

struct Progress {
  Head end;
  std::string ts;
  merkle::Frontier tree;
  std::int64_t pruned = 0; // the first so many rows
  std::int64_t said_to_be_pruned = 0;
  std::vector<SignedRow> signed_rows;
  bool done = false; // there are no more rows
};

// One walk over the rows of a database.
class Walk
{
public:
  Walk(Progress& progress, Comparison& comparison, KeptTree* kept)
      : m_progress(progress)
      , m_comparison(comparison)
      , m_kept(kept)
  {
  }

  Result<std::optional<Finding>> judge_some(Statement& rows)
  {
    auto& end = m_progress.end;
    const auto before = end.id;
    rows.bind(1, before == 0 ? std::numeric_limits<std::int64_t>::min() : before + 1);
    rows.bind(2, k_at_once);
    for (;;) {
      CONOS_TRY(const bool any, rows.step());
      if (!any) {
        m_progress.done = end.id - before < k_at_once;
        return std::nullopt;
      }
      auto bad = judge_pruned_or_whole(rows);
      if (!bad) {
        bad = take(rows);
      }
      if (bad) {
        rows.reset();
        return bad;
      }
    }
  }

  Result<std::optional<Finding>> judge_end()
  {
    auto bad = m_comparison.judge_end(m_progress.end.id);
    bad = bad ? bad : judge_pruned();
    return bad || m_kept == nullptr ? bad : m_kept->judge_end();
  }

private:
  // Rows are pruned from the first one on, without a gap; any later one must be whole.
  std::optional<Finding> judge_pruned_or_whole(const Statement& row)
  {
    auto& end = m_progress.end;
    const bool next = m_progress.pruned == end.id && row.integer(0) == end.id + 1;
    if (!next || !has_right_types(row) || !is_pruned(row)) {
      return judge_row(row, end);
    }
    const auto hash = row.blob(6);
    end.id += 1;
    std::copy(hash.begin(), hash.end(), end.hash.begin());
    m_progress.pruned = end.id;
    return std::nullopt;
  }

  // Who prunes says so before, and nothing else vouches for the hashes than a checkpoint.
  std::optional<Finding> judge_pruned() const
  {
    const auto pruned = m_progress.pruned;
    if (pruned > m_progress.said_to_be_pruned) {
      return about_row(m_progress.said_to_be_pruned + 1,
        fmt::format("what rows {} to {} said is gone, and no row tells that they were pruned",
          m_progress.said_to_be_pruned + 1, pruned));
    }
    if (pruned > m_comparison.sealed()) {
      return about_row(m_comparison.sealed() + 1,
        fmt::format("rows {} to {} were pruned, and there is no checkpoint to hold their hashes "
                    "against",
          m_comparison.sealed() + 1, pruned));
    }
    return std::nullopt;
  }

  void note_pruning(std::string_view payload)
  {
    const auto said = nlohmann::json::parse(payload, nullptr, false);
    if (said.is_object() && said.contains("rows") && said["rows"].is_number_integer()) {
      m_progress.said_to_be_pruned =
        std::max(m_progress.said_to_be_pruned, said["rows"].get<std::int64_t>());
    }
  }

  // A good row; wrong may still be what it makes of the tree.
  std::optional<Finding> take(const Statement& row)
  {
    m_progress.ts = row.text(1);
    if (row.text(2) == k_pruned_type) {
      note_pruning(row.text(4));
    }
    if (row.text(2) == k_signed_type) {
      m_progress.signed_rows.push_back({row.integer(0), std::string(row.text(4))});
    }
    m_progress.tree.add(merkle::leaf(m_progress.end.hash),
      [this](unsigned level, merkle::Size index, const auto& hash) {
        if (m_kept != nullptr) {
          m_kept->judge(level, index, hash);
        }
      });
    return m_comparison.judge(m_progress.tree, m_progress.end.hash);
  }

  Progress& m_progress;
  Comparison& m_comparison;
  KeptTree* m_kept;
};

Result<std::optional<Finding>> judge_contents(
  sqlite3* connection, Progress& progress, Comparison& comparison)
{
  bool has_tree = false;
  CONOS_TRY(auto bad, judge_schema(connection, has_tree));
  if (bad) {
    return bad;
  }
  CONOS_TRY(auto rows, Statement::prepare(connection, k_rows));
  std::optional<KeptTree> kept;
  if (has_tree) {
    CONOS_TRY(kept, KeptTree::prepare(connection));
  }
  Walk walk(progress, comparison, kept ? &*kept : nullptr);
  for (;;) {
    CONOS_CHECK(sqlite::execute(connection, "BEGIN"));
    CONOS_TRY(bad, walk.judge_some(rows));
    if (!bad && kept) {
      CONOS_TRY(bad, kept->judged());
    }
    if (!bad && progress.done) { // in one view of the ledger, or keys could seem to lead too far
      CONOS_TRY(bad, walk.judge_end());
    }
    if (!bad && progress.done) {
      CONOS_TRY(bad, judge_keys(connection, progress.end.id));
    }
    if (bad || progress.done) {
      return bad;
    }
    CONOS_CHECK(sqlite::execute(connection, "COMMIT"));
  }
}

Result<std::optional<Finding>> judge_file(
  const std::string& file, Progress& progress, Comparison& comparison)
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
  return judge_contents(connection.get(), progress, comparison);
}

} // namespace

std::optional<Finding> judge_fields(const Fields& fields, std::string_view prev, Head& end)
{
  const auto id = fields.id;
  if (!is_timestamp(fields.ts)) {
    return about_row(id, fmt::format("'{}' is not a time", escaped(fields.ts, 80)));
  }
  if (!is_type(fields.type)) {
    return about_row(id, fmt::format("'{}' is not a type", escaped(fields.type, 80)));
  }
  if (!is_actor(fields.actor)) {
    return about_row(id, fmt::format("'{}' is not an actor", escaped(fields.actor, 80)));
  }
  if (!is_digest(prev, end.hash)) {
    return about_row(id, fmt::format("does not continue row {}, whose hash is {}; it names {}",
                           end.id, hex(end.hash), hex(prev.substr(0, end.hash.size()))));
  }
  end = {id, chain_hash(fields, end.hash)};
  return std::nullopt;
}

Result<std::optional<Finding>> judge_rows_after(
  sqlite3* connection, Head& end, const std::function<void(const Fields&)>& take)
{
  CONOS_TRY(auto rows, Statement::prepare(connection, k_rows));
  rows.bind(1, end.id == 0 ? std::numeric_limits<std::int64_t>::min() : end.id + 1);
  rows.bind(2, std::numeric_limits<std::int64_t>::max());
  for (;;) {
    CONOS_TRY(const bool any, rows.step());
    auto bad = any ? judge_row(rows, end) : std::nullopt;
    if (!any || bad) {
      rows.reset();
      return bad;
    }
    if (take) {
      take({end.id, rows.text(1), rows.text(2), rows.text(3), rows.text(4)});
    }
  }
}

Comparison::Comparison(std::vector<Expected> expected)
    : m_expected(std::move(expected))
{
  std::stable_sort(m_expected.begin(), m_expected.end(), [](const auto& a, const auto& b) {
    return a.rows < b.rows;
  });
}

std::optional<Finding> Comparison::judge(const merkle::Frontier& tree, const Digest& row)
{
  const auto rows = static_cast<std::int64_t>(tree.size());
  std::optional<Digest> root; // has a price
  for (; m_next < m_expected.size() && m_expected[m_next].rows <= rows; ++m_next) {
    const auto& expected = m_expected[m_next];
    if (expected.rows < rows) {
      continue; // of no rows at all
    }
    if (expected.of == Expected::Of::row) {
      if (expected.hash != row) {
        return Finding{
          rows, fmt::format("row {} is not the one that stands in {}: it, or one before "
                            "it, was written anew",
                  rows, expected.name)};
      }
      continue;
    }
    root = root ? root : tree.root();
    if (expected.hash != *root) {
      return Finding{m_sealed + 1,
        fmt::format("rows {} to {} are not those that checkpoint {} was signed for: one of them or "
                    "more were written anew",
          m_sealed + 1, rows, expected.name)};
    }
    m_sealed = rows;
  }
  return std::nullopt;
}

std::optional<Finding> Comparison::judge_end(std::int64_t rows) const
{
  if (m_next == m_expected.size()) {
    return std::nullopt;
  }
  const auto& longest = m_expected.back();
  const auto why =
    longest.of == Expected::Of::tree
      ? fmt::format("checkpoint {} was signed for {} rows", longest.name, longest.rows)
      : fmt::format("the last of them stands in {}", longest.name);
  return Finding{
    rows + 1, fmt::format("rows {} to {} are missing: {}", rows + 1, longest.rows, why)};
}

Result<Verdict> verify(const std::string& file, std::vector<Expected> expected)
{
  Progress progress;
  Comparison comparison(expected);
  const bool was_quiet = sqlite::is_quiet(file);
  auto judged = judge_file(file, progress, comparison);
  if ((!judged || *judged) && was_quiet && !sqlite::is_quiet(file)) {
    progress = {}; // what was taken for a copy nobody writes to is in use
    comparison = Comparison(std::move(expected));
    judged = judge_file(file, progress, comparison);
  }
  if (!judged && judged.error().kind == Kind::bad_data) {
    const auto what = fmt::format("the file is damaged ({})", judged.error().text());
    judged = progress.done || progress.end.id == 0 ? about_file(what)
                                                   : about_row(progress.end.id + 1, what);
  }
  CONOS_TRY(auto bad, std::move(judged).map_error(during(fmt::format("verify '{}'", file))));
  return Verdict{progress.end.id, hex(progress.end.hash), progress.ts, base64(progress.tree.root()),
    comparison.sealed(), progress.pruned, std::move(progress.signed_rows), std::move(bad)};
}

} // namespace conos::audit
