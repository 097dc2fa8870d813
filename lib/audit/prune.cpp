#include "audit/prune.hpp"

#include "audit/chain.hpp"
#include "audit/evidence.hpp"
#include "audit/place.hpp"
#include "audit/sqlite.hpp"
#include "audit/verify.hpp"
#include "audit/view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::audit {

namespace {

using sqlite::Statement;

constexpr std::int64_t k_at_once = 4096; // a writer waits for so many at most

// How many rows the last checkpoint of a ledger that is as it was written covers.
Result<std::int64_t> covered_rows(const std::string& directory, const Journal& journal)
{
  CONOS_TRY(const auto evidence, gather(directory, std::nullopt, journal));
  CONOS_TRY(const auto verdict, verify(directory + "/" + k_database, evidence.expected));
  auto bad = verdict.bad;
  bad = !bad && !evidence.bad.empty() ? evidence.bad.front() : bad;
  bad = bad ? bad : judge_signed_rows(verdict, evidence);
  if (bad) {
    return fail(Kind::bad_data, "will not prune what does not verify: {}", bad->what);
  }
  return evidence.kept.empty() ? 0 : evidence.kept.back().checkpoint.rows;
}

Result<std::int64_t> number_of(Statement& statement)
{
  CONOS_TRY(const bool any, statement.step());
  const auto number = any ? statement.integer(0) : 0;
  statement.reset();
  return number;
}

Result<Pruning> find_rows(const std::string& file, Time before)
{
  CONOS_TRY(auto view, View::open(file));
  auto* raw = view.connection();
  const auto since = rfc3339(before);
  CONOS_TRY(auto first, Statement::prepare(raw, "SELECT coalesce(min(id), 0) FROM events "
                                                "WHERE ts >= ?"));
  first.bind(1, since);
  CONOS_TRY(const auto kept, number_of(first));
  Pruning pruning;
  pruning.rows = kept == 0 ? view.rows() : kept - 1;
  CONOS_TRY(auto gone,
    Statement::prepare(raw, "SELECT coalesce(max(id), 0) FROM events WHERE ts = '' AND id <= ?"));
  gone.bind(1, pruning.rows);
  CONOS_TRY(pruning.already, number_of(gone));
  return pruning;
}

Result<std::int64_t> bytes_of_rows(const std::string& file, std::int64_t last)
{
  CONOS_TRY(auto view, View::open(file));
  CONOS_TRY(auto bytes, Statement::prepare(view.connection(),
                          "SELECT coalesce(sum(length(CAST(payload AS BLOB)) + length(type) + "
                          "length(actor) + length(ts)), 0) FROM events WHERE id <= ?"));
  bytes.bind(1, last);
  return number_of(bytes);
}

Result<> drop_bodies(const std::string& file, const Pruning& pruning)
{
  CONOS_TRY(const auto connection, sqlite::open_to_write(file));
  auto* raw = connection.get();
  CONOS_CHECK(sqlite::execute(raw, "PRAGMA synchronous=FULL"));
  CONOS_CHECK(sqlite::execute(raw, "PRAGMA secure_delete=ON"));
  CONOS_TRY(
    auto drop, Statement::prepare(raw, "UPDATE events SET ts='', type='', actor='', payload='', "
                                       "prev_hash=x'' WHERE id > ?1 AND id <= ?2"));
  for (auto id = pruning.already; id < pruning.rows; id += k_at_once) { // from the first one up
    drop.bind(1, id);
    drop.bind(2, std::min(id + k_at_once, pruning.rows));
    CONOS_CHECK(drop.run());
  }
  return sqlite::fold_log(raw); // which still has what went
}

// A crash may have left in the log what went before.
Result<Pruning> finished(const std::string& file, const Pruning& pruning, Prune how)
{
  if (how == Prune::go && pruning.already > 0) {
    CONOS_TRY(const auto connection, sqlite::open_to_write(file));
    CONOS_CHECK(sqlite::fold_log(connection.get()));
  }
  return pruning;
}

} // namespace

Result<Pruning> prune(const std::string& directory, Time before, const std::string& actor,
  const Journal& journal, Prune how)
{
  const auto purpose = during(fmt::format("prune the ledger in '{}'", directory));
  const auto file = directory + "/" + k_database;
  CONOS_TRY(auto pruning, find_rows(file, before).map_error(purpose));
  if (pruning.rows <= pruning.already) {
    return finished(file, pruning, how).map_error(purpose);
  }
  CONOS_TRY(const auto covered, covered_rows(directory, journal).map_error(purpose));
  pruning.uncovered = std::max<std::int64_t>(0, pruning.rows - covered);
  pruning.rows -= pruning.uncovered;
  CONOS_TRY(pruning.bytes, bytes_of_rows(file, pruning.rows).map_error(purpose));
  if (how == Prune::look || pruning.rows <= pruning.already) {
    return finished(file, pruning, how).map_error(purpose);
  }
  pruning.row = {std::string(k_pruned_type), actor,
    fmt::format(R"({{"before":"{}","rows":{}}})", rfc3339(before), pruning.rows),
    fmt::format("pruned/{}", pruning.rows)};
  CONOS_TRY(auto ledger, Ledger::open(directory));
  CONOS_TRY(auto recorded, ledger.append({pruning.row}));
  if (!recorded.front().already) {
    pruning.recorded = std::move(recorded.front());
  }
  CONOS_CHECK(drop_bodies(file, pruning).map_error(purpose));
  return pruning;
}

} // namespace conos::audit
