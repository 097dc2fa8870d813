#include "model/usage.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos::model {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_longest = 4U << 20U;      // a line of a stream, or a whole answer
constexpr std::int64_t k_overhead = 2000;         // what the provider says on its own about tools
constexpr std::int64_t k_usual_context = 200'000; // where the price does not tell it
constexpr std::int64_t k_most_tokens = 1'000'000'000; // a provider that says more is not believed

std::int64_t count(const Json& json, const char* name)
{
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_integer()) {
    return 0;
  }
  return std::clamp<std::int64_t>(found->get<std::int64_t>(), 0, k_most_tokens);
}

const Json& inner(const Json& json, const char* name)
{
  static const Json k_none = Json::object();
  const auto found = json.find(name);
  return found != json.end() && found->is_object() ? *found : k_none;
}

void read_anthropic(const Json& usage, Tokens& tokens)
{
  // cumulative: a later one has what an earlier one had, or leaves it out
  const auto take = [&](const char* name, std::int64_t& into) {
    into = std::max(into, count(usage, name));
  };
  take("input_tokens", tokens.input);
  take("cache_read_input_tokens", tokens.cache_read);
  take("output_tokens", tokens.output);
  const auto hour = count(inner(usage, "cache_creation"), "ephemeral_1h_input_tokens");
  tokens.cache_write_1h = std::max(tokens.cache_write_1h, hour);
  const auto written = count(usage, "cache_creation_input_tokens");
  tokens.cache_write = std::max(tokens.cache_write, written - tokens.cache_write_1h);
}

void read_openai(const Json& usage, const char* in, const char* out, Tokens& tokens)
{
  const auto& details = inner(usage, (std::string(in) + "_details").c_str());
  tokens.cache_read = count(details, "cached_tokens");
  tokens.cache_write = count(details, "cache_write_tokens");
  tokens.input =
    std::max<std::int64_t>(0, count(usage, in) - tokens.cache_read - tokens.cache_write);
  tokens.output = count(usage, out);
}

} // namespace

std::int64_t cost_of(const Tokens& tokens, const Price& price)
{
  __extension__ using Wide = __int128; // a billion tokens at a dollar each
  const auto part = [](std::int64_t number, std::int64_t each) {
    return static_cast<Wide>(number) * each;
  };
  const Wide sum = part(tokens.input, price.input) + part(tokens.cache_read, price.cache_read) +
                   part(tokens.cache_write, price.cache_write) +
                   part(tokens.cache_write_1h, price.cache_write_1h) +
                   part(tokens.output, price.output);
  const Wide micros = (sum + 999'999) / 1'000'000;
  return static_cast<std::int64_t>(std::min<Wide>(micros, INT64_MAX / 1024));
}

Tokens worst_of(const Asked& asked, const Price& price)
{
  auto input = static_cast<std::int64_t>(asked.bytes) + k_overhead;
  if (asked.has_media) {
    input = std::max(input, price.context > 0 ? price.context : k_usual_context);
  }
  if (price.context > 0) {
    input = std::min(input, price.context);
  }
  Tokens tokens;
  const auto write = asked.cache_1h ? price.cache_write_1h : price.cache_write;
  auto& dearest = price.input >= write ? tokens.input
                  : asked.cache_1h     ? tokens.cache_write_1h
                                       : tokens.cache_write;
  dearest = input;
  tokens.output = most_output(asked, price) * asked.answers;
  return tokens;
}

void UsageReader::feed(std::string_view piece)
{
  if (!m_is_stream) {
    m_is_long = m_is_long || m_text.size() + piece.size() > k_longest;
    if (m_is_long) {
      m_text = {};
    } else {
      m_text += piece;
    }
    return;
  }
  for (;;) {
    const auto end = piece.find('\n');
    const auto part = piece.substr(0, end);
    m_is_long = m_is_long || m_text.size() + part.size() > k_longest;
    if (end == piece.npos) {
      if (m_is_long) {
        m_text.clear();
      } else {
        m_text += part;
      }
      return;
    }
    if (!m_is_long && m_text.empty()) {
      line(part);
    } else if (!m_is_long) {
      m_text += part;
      line(m_text);
    }
    m_text.clear();
    m_is_long = false;
    piece.remove_prefix(end + 1);
  }
}

void UsageReader::line(std::string_view text)
{
  if (!text.starts_with("data:")) {
    return;
  }
  text.remove_prefix(5);
  if (m_family == Family::chat && text.find("[DONE]") < 2) {
    m_is_whole = true;
    return;
  }
  // most lines are a few words of text, and say neither
  constexpr std::string_view k_ends = "message_stop";
  if (text.find("\"usage\"") != text.npos || text.find(k_ends) != text.npos) {
    object(text);
  }
}

void UsageReader::object(std::string_view text)
{
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return;
  }
  const auto type = json.value("type", Json()).is_string() ? json["type"].get<std::string>() : "";
  const auto& usage = m_family == Family::messages && json.contains("message")
                        ? inner(inner(json, "message"), "usage")
                      : m_family == Family::responses && json.contains("response")
                        ? inner(inner(json, "response"), "usage")
                        : inner(json, "usage");
  switch (m_family) {
  case Family::messages:
    read_anthropic(usage, m_tokens);
    m_has_input = m_has_input || usage.contains("input_tokens");
    // that of message_start is not the last word about the output
    m_has_output = m_has_output || (usage.contains("output_tokens") && type != "message_start");
    m_is_whole = m_is_whole || type == "message_stop" || !m_is_stream;
    break;
  case Family::chat:
    if (!usage.empty()) {
      read_openai(usage, "prompt_tokens", "completion_tokens", m_tokens);
      m_has_input = m_has_output = true;
    }
    m_is_whole = m_is_whole || !m_is_stream;
    break;
  case Family::responses:
    if (!usage.empty()) {
      read_openai(usage, "input_tokens", "output_tokens", m_tokens);
      m_has_input = m_has_output = true;
    }
    m_is_whole = m_is_whole || !m_is_stream || type == "response.completed" ||
                 type == "response.incomplete" || type == "response.failed";
    break;
  }
}

bool UsageReader::is_whole()
{
  if (!m_is_stream && !m_is_read) {
    m_is_read = true;
    object(m_text);
    m_text = {};
  }
  return m_is_whole;
}

std::optional<Tokens> UsageReader::tokens()
{
  (void)is_whole();
  return m_has_input && m_has_output ? std::optional(m_tokens) : std::nullopt;
}

} // namespace conos::model
