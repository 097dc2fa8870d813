#pragma once

#include "contract/evaluate.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the last healthchecks found, and what of that is news. Pure, but for load and save.
namespace conos::health {

using contract::Status;

// A finding is open from the run in which its check turned bad until it has passed twice running:
// one that comes and goes is one finding.
struct Finding {
  std::string key; // ID/CHECK, escaped
  Status status = Status::fail;
  std::string severity;
  std::string what;    // the contract's own words
  std::string message; // what was seen, escaped; its numbers may change from run to run
  std::string verify;
  std::string fix;
  std::string digest; // SHA-256 of the message without its numbers
  Time since;
  int good_runs = 0;             // since it was bad
  std::optional<Time> escalated; // the agent that looks after the machine was told
  std::string escalated_digest;
};

struct Recent {
  Time at;
  std::string words;
};

// What a check said the last time it was made.
struct Said {
  Status status = Status::pass;
  std::string severity;
  std::string description; // of its contract, escaped
  Time at;
  std::chrono::microseconds took{};
};

struct Unrecorded {
  std::string type;
  std::string payload;
};

struct State {
  std::optional<Time> at;     // of the last run
  std::optional<Time> hourly; // of the last one that made the dear checks
  std::string evaluation;
  std::map<std::string, Finding> findings; // open, by key
  std::map<std::string, Said> checks;      // all there are, by key
  std::vector<Recent> recent;              // changes, the newest last
  std::vector<Unrecorded> unrecorded;      // rows the ledger would not take, for the next run
  std::vector<Finding> untold;             // healed, and the agent knows it only as bad
  bool is_muted = false; // the agent has too many of our tasks, and the ledger knows
};

enum class News {
  opened,  // it turned bad
  changed, // it is bad in another way
  healed,
};

struct Change {
  News news = News::opened;
  Finding finding;
  const contract::Check* check = nullptr; // none: an invalid file, or it is no longer there
  const contract::Contract* contract = nullptr;
};

struct Step {
  State state;
  std::vector<Change> changes; // by severity, the worst first
  std::vector<Finding> exempt; // let off, and bad without that
};

// What a report changes. A check that could not be made because of another stays as it was, and so
// does one that was not selected; one that makes no sense any more (skip_if) or that no contract
// has any more is healed.
Step step(const State& before, const contract::Report& report, Time now);

// An agent is told of a finding when it is opened, when it changes, at most every ten minutes, and
// again each day; asked with the state after the step.
constexpr Duration k_least_pause = std::chrono::minutes(10);
constexpr Duration k_cool_down = std::chrono::hours(24);
bool is_due(const Finding& finding, Time now);

// Whether somebody has to look.
bool is_open(Status status);

constexpr std::size_t k_max_state_bytes = 16U << 20U;
constexpr std::size_t k_most_untold = 1000; // the oldest go

std::string to_json(const State& state);
Result<State> state_from_json(std::string_view text);

} // namespace conos::health
