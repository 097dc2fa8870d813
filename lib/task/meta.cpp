#include "task/meta.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 6> k_kinds{
  "task", "forward", "reply", "cron", "continuous", "escalation"};
constexpr std::array<std::string_view, 2> k_trusts{"unverified", "verified"};
constexpr std::array<std::string_view, 5> k_outcomes{
  "answered", "forwarded", "failed", "expired", "cancelled"};

template<class Enum, std::size_t N>
Enum named(const std::array<std::string_view, N>& names, const Json& value)
{
  const auto found = std::find(names.begin(), names.end(), value.get<std::string>());
  if (found == names.end()) {
    throw std::runtime_error("unknown name");
  }
  return static_cast<Enum>(found - names.begin());
}

Json json_of(const std::optional<std::string>& text)
{
  return text ? Json(*text) : Json();
}

Json json_of(const std::optional<Time>& time)
{
  return time ? Json(rfc3339(*time)) : Json();
}

std::optional<std::string> text_at(const Json& json, const char* key)
{
  const auto& value = json.at(key);
  return value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
}

std::optional<Time> time_at(const Json& json, const char* key)
{
  const auto text = text_at(json, key);
  if (!text) {
    return std::nullopt;
  }
  const auto time = parse_rfc3339(*text);
  if (!time) {
    throw std::runtime_error(time.error().text());
  }
  return *time;
}

Time need_time_at(const Json& json, const char* key)
{
  return time_at(json, key).value();
}

Json json_of(const Meta& meta)
{
  Json json{
    {"v", 1},
    {"id", meta.id},
    {"root", meta.root},
    {"parent", json_of(meta.parent)},
    {"hop", meta.hop},
    {"agent", meta.agent},
    {"kind", to_string(meta.kind)},
    {"sender", {{"uid", meta.sender.uid ? Json(*meta.sender.uid) : Json()},
                 {"name", json_of(meta.sender.name)}, {"agent", json_of(meta.sender.agent)}}},
    {"trust", to_string(meta.trust)},
    {"title", json_of(meta.title)},
    {"thread", {{"key", json_of(meta.thread.key)}, {"id", json_of(meta.thread.id)},
                 {"transport", json_of(meta.thread.transport)},
                 {"channel", json_of(meta.thread.channel)}, {"from", json_of(meta.thread.from)}}},
    {"reply", meta.reply},
    {"reply_to", json_of(meta.reply_to)},
    {"priority", meta.priority},
    {"deadline", json_of(meta.deadline)},
    {"source", json_of(meta.source)},
    {"submitted_at", rfc3339(meta.submitted_at)},
    {"claimed_at", json_of(meta.claimed_at)},
    {"attempt", meta.attempt},
    {"claims", meta.claims},
    {"not_before", json_of(meta.not_before)},
    {"hold", json_of(meta.hold)},
    {"invocation", json_of(meta.invocation)},
    {"original_name", json_of(meta.original_name)},
    {"bytes", meta.bytes},
    {"sha256", {{"task", json_of(meta.sha256.task)}, {"prompt", json_of(meta.sha256.prompt)},
                 {"instructions", json_of(meta.sha256.instructions)}}},
    {"policy", meta.policy},
  };
  for (const auto& [key, value] : meta.claimed) {
    json[key] = value;
  }
  return json;
}

Meta meta_of(const Json& json)
{
  Meta meta;
  meta.id = json.at("id");
  meta.root = json.at("root");
  meta.parent = text_at(json, "parent");
  meta.hop = json.at("hop");
  meta.agent = json.at("agent");
  meta.kind = named<TaskKind>(k_kinds, json.at("kind"));
  const auto& sender = json.at("sender");
  if (!sender.at("uid").is_null()) {
    meta.sender.uid = sender.at("uid").get<uid_t>();
  }
  meta.sender.name = text_at(sender, "name");
  meta.sender.agent = text_at(sender, "agent");
  meta.trust = named<Trust>(k_trusts, json.at("trust"));
  meta.title = text_at(json, "title");
  const auto& thread = json.at("thread");
  meta.thread = {text_at(thread, "key"), text_at(thread, "id"), text_at(thread, "transport"),
    text_at(thread, "channel"), text_at(thread, "from")};
  meta.reply = json.at("reply");
  meta.reply_to = text_at(json, "reply_to");
  meta.priority = json.at("priority");
  meta.deadline = time_at(json, "deadline");
  meta.source = text_at(json, "source");
  meta.submitted_at = need_time_at(json, "submitted_at");
  meta.claimed_at = time_at(json, "claimed_at");
  meta.attempt = json.at("attempt");
  meta.claims = json.at("claims");
  meta.not_before = time_at(json, "not_before");
  meta.hold = text_at(json, "hold");
  meta.invocation = text_at(json, "invocation");
  meta.original_name = text_at(json, "original_name");
  meta.bytes = json.at("bytes");
  const auto& digests = json.at("sha256");
  meta.sha256 = {
    text_at(digests, "task"), text_at(digests, "prompt"), text_at(digests, "instructions")};
  meta.policy = json.value("policy", std::vector<std::string>()); // not in older ones
  for (const auto& [key, value] : json.items()) {
    if (key.starts_with("claimed_") && key != "claimed_at") {
      meta.claimed[key] = value.get<std::string>();
    }
  }
  return meta;
}

