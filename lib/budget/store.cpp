#include "budget/store.hpp"

#include "audit/sqlite.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace conos::budget {

namespace {

namespace sqlite = audit::sqlite;

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::array<std::string_view, 5> k_limits{
  "tokens_task", "tokens_hour", "tokens_day", "usd_task", "usd_day"};
constexpr std::int64_t k_hour_ms = 3'600'000;
constexpr std::int64_t k_kept_ms = 90 * 24 * k_hour_ms; // how long calls are remembered

// Totals stand beside the calls, so a decision never adds up a history. `used` counts by scope and
// period: a day for AGENT, @TIER and *, nothing for task:AGENT/ID. `bucket` is in thousandths of
// tokens, what is to come back; rows of the ledger wait in `rows` until it has them.
constexpr const char* k_schema = R"(
CREATE TABLE IF NOT EXISTS calls(id INTEGER PRIMARY KEY, agent TEXT NOT NULL, tier TEXT NOT NULL,
  task TEXT NOT NULL, day TEXT NOT NULL, began_ms INTEGER NOT NULL, tokens INTEGER NOT NULL,
  usd INTEGER NOT NULL, input INTEGER NOT NULL DEFAULT 0, output INTEGER NOT NULL DEFAULT 0,
  open INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS calls_task ON calls(agent, task);
CREATE INDEX IF NOT EXISTS calls_open ON calls(agent) WHERE open = 1;
CREATE TABLE IF NOT EXISTS used(scope TEXT NOT NULL, period TEXT NOT NULL,
  tokens INTEGER NOT NULL DEFAULT 0, usd INTEGER NOT NULL DEFAULT 0,
  more_tokens INTEGER NOT NULL DEFAULT 0, more_usd INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(scope, period)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bucket(agent TEXT PRIMARY KEY, owed INTEGER NOT NULL,
  at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS limits(scope TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY(scope, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS paused(agent TEXT PRIMARY KEY, until_ms INTEGER, reason TEXT NOT NULL,
  since_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spent_out(agent TEXT NOT NULL, task TEXT NOT NULL,
  PRIMARY KEY(agent, task)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rows(id INTEGER PRIMARY KEY, agent TEXT NOT NULL, call INTEGER,
  type TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL, ready INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS rows_ready ON rows(agent, id) WHERE ready = 1;
CREATE INDEX IF NOT EXISTS rows_call ON rows(call);
)";

std::int64_t ms_of(Time time)
{
  return duration_cast<milliseconds>(time.time_since_epoch()).count();
}

Time time_of(std::int64_t ms)
{
  return Time(milliseconds(ms));
}

Time next_day(Time now)
{
  return std::chrono::ceil<std::chrono::days>(now + milliseconds(1));
}

std::string task_scope(const std::string& agent, const std::string& task)
{
  return "task:" + agent + "/" + task;
}

std::int64_t& value_in(BudgetLimits& limits, std::string_view name)
{
  if (name == "tokens_task") {
    return limits.tokens_task;
  }
  if (name == "tokens_hour") {
    return limits.tokens_hour;
  }
  if (name == "tokens_day") {
    return limits.tokens_day;
  }
  return name == "usd_task" ? limits.usd_task : limits.usd_day;
}

std::string amount_text(std::string_view limit, std::int64_t value)
{
  return limit.starts_with("usd") ? usd_text(value) : fmt::format("{} tokens", value);
}

// Of the row, 0 where it has none.
struct Used {
  Amount spent;
  Amount more;
};

} // namespace

struct Store::Database {
  sqlite::Connection connection;

  sqlite3* get() const { return connection.get(); }

  // All of `body` or nothing; whoever else writes waits.
  template<class Body>
  auto alone(const Body& body) -> decltype(body())
  {
    if (auto begun = sqlite::execute(get(), "BEGIN IMMEDIATE"); !begun) {
      return tl::unexpected<Error>(begun.error());
    }
    auto result = body();
    if (auto ended = sqlite::execute(get(), result ? "COMMIT" : "ROLLBACK"); !ended && result) {
      (void)sqlite::execute(get(), "ROLLBACK");
      return tl::unexpected<Error>(ended.error());
    }
    return result;
  }

  template<class... Values>
  Result<sqlite::Statement> bound(std::string_view sql, const Values&... values)
  {
    CONOS_TRY(auto statement, sqlite::Statement::prepare(get(), sql));
    int place = 0;
    (bind(statement, ++place, values), ...);
    return statement;
  }

  template<class... Values>
  Result<> run(std::string_view sql, const Values&... values)
  {
    CONOS_TRY(auto statement, bound(sql, values...));
    return statement.run();
  }

  // The first column of the first row.
  template<class... Values>
  Result<std::optional<std::int64_t>> number(std::string_view sql, const Values&... values)
  {
    CONOS_TRY(auto statement, bound(sql, values...));
    CONOS_TRY(const bool found, statement.step());
    return found ? std::optional(statement.integer(0)) : std::nullopt;
  }

  static void bind(sqlite::Statement& statement, int place, std::int64_t value)
  {
    statement.bind(place, value);
  }
  static void bind(sqlite::Statement& statement, int place, const std::string& value)
  {
    statement.bind(place, std::string_view(value));
  }

  Result<Used> used(const std::string& scope, const std::string& period)
  {
    CONOS_TRY(auto row, bound("SELECT tokens, usd, more_tokens, more_usd FROM used "
                              "WHERE scope = ?1 AND period = ?2",
                          scope, period));
    CONOS_TRY(const bool found, row.step());
    return found ? Used{{row.integer(0), row.integer(1)}, {row.integer(2), row.integer(3)}}
                 : Used();
  }

  Result<> count(const std::string& scope, const std::string& period, const Amount& amount)
  {
    return run("INSERT INTO used(scope, period, tokens, usd) VALUES(?1, ?2, ?3, ?4) "
               "ON CONFLICT DO UPDATE SET tokens = tokens + ?3, usd = usd + ?4",
      scope, period, amount.tokens, amount.usd);
  }

  Result<> count_everywhere(const Caller& caller, const std::string& day, const Amount& amount)
  {
    CONOS_CHECK(count(caller.agent, day, amount));
    CONOS_CHECK(count("@" + caller.tier, day, amount));
    CONOS_CHECK(count(k_everybody, day, amount));
    return caller.task.empty() ? Result<>{}
                               : count(task_scope(caller.agent, caller.task), "", amount);
  }

  Result<BudgetLimits> limits(const std::string& scope, BudgetLimits limits)
  {
    CONOS_TRY(auto row, bound("SELECT name, value FROM limits WHERE scope = ?1", scope));
    for (;;) {
      CONOS_TRY(const bool more, row.step());
      if (!more) {
        return limits;
      }
      value_in(limits, row.text(0)) = row.integer(1);
    }
  }

  // In thousandths of tokens, what has not come back by now; nothing is owed where there is no
  // limit.
  Result<std::int64_t> owed(const std::string& agent, std::int64_t limit, Time now)
  {
    CONOS_TRY(auto row, bound("SELECT owed, at_ms FROM bucket WHERE agent = ?1", agent));
    CONOS_TRY(const bool found, row.step());
    if (!found) {
      return 0;
    }
    const auto passed = std::clamp<std::int64_t>(ms_of(now) - row.integer(1), 0, k_hour_ms);
    const auto back = limit * passed / 3600; // the limit an hour is so much a millisecond
    return std::max<std::int64_t>(0, row.integer(0) - back);
  }

  Result<> owe(const std::string& agent, std::int64_t owed_now, Time now)
  {
    return run("INSERT INTO bucket VALUES(?1, ?2, ?3) "
               "ON CONFLICT DO UPDATE SET owed = ?2, at_ms = ?3",
      agent, owed_now, ms_of(now));
  }

  // What is against it, nothing if nothing is.
  Result<std::optional<Refusal>> objection(const Caller& caller, const BudgetLimits& configured,
    std::int64_t usd_day_all, const Amount& worst, Time now)
  {
    CONOS_TRY(const auto own, limits(caller.agent, configured));
    CONOS_TRY(const auto tier, limits("@" + caller.tier, {}));
    BudgetLimits all;
    all.usd_day = usd_day_all;
    CONOS_TRY(all, limits(k_everybody, all));

    CONOS_TRY(auto found, paused(caller.agent, now));
    if (found) {
      return found;
    }
    if (!caller.task.empty()) {
      const auto scope = task_scope(caller.agent, caller.task);
      CONOS_TRY(const auto task, used(scope, ""));
      found = over("this task", {own.tokens_task, own.usd_task}, "task", task, worst, std::nullopt);
    }
    const auto day = date_stamp(now);
    const std::array<std::tuple<std::string, std::string, Amount>, 3> days{{
      {caller.agent, "agent " + caller.agent + " today", {own.tokens_day, own.usd_day}},
      {"@" + caller.tier, "all " + caller.tier + "s today", {tier.tokens_day, tier.usd_day}},
      {k_everybody, "all agents today", {all.tokens_day, all.usd_day}},
    }};
    for (const auto& [scope, whose, limit] : days) {
      if (!found) {
        CONOS_TRY(const auto today, used(scope, day));
        found = over(whose, limit, "day", today, worst, next_day(now));
      }
    }
    if (!found && own.tokens_hour > 0) {
      CONOS_TRY(found, over_hour(caller.agent, own.tokens_hour, worst.tokens, now));
    }
    return found;
  }

  Result<std::optional<Refusal>> paused(const std::string& agent, Time now)
  {
    CONOS_TRY(auto row, bound("SELECT until_ms, reason FROM paused WHERE agent = ?1", agent));
    CONOS_TRY(const bool found, row.step());
    if (!found) {
      return std::nullopt;
    }
    const bool has_end = row.type(0) != SQLITE_NULL;
    if (has_end && row.integer(0) <= ms_of(now)) {
      return std::nullopt;
    }
    return Refusal{"the budget of agent " + agent + " is paused: " + std::string(row.text(1)),
      "paused", has_end ? std::optional(time_of(row.integer(0))) : std::nullopt};
  }

  static std::optional<Refusal> over(const std::string& whose, const Amount& limit,
    const std::string& period, const Used& used, const Amount& worst, std::optional<Time> refill)
  {
    const auto check = [&](const std::string& name, std::int64_t most, std::int64_t more,
                         std::int64_t spent, std::int64_t asked) -> std::optional<Refusal> {
      if (most <= 0 || spent + asked <= most + more) {
        return std::nullopt;
      }
      return Refusal{
        fmt::format("the budget of {} does not reach: {} of {} are used, and this call "
                    "may take up to {}",
          whose, amount_text(name, spent), amount_text(name, most + more),
          amount_text(name, asked)),
        name, asked > most ? std::nullopt : refill};
    };
    auto found =
      check("tokens_" + period, limit.tokens, used.more.tokens, used.spent.tokens, worst.tokens);
    return found ? found
                 : check("usd_" + period, limit.usd, used.more.usd, used.spent.usd, worst.usd);
  }

  Result<std::optional<Refusal>> over_hour(
    const std::string& agent, std::int64_t limit, std::int64_t tokens, Time now)
  {
    CONOS_TRY(const auto owed_now, owed(agent, limit, now));
    const auto missing = owed_now + tokens * 1000 - limit * 1000;
    if (missing <= 0) {
      return std::nullopt;
    }
    const auto wait = missing * 3600 / limit / 1000 + 1; // seconds, rounded up
    return Refusal{fmt::format("agent {} has {} of its {} tokens an hour left, and this call may "
                               "take up to {}",
                     agent, std::max<std::int64_t>(0, limit - owed_now / 1000), limit, tokens),
      "tokens_hour",
      tokens > limit ? std::nullopt : std::optional(now + std::chrono::seconds(wait))};
  }

  struct Call {
    Caller caller;
    std::string day;
    Amount reserved;
    bool open = false;
  };

  Result<Call> call(std::int64_t id)
  {
    CONOS_TRY(auto row,
      bound("SELECT agent, tier, task, day, tokens, usd, open FROM calls WHERE id = ?1", id));
    CONOS_TRY(const bool found, row.step());
    if (!found) {
      return fail(Kind::not_found, "there is no call {}", id);
    }
    Call call;
    call.caller = {std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))};
    call.day = row.text(3);
    call.reserved = {row.integer(4), row.integer(5)};
    call.open = row.integer(6) != 0;
    return call;
  }

  // In place of what was reserved.
  Result<> correct(const Call& call, const Amount& actual)
  {
    const Amount change{actual.tokens - call.reserved.tokens, actual.usd - call.reserved.usd};
    CONOS_CHECK(count_everywhere(call.caller, call.day, change));
    return run("UPDATE bucket SET owed = max(0, owed + ?2) WHERE agent = ?1", call.caller.agent,
      change.tokens * 1000);
  }
};

bool is_limit(const std::string& name)
{
  return std::find(k_limits.begin(), k_limits.end(), name) != k_limits.end();
}

std::string usd_text(std::int64_t micros)
{
  auto text = fmt::format("{}.{:06}", micros / 1'000'000, micros % 1'000'000);
  const auto last = text.find_last_not_of('0');
  text.resize(std::max(last + 1, text.size() - 4)); // cents at least
  return text + " USD";
}

Store::Store(std::unique_ptr<Database> database)
    : m_database(std::move(database))
{
}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::string& directory, Make make)
{
  CONOS_TRY(const auto dir, open_dir(directory));
  if (make == Make::no) {
    CONOS_CHECK(stat_at(dir, k_database)); // Kind::not_found
  }
  auto database = std::make_unique<Database>();
  const auto file = directory + "/" + k_database;
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &connection,
    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | (make == Make::yes ? SQLITE_OPEN_CREATE : 0),
    nullptr);
  database->connection.reset(connection);
  if (code != SQLITE_OK) {
    return sqlite::failure(connection, "open '" + file + "'");
  }
  // it is the doors' user's: what such a file could make SQLite do for root is switched off
  (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  (void)sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite::wait_for_others(connection);
  CONOS_CHECK(sqlite::execute(connection, "PRAGMA journal_mode=WAL"));
  // A power cut may forget the last calls here, never the order of them; the ledger has their rows.
  CONOS_CHECK(sqlite::execute(connection, "PRAGMA synchronous=NORMAL"));
  if (make == Make::yes) {
    CONOS_CHECK(sqlite::execute(connection, k_schema));
    CONOS_CHECK(database->run(
      "DELETE FROM calls WHERE open = 0 AND began_ms < ?1", ms_of(now()) - k_kept_ms));
  }
  return Store(std::move(database));
}

// --- doors ---------------------------------------------------------------------------------------

Result<std::variant<std::int64_t, Refusal>> Store::reserve(const Caller& caller,
  const BudgetLimits& limits, std::int64_t usd_day_all, const Amount& worst, const std::string& row,
  Time now)
{
  using Answer = std::variant<std::int64_t, Refusal>;
  auto& db = *m_database;
  return db.alone([&]() -> Result<Answer> {
    CONOS_TRY(auto objection, db.objection(caller, limits, usd_day_all, worst, now));
    if (objection) {
      return Answer(std::move(*objection));
    }
    const auto day = date_stamp(now);
    CONOS_CHECK(db.count_everywhere(caller, day, worst));
    CONOS_TRY(const auto own, db.limits(caller.agent, limits));
    CONOS_TRY(const auto owed, db.owed(caller.agent, own.tokens_hour, now));
    CONOS_CHECK(db.owe(caller.agent, owed + worst.tokens * 1000, now));
    CONOS_CHECK(db.run("INSERT INTO calls(agent, tier, task, day, began_ms, tokens, usd, open) "
                       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)",
      caller.agent, caller.tier, caller.task, day, ms_of(now), worst.tokens, worst.usd));
    const std::int64_t id = sqlite3_last_insert_rowid(db.get());
    CONOS_TRY(const auto key, random_hex(16));
    CONOS_CHECK(db.run("INSERT INTO rows(agent, call, type, key, payload, ready) "
                       "VALUES(?1, ?2, 'model.called', ?3, ?4, 0)",
      caller.agent, id, "call/" + key, row));
    return Answer(id);
  });
}

Result<> Store::settle(std::int64_t call, const Spent& spent, const std::string& row)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<> {
    CONOS_TRY(const auto known, db.call(call));
    if (!known.open) {
      return {};
    }
    const Amount actual{spent.input_tokens + spent.output_tokens, spent.usd};
    CONOS_CHECK(db.correct(known, actual));
    CONOS_CHECK(db.run("UPDATE calls SET open = 0, tokens = ?2, usd = ?3, input = ?4, output = ?5 "
                       "WHERE id = ?1",
      call, actual.tokens, actual.usd, spent.input_tokens, spent.output_tokens));
    return db.run("UPDATE rows SET ready = 1, payload = ?2 WHERE call = ?1", call, row);
  });
}

Result<> Store::release(std::int64_t call)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<> {
    CONOS_TRY(const auto known, db.call(call));
    if (!known.open) {
      return {};
    }
    CONOS_CHECK(db.correct(known, {}));
    CONOS_CHECK(db.run("DELETE FROM rows WHERE call = ?1", call));
    return db.run("DELETE FROM calls WHERE id = ?1", call);
  });
}

