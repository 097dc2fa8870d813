#include "think/wire.hpp"

#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace conos::think {

namespace {

// Keys in the order they are put in: what is the same for every request stands first.
using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 2> k_apis{"anthropic", "openai"};
constexpr std::array<std::string_view, 6> k_stops{
  "end", "tools", "length", "pause", "refusal", "context"};

std::string dumped(const Json& json)
{
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// An object, whatever the text is: providers refuse anything else for arguments.
Json object_of(std::string_view text)
{
  auto json = Json::parse(text, nullptr, false);
  return json.is_object() ? json : Json::object();
}

std::string string_in(const Json& json, const char* key)
{
  const auto found = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>()
                                                                       : std::string();
}

std::uint64_t number_in(const Json& json, const char* key)
{
  const auto found = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && found != json.end() && found->is_number_unsigned()
           ? found->get<std::uint64_t>()
           : 0;
}

const Json& member(const Json& json, const char* key)
{
  static const Json k_none;
  if (!json.is_object()) {
    return k_none;
  }
  const auto found = json.find(key);
  return found == json.end() ? k_none : *found;
}

// --- asking --------------------------------------------------------------------------------------

Json cached(Json block)
{
  block["cache_control"] = {{"type", "ephemeral"}};
  return block;
}

Json anthropic_block(const Block& block)
{
  switch (block.kind) {
  case Block::Kind::text:
    return {{"type", "text"}, {"text", block.text}};
  case Block::Kind::call:
    return {{"type", "tool_use"}, {"id", block.id}, {"name", block.name},
      {"input", object_of(block.text)}};
  case Block::Kind::result: {
    Json result{{"type", "tool_result"}, {"tool_use_id", block.id}, {"content", block.text}};
    if (block.is_error) {
      result["is_error"] = true;
    }
    return result;
  }
  case Block::Kind::opaque:
    break;
  }
  return object_of(block.text);
}

Json anthropic_body(const Request& request)
{
  Json json{{"model", request.model}, {"max_tokens", request.max_tokens}, {"stream", true}};
  if (request.tools != nullptr) {
    auto tools = Json::array();
    for (const auto& tool : *request.tools) {
      tools.push_back({{"name", tool.name}, {"description", tool.description},
        {"input_schema", object_of(tool.schema)}});
    }
    json["tools"] = std::move(tools);
  }
  if (!request.system.empty()) {
    json["system"] = Json::array({cached({{"type", "text"}, {"text", request.system}})});
  }
  auto messages = Json::array();
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    const auto& message = request.messages[i];
    auto content = Json::array();
    for (const auto& block : message.blocks) {
      content.push_back(anthropic_block(block));
    }
    if (i + 1 == request.messages.size() && !message.from_model && !content.empty()) {
      content.back() = cached(content.back()); // the next request begins with all of this
    }
    messages.push_back({{"role", message.from_model ? "assistant" : "user"}, {"content", content}});
  }
  json["messages"] = std::move(messages);
  return json;
}

// Results of tools are messages of their own there, and come before what else is said.
void add_openai(Json& messages, const Message& message)
{
  std::string text;
  auto calls = Json::array();
  for (const auto& block : message.blocks) {
    if (block.kind == Block::Kind::text) {
      text += block.text;
    } else if (block.kind == Block::Kind::call) {
      calls.push_back({{"id", block.id}, {"type", "function"},
        {"function", {{"name", block.name}, {"arguments", dumped(object_of(block.text))}}}});
    } else if (block.kind == Block::Kind::result) {
      messages.push_back({{"role", "tool"}, {"tool_call_id", block.id},
        {"content", (block.is_error ? "error: " : "") + block.text}});
    }
  }
  if (!message.from_model && text.empty()) {
    return;
  }
  Json json{{"role", message.from_model ? "assistant" : "user"}, {"content", text}};
  if (!calls.empty()) {
    json["tool_calls"] = std::move(calls);
  }
  messages.push_back(std::move(json));
}

Json openai_body(const Request& request)
{
  Json json{{"model", request.model}, {"max_completion_tokens", request.max_tokens},
    {"stream", true}, {"stream_options", {{"include_usage", true}}}};
  if (request.tools != nullptr) {
    auto tools = Json::array();
    for (const auto& tool : *request.tools) {
      tools.push_back(
        {{"type", "function"}, {"function", {{"name", tool.name}, {"description", tool.description},
                                              {"parameters", object_of(tool.schema)}}}});
    }
    json["tools"] = std::move(tools);
  }
  auto messages = Json::array();
  if (!request.system.empty()) {
    messages.push_back({{"role", "system"}, {"content", request.system}});
  }
  for (const auto& message : request.messages) {
    add_openai(messages, message);
  }
  json["messages"] = std::move(messages);
  return json;
}

// --- being answered ------------------------------------------------------------------------------

Stop stop_of(std::string_view reason)
{
  constexpr std::array<std::pair<std::string_view, Stop>, 11> k_reasons{{
    {"end_turn", Stop::end},
    {"stop_sequence", Stop::end},
    {"stop", Stop::end},
    {"tool_use", Stop::tools},
    {"tool_calls", Stop::tools},
    {"max_tokens", Stop::length},
    {"length", Stop::length},
    {"pause_turn", Stop::pause},
    {"refusal", Stop::refusal},
    {"content_filter", Stop::refusal},
    {"model_context_window_exceeded", Stop::context},
  }};
  for (const auto& [name, stop] : k_reasons) {
    if (name == reason) {
      return stop;
    }
  }
  return Stop::end; // one that did not exist when this was written: what was said is said
}

void take_anthropic_usage(const Json& usage, Usage& into)
{
  const auto take = [&](const char* key, std::uint64_t& value) {
    value = std::max(value, number_in(usage, key)); // the counts are cumulative
  };
  take("input_tokens", into.input);
  take("cache_read_input_tokens", into.cache_read);
  take("cache_creation_input_tokens", into.cache_written);
  take("output_tokens", into.output);
}

void take_openai_usage(const Json& usage, Usage& into)
{
  if (!usage.is_object()) {
    return;
  }
  const auto cached_tokens = number_in(member(usage, "prompt_tokens_details"), "cached_tokens");
  const auto all = number_in(usage, "prompt_tokens");
  into.cache_read = cached_tokens;
  into.input = all - std::min(all, cached_tokens);
  into.output = number_in(usage, "completion_tokens");
}

Block call_block(const std::string& id, const std::string& name, std::string arguments)
{
  Block block;
  block.kind = Block::Kind::call;
  block.id = id;
  block.name = name;
  block.text = std::move(arguments);
  return block;
}

Block opaque_block(const Json& json)
{
  Block block;
  block.kind = Block::Kind::opaque;
  block.text = dumped(json);
  return block;
}

// Adds a block as it is to be kept: empty texts are refused when they are sent back, and of calls
// there is a most.
void add_block(Answer& answer, Block block)
{
  if (block.kind == Block::Kind::text && block.text.empty()) {
    return;
  }
  if (block.kind == Block::Kind::call) {
    const auto calls =
      std::count_if(answer.blocks.begin(), answer.blocks.end(), [](const Block& other) {
        return other.kind == Block::Kind::call;
      });
    if (static_cast<std::size_t>(calls) >= k_max_calls) {
      ++answer.dropped_calls;
      return;
    }
  }
  answer.blocks.push_back(std::move(block));
}

Block block_of_anthropic(const Json& json)
{
  const auto type = string_in(json, "type");
  if (type == "text") {
    return {Block::Kind::text, string_in(json, "text")};
  }
  if (type == "tool_use") {
    return call_block(
      string_in(json, "id"), string_in(json, "name"), dumped(member(json, "input")));
  }
  return opaque_block(json);
}

tl::unexpected<Error> reported(const Complaint& complaint)
{
  return fail(Kind::unavailable, "the provider says: {}{}{}", complaint.type,
    complaint.type.empty() || complaint.message.empty() ? "" : ": ", complaint.message);
}

Complaint complaint_in(const Json& json)
{
  const auto& error = member(json, "error");
  if (error.is_string()) {
    return {"", escaped(error.get<std::string>(), 300)};
  }
  auto type = string_in(error, "type");
  type = type.empty() ? string_in(error, "code") : type;
  return {escaped(type, 80), escaped(string_in(error, "message"), 300)};
}

} // namespace

