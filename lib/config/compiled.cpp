#include "config/compiled.hpp"

#include "sys/file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_compiled_bytes = 1U << 20U;

constexpr std::array<std::string_view, 3> k_tiers{"officer", "operator", "worker"};
constexpr std::array<std::string_view, 3> k_modes{"on-demand", "cron", "continuous"};
constexpr std::array<std::string_view, 3> k_sessions{"windowed", "sticky", "stateless"};

template<class Enum, std::size_t N>
Enum named(const std::array<std::string_view, N>& names, const Json& value)
{
  const auto found = std::find(names.begin(), names.end(), value.get<std::string>());
  if (found == names.end()) {
    throw std::runtime_error("unknown name");
  }
  return static_cast<Enum>(found - names.begin());
}

Duration milliseconds(const Json& value)
{
  return Duration(value.get<Duration::rep>());
}

AgentSettings settings_of(const Json& json)
{
  AgentSettings s;
  s.name = json.at("name");
  s.tier = named<Tier>(k_tiers, json.at("tier"));
  s.mode = named<Mode>(k_modes, json.at("mode"));
  s.uid = json.at("uid");
  s.gid = json.at("gid");
  s.roles = json.at("roles");
  s.groups = json.at("groups");
  s.runner = json.at("runner");
  s.environment = json.at("environment");
  s.writable = json.at("writable");
  s.timeout = milliseconds(json.at("timeout_ms"));
  s.max_output_bytes = json.at("max_output_bytes");
  s.max_task_bytes = json.at("max_task_bytes");
  s.inbox_max_files = json.at("inbox_max_files");
  s.inbox_max_per_sender = json.at("inbox_max_per_sender");
  s.attempts = json.at("attempts");
  for (const auto& pause : json.at("retry_ms")) {
    s.retry.push_back(milliseconds(pause));
  }
  s.max_hops = json.at("max_hops");
  s.instructions_sha256 = json.at("instructions_sha256");
  s.may_task = json.at("may_task");
  s.cron_task = json.at("cron_task");
  s.continuous_delay = milliseconds(json.at("continuous_delay_ms"));
  s.session = named<Session>(k_sessions, json.at("session"));
  s.recent_turns = json.at("recent_turns");
  s.brief_max_bytes = json.at("brief_max_bytes");
  s.has_model = json.at("has_model");
  s.has_egress = json.at("has_egress");
  return s;
}

Routing routing_of(const Json& json)
{
  Routing r;
  r.concierge = json.at("concierge");
  for (const auto& rule : json.at("rules")) {
    r.rules.push_back({rule.at("match"), rule.at("to")});
  }
  r.agents = json.at("agents");
  r.max_task_bytes = json.at("max_task_bytes");
  r.inbox_max_files = json.at("inbox_max_files");
  return r;
}

template<class Read>
auto read_json(std::string_view text, const Read& read) -> Result<decltype(read(Json()))>
{
  try {
    return read(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(
      Kind::config, "not what conos-bootstrap writes ({}); run conos-bootstrap", error.what());
  }
}

} // namespace

std::string_view to_string(Tier tier)
{
  return k_tiers[static_cast<std::size_t>(tier)];
}

std::string_view to_string(Mode mode)
{
  return k_modes[static_cast<std::size_t>(mode)];
}

std::string_view to_string(Session session)
{
  return k_sessions[static_cast<std::size_t>(session)];
}

std::string to_json(const AgentSettings& s)
{
  auto retry = Json::array();
  for (const auto pause : s.retry) {
    retry.push_back(pause.count());
  }
  return Json{
           {"v", 1},
           {"name", s.name},
           {"tier", to_string(s.tier)},
           {"mode", to_string(s.mode)},
           {"uid", s.uid},
           {"gid", s.gid},
           {"roles", s.roles},
           {"groups", s.groups},
           {"runner", s.runner},
           {"environment", s.environment},
           {"writable", s.writable},
           {"timeout_ms", s.timeout.count()},
           {"max_output_bytes", s.max_output_bytes},
           {"max_task_bytes", s.max_task_bytes},
           {"inbox_max_files", s.inbox_max_files},
           {"inbox_max_per_sender", s.inbox_max_per_sender},
           {"attempts", s.attempts},
           {"retry_ms", retry},
           {"max_hops", s.max_hops},
           {"instructions_sha256", s.instructions_sha256},
           {"may_task", s.may_task},
           {"cron_task", s.cron_task},
           {"continuous_delay_ms", s.continuous_delay.count()},
           {"session", to_string(s.session)},
           {"recent_turns", s.recent_turns},
           {"brief_max_bytes", s.brief_max_bytes},
           {"has_model", s.has_model},
           {"has_egress", s.has_egress},
         }
           .dump(1) +
         "\n";
}

std::string to_json(const Routing& r)
{
  auto rules = Json::array();
  for (const auto& rule : r.rules) {
    rules.push_back({{"match", rule.match}, {"to", rule.to}});
  }
  return Json{
           {"v", 1},
           {"concierge", r.concierge},
           {"rules", rules},
           {"agents", r.agents},
           {"max_task_bytes", r.max_task_bytes},
           {"inbox_max_files", r.inbox_max_files},
         }
           .dump(1) +
         "\n";
}

std::string to_json(const HealthSettings& s)
{
  return Json{{"v", 1}, {"escalate_to", s.escalate_to}, {"brief", s.brief}}.dump(1) + "\n";
}

Result<AgentSettings> agent_settings_from_json(std::string_view text)
{
  return read_json(text, settings_of);
}

Result<Routing> routing_from_json(std::string_view text)
{
  return read_json(text, routing_of);
}

Result<HealthSettings> load_health_settings(const UniqueFd& compiled)
{
  CONOS_TRY(const auto text, read_file(compiled, "healthcheck.json", k_max_compiled_bytes));
  return read_json(text, [](const Json& json) {
    return HealthSettings{json.at("escalate_to"), json.at("brief")};
  }).map_error(during("read 'healthcheck.json'"));
}

Result<AgentSettings> load_agent_settings(const UniqueFd& compiled, const std::string& name)
{
  const auto file = name + ".json";
  CONOS_TRY(const auto text, read_file(compiled, file, k_max_compiled_bytes));
  return agent_settings_from_json(text).map_error(during("read '" + file + "'"));
}

Result<Routing> load_routing(const UniqueFd& compiled)
{
  CONOS_TRY(const auto text, read_file(compiled, "routes.json", k_max_compiled_bytes));
  return routing_from_json(text).map_error(during("read 'routes.json'"));
}

} // namespace conos
