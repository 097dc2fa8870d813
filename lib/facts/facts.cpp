#include "facts/facts.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <stdexcept>

namespace conos {

namespace {

using Json = nlohmann::json;

template<class T>
Json json_of(const std::optional<T>& value)
{
  return value ? Json(*value) : Json();
}

Json json_of(const std::optional<Time>& time)
{
  return time ? Json(rfc3339(*time)) : Json();
}

Json json_of(const std::optional<Duration>& duration)
{
  return duration ? Json(duration->count() / 1000) : Json();
}

template<class Enum>
Json word_of(const std::optional<Enum>& value)
{
  return value ? Json(to_string(*value)) : Json();
}

Json json_of(const QueueFacts& queue)
{
  return {{"waiting", json_of(queue.waiting)}, {"oldest", json_of(queue.oldest)},
    {"working", json_of(queue.working)}, {"held", json_of(queue.held)},
    {"failed", json_of(queue.failed)}};
}

Json json_of(const std::optional<Hold>& hold)
{
  if (!hold) {
    return nullptr;
  }
  return {{"by", hold->by}, {"reason", hold->reason}, {"since", json_of(hold->since)}};
}

Json json_of(const std::optional<UnitFacts>& units)
{
  if (!units) {
    return nullptr;
  }
  return {{"path", units->path}, {"service", units->service}, {"timer", units->timer}};
}

Json json_of(const std::optional<LastTask>& last)
{
  if (!last) {
    return nullptr;
  }
  return {{"id", last->id}, {"outcome", last->outcome}, {"reason", json_of(last->reason)},
    {"finished_at", rfc3339(last->finished_at)}};
}

Json json_of(const AgentFacts& agent)
{
  return {{"name", agent.name}, {"state", agent.state()}, {"tier", word_of(agent.tier)},
    {"mode", word_of(agent.mode)}, {"runner", json_of(agent.runner)}, {"may_task", agent.may_task},
    {"hold", json_of(agent.hold)}, {"units", json_of(agent.units)}, {"queue", json_of(agent.queue)},
    {"last", json_of(agent.last)}};
}

Json json_of(const Capacity& capacity)
{
  return {{"disk_total", json_of(capacity.disk_total)}, {"disk_free", json_of(capacity.disk_free)},
    {"memory_total", json_of(capacity.memory_total)},
    {"memory_available", json_of(capacity.memory_available)}, {"load", json_of(capacity.load)},
    {"processors", json_of(capacity.processors)}, {"uptime_s", json_of(capacity.uptime)}};
}

Json json_of(const Happening& happening)
{
  return {{"id", happening.id}, {"at", happening.at}, {"type", happening.type},
    {"actor", happening.actor}, {"agent", happening.agent}, {"task", happening.task},
    {"detail", happening.detail}};
}

template<class T>
std::optional<T> value_at(const Json& json, const char* key)
{
  const auto& value = json.at(key);
  return value.is_null() ? std::nullopt : std::optional(value.get<T>());
}

Time time_of(const std::string& text)
{
  const auto time = parse_rfc3339(text);
  if (!time) {
    throw std::runtime_error(time.error().text());
  }
  return *time;
}

std::optional<Time> time_at(const Json& json, const char* key)
{
  const auto text = value_at<std::string>(json, key);
  return text ? std::optional(time_of(*text)) : std::nullopt;
}

template<class Enum, std::size_t N>
std::optional<Enum> enum_at(const Json& json, const char* key, const std::array<Enum, N>& all)
{
  const auto word = value_at<std::string>(json, key);
  if (!word) {
    return std::nullopt;
  }
  for (const auto one : all) {
    if (to_string(one) == *word) {
      return one;
    }
  }
  throw std::runtime_error("unknown " + std::string(key));
}

QueueFacts queue_of(const Json& json)
{
  return {value_at<std::size_t>(json, "waiting"), time_at(json, "oldest"),
    value_at<std::size_t>(json, "working"), value_at<std::size_t>(json, "held"),
    value_at<std::size_t>(json, "failed")};
}

AgentFacts agent_of(const Json& json)
{
  AgentFacts agent;
  agent.name = json.at("name");
  agent.tier = enum_at(json, "tier", std::array{Tier::officer, Tier::operator_, Tier::worker});
  agent.mode = enum_at(json, "mode", std::array{Mode::on_demand, Mode::cron, Mode::continuous});
  agent.runner = value_at<std::string>(json, "runner");
  agent.may_task = json.at("may_task").get<std::vector<std::string>>();
  if (const auto& hold = json.at("hold"); !hold.is_null()) {
    agent.hold = Hold{hold.at("by"), hold.at("reason"), time_at(hold, "since"), {}};
  }
  if (const auto& units = json.at("units"); !units.is_null()) {
    agent.units = UnitFacts{units.at("path"), units.at("service"), units.at("timer")};
  }
  agent.queue = queue_of(json.at("queue"));
  if (const auto& last = json.at("last"); !last.is_null()) {
    agent.last = LastTask{last.at("id"), last.at("outcome"), value_at<std::string>(last, "reason"),
      time_of(last.at("finished_at"))};
  }
  return agent;
}

Capacity capacity_of(const Json& json)
{
  Capacity capacity;
  capacity.disk_total = value_at<std::uint64_t>(json, "disk_total");
  capacity.disk_free = value_at<std::uint64_t>(json, "disk_free");
  capacity.memory_total = value_at<std::uint64_t>(json, "memory_total");
  capacity.memory_available = value_at<std::uint64_t>(json, "memory_available");
  capacity.load = value_at<std::array<double, 3>>(json, "load");
  capacity.processors = value_at<unsigned>(json, "processors");
  if (const auto uptime = value_at<std::int64_t>(json, "uptime_s")) {
    capacity.uptime = std::chrono::seconds(*uptime);
  }
  return capacity;
}

Happening happening_of(const Json& json)
{
  return {json.at("id"), json.at("at"), json.at("type"), json.at("actor"), json.at("agent"),
    json.at("task"), json.at("detail")};
}

Facts facts_of(const Json& json)
{
  Facts facts;
  facts.at = time_of(json.at("at"));
  facts.host = json.at("host");
  facts.version = json.at("version");
  facts.you = value_at<std::string>(json, "you");
  facts.concierge = value_at<std::string>(json, "concierge");
  for (const auto& agent : json.at("agents")) {
    facts.agents.push_back(agent_of(agent));
  }
  facts.common = queue_of(json.at("common"));
  facts.capacity = capacity_of(json.at("capacity"));
  facts.packages = value_at<std::size_t>(json, "packages");
  if (const auto& rows = json.at("ledger"); !rows.is_null()) {
    facts.ledger.emplace();
    for (const auto& row : rows) {
      facts.ledger->push_back(happening_of(row));
    }
  }
  facts.is_cut = json.at("is_cut");
  return facts;
}

} // namespace

std::string_view AgentFacts::state() const
{
  if (hold) {
    return "held";
  }
  if (units && (units->service == "failed" || units->path == "failed")) {
    return "failed";
  }
  if (queue.working.value_or(0) > 0 || (units && units->service == "activating")) {
    return "working";
  }
  if (units && units->path != "active") {
    return "stopped";
  }
  return queue.waiting.value_or(0) > 0 ? "waiting" : "idle";
}

std::string to_json(const Facts& facts)
{
  auto agents = Json::array();
  for (const auto& agent : facts.agents) {
    agents.push_back(json_of(agent));
  }
  auto ledger = facts.ledger ? Json::array() : Json();
  for (const auto& row : facts.ledger.value_or(std::vector<Happening>())) {
    ledger.push_back(json_of(row));
  }
  const Json json{
    {"v", 1},
    {"at", rfc3339(facts.at)},
    {"host", facts.host},
    {"version", facts.version},
    {"you", json_of(facts.you)},
    {"concierge", json_of(facts.concierge)},
    {"agents", agents},
    {"common", json_of(facts.common)},
    {"capacity", json_of(facts.capacity)},
    {"packages", json_of(facts.packages)},
    {"contracts", nullptr}, // none has been checked
    {"ledger", ledger},
    {"is_cut", facts.is_cut},
  };
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

Result<Facts> facts_from_json(std::string_view text)
{
  try {
    return facts_of(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(Kind::bad_data, "not the facts of a machine: {}", error.what());
  }
}

} // namespace conos
