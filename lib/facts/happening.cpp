#include "facts/happening.hpp"

#include "audit/reader.hpp"
#include "task/id.hpp"

#include <nlohmann/json.hpp>

#include <initializer_list>

namespace conos {

namespace {

using Json = nlohmann::json;

// A name, an id or a word such as "runner-exit"; anything else stays untold.
std::string word_at(const Json& payload, const char* key)
{
  const auto found = payload.find(key);
  if (found == payload.end() || !found->is_string()) {
    return "";
  }
  auto word = found->get<std::string>();
  return is_task_id(word) ? word : "";
}

std::string first_word(const Json& payload, std::initializer_list<const char*> keys)
{
  for (const auto* key : keys) {
    if (auto word = word_at(payload, key); !word.empty()) {
      return word;
    }
  }
  return "";
}

} // namespace

Happening happening_of(std::int64_t id, const std::string& at, const std::string& type,
  const std::string& actor, std::string_view payload)
{
  Happening happening{id, at, type, actor, "", "", ""};
  const auto json = Json::parse(payload, nullptr, false);
  if (type.starts_with("note.") || !json.is_object()) {
    return happening;
  }
  happening.agent = first_word(json, {"agent", "to"});
  happening.task = first_word(json, {"id", "name"});
  happening.detail = first_word(json, {"reason", "outcome"});
  if (const auto stem = task_stem(happening.task); !stem.empty()) {
    happening.task = std::string(stem); // routed by its name, before it had an id
  }
  return happening;
}

std::optional<std::vector<Happening>> recent_happenings(
  const std::string& database, std::size_t most)
{
  auto reader = audit::Reader::open(database);
  const auto events = reader ? reader->last(most) : tl::unexpected<Error>(reader.error());
  if (!events) {
    return std::nullopt;
  }
  std::vector<Happening> happenings;
  for (const auto& event : *events) {
    happenings.push_back(happening_of(event.id, event.ts, event.type, event.actor, event.payload));
  }
  return happenings;
}

} // namespace conos
