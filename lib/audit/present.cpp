#include "audit/present.hpp"

#include "audit/chain.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace conos::audit {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t k_longest_value = 200;
constexpr std::size_t k_longest_brief = 1000;
constexpr std::size_t k_widest_key = 24;

constexpr std::string_view k_dim = "\x1b[2m";
constexpr std::string_view k_red = "\x1b[31m";
constexpr std::string_view k_plain = "\x1b[0m";

// Of a text its characters, in quotes where they would not be seen to be one value.
std::string value_text(const Json& value, std::size_t limit = k_longest_value)
{
  if (!value.is_string()) {
    return escaped(value.dump(-1, ' ', false, Json::error_handler_t::replace), limit);
  }
  const auto text = escaped(value.get<std::string>(), limit);
  const bool plain = !text.empty() && text.find_first_of(" =\"'") == std::string::npos;
  return plain ? text : "'" + text + "'";
}

// What stands under `key`, as text; empty when nothing does.
std::string value_of(const Json& object, const char* key)
{
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) {
    return "";
  }
  return escaped(found->is_string() ? found->get<std::string>() : found->dump(), k_longest_value);
}

// " [PREFIXvalueSUFFIX]" where there is a value.
std::string tag(std::string_view prefix, const std::string& value, std::string_view suffix = "")
{
  return value.empty() ? "" : fmt::format(" [{}{}{}]", prefix, value, suffix);
}

std::string seconds_in(const Json& object)
{
  const auto found = object.find("duration_ms");
  return found != object.end() && found->is_number()
           ? fmt::format("{:.3f}", found->get<double>() / 1000.0)
           : "";
}

// As Go prints a duration: "1h0m5s".
std::string whole_seconds(const Json& object)
{
  const auto found = object.find("duration_ms");
  if (found == object.end() || !found->is_number_integer()) {
    return "";
  }
  const auto seconds = found->get<std::int64_t>() / 1000;
  const auto hours = seconds / 3600;
  const auto minutes = seconds / 60 % 60;
  return (hours > 0 ? fmt::format("{}h{}m", hours, minutes)
                    : (minutes > 0 ? fmt::format("{}m", minutes) : "")) +
         fmt::format("{}s", seconds % 60);
}

bool is_end_of_task(std::string_view type)
{
  return type == "task.delivered" || type == "task.forwarded" || type == "task.failed" ||
         type == "task.refused";
}

// Verbs that make a person look twice.
bool is_bad_news(std::string_view type)
{
  constexpr std::array<std::string_view, 8> k_bad{
    "failed", "refused", "denied", "invalid", "halted", "unstartable", "jumped", "suppressed"};
  const auto verb = type.substr(std::min(type.find('.'), type.size() - 1) + 1);
  return std::find(k_bad.begin(), k_bad.end(), verb) != k_bad.end();
}

} // namespace