Json json_of(const std::optional<ResponseRef>& response)
{
  if (!response) {
    return {};
  }
  return {{"file", response->file}, {"bytes", response->bytes}, {"sha256", response->sha256},
    {"truncated", response->truncated}};
}

Duration duration_of(const Receipt& receipt)
{
  const auto spent = receipt.finished_at - receipt.started_at.value_or(receipt.finished_at);
  return std::chrono::duration_cast<Duration>(spent);
}

Receipt receipt_of(const Json& json)
{
  Receipt receipt;
  receipt.meta = meta_of(json);
  receipt.outcome = named<Outcome>(k_outcomes, json.at("outcome"));
  receipt.reason = text_at(json, "reason");
  receipt.started_at = time_at(json, "started_at");
  receipt.finished_at = need_time_at(json, "finished_at");
  const auto& exit = json.at("exit");
  receipt.exit = {exit.at("result"), exit.at("code"), exit.at("status")};
  receipt.runner = json.at("runner");
  receipt.batch = json.at("batch");
  const auto& response = json.at("response");
  if (!response.is_null()) {
    receipt.response = ResponseRef{
      response.at("file"), response.at("bytes"), response.at("sha256"), response.at("truncated")};
  }
  receipt.forwarded_to = text_at(json, "forwarded_to");
  const auto& usage = json.at("usage");
  receipt.usage = {
    usage.at("calls"), usage.at("input_tokens"), usage.at("output_tokens"), usage.at("usd_micros")};
  if (json.contains("transcript") && !json["transcript"].is_null()) { // not in older ones
    const auto& transcript = json["transcript"];
    receipt.transcript = TranscriptRef{
      transcript.at("bytes"), transcript.at("sha256"), transcript.value("redacted", false)};
  }
  const auto& ledger = json.at("ledger");
  if (!ledger.is_null()) {
    receipt.ledger_id = ledger.at("id").get<std::int64_t>();
    receipt.ledger_hash = ledger.at("hash").get<std::string>();
  }
  return receipt;
}

template<class Read>
auto read_json(std::string_view text, const Read& read) -> Result<decltype(read(Json()))>
{
  try {
    return read(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(Kind::bad_data, "not a record of ours: {}", error.what());
  }
}

// Values are UTF-8 by the time they are here; a replacement character is better than a throw.
std::string dumped(const Json& json)
{
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace

std::string_view to_string(TaskKind kind)
{
  return k_kinds[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Trust trust)
{
  return k_trusts[static_cast<std::size_t>(trust)];
}

std::string_view to_string(Outcome outcome)
{
  return k_outcomes[static_cast<std::size_t>(outcome)];
}

std::string to_json(const Meta& meta)
{
  return dumped(json_of(meta));
}

std::string to_json(const Receipt& receipt)
{
  auto json = json_of(receipt.meta);
  json["outcome"] = to_string(receipt.outcome);
  json["reason"] = json_of(receipt.reason);
  json["started_at"] = json_of(receipt.started_at);
  json["finished_at"] = rfc3339(receipt.finished_at);
  json["duration_ms"] = duration_of(receipt).count();
  json["exit"] = {
    {"result", receipt.exit.result}, {"code", receipt.exit.code}, {"status", receipt.exit.status}};
  json["runner"] = receipt.runner;
  json["batch"] = receipt.batch;
  json["response"] = json_of(receipt.response);
  json["forwarded_to"] = json_of(receipt.forwarded_to);
  json["usage"] = {{"calls", receipt.usage.calls}, {"input_tokens", receipt.usage.input_tokens},
    {"output_tokens", receipt.usage.output_tokens}, {"usd_micros", receipt.usage.usd}};
  json["transcript"] = receipt.transcript ? Json{{"bytes", receipt.transcript->bytes},
                                              {"redacted", receipt.transcript->redacted},
                                              {"sha256", receipt.transcript->sha256}}
                                          : Json();
  json["ledger"] = receipt.ledger_id
                     ? Json{{"id", *receipt.ledger_id}, {"hash", receipt.ledger_hash.value_or("")}}
                     : Json();
  return dumped(json);
}

Result<Meta> meta_from_json(std::string_view text)
{
  return read_json(text, meta_of);
}

Result<Receipt> receipt_from_json(std::string_view text)
{
  return read_json(text, receipt_of);
}

Result<std::vector<Receipt>> receipts_from_json(std::string_view text)
{
  return read_json(text, [](const Json& json) {
    std::vector<Receipt> receipts;
    for (const auto& one : json) {
      receipts.push_back(receipt_of(one));
    }
    return receipts;
  });
}

std::string ledger_key(const Meta& meta, int count, std::string_view type)
{
  return fmt::format("{}/{}/{}/{}", meta.agent, meta.id, count, type);
}

std::string ledger_key(const Meta& meta, std::string_view type)
{
  return ledger_key(meta, meta.attempt, type);
}

std::string outbox_stem(const Meta& meta)
{
  return compact_stamp(meta.claimed_at.value_or(meta.submitted_at)) + "-" + meta.id;
}

} // namespace conos
