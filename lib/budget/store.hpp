#pragma once

#include "config/door.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What agents may spend on language models and what they spent: one database, shared by all model
// doors, whose user it belongs to, and by root's tools. Every call is paid for before it is made,
// at what it can cost at most, so callers at the same time never spend more together than there is;
// afterwards it costs what it cost.
namespace conos::budget {

inline const std::string k_directory = "model";    // in /var/lib/conos; the door user's, 0700
inline const std::string k_database = "budget.db"; // in it
inline const std::string k_everybody = "*";        // as a scope, beside AGENT and @TIER

// Tokens, and money in micro-USD.
struct Amount {
  std::int64_t tokens = 0;
  std::int64_t usd = 0;
};

struct Caller {
  std::string agent;
  std::string tier;
  std::string task; // empty: none, as for a test by hand
};

// Why a call is not made, in words for a person and the model runner.
struct Refusal {
  std::string what;           // "the budget of today is used up: 4.98 of 5.00 USD"
  std::string limit;          // which: paused, tokens_task, usd_day …
  std::optional<Time> refill; // when it could be made; nothing: never, or when a person says so
};

struct Pause {
  std::string agent;
  std::optional<Time> until; // nothing: until somebody resumes it
  std::string reason;
  Time since;
};

// A limit that was set by hand, over what conos.toml says.
struct Override {
  std::string scope; // AGENT, @TIER or *
  std::string limit; // tokens_task, tokens_hour, tokens_day, usd_task, usd_day
  std::int64_t value = 0;
};

struct Spent {
  std::int64_t calls = 0;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t usd = 0;
};

// The names of limits, as conos-budget(8) has them.
bool is_limit(const std::string& name);

// "3.25 USD" of 3250000.
std::string usd_text(std::int64_t micros);

class Store
{
public:
  // In `directory`, which is there; the database is made, 0600, where `make` says so.
  // Kind::not_found when there is none. Kind::bad_data when it is not ours.
  enum class Make { no, yes };
  static Result<Store> open(const std::string& directory, Make make);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // --- for doors ---------------------------------------------------------------------------------

  // Takes `worst` out of everything it counts against, or nothing at all. `row` is the ledger's
  // payload in case nothing more is heard of the call. Gives the call's number.
  Result<std::variant<std::int64_t, Refusal>> reserve(const Caller& caller,
    const BudgetLimits& limits, std::int64_t usd_day_all, const Amount& worst,
    const std::string& row, Time now);

  // The call is over: what it was is put in place of what was reserved, once. `row` is the
  // ledger's.
  Result<> settle(std::int64_t call, const Spent& spent, const std::string& row);

  // The reserve of a call that did not come to be is given back; it leaves no row.
  Result<> release(std::int64_t call);

  // Calls an earlier door of this agent died over cost what was reserved. Gives how many.
  Result<int> charge_left(const std::string& agent);

  // A row that is no call's: a refusal, a pause.
  Result<> note(const std::string& agent, const std::string& type, const std::string& row);

  struct Row {
    std::int64_t number = 0;
    std::string type;
    std::string key;
    std::string payload;
  };
  // What the ledger has not got yet of this agent's, oldest first; at most `most`.
  Result<std::vector<Row>> unrecorded(const std::string& agent, std::size_t most);
  Result<> recorded(const std::vector<Row>& rows);

  // --- for root's steps and people ---------------------------------------------------------------

  // One that is over is none.
  Result<std::optional<Pause>> pause_of(const std::string& agent, Time now);
  Result<std::vector<Pause>> pauses(Time now);
  Result<> pause(const Pause& pause);
  // False when it was not paused.
  Result<bool> resume(const std::string& agent);

  // Nothing: what conos.toml says holds again.
  Result<> set_limit(
    const std::string& scope, const std::string& limit, std::optional<std::int64_t> value);
  Result<std::vector<Override>> overrides();

  // More for today, on top of every limit of the day and of the hour.
  Result<> add(const std::string& scope, const Amount& amount, Time now);
  // More for one task.
  Result<> add_to_task(const std::string& agent, const std::string& task, const Amount& amount);

  // What conos.toml and set_limit() together say.
  Result<BudgetLimits> limits_of(const std::string& scope, const BudgetLimits& configured);

  // Of the day, reserves included.
  Result<Amount> used_today(const std::string& scope, Time now);
  Result<Amount> added_today(const std::string& scope, Time now);

  // All calls of a task, by whichever attempt.
  Result<Spent> spent_on(const std::string& agent, const std::string& task);
  // Whether a call of this task was refused for good: a limit of the task, which nothing refills.
  Result<bool> is_out_of_budget(const std::string& agent, const std::string& task);
  Result<> mark_out_of_budget(const std::string& agent, const std::string& task);

private:
  struct Database;
  explicit Store(std::unique_ptr<Database> database);
  std::unique_ptr<Database> m_database;
};

} // namespace conos::budget