std::string json_text(std::string_view text)
{
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_line(const Event& event)
{
  // what somebody put there past our grammar must not break the line
  const auto payload = is_payload(event.payload)
                         ? event.payload
                         : json_text(escaped(event.payload, k_max_payload_bytes));
  return fmt::format(
    R"({{"actor":{},"hash":"{}","id":{},"payload":{},"prev_hash":"{}","ts":{},"type":{}}})",
    json_text(event.actor), event.hash, event.id, payload, event.prev_hash, json_text(event.ts),
    json_text(event.type));
}

std::string day_line(const Event& event)
{
  const auto line = json_line(event);
  if (!is_end_of_task(event.type) || !is_payload(event.payload)) {
    return line;
  }
  auto object = nlohmann::json::parse(line);
  const auto& payload = object["payload"];
  object["timestamp"] = event.ts;
  object["task_file"] = payload.value("id", nlohmann::json()).is_string()
                          ? payload["id"].get<std::string>() + ".task"
                          : "";
  for (const auto& [ours, theirs] : {std::pair("agent", "agent"), std::pair("model", "model"),
         std::pair("trust", "trust"), std::pair("outcome", "outcome"),
         std::pair("duration_ms", "duration_ms"), std::pair("response_bytes", "output_chars"),
         std::pair("thread_key", "thread_key"), std::pair("policy", "policy_refs")}) {
    if (payload.contains(ours)) {
      object[theirs] = payload[ours];
    }
  }
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Event> event_in_line(std::string_view line)
{
  const auto object = nlohmann::json::parse(line, nullptr, false);
  const auto text = [&](const char* key) {
    return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
  };
  if (!object.is_object() || !object.contains("id") || !object["id"].is_number_integer() ||
      !object.contains("payload")) {
    return {};
  }
  return Event{object["id"].get<std::int64_t>(), text("ts"), text("type"), text("actor"),
    object["payload"].dump(), text("prev_hash"), text("hash")};
}

std::string table_line(const Event& event)
{
  if (!is_end_of_task(event.type) || !is_payload(event.payload)) {
    return "";
  }
  const auto object = Json::parse(event.payload);
  const auto id = value_of(object, "id");
  const auto bytes = value_of(object, "response_bytes");
  const std::vector<std::string> columns{escaped(event.ts, k_max_name_bytes),
    value_of(object, "agent"), value_of(object, "model"), id.empty() ? "" : id + ".task",
    value_of(object, "trust"), whole_seconds(object), bytes.empty() ? "0" : bytes,
    value_of(object, "outcome"), value_of(object, "transport"), value_of(object, "channel"),
    value_of(object, "from"), value_of(object, "source"), value_of(object, "parent"),
    value_of(object, "thread_id"), value_of(object, "thread_key"),
    value_of(object, "session_strategy"), value_of(object, "session_key"),
    value_of(object, "policy")};
  std::string line;
  for (const auto& column : columns) {
    line += (line.empty() ? "" : "\t") + (column.empty() ? "-" : column);
  }
  return line + "\n";
}

std::string brief(std::string_view payload)
{
  if (!is_payload(payload)) {
    return escaped(payload, k_longest_brief);
  }
  std::string text;
  const auto object = Json::parse(payload);
  for (const auto& [key, value] : object.items()) {
    if (!value.is_null()) {
      text += text.empty() ? "" : " ";
      text += escaped(key, k_longest_value) + "=" + value_text(value);
    }
  }
  return std::string(clipped(text, k_longest_brief));
}

std::string in_full(const Event& event)
{
  const auto line = [](std::string_view name, std::string_view value) {
    return fmt::format("{:<10}{}\n", name, value);
  };
  auto text = line("row", fmt::format_int(event.id).str()) +
              line("when", escaped(event.ts, k_max_name_bytes)) +
              line("type", escaped(event.type, k_max_name_bytes)) +
              line("actor", escaped(event.actor, k_max_name_bytes)) + line("hash", event.hash) +
              line("before", event.prev_hash);
  if (!is_payload(event.payload)) {
    return text + line("payload", escaped(event.payload, k_max_payload_bytes));
  }
  const auto object = Json::parse(event.payload);
  std::size_t width = 0;
  for (const auto& [key, value] : object.items()) {
    width = std::max(width, std::min(escaped(key).size(), k_widest_key));
  }
  text += object.empty() ? "" : "payload\n";
  for (const auto& [key, value] : object.items()) {
    text +=
      fmt::format("  {:<{}}  {}\n", escaped(key), width, value_text(value, k_max_payload_bytes));
  }
  return text;
}

std::string log_line(const Event& event)
{
  const auto object = is_payload(event.payload) ? Json::parse(event.payload) : Json::object();
  const auto ts = escaped(event.ts, k_max_name_bytes);
  const auto agent = value_of(object, "agent");
  const auto id = value_of(object, "id");
  if (is_end_of_task(event.type) && !id.empty()) {
    return fmt::format("{} [{}] run: processed {}.task{}{}{}{}{}", ts, agent, id,
      tag("trust:", value_of(object, "trust")), tag("", value_of(object, "outcome")),
      tag("reason:", value_of(object, "reason")), tag("", seconds_in(object), "s"),
      tag("", value_of(object, "response_bytes"), " chars"));
  }
  if (event.type == "task.routed") {
    const auto name = value_of(object, "name");
    return fmt::format("{} [route] {} -> {}: {}", ts, value_of(object, "sender"),
      value_of(object, "to"), name.empty() ? id + ".task" : name);
  }
  return fmt::format("{} [{}] {}: {}", ts,
    agent.empty() ? escaped(event.actor, k_max_name_bytes) : agent,
    escaped(event.type, k_max_name_bytes), brief(event.payload));
}

Table::Table(Colour colour)
    : m_colour(colour)
{
}

void Table::fit(const Event& event)
{
  m_id = std::max(m_id, fmt::format_int(event.id).size());
  m_type = std::max(m_type, std::min(event.type.size(), k_max_name_bytes));
  m_actor = std::max(m_actor, std::min(event.actor.size(), k_max_name_bytes));
}

std::string Table::line(const Event& event) const
{
  const bool colour = m_colour == Colour::yes;
  const auto type = escaped(event.type, k_max_name_bytes);
  return fmt::format("{:>{}}  {}{}{}  {}{:<{}}{}  {:<{}}  {}\n", event.id, m_id,
    colour ? k_dim : "", escaped(event.ts, k_max_name_bytes), colour ? k_plain : "",
    colour && is_bad_news(event.type) ? k_red : "", type, m_type, colour ? k_plain : "",
    escaped(event.actor, k_max_name_bytes), m_actor, brief(event.payload));
}

} // namespace conos::audit
