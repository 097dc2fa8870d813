#include "model/request.hpp"

#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

namespace conos::model {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_deepest = 128;
constexpr std::int64_t k_usual_output = 8192; // where the caller says nothing
constexpr std::int64_t k_most_output = 10'000'000;
constexpr std::int64_t k_most_answers = 128;

template<std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& all)
{
  return std::find(all.begin(), all.end(), text) != all.end();
}

// Members of the request by which the provider does more than answer, or asks another price.
constexpr std::array<std::string_view, 16> k_denied{"mcp_servers", "container",
  "previous_response_id", "conversation", "prompt", "web_search_options", "plugins", "models",
  "route", "fallbacks", "inference_geo", "speed", "audio", "modalities", "provider", "transforms"};

constexpr std::array<std::string_view, 4> k_tiers{"auto", "default", "standard_only", "flex"};

// Tools whose calls come back to the caller.
bool is_callers_tool(std::string_view type)
{
  constexpr std::array<std::string_view, 4> k_own{"bash_", "text_editor_", "computer_", "memory_"};
  return type == "function" || type == "custom" || type == "local_shell" ||
         std::any_of(k_own.begin(), k_own.end(), [&](std::string_view prefix) {
           return type.starts_with(prefix);
         });
}

constexpr std::array<std::string_view, 7> k_media{
  "image", "document", "image_url", "input_image", "input_file", "file", "input_audio"};

// Walks through a request without keeping it.
class Reader : public nlohmann::json_sax<Json>
{
public:
  explicit Reader(Family family) { asked.family = family; }

  Asked asked;
  std::optional<Error> error;

  bool null() override { return value(false); }
  bool boolean(bool is_true) override
  {
    if (is("stream")) {
      asked.stream = is_true;
    } else if (is("stream_options", "include_usage")) {
      asked.wants_usage = is_true;
    } else if (is("background") && is_true) {
      return deny("work that goes on without its caller ('background')");
    }
    return value(is_true);
  }
  bool number_integer(number_integer_t number) override
  {
    return is_count() ? bad("'" + m_path.back() + "' is negative") : value(number != 0);
  }
  bool number_unsigned(number_unsigned_t number) override
  {
    const auto count = static_cast<std::int64_t>(
      std::min<number_unsigned_t>(number, static_cast<number_unsigned_t>(k_most_output) + 1));
    if (is("n")) {
      asked.answers = count;
    } else if (is_count()) {
      asked.max_tokens = std::max(asked.max_tokens, count);
    }
    return count <= k_most_output || !is_count() ? value() : bad("'" + m_path.back() + "' is huge");
  }
  bool number_float(number_float_t /*unused*/, const string_t& /*unused*/) override
  {
    return is_count() ? bad("'" + m_path.back() + "' is not a whole number") : value();
  }
  bool string(string_t& text) override
  {
    if (is("model")) {
      asked.model = text;
    } else if (is("service_tier") && !is_one_of(text, k_tiers)) {
      return deny("service tier '" + escaped(text, 40) + "'");
    } else if (is("tools", "[]", "type") && !is_callers_tool(text)) {
      return deny("a tool the provider runs ('" + escaped(text, 40) + "')");
    } else if (ends_with("cache_control", "ttl") && text == "1h") {
      asked.cache_1h = true;
    } else if (is_in_content() && !content(text)) {
      return false;
    }
    return value();
  }
  bool binary(binary_t& /*unused*/) override { return value(); }

  bool start_object(std::size_t /*unused*/) override
  {
    if (is_denied()) {
      return deny("'" + m_path.back() + "'");
    }
    m_path.emplace_back();
    return deeper();
  }
  bool key(string_t& name) override
  {
    m_path.back() = name;
    // who reads the first and who reads the last one would not read the same request
    if (m_path.size() == 1 && !m_names.insert(name).second) {
      return bad("'" + escaped(name, 40) + "' stands there twice");
    }
    if (m_path.size() == 1 && name == "stream_options") {
      asked.has_stream_options = true;
    }
    return true;
  }
  bool end_object() override
  {
    m_path.pop_back();
    --m_depth;
    return true;
  }
  bool start_array(std::size_t /*unused*/) override
  {
    if (is_denied()) {
      return deny("'" + m_path.back() + "'");
    }
    m_path.emplace_back("[]");
    return deeper();
  }
  bool end_array() override
  {
    m_path.pop_back();
    --m_depth;
    return true;
  }
  bool parse_error(std::size_t at, const std::string& /*unused*/,
    const nlohmann::detail::exception& /*unused*/) override
  {
    return bad("it is not JSON (byte " + std::to_string(at) + ")");
  }

private:
  bool bad(std::string what)
  {
    error = Error{Kind::bad_data, 0, std::move(what)};
    return false;
  }
  bool deny(const std::string& what)
  {
    error = Error{Kind::denied, 0, what + " is not for agents"};
    return false;
  }
  bool deeper() { return ++m_depth <= k_deepest || bad("it is nested too deep"); }