Result<int> Store::charge_left(const std::string& agent)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<int> {
    CONOS_CHECK(db.run("UPDATE rows SET ready = 1 WHERE call IN "
                       "(SELECT id FROM calls WHERE agent = ?1 AND open = 1)",
      agent));
    CONOS_CHECK(
      db.run("UPDATE calls SET open = 0, input = tokens WHERE agent = ?1 AND open = 1", agent));
    return sqlite3_changes(db.get());
  });
}

Result<> Store::note(const std::string& agent, const std::string& type, const std::string& row)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<> {
    CONOS_TRY(const auto key, random_hex(16));
    return db.run("INSERT INTO rows(agent, type, key, payload, ready) VALUES(?1, ?2, ?3, ?4, 1)",
      agent, type, "note/" + key, row);
  });
}

Result<std::vector<Store::Row>> Store::unrecorded(const std::string& agent, std::size_t most)
{
  CONOS_TRY(auto row,
    m_database->bound("SELECT id, type, key, payload FROM rows WHERE agent = ?1 AND ready = 1 "
                      "ORDER BY id LIMIT ?2",
      agent, static_cast<std::int64_t>(most)));
  std::vector<Row> rows;
  for (;;) {
    CONOS_TRY(const bool more, row.step());
    if (!more) {
      return rows;
    }
    rows.push_back({row.integer(0), std::string(row.text(1)), std::string(row.text(2)),
      std::string(row.text(3))});
  }
}

