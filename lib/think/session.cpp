#include "think/session.hpp"

#include "audit/sha256.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

namespace conos::think {

namespace {

using Json = nlohmann::json;

std::string file_of(const std::string& key)
{
  return audit::sha256_hex(key).substr(0, 16) + ".json";
}

Message plain(const Message& message)
{
  Message out{message.from_model, {}};
  std::string text;
  for (const auto& block : message.blocks) {
    if (block.kind == Block::Kind::text) {
      text += block.text;
    } else if (block.kind == Block::Kind::call) {
      text += fmt::format("(I used {}.)\n", block.name);
    }
  }
  if (!trimmed(text).empty()) {
    out.blocks.push_back({Block::Kind::text, std::move(text)});
  }
  return out;
}

// Who spoke twice in a row said it in one go: formats want turns.
std::vector<Message> in_turns(const std::vector<Message>& messages)
{
  std::vector<Message> turns;
  for (const auto& message : messages) {
    auto next = plain(message);
    if (next.blocks.empty()) {
      continue;
    }
    if (!turns.empty() && turns.back().from_model == next.from_model) {
      turns.back().blocks.front().text += "\n" + next.blocks.front().text;
    } else {
      turns.push_back(std::move(next));
    }
  }
  return turns;
}

void forget_oldest(std::vector<Message>& turns)
{
  std::size_t bytes = 0;
  for (const auto& turn : turns) {
    bytes += turn.blocks.front().text.size();
  }
  while (!turns.empty() && (bytes > k_max_session_bytes / 2 || turns.front().from_model)) {
    bytes -= turns.front().blocks.front().text.size();
    turns.erase(turns.begin());
  }
}

} // namespace

std::vector<Message> read_session(const std::string& directory, const std::string& key)
{
  std::vector<Message> messages;
  const auto dir = open_dir(directory);
  const auto text = dir ? read_file(*dir, file_of(key), 8 * k_max_session_bytes)
                        : Result<std::string>(tl::unexpected<Error>(dir.error()));
  const auto json = text ? Json::parse(*text, nullptr, false) : Json::array();
  for (const auto& turn : json.is_array() ? json : Json::array()) {
    const bool is_whole = turn.is_object() && turn.contains("from_model") &&
                          turn.contains("text") && turn["from_model"].is_boolean() &&
                          turn["text"].is_string();
    if (is_whole) {
      messages.push_back(
        {turn["from_model"].get<bool>(), {{Block::Kind::text, turn["text"].get<std::string>()}}});
    }
  }
  messages = in_turns(messages);
  if (!messages.empty() && !messages.back().from_model) {
    messages.pop_back(); // the next thing said is a task
  }
  forget_oldest(messages);
  return messages;
}

Result<> write_session(
  const std::string& directory, const std::string& key, const std::vector<Message>& messages)
{
  auto turns = in_turns(messages);
  forget_oldest(turns);
  auto json = Json::array();
  for (const auto& turn : turns) {
    json.push_back({{"from_model", turn.from_model}, {"text", turn.blocks.front().text}});
  }
  if (::mkdir(directory.c_str(), 0700) < 0 && errno != EEXIST) {
    return os_error("make '{}'", directory);
  }
  CONOS_TRY(const auto dir, open_dir(directory));
  return replace(dir, file_of(key),
    json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n", 0600, {}, Durable::later);
}

} // namespace conos::think
