#include "prompt/thread.hpp"

#include "audit/sha256.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_file_bytes = 32U << 20U; // 1000 turns, all escaped as \u00XX
constexpr std::size_t k_summary_line_bytes = 280;
constexpr std::size_t k_max_open_items = 10;
constexpr const char* k_file = "turns.jsonl";

Json json_of(const std::optional<std::string>& text)
{
  return text ? Json(*text) : Json();
}

std::string dumped(const Json& json)
{
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// One line of the file goes to where it belongs; one that cannot be read goes nowhere.
void take_line(std::string_view line, Thread& thread)
{
  const auto json = Json::parse(line, nullptr, false);
  const auto text_of = [&](const char* key) -> std::optional<std::string> {
    return json.contains(key) && json[key].is_string() ? std::optional(json[key].get<std::string>())
                                                       : std::nullopt;
  };
  if (!json.is_object()) {
    return;
  }
  const auto role = text_of("role");
  auto text = text_of("text");
  const auto at = parse_rfc3339(text_of("at").value_or(""));
  if (!role || !text) {
    return;
  }
  if (*role == "summary") {
    thread.summary.push_back(std::move(*text));
  } else if (*role == "open") {
    thread.open_items.push_back(std::move(*text));
  } else if (at) {
    thread.turns.push_back({*role == "agent", *at, std::move(*text)});
  }
}

std::string line_of(const Turn& turn)
{
  return dumped({{"role", turn.from_agent ? "agent" : "user"}, {"at", rfc3339(turn.at)},
    {"text", clipped(turn.text, k_max_turn_bytes)}});
}

std::string text_of(const Thread& thread)
{
  std::string text;
  for (const auto& line : thread.summary) {
    text += dumped({{"role", "summary"}, {"text", line}});
  }
  for (const auto& item : thread.open_items) {
    text += dumped({{"role", "open"}, {"text", item}});
  }
  for (const auto& turn : thread.turns) {
    text += line_of(turn);
  }
  return text;
}

std::string summary_of(const Turn& turn)
{
  std::string flat;
  for (const char c : clipped(turn.text, k_max_turn_bytes)) {
    const bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!is_blank || (!flat.empty() && flat.back() != ' ')) {
      flat += is_blank ? ' ' : c;
    }
  }
  return fmt::format(
    "{}: {}", turn.from_agent ? "Assistant" : "User", clipped(flat, k_summary_line_bytes));
}

// Points of an answer that say what is still to be done.
std::vector<std::string> open_items_of(std::string_view answer)
{
  constexpr std::array<std::string_view, 8> k_words{
    "todo", "next", "blocker", "waiting", "need", "action", "follow-up", "followup"};
  std::vector<std::string> items;
  for (const auto line : split(answer, '\n')) {
    const auto text = trimmed(line);
    if (!text.starts_with("- ") && !text.starts_with("* ")) {
      continue;
    }
    const auto small = lower(text);
    const bool is_open = std::any_of(k_words.begin(), k_words.end(), [&](auto word) {
      return small.find(word) != std::string::npos;
    });
    if (is_open && items.size() < k_max_open_items) {
      items.emplace_back(clipped(text.substr(2), k_summary_line_bytes));
    }
  }
  return items;
}

void forget_oldest(Thread& thread, const ThreadLimits& limits)
{
  while (thread.turns.size() > limits.turns) {
    thread.summary.push_back(summary_of(thread.turns.front()));
    thread.turns.erase(thread.turns.begin());
  }
  std::size_t bytes = 0;
  auto first = thread.summary.end();
  while (first != thread.summary.begin() &&
         bytes + std::prev(first)->size() + 3 <= limits.summary_bytes) {
    --first;
    bytes += first->size() + 3; // as it is shown: "- " and a newline
  }
  thread.summary.erase(thread.summary.begin(), first);
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

Thread read_thread(const UniqueFd& threads, const std::string& key)
{
  Thread thread;
  const auto dir = open_dir_at(threads, key);
  const auto text =
    dir ? read_file(*dir, k_file, k_file_bytes) : tl::unexpected<Error>(dir.error());
  if (text) {
    for (const auto line : split(*text, '\n')) {
      take_line(line, thread);
    }
  }
  return thread;
}

Result<> add_turns(const UniqueFd& threads, const std::string& key, const Turn& task,
  const Turn& answer, const ThreadLimits& limits)
{
  auto made = make_dir(threads, key, 0700);
  if (!made && made.error().kind != Kind::exists) {
    return made;
  }
  CONOS_TRY(const auto dir, open_dir_at(threads, key));
  CONOS_CHECK(remove_unfinished(dir));
  auto thread = read_thread(threads, key);
  const bool known = std::any_of(thread.turns.begin(), thread.turns.end(), [&](const Turn& turn) {
    return turn.from_agent && rfc3339(turn.at) == rfc3339(answer.at);
  });
  if (known) {
    return {};
  }
  thread.turns.push_back(task);
  thread.turns.push_back(answer);
  if (auto items = open_items_of(answer.text); !items.empty()) {
    thread.open_items = std::move(items);
  }
  forget_oldest(thread, limits);
  return replace(dir, k_file, text_of(thread), 0600);
}

} // namespace conos