Result<> Store::recorded(const std::vector<Row>& rows)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<> {
    for (const auto& row : rows) {
      CONOS_CHECK(db.run("DELETE FROM rows WHERE id = ?1", row.number));
    }
    return {};
  });
}

// --- pauses --------------------------------------------------------------------------------------

Result<std::vector<Pause>> Store::pauses(Time now)
{
  CONOS_TRY(auto row, m_database->bound("SELECT agent, until_ms, reason, since_ms FROM paused "
                                        "WHERE until_ms IS NULL OR until_ms > ?1 ORDER BY agent",
                        ms_of(now)));
  std::vector<Pause> all;
  for (;;) {
    CONOS_TRY(const bool more, row.step());
    if (!more) {
      return all;
    }
    const bool has_end = row.type(1) != SQLITE_NULL;
    all.push_back(
      {std::string(row.text(0)), has_end ? std::optional(time_of(row.integer(1))) : std::nullopt,
        std::string(row.text(2)), time_of(row.integer(3))});
  }
}

Result<std::optional<Pause>> Store::pause_of(const std::string& agent, Time now)
{
  CONOS_TRY(const auto all, pauses(now));
  const auto found = std::find_if(all.begin(), all.end(), [&](const Pause& pause) {
    return pause.agent == agent;
  });
  return found == all.end() ? std::nullopt : std::optional(*found);
}