std::string_view to_string(Api api)
{
  return k_apis[static_cast<std::size_t>(api)];
}

Result<Api> api_called(std::string_view name)
{
  const auto found = std::find(k_apis.begin(), k_apis.end(), name);
  if (found == k_apis.end()) {
    return fail(Kind::config, "'{}' is neither anthropic nor openai", escaped(name, 80));
  }
  return static_cast<Api>(found - k_apis.begin());
}

std::string_view to_string(Stop stop)
{
  return k_stops[static_cast<std::size_t>(stop)];
}

Result<Stop> stop_called(std::string_view name)
{
  const auto found = std::find(k_stops.begin(), k_stops.end(), name);
  if (found == k_stops.end()) {
    return fail(Kind::bad_data, "'{}' is no reason to stop", escaped(name, 80));
  }
  return static_cast<Stop>(found - k_stops.begin());
}

Usage& Usage::operator+=(const Usage& other)
{
  calls += other.calls;
  input += other.input;
  cache_read += other.cache_read;
  cache_written += other.cache_written;
  output += other.output;
  return *this;
}

std::string Answer::text() const
{
  std::string all;
  for (const auto& block : blocks) {
    all += block.kind == Block::Kind::text ? block.text : "";
  }
  return all;
}

std::string_view path_of(Api api)
{
  return api == Api::anthropic ? "/v1/messages" : "/v1/chat/completions";
}

