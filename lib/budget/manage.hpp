#pragma once

#include "budget/store.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <optional>
#include <string>
#include <vector>

// Budgets as people see them: what there is, what was spent of it, who waits.
namespace conos::budget {

struct Standing {
  std::string scope; // AGENT, @TIER or *
  BudgetLimits limits;
  Amount used;  // today, in UTC
  Amount added; // to today's limits
  std::optional<Pause> pause;
};

// All agents that may call a model, then tiers, then all together. `lib` is /var/lib/conos.
Result<std::vector<Standing>> standings(const std::string& lib, Time now);

std::string to_json(const Standing& standing);
std::string for_people(const Standing& standing);

// AGENT, @officer, @operator, @worker or *; Kind::not_found where no such agent may call a model.
Result<> check_scope(const std::string& lib, const std::string& scope);

// "2.50" as micro-USD; Kind::usage when it is no amount of money.
Result<std::int64_t> parse_usd(const std::string& text);
Result<std::int64_t> parse_tokens(const std::string& text);

// Opens the database, and makes it for its users where no door did so yet.
Result<Store> open_for_people(const std::string& lib);

} // namespace conos::budget
