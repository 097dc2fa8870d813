#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

// What conos-bootstrap compiled out of conos.toml for the steps of a task: everything inherited,
// resolved and checked, so that claim, deliver and route read one small JSON file and no TOML.
// In /var/lib/conos/compiled, root only.
namespace conos {

enum class Tier { officer, operator_, worker };
enum class Mode { on_demand, cron, continuous };

// Whether a runner remembers from task to task: a conversation as conos keeps it and shows the last
// turns of, a session of the runner's own that goes on, or nothing.
enum class Session { windowed, sticky, stateless };

std::string_view to_string(Tier tier);
std::string_view to_string(Mode mode);
std::string_view to_string(Session session);

// compiled/NAME.json
struct AgentSettings {
  std::string name;
  Tier tier = Tier::worker;
  Mode mode = Mode::on_demand;
  uid_t uid = 0; // of user a-NAME
  gid_t gid = 0; // of its own primary group
  std::vector<std::string> roles;
  std::vector<std::string> groups;
  std::vector<std::string> runner;      // argument vector; the first is an absolute path
  std::vector<std::string> environment; // KEY=value, for the runner only
  std::vector<std::string> writable;    // absolute paths, beside its own
  Duration timeout = std::chrono::minutes(30);
  std::size_t max_output_bytes = 1048576;
  std::size_t max_task_bytes = 1048576;
  std::size_t inbox_max_files = 10000;
  std::size_t inbox_max_per_sender = 1000;
  int attempts = 3;
  std::vector<Duration> retry; // the last one repeats
  int max_hops = 8;
  std::string instructions_sha256;   // of instructions/NAME/AGENTS.md, 64 hex digits
  std::vector<std::string> may_task; // names of agents, resolved
  std::string cron_task;             // body of the task a timer drops
  Duration continuous_delay = std::chrono::seconds(5);
  Session session = Session::windowed;
  std::size_t recent_turns = 8;        // of a conversation, shown whole
  std::size_t brief_max_bytes = 16384; // of a summary of the turns before
  bool has_model = false;              // may call a language model, through its model door
  bool has_egress = false;             // may reach hosts, through its egress door

  bool has_door() const { return has_model || has_egress; }
};

// compiled/routes.json
struct RouteRule {
  std::string match; // RE2 pattern, searched in the body
  std::string to;
};

struct Routing {
  std::string concierge;
  std::vector<RouteRule> rules;
  std::vector<std::string> agents; // all that exist
  std::size_t max_task_bytes = 1048576;
  std::size_t inbox_max_files = 10000;
};

// For the healthcheck.
struct HealthSettings {
  std::string escalate_to; // the agent that hears of findings; empty: there is none
  std::string brief;       // the file for agents to read
};

std::string to_json(const HealthSettings& settings);
std::string to_json(const AgentSettings& settings);
std::string to_json(const Routing& routing);

// Kind::config when the text is not what to_json writes: then bootstrap must run again.
Result<AgentSettings> agent_settings_from_json(std::string_view text);
Result<Routing> routing_from_json(std::string_view text);

// From an open /var/lib/conos/compiled. Kind::not_found when there is no such agent.
Result<AgentSettings> load_agent_settings(const UniqueFd& compiled, const std::string& name);
Result<Routing> load_routing(const UniqueFd& compiled);
Result<HealthSettings> load_health_settings(const UniqueFd& compiled);

} // namespace conos