  // A scalar was read; `matters` is whether it says anything: null, false and 0 do not.
  bool value(bool matters = true)
  {
    if (m_path.empty()) {
      return bad("it is not a JSON object");
    }
    return !matters || !is_denied() || deny("'" + m_path.back() + "'");
  }

  bool is_denied() const
  {
    return m_path.size() == 1 && is_one_of(std::string_view(m_path.back()), k_denied);
  }

  template<class... Names>
  bool is(const Names&... names) const
  {
    const std::array<std::string_view, sizeof...(Names)> wanted{names...};
    return m_path.size() == wanted.size() &&
           std::equal(wanted.begin(), wanted.end(), m_path.begin());
  }
  bool ends_with(std::string_view parent, std::string_view last) const
  {
    return m_path.size() >= 2 && m_path.back() == last && m_path[m_path.size() - 2] == parent;
  }
  bool is_count() const
  {
    return is("max_tokens") || is("max_completion_tokens") || is("max_output_tokens") || is("n");
  }

  // Within what is said, and not within the arguments of a tool, where any JSON may stand.
  bool is_in_content() const
  {
    constexpr std::array<std::string_view, 5> k_way{
      "[]", "content", "source", "output", "image_url"};
    if (m_path.size() < 3 ||
        (m_path.front() != "messages" && m_path.front() != "input" && m_path.front() != "system")) {
      return false;
    }
    return std::all_of(m_path.begin() + 1, m_path.end() - 1, [&](const std::string& step) {
      return is_one_of(std::string_view(step), k_way);
    });
  }

  bool content(std::string_view text)
  {
    const auto& last = m_path.back();
    if (ends_with("source", "type") && (text == "url" || text == "file")) {
      return deny(
        "something the provider is to fetch (source of type '" + std::string(text) + "')");
    }
    const bool is_address = last == "image_url" || last == "file_url" || last == "url";
    if (last == "file_id" || (is_address && !text.starts_with("data:"))) {
      return deny("something the provider is to fetch ('" + last + "')");
    }
    if (last == "type" && is_one_of(text, k_media)) {
      asked.has_media = true;
    }
    return true;
  }

  std::vector<std::string> m_path; // of objects the member, of arrays "[]"
  std::set<std::string> m_names;
  std::size_t m_depth = 0;
};

} // namespace

Api api_of(Family family)
{
  return family == Family::messages ? Api::anthropic : Api::openai;
}

std::optional<Family> family_of(std::string_view path)
{
  if (path == "/v1/messages") {
    return Family::messages;
  }
  if (path == "/v1/chat/completions") {
    return Family::chat;
  }
  return path == "/v1/responses" ? std::optional(Family::responses) : std::nullopt;
}

Result<Asked> examine(Family family, std::string_view body)
{
  Reader reader(family);
  reader.asked.bytes = body.size();
  const bool is_read = Json::sax_parse(body.begin(), body.end(), &reader);
  if (reader.error) {
    return tl::unexpected<Error>(*reader.error);
  }
  auto& asked = reader.asked;
  if (!is_read) {
    return fail(Kind::bad_data, "it is not JSON");
  }
  if (asked.model.empty()) {
    return fail(Kind::bad_data, "it names no model");
  }
  if (family == Family::messages && asked.max_tokens == 0) {
    return fail(Kind::bad_data, "it has no 'max_tokens'");
  }
  if (asked.answers < 1 || asked.answers > k_most_answers) {
    return fail(Kind::bad_data, "'n' is not from 1 to {}", k_most_answers);
  }
  return std::move(asked);
}

std::int64_t most_output(const Asked& asked, const Price& price)
{
  if (asked.max_tokens > 0) {
    return asked.max_tokens;
  }
  return price.max_output > 0 ? std::min(price.max_output, k_usual_output) : k_usual_output;
}

std::string completed(
  std::string_view body, const Asked& asked, const Provider& provider, const Price& price)
{
  std::string more;
  if (asked.max_tokens == 0) {
    const auto* name = asked.family == Family::responses ? "max_output_tokens"
                       : provider.name == "openai"       ? "max_completion_tokens"
                                                         : "max_tokens";
    more += fmt::format(R"("{}":{},)", name, most_output(asked, price));
  }
  if (asked.family == Family::chat && asked.stream && !asked.has_stream_options) {
    more += R"("stream_options":{"include_usage":true},)";
  }
  const auto begin = body.find('{') + 1; // it is an object with at least one member
  std::string text;
  text.reserve(body.size() + more.size());
  text.append(body.substr(0, begin)).append(more).append(body.substr(begin));
  return text;
}

Result<std::string> for_model(std::string_view body, const std::string& model)
{
  try {
    auto json = nlohmann::ordered_json::parse(body);
    json["model"] = model;
    return json.dump();
  } catch (const nlohmann::json::exception&) {
    return fail(Kind::bad_data, "it is not JSON");
  }
}

} // namespace conos::model
