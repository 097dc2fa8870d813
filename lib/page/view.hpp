#pragma once

#include "budget/manage.hpp"
#include "contract/evaluate.hpp"
#include "facts/facts.hpp"
#include "gate/record.hpp"
#include "health/state.hpp"
#include "page/samples.hpp"
#include "sys/clock.hpp"
#include "task/find.hpp"
#include "task/site.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// All that the page and the metrics tell of: structured state, read from where it is kept.
namespace conos::page {

constexpr std::size_t k_most_tasks = 20;     // the newest
constexpr std::size_t k_most_findings = 100; // shown, of each of these four
constexpr std::size_t k_most_requests = 50;
constexpr std::size_t k_most_checks = 1000;
constexpr std::size_t k_most_agents = 256;
constexpr std::size_t k_most_events = 12;

struct LedgerView {
  std::int64_t rows = 0;
  std::string hash; // of the last row
  std::string at;   // when it was written
  std::int64_t rows_not_signed = 0;
  std::optional<Time> signed_at; // the last checkpoint was added
};

struct View {
  Facts facts;                                 // its time is the page's
  Duration interval = std::chrono::minutes(1); // between healthchecks
  std::optional<health::State> health;         // none: it cannot be read
  std::vector<contract::Exemption> exemptions;
  std::vector<FoundTask> tasks; // newest first
  std::optional<LedgerView> ledger;
  std::vector<budget::Standing> spend; // the last one is of all agents; none: no model is called
  std::vector<gate::Request> requests; // that wait for a person, oldest first
  Samples samples;
  std::vector<std::string> trouble; // what could not be read, in words
};

// What cannot be read is in `trouble`, and no error. Takes no lock and changes nothing.
View collect_view(const Site& site);

// Of the machine as the view has it.
Sample sample_of(const View& view);

// Findings that somebody has to look at; warnings count.
std::size_t findings_of(const View& view);

// Whether the healthcheck is long overdue, or was never made.
bool is_unchecked(const View& view);

// All tasks that wait, and since when the oldest does.
QueueFacts all_waiting(const Facts& facts);

// That of all agents together; nothing when no model is called.
const budget::Standing* everybody(const View& view);

} // namespace conos::page