std::string body_of(Api api, const Request& request)
{
  return dumped(api == Api::anthropic ? anthropic_body(request) : openai_body(request));
}

Complaint complaint_of(std::string_view body)
{
  const auto json = Json::parse(body, nullptr, false);
  const auto complaint = complaint_in(json);
  return complaint.type.empty() && complaint.message.empty()
           ? Complaint{"", escaped(trimmed(body), 200)}
           : complaint;
}

Result<Answer> answer_of(Api api, std::string_view body)
{
  if (body.size() > k_max_answer_bytes) {
    return fail(Kind::bad_data, "the answer is larger than {} bytes", k_max_answer_bytes);
  }
  const auto json = Json::parse(body, nullptr, false);
  if (!json.is_object()) {
    return fail(Kind::bad_data, "the answer is not JSON");
  }
  if (json.contains("error") && !json["error"].is_null()) {
    return reported(complaint_in(json));
  }
  Answer answer;
  answer.usage.calls = 1;
  answer.model = string_in(json, "model");
  if (api == Api::anthropic) {
    const auto& content = member(json, "content");
    if (!content.is_array()) {
      return fail(Kind::bad_data, "the answer has no content");
    }
    for (const auto& block : content) {
      add_block(answer, block_of_anthropic(block));
    }
    answer.stop = stop_of(string_in(json, "stop_reason"));
    take_anthropic_usage(member(json, "usage"), answer.usage);
    return answer;
  }
  const auto& choices = member(json, "choices");
  if (!choices.is_array() || choices.empty()) {
    return fail(Kind::bad_data, "the answer has no choices");
  }
  const auto& message = member(choices[0], "message");
  add_block(answer, {Block::Kind::text, string_in(message, "content")});
  add_block(answer, {Block::Kind::text, string_in(message, "refusal")});
  const auto& calls = member(message, "tool_calls");
  for (const auto& call : calls.is_array() ? calls : Json::array()) {
    const auto& function = member(call, "function");
    add_block(answer, call_block(string_in(call, "id"), string_in(function, "name"),
                        string_in(function, "arguments")));
  }
  answer.stop = stop_of(string_in(choices[0], "finish_reason"));
  take_openai_usage(member(json, "usage"), answer.usage);
  return answer;
}

// --- streams -------------------------------------------------------------------------------------

Result<> StreamReader::feed(std::string_view bytes)
{
  m_bytes += bytes.size();
  // a delta of one letter has a hundred bytes around it
  if (m_bytes > 64 * k_max_answer_bytes || m_line.size() + m_data.size() > k_max_answer_bytes) {
    return fail(Kind::bad_data, "the answer is too large");
  }
  for (;;) {
    const auto end = bytes.find('\n');
    m_line += bytes.substr(0, end);
    if (end == std::string_view::npos) {
      return {};
    }
    bytes.remove_prefix(end + 1);
    if (m_line.ends_with('\r')) {
      m_line.pop_back();
    }
    const auto whole = std::exchange(m_line, {});
    CONOS_CHECK(line(whole));
  }
}

Result<> StreamReader::line(std::string_view text)
{
  constexpr std::string_view k_data = "data:";
  if (text.empty()) {
    const auto data = std::exchange(m_data, {});
    return std::exchange(m_has_data, false) ? event(data) : Result<>{};
  }
  if (!text.starts_with(k_data)) {
    return {}; // a comment, an event's name, an id
  }
  text.remove_prefix(k_data.size());
  if (text.starts_with(' ')) {
    text.remove_prefix(1);
  }
  m_data += (m_has_data ? "\n" : "") + std::string(text);
  m_has_data = true;
  return m_data.size() > k_max_answer_bytes ? fail(Kind::bad_data, "the answer is too large")
                                            : Result<>{};
}

Result<> StreamReader::event(const std::string& data)
{
  if (m_done) {
    return {};
  }
  return m_api == Api::anthropic ? anthropic_event(data) : openai_event(data);
}

StreamReader::Growing* StreamReader::growing(std::size_t index)
{
  const auto found = m_growing.find(index);
  return found == m_growing.end() ? nullptr : &found->second;
}

StreamReader::Growing* StreamReader::grow(std::size_t index, Growing began)
{
  constexpr std::size_t k_most = 20'000; // of which no more than k_max_calls are kept
  if (m_growing.size() >= k_most) {
    return nullptr;
  }
  return &m_growing.insert_or_assign(index, std::move(began)).first->second;
}