Result<> Store::pause(const Pause& pause)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<> {
    CONOS_CHECK(db.run("INSERT OR REPLACE INTO paused VALUES(?1, NULL, ?2, ?3)", pause.agent,
      pause.reason, ms_of(pause.since)));
    return pause.until ? db.run("UPDATE paused SET until_ms = ?2 WHERE agent = ?1", pause.agent,
                           ms_of(*pause.until))
                       : Result<>{};
  });
}

Result<bool> Store::resume(const std::string& agent)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<bool> {
    CONOS_CHECK(db.run("DELETE FROM paused WHERE agent = ?1", agent));
    return sqlite3_changes(db.get()) > 0;
  });
}

// --- limits --------------------------------------------------------------------------------------

Result<> Store::set_limit(
  const std::string& scope, const std::string& limit, std::optional<std::int64_t> value)
{
  if (!is_limit(limit)) {
    return fail(Kind::usage, "there is no limit '{}'", escaped(limit, 80));
  }
  auto& db = *m_database;
  return db.alone([&]() -> Result<> {
    return value ? db.run("INSERT OR REPLACE INTO limits VALUES(?1, ?2, ?3)", scope, limit, *value)
                 : db.run("DELETE FROM limits WHERE scope = ?1 AND name = ?2", scope, limit);
  });
}

