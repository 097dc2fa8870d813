#include "ask/wire.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace conos::ask {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 5> k_statuses{
  "done", "pending", "refused", "failed", "busy"};

// Reads a request as it comes, and stops at the first thing that is none.
class Reader : public nlohmann::json_sax<Json>
{
public:
  Request request;
  std::string trouble;

  bool null() override { return bad("null stands for nothing here"); }
  bool boolean(bool value) override { return take(value ? "true" : "false", value_is_text); }
  bool number_integer(number_integer_t value) override
  {
    return take(std::to_string(value), value_is_number);
  }
  bool number_unsigned(number_unsigned_t value) override
  {
    return take(std::to_string(value), value_is_number);
  }
  bool number_float(number_float_t /*unused*/, const string_t& /*unused*/) override
  {
    return bad("a number is not whole");
  }
  bool string(string_t& value) override { return take(std::move(value), value_is_string); }
  bool binary(binary_t& /*unused*/) override { return bad("it is no JSON"); }
  bool start_array(std::size_t /*unused*/) override { return bad("there are no lists"); }
  bool end_array() override { return true; }

  bool start_object(std::size_t /*unused*/) override
  {
    if (m_depth == 1 && m_member != "args") {
      return bad(m_member + " is not an object");
    }
    return ++m_depth <= 2 || bad("an argument is a text, a number, true or false");
  }
  bool end_object() override
  {
    --m_depth;
    return true;
  }

  bool key(string_t& name) override
  {
    auto& seen = m_depth == 1 ? m_members : m_arguments;
    if (!seen.insert(name).second) {
      return bad("'" + escaped(name, 40) + "' stands there twice");
    }
    if (m_depth == 1) {
      m_member = name;
      constexpr std::array<std::string_view, 4> k_members{"verb", "args", "id", "task"};
      return std::find(k_members.begin(), k_members.end(), name) != k_members.end() ||
             bad("there is no '" + escaped(name, 40) + "' in a request");
    }
    m_argument = name;
    return seen.size() <= k_max_arguments ||
           bad(fmt::format("there are more than {} arguments", k_max_arguments));
  }

  bool parse_error(std::size_t at, const std::string& /*unused*/,
    const nlohmann::detail::exception& /*unused*/) override
  {
    return bad(fmt::format("it is no JSON from byte {} on", at));
  }

private:
  enum Form { value_is_text, value_is_number, value_is_string };

  bool bad(std::string what)
  {
    trouble = trouble.empty() ? std::move(what) : trouble;
    return false;
  }

  bool take(std::string value, Form form)
  {
    if (m_depth == 0) {
      return bad("it is not an object");
    }
    if (value.find('\0') != std::string::npos) {
      return bad("a text has a NUL character");
    }
    if (m_depth == 2) {
      request.args[m_argument] = std::move(value);
      return true;
    }
    if (m_member == "id") {
      const bool good = form != value_is_text && value.size() <= k_max_id_bytes;
      request.id = form == value_is_string ? Json(value).dump() : value;
      return good || bad(fmt::format("id is a number or a text of {} bytes", k_max_id_bytes));
    }
    if (form != value_is_string || m_member == "args") {
      return bad(m_member == "args" ? "args is not an object" : m_member + " is not a text");
    }
    (m_member == "verb" ? request.verb : request.task) = std::move(value);
    return true;
  }

  int m_depth = 0;
  std::string m_member;
  std::string m_argument;
  std::set<std::string, std::less<>> m_members;
  std::set<std::string, std::less<>> m_arguments;
};

std::string dumped(const Json& json)
{
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string text_in(const Json& json, const char* name)
{
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

} // namespace

std::string_view to_string(Status status)
{
  return k_statuses[static_cast<std::size_t>(status)];
}

Result<Request> parse_request(std::string_view line)
{
  Reader reader;
  const bool whole = Json::sax_parse(line.begin(), line.end(), &reader);
  if (!whole) {
    return fail(Kind::bad_data, "{}", reader.trouble.empty() ? "it is no JSON" : reader.trouble);
  }
  if (reader.request.verb.empty()) {
    return fail(Kind::bad_data, "there is no verb");
  }
  return std::move(reader.request);
}

std::string request_line(const Request& request)
{
  Json json{{"verb", request.verb}, {"args", request.args}};
  if (!request.id.empty()) {
    json["id"] = Json::parse(request.id, nullptr, false);
  }
  if (!request.task.empty()) {
    json["task"] = request.task;
  }
  return dumped(json) + "\n";
}

std::string answer_line(const Answer& answer)
{
  Json json{{"status", to_string(answer.status)}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) {
      json[name] = value;
    }
  };
  if (!answer.id.empty()) {
    json["id"] = Json::parse(answer.id, nullptr, false);
  }
  if (!answer.result.empty()) {
    json["result"] = Json::parse(answer.result, nullptr, false);
  }
  add("reason", answer.reason);
  add("what", answer.what);
  add("line", answer.line);
  add("approval", answer.approval);
  add("expires_at", answer.expires_at);
  if (answer.retry) {
    json["retry_ms"] = answer.retry->count();
  }
  return dumped(json) + "\n";
}

Result<Answer> parse_answer(std::string_view line)
{
  const auto json = Json::parse(line, nullptr, false);
  const auto status = json.is_object() ? text_in(json, "status") : "";
  const auto* found = std::find(k_statuses.begin(), k_statuses.end(), status);
  if (found == k_statuses.end()) {
    return fail(Kind::bad_data, "that is no answer of a gate");
  }
  Answer answer;
  answer.status = static_cast<Status>(found - k_statuses.begin());
  answer.id = json.contains("id") ? dumped(json["id"]) : "";
  answer.result = json.contains("result") ? dumped(json["result"]) : "";
  answer.reason = text_in(json, "reason");
  answer.what = text_in(json, "what");
  answer.line = text_in(json, "line");
  answer.approval = text_in(json, "approval");
  answer.expires_at = text_in(json, "expires_at");
  const auto retry = json.find("retry_ms");
  if (retry != json.end() && retry->is_number_integer()) {
    answer.retry = Duration(retry->get<Duration::rep>());
  }
  return answer;
}

} // namespace conos::ask