Result<> StreamReader::anthropic_event(const std::string& data)
{
  const auto json = Json::parse(data, nullptr, false);
  const auto type = string_in(json, "type");
  if (type == "error") {
    return reported(complaint_in(json));
  }
  const auto index = static_cast<std::size_t>(number_in(json, "index"));
  if (type == "message_start") {
    const auto& message = member(json, "message");
    m_answer.model = string_in(message, "model");
    take_anthropic_usage(member(message, "usage"), m_answer.usage);
  } else if (type == "content_block_start") {
    const auto& began = member(json, "content_block");
    Growing fresh;
    fresh.block = block_of_anthropic(began);
    if (fresh.block.kind == Block::Kind::call) {
      // it begins with an empty object, and its fragments are the whole
      fresh.block.text =
        fresh.block.text == "{}" || fresh.block.text == "null" ? "" : fresh.block.text;
    } else if (fresh.block.kind == Block::Kind::opaque) {
      fresh.json = fresh.block.text;
      fresh.block.text = string_in(began, "thinking");
    }
    if (grow(index, std::move(fresh)) == nullptr) {
      return fail(Kind::bad_data, "the answer has too many parts");
    }
  } else if (type == "content_block_delta") {
    const auto& delta = member(json, "delta");
    if (auto* block = growing(index); block != nullptr) {
      block->block.text += string_in(delta, "text");
      block->block.text += string_in(delta, "partial_json");
      block->block.text += string_in(delta, "thinking");
      block->signature += string_in(delta, "signature");
    }
  } else if (type == "message_delta") {
    const auto reason = string_in(member(json, "delta"), "stop_reason");
    m_stop = reason.empty() ? m_stop : std::optional(stop_of(reason));
    take_anthropic_usage(member(json, "usage"), m_answer.usage);
  } else if (type == "message_stop") {
    m_done = true;
  }
  return {}; // ping, content_block_stop, and what does not exist yet
}

Result<> StreamReader::openai_event(const std::string& data)
{
  if (trimmed(data) == "[DONE]") {
    m_done = true;
    return {};
  }
  const auto json = Json::parse(data, nullptr, false);
  if (json.is_object() && json.contains("error") && !json["error"].is_null()) {
    return reported(complaint_in(json));
  }
  if (const auto model = string_in(json, "model"); !model.empty()) {
    m_answer.model = model;
  }
  take_openai_usage(member(json, "usage"), m_answer.usage);
  const auto& choices = member(json, "choices");
  if (!choices.is_array() || choices.empty()) {
    return {};
  }
  constexpr std::size_t k_first_call = 1; // index 0 is the text
  const auto& delta = member(choices[0], "delta");
  const auto said = string_in(delta, "content") + string_in(delta, "refusal");
  if (!said.empty()) {
    auto* text = growing(0);
    text = text != nullptr ? text : grow(0, {});
    text->block.text += said;
  }
  const auto& calls = member(delta, "tool_calls");
  for (const auto& call : calls.is_array() ? calls : Json::array()) {
    const auto& function = member(call, "function");
    const auto index = static_cast<std::size_t>(number_in(call, "index")) + k_first_call;
    auto* known = growing(index);
    if (known == nullptr) {
      Growing fresh;
      fresh.block = call_block(string_in(call, "id"), string_in(function, "name"), "");
      known = grow(index, std::move(fresh));
    }
    if (known == nullptr) {
      return fail(Kind::bad_data, "the answer has too many parts");
    }
    known->block.text += string_in(function, "arguments");
  }
  const auto reason = string_in(choices[0], "finish_reason");
  m_stop = reason.empty() ? m_stop : std::optional(stop_of(reason));
  return {};
}

Result<Answer> StreamReader::finish()
{
  // some servers end without a last empty line, and some without the last event
  if (!m_line.empty()) {
    const auto rest = std::exchange(m_line, {});
    CONOS_CHECK(line(rest));
  }
  CONOS_CHECK(line(""));
  if (!m_stop) {
    return fail(Kind::unavailable, "the answer broke off");
  }
  for (auto& [index, part] : m_growing) {
    if (part.block.kind == Block::Kind::opaque) {
      auto json = object_of(part.json);
      if (json.contains("thinking")) {
        json["thinking"] = part.block.text;
      }
      if (!part.signature.empty()) {
        json["signature"] = part.signature;
      }
      part.block.text = dumped(json);
    }
    add_block(m_answer, std::move(part.block));
  }
  m_growing.clear();
  m_answer.stop = *m_stop;
  m_answer.usage.calls = 1;
  return std::move(m_answer);
}

} // namespace conos::think
