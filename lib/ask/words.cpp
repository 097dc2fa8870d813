#include "ask/words.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos::ask {

namespace {

using Json = nlohmann::json;

bool is_key(std::string_view text)
{
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
  });
}

std::string word_of(const Json& json)
{
  return json.is_string()
           ? escaped_lines(json.get<std::string>())
           : escaped(json.dump(-1, ' ', false, Json::error_handler_t::replace), 4096);
}

std::string field(const Json& json, const char* name)
{
  const auto found = json.find(name);
  return found == json.end() ? "" : word_of(*found);
}

std::string table_of_verbs(const Json& verbs)
{
  std::string text;
  for (const auto& verb : verbs) {
    text += fmt::format("{:<18}{:<7}{}\n{:25}{}\n", field(verb, "verb"), field(verb, "rule"),
      field(verb, "help"), "", field(verb, "arguments"));
  }
  return text;
}

std::string lines_of(const Json& result)
{
  std::string text;
  for (const auto& [key, value] : result.items()) {
    if (key == "verbs" && value.is_array()) {
      text += table_of_verbs(value);
    } else if (value.is_array()) {
      for (const auto& one : value) {
        text += word_of(one) + "\n";
      }
    } else if (value.is_object()) {
      for (const auto& [inner, one] : value.items()) {
        text += fmt::format("{}: {}\n", escaped(inner), word_of(one));
      }
    } else {
      text += fmt::format("{}: {}\n", escaped(key), word_of(value));
    }
  }
  return text;
}

} // namespace

Result<Request> request_of(const std::vector<std::string>& words,
  const std::function<Result<std::string>(const std::string& file)>& read)
{
  Request request;
  if (words.empty()) {
    request.verb = "query";
    request.args["what"] = "verbs";
    return request;
  }
  request.verb = words.front();
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    const auto end = word->find_first_of("=@");
    const auto key = word->substr(0, end);
    if (end == std::string::npos || !is_key(key)) {
      return fail(Kind::usage, "'{}' is neither KEY=VALUE nor KEY@FILE", escaped(*word, 80));
    }
    if (request.args.contains(key)) {
      return fail(Kind::usage, "'{}' is given twice", key);
    }
    auto value = word->substr(end + 1);
    if ((*word)[end] == '@') {
      CONOS_TRY(value, read(value));
    }
    request.args[key] = std::move(value);
  }
  return request;
}

std::string text_of(const Answer& answer)
{
  if (answer.status == Status::pending) {
    return answer.approval + "\n";
  }
  const auto result = answer.result.empty() ? Json() : Json::parse(answer.result, nullptr, false);
  const auto text = result.is_object() ? lines_of(result) : "";
  const bool tells = answer.status == Status::done && !answer.what.empty() && text.empty();
  return tells ? escaped_lines(answer.what) + "\n" : text;
}

std::string complaint_of(const Answer& answer)
{
  const auto what = escaped(answer.what, 4096);
  switch (answer.status) {
  case Status::done:
    return "";
  case Status::pending:
    return fmt::format("a person is asked, until {}; 'conos ask approval.status id={}' says what "
                       "became of it",
      answer.expires_at, answer.approval);
  case Status::refused:
    return answer.line.empty() ? "refused: " + what
                               : fmt::format("refused: {}; an administrator permits it in "
                                             "/etc/conos/conos.toml: {}",
                                   what, escaped(answer.line));
  case Status::failed:
    return "failed: " + what;
  case Status::busy:
    return "the gate is busy: " + what;
  }
  return "";
}

} // namespace conos::ask
