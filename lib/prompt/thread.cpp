#include "prompt/thread.hpp"

#include "audit/sha256.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_turns_kept = 16;
constexpr std::size_t k_turn_bytes = 4000;
constexpr std::size_t k_file_bytes =
  k_turns_kept * (k_turn_bytes * 6 + 200); // all escaped as \u00XX
constexpr const char* k_file = "turns.jsonl";

Json json_of(const std::optional<std::string>& text)
{
  return text ? Json(*text) : Json();
}

std::optional<Turn> turn_of(std::string_view line)
{
  const auto json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("role") || !json.contains("at") ||
      !json.contains("text") || !json["text"].is_string() || !json["at"].is_string()) {
    return std::nullopt;
  }
  const auto at = parse_rfc3339(json["at"].get<std::string>());
  if (!at) {
    return std::nullopt;
  }
  return Turn{json["role"] == "agent", *at, json["text"]};
}

std::string line_of(const Turn& turn)
{
  return Json{{"role", turn.from_agent ? "agent" : "user"}, {"at", rfc3339(turn.at)},
           {"text", clipped(turn.text, k_turn_bytes)}}
           .dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

} // namespace

std::string thread_key(const ThreadRef& thread, const Sender& sender)
{
  // JSON, so that no two lists of parts join to the same text
  const Json parts{json_of(thread.transport), json_of(thread.channel), json_of(thread.from),
    json_of(thread.id), json_of(sender.name)};
  return audit::sha256_hex(parts.dump(-1, ' ', false, Json::error_handler_t::replace))
    .substr(0, 16);
}

std::vector<Turn> read_turns(const UniqueFd& threads, const std::string& key)
{
  std::vector<Turn> turns;
  const auto dir = open_dir_at(threads, key);
  if (!dir) {
    return turns;
  }
  const auto text = read_file(*dir, k_file, k_file_bytes);
  if (!text) {
    return turns;
  }
  for (const auto line : split(*text, '\n')) {
    if (auto turn = turn_of(line)) {
      turns.push_back(std::move(*turn));
    }
  }
  return turns;
}

Result<> add_turns(
  const UniqueFd& threads, const std::string& key, const Turn& task, const Turn& answer)
{
  auto made = make_dir(threads, key, 0700);
  if (!made && made.error().kind != Kind::exists) {
    return made;
  }
  CONOS_TRY(const auto dir, open_dir_at(threads, key));
  CONOS_CHECK(remove_unfinished(dir));
  auto turns = read_turns(threads, key);
  const bool known = std::any_of(turns.begin(), turns.end(), [&](const Turn& turn) {
    return turn.from_agent && rfc3339(turn.at) == rfc3339(answer.at);
  });
  if (known) {
    return {};
  }
  turns.push_back(task);
  turns.push_back(answer);
  std::string text;
  for (std::size_t i = turns.size() > k_turns_kept ? turns.size() - k_turns_kept : 0;
       i < turns.size(); ++i) {
    text += line_of(turns[i]);
  }
  return replace(dir, k_file, text, 0600);
}

} // namespace conos