Result<std::vector<Override>> Store::overrides()
{
  CONOS_TRY(
    auto row, m_database->bound("SELECT scope, name, value FROM limits ORDER BY scope, name"));
  std::vector<Override> all;
  for (;;) {
    CONOS_TRY(const bool more, row.step());
    if (!more) {
      return all;
    }
    all.push_back({std::string(row.text(0)), std::string(row.text(1)), row.integer(2)});
  }
}

Result<BudgetLimits> Store::limits_of(const std::string& scope, const BudgetLimits& configured)
{
  return m_database->limits(scope, configured);
}

namespace {

constexpr std::string_view k_add =
  "INSERT INTO used(scope, period, more_tokens, more_usd) VALUES(?1, ?2, ?3, ?4) "
  "ON CONFLICT DO UPDATE SET more_tokens = more_tokens + ?3, more_usd = more_usd + ?4";

}

Result<> Store::add(const std::string& scope, const Amount& amount, Time now)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<> {
    CONOS_CHECK(db.run(
      "UPDATE bucket SET owed = max(0, owed - ?2) WHERE agent = ?1", scope, amount.tokens * 1000));
    return db.run(k_add, scope, date_stamp(now), amount.tokens, amount.usd);
  });
}

Result<> Store::add_to_task(const std::string& agent, const std::string& task, const Amount& amount)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<> {
    CONOS_CHECK(db.run("DELETE FROM spent_out WHERE agent = ?1 AND task = ?2", agent, task));
    return db.run(k_add, task_scope(agent, task), std::string(), amount.tokens, amount.usd);
  });
}

