// gate - feeds the readers of the gate what nobody would send
//
//   gate SECONDS SEED CORPUS...   requests, answers, files of requests, blocks of conos.toml
#include "config/gate.hpp"
#include "ask/words.hpp"
#include "config/block.hpp"
#include "fuzz.hpp"
#include "gate/record.hpp"
#include "gate/show.hpp"
#include "gate/verbs.hpp"

#include <string_view>

namespace {

using namespace conos;

const std::vector<std::string> k_pieces{"{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000",
  "\\ud800", "\\n", "null", "true", "1e999", "-1", "99999999999999999999",
  "\"verb\":", "\"args\":", "\"id\":", "\"task\":", "\"query\"", "\"note\"", "\"package.request\"",
  "\"service.restart\"", "\"name\":", "\"unit\":", ".service", "@", "*", "conos-", "--", "../", "/",
  ";", "$(id)", "\n", std::string(1, '\0'), "\x1b[2J", "\xff", "\xe2\x80\xae", "[[agents]]\n",
  "name = ", "tier = ", "\"\"\"", "'''", "[base]\n", "gate.allow = ", "\"status\":\"done\"",
  "\"result\":", "\"digest\":", "\"state\":", std::string(300, '['), std::string(300, '{'),
  std::string(5000, 'a')};

void must(bool holds, const char* what)
{
  if (!holds) {
    fmt::print(stderr, "gate: {}\n", what);
    std::abort();
  }
}

bool is_harmless(std::string_view text)
{
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') || c == 0x7f;
  });
}

// What gets through can be no option, path or pattern to who is handed it.
std::size_t as_request(const std::string& text)
{
  const auto request = ask::parse_request(text);
  if (!request) {
    return request.error().what.size();
  }
  const auto again = ask::parse_request(ask::request_line(*request));
  must(again && again->args == request->args && again->verb == request->verb,
    "a request that is written down is another one");
  const auto* verb = find_gate_verb(request->verb);
  if (verb == nullptr || !gate::check_arguments(*verb, request->args)) {
    return request->verb.size();
  }
  const auto argument = gate::argument_of(*verb, request->args);
  for (const std::string_view bad : {"-", "..", "/", " ", "*", "\n", "\\0"}) {
    must(verb->name == "contract.run" || !argument.starts_with(bad), "an argument begins badly");
  }
  must(argument.find('\0') == argument.npos, "an argument has a NUL");
  GateDoor door;
  door.policy.deny = {"*"};
  door.policy.allow = {text.substr(0, 40)};
  if (!gate_pattern_complaint(door.policy.allow.front()).empty()) {
    must(decide(door, {request->verb, argument}).rule == GateRule::deny || verb->is_free ||
           decide(door, {request->verb, argument}).pattern != "*",
      "a pattern that is none decides");
  }
  return argument.size();
}

std::size_t as_record(const std::string& text)
{
  const auto request = gate::request_from_json(text);
  if (!request) {
    return request.error().what.size();
  }
  must(gate::check_seal(*request).has_value(), "a request is read that is not what was sealed");
  const auto shown = gate::show_text(*request, {}, Time()) + gate::list_text({*request}, Time());
  must(is_harmless(shown), "what is shown could act on a terminal");
  return shown.size();
}

std::size_t read_all_ways(const std::string& text)
{
  auto seen = as_request(text) + as_record(text);
  if (const auto answer = ask::parse_answer(text)) {
    const auto shown = ask::text_of(*answer) + ask::complaint_of(*answer);
    must(is_harmless(shown), "an answer could act on a terminal");
    seen += shown.size();
  }
  if (const auto block = config::agent_block(text)) {
    const auto whole = config::with_agent("[base]\ngate.deny = [\"*\"]\n", *block);
    must(whole && whole->starts_with("[base]\ngate.deny = [\"*\"]\n\n[[agents]]\n"),
      "a block is no block of its own");
    seen += config::check(*whole).findings.size();
  }
  return seen;
}

} // namespace

int main(int argc, char* argv[])
{
  return conos::fuzz::run(argc, argv, {"gate", k_pieces, read_all_ways});
}
