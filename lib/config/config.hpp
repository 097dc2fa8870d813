#pragma once

#include "config/compiled.hpp"
#include "config/document.hpp"
#include "config/door.hpp"
#include "config/egress_door.hpp"
#include "config/gate.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// conos.toml, checked and resolved: every agent with what it inherits from its tier and the base.
namespace conos::config {

struct Agent {
  Place at; // in conos.toml
  std::string name;
  Tier tier = Tier::worker;
  Mode mode = Mode::on_demand;
  std::vector<std::string> calendar; // of mode cron, for OnCalendar=
  std::vector<std::string> roles;
  std::vector<std::string> groups;
  std::vector<std::string> scopes;   // names of instruction layers
  std::vector<std::string> writable; // absolute paths
  std::string runner;                // as written: "picoclaw", a program's name or its path
  std::vector<std::string> runner_args;
  std::vector<std::string> environment;
  std::string instructions;          // its own, from conos.toml
  std::vector<std::string> may_task; // names, sorted
  Duration timeout{};
  std::vector<Duration> retry;
  int attempts = 0;
  std::size_t max_output_bytes = 0;
  std::string memory_max; // these four as systemd takes them; empty: the tier's
  std::string tasks_max;
  std::string cpu_quota;
  std::string file_max;
  bool jit = false;
  std::string cron_task;
  std::vector<std::string> packages; // of Debian, that it needs
  Duration continuous_delay{};
  Session session = Session::windowed;
  std::size_t recent_turns = 0;    // of a conversation, shown whole
  std::size_t brief_max_bytes = 0; // of the summary of what was before them
  std::string provider;            // of its language model
  std::string model;
  std::string api_base;                     // of that provider, for this agent
  std::vector<std::string> models;          // it may call
  std::vector<std::string> fallback_models; // when one of those cannot be had
  BudgetLimits budget;
  GatePolicy gate;
  Duration approval_timeout{};
  std::size_t approvals_max = 0;
  std::string api_key_env;                 // the variable its key used to be in
  std::vector<std::string> egress_written; // where it may go, with groups as such
  std::vector<EgressRule> egress;          // what that comes to; empty: nowhere
  std::vector<Network> egress_networks;    // not public, and allowed nonetheless
  std::int64_t egress_max_bytes = 0;       // of one task; 0: no limit
};

// [providers.NAME]
struct ProviderSettings {
  std::optional<Api> api;
  std::string base_url;
  std::vector<std::string> models;
  std::optional<Price> price; // of those that have none of their own
};

// [dashboard]
struct Dashboard {
  bool is_enabled = false;
  std::string listen; // "127.0.0.1:8080", as systemd.socket(5) takes it
};

struct Config {
  std::string name;
  std::string concierge; // empty: there are no agents
  unsigned uid_base = 0;
  unsigned uid_count = 0;
  int max_hops = 0;
  std::size_t max_task_bytes = 0;
  std::size_t inbox_max_files = 0;
  std::size_t inbox_max_per_sender = 0;
  int disk_min_free_pct = 0;
  int mem_min_free_pct = 0;
  double max_load_factor = 0; // of each processor
  Duration max_session{};
  Duration healthcheck_interval{};
  std::string brief_output; // a path; empty: none
  std::string provider;     // of [base], as of an agent
  std::string api_key_env;
  std::map<std::string, ProviderSettings, std::less<>> providers;
  std::int64_t usd_day_all = 0; // what all agents may cost a day, in micro-USD; 0: no limit
  std::vector<std::string> packages_allow; // patterns: agents may have them without a person
  std::vector<std::string> packages_deny;  // nobody may
  Dashboard dashboard;
  std::vector<RouteRule> routes;
  std::vector<Agent> agents; // in the order written
};

struct Checked {
  std::optional<Config> config;  // nothing if there is an error
  std::vector<Finding> findings; // in the order of the text
};

constexpr std::size_t k_max_config_bytes = 1U << 20U;

// Checks everything and says everything that is wrong, at once. `environment` may hold variables
// that are no key's; the variables of keys win over `text`.
Checked check(std::string_view text, const Environment& environment = {});

// "conos.toml:12:1: key 'teir': …", or "conos.toml:12:1: warning: key …"; what is not in the file
// begins with "environment: ".
std::string line_of(const Finding& finding, std::string_view file);

} // namespace conos::config