Result<Amount> Store::used_today(const std::string& scope, Time now)
{
  CONOS_TRY(const auto used, m_database->used(scope, date_stamp(now)));
  return used.spent;
}

Result<Amount> Store::added_today(const std::string& scope, Time now)
{
  CONOS_TRY(const auto used, m_database->used(scope, date_stamp(now)));
  return used.more;
}

// --- tasks ---------------------------------------------------------------------------------------

Result<Spent> Store::spent_on(const std::string& agent, const std::string& task)
{
  CONOS_TRY(auto row, m_database->bound("SELECT count(*), sum(input), sum(output), sum(usd) "
                                        "FROM calls WHERE agent = ?1 AND task = ?2",
                        agent, task));
  CONOS_CHECK(row.step());
  return Spent{row.integer(0), row.integer(1), row.integer(2), row.integer(3)};
}

Result<bool> Store::is_out_of_budget(const std::string& agent, const std::string& task)
{
  CONOS_TRY(const auto found,
    m_database->number("SELECT 1 FROM spent_out WHERE agent = ?1 AND task = ?2", agent, task));
  return found.has_value();
}

Result<> Store::mark_out_of_budget(const std::string& agent, const std::string& task)
{
  auto& db = *m_database;
  return db.alone([&]() -> Result<> {
    return db.run("INSERT OR IGNORE INTO spent_out VALUES(?1, ?2)", agent, task);
  });
}

} // namespace conos::budget
