#include "gate/record.hpp"

#include "audit/sha256.hpp"
#include "sys/id.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace conos::gate {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 8> k_states{
  "pending", "denied", "expired", "allowed", "running", "done", "failed", "unknown"};

std::string dumped(const Json& json, int indent = -1)
{
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json json_of(const std::optional<std::string>& text)
{
  return text ? Json(*text) : Json();
}

Json json_of(const std::optional<Time>& time)
{
  return time ? Json(rfc3339(*time)) : Json();
}

std::optional<std::string> text_of(const Json& json)
{
  return json.is_null() ? std::nullopt : std::optional(json.get<std::string>());
}

Time time_of(const Json& json)
{
  const auto time = parse_rfc3339(json.get<std::string>());
  if (!time) {
    throw std::runtime_error("not a time");
  }
  return *time;
}

std::optional<Time> maybe_time_of(const Json& json)
{
  return json.is_null() ? std::nullopt : std::optional(time_of(json));
}

Json json_of(const AskedFor& task)
{
  return {{"id", task.id}, {"root", task.root}, {"hop", task.hop},
    {"trust", conos::to_string(task.trust)}, {"sender", json_of(task.sender)},
    {"thread", {{"key", json_of(task.thread.key)}, {"id", json_of(task.thread.id)},
                 {"transport", json_of(task.thread.transport)},
                 {"channel", json_of(task.thread.channel)}, {"from", json_of(task.thread.from)}}}};
}

AskedFor task_of(const Json& json)
{
  const auto& thread = json.at("thread");
  return {json.at("id"), json.at("root"), json.at("hop"),
    json.at("trust") == "verified" ? Trust::verified : Trust::unverified,
    text_of(json.at("sender")),
    {text_of(thread.at("key")), text_of(thread.at("id")), text_of(thread.at("transport")),
      text_of(thread.at("channel")), text_of(thread.at("from"))}};
}

Json json_of(const Decision& decision)
{
  return {{"by", decision.by}, {"reason", decision.reason}, {"pattern", decision.pattern},
    {"grant", decision.grant}, {"at", rfc3339(decision.at)}, {"until", json_of(decision.until)}};
}

Decision decision_of(const Json& json)
{
  return {json.at("by"), json.at("reason"), json.at("pattern"), json.at("grant"),
    time_of(json.at("at")), maybe_time_of(json.at("until"))};
}

// What is sealed.
Json sealed_part(const Request& request)
{
  return {{"agent", request.agent}, {"uid", request.uid}, {"task", json_of(request.task)},
    {"verb", request.verb}, {"args", request.args}, {"nonce", request.nonce},
    {"requested_at", rfc3339(request.requested_at)}, {"expires_at", rfc3339(request.expires_at)}};
}

Request request_of(const Json& json)
{
  Request request;
  request.id = json.at("id");
  request.agent = json.at("agent");
  request.uid = json.at("uid");
  request.task = task_of(json.at("task"));
  request.verb = json.at("verb");
  request.args = json.at("args").get<ask::Arguments>();
  request.nonce = json.at("nonce");
  request.pattern = json.at("pattern");
  request.requested_at = time_of(json.at("requested_at"));
  request.expires_at = time_of(json.at("expires_at"));
  request.digest = json.at("digest");
  const std::string state = json.at("state");
  const auto* found = std::find(k_states.begin(), k_states.end(), state);
  if (found == k_states.end()) {
    throw std::runtime_error("unknown state");
  }
  request.state = static_cast<State>(found - k_states.begin());
  if (const auto& decision = json.at("decision"); !decision.is_null()) {
    request.decision = decision_of(decision);
  }
  request.used_at = maybe_time_of(json.at("used_at"));
  if (const auto& ending = json.at("ending"); !ending.is_null()) {
    const auto& result = ending.at("result");
    request.ending =
      Ending{time_of(ending.at("at")), ending.at("what"), result.is_null() ? "" : dumped(result)};
  }
  request.is_told = json.at("is_told");
  return request;
}

tl::unexpected<Error> cannot(const Request& request, std::string_view deed)
{
  return fail(
    Kind::denied, "request {} is {}: it cannot be {}", request.id, to_string(request.state), deed);
}

} // namespace

std::string_view to_string(State state)
{
  return k_states[static_cast<std::size_t>(state)];
}

bool has_ended(State state)
{
  switch (state) {
  case State::pending:
  case State::allowed:
  case State::running:
    return false;
  case State::denied:
  case State::expired:
  case State::done:
  case State::failed:
  case State::unknown:
    break;
  }
  return true;
}

bool was_asked(const Request& request)
{
  return !request.decision || (request.decision->by != "policy" && request.decision->grant.empty());
}

bool is_request_id(std::string_view text)
{
  return text.size() == k_id_digits && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

std::string canonical(const ask::Arguments& args)
{
  return dumped(Json(args));
}

std::string digest_of(const Request& request)
{
  return audit::sha256_hex(dumped(sealed_part(request)));
}

std::string subject_of(
  const std::string& agent, const std::string& verb, const ask::Arguments& args)
{
  return audit::sha256_hex(dumped({{"agent", agent}, {"args", args}, {"verb", verb}}));
}

Result<> seal(Request& request)
{
  CONOS_TRY(request.nonce, random_hex(32));
  // as it is read back
  request.requested_at = *parse_rfc3339(rfc3339(request.requested_at));
  request.expires_at = *parse_rfc3339(rfc3339(request.expires_at));
  request.digest = digest_of(request);
  request.id = request.digest.substr(0, k_id_digits);
  return {};
}

Result<> check_seal(const Request& request)
{
  const auto digest = digest_of(request);
  if (digest != request.digest || !digest.starts_with(request.id) || !is_request_id(request.id)) {
    return fail(Kind::bad_data, "it is not what was asked for: somebody has changed it");
  }
  return {};
}

std::string to_json(const Request& request)
{
  auto json = sealed_part(request);
  json["v"] = 1;
  json["id"] = request.id;
  json["digest"] = request.digest;
  json["pattern"] = request.pattern;
  json["state"] = to_string(request.state);
  json["decision"] = request.decision ? json_of(*request.decision) : Json();
  json["used_at"] = json_of(request.used_at);
  json["ending"] = Json();
  if (const auto& ending = request.ending) {
    json["ending"] = {{"at", rfc3339(ending->at)}, {"what", ending->what},
      {"result", ending->result.empty() ? Json() : Json::parse(ending->result, nullptr, false)}};
  }
  json["is_told"] = request.is_told;
  return dumped(json, 1) + "\n";
}

Result<Request> request_from_json(std::string_view text)
{
  try {
    auto request = request_of(Json::parse(text));
    CONOS_CHECK(check_seal(request));
    return request;
  } catch (const std::exception& error) {
    return fail(Kind::bad_data, "it is no request of a gate: {}", error.what());
  }
}

Result<Request> decided(Request request, bool is_allowed, Decision decision, Time now)
{
  if (request.state != State::pending) {
    return cannot(request, "decided");
  }
  if (now >= request.expires_at) {
    return fail(Kind::denied, "request {} could be decided until {}", request.id,
      rfc3339(request.expires_at, 0));
  }
  request.state = is_allowed ? State::allowed : State::denied;
  request.decision = std::move(decision);
  return request;
}

Result<Request> expired(Request request, Time now)
{
  const bool waits = request.state == State::pending || request.state == State::allowed;
  if (!waits || now < request.expires_at) {
    return cannot(request, "over");
  }
  const bool was_decided = request.state == State::allowed;
  request.state = State::expired;
  request.ending =
    Ending{now, was_decided ? "it could not be begun in time" : "nobody decided in time", ""};
  return request;
}

Result<Request> begun(Request request, Time now)
{
  if (request.state != State::allowed || request.used_at) {
    return cannot(request, "begun");
  }
  if (now >= request.expires_at) {
    return fail(Kind::denied, "request {} could be begun until {}", request.id,
      rfc3339(request.expires_at, 0));
  }
  request.state = State::running;
  request.used_at = now;
  return request;
}

Result<Request> ended(Request request, State state, Ending ending)
{
  const bool is_end = state == State::done || state == State::failed || state == State::unknown;
  if (request.state != State::running || !is_end) {
    return cannot(request, to_string(state));
  }
  request.state = state;
  request.ending = std::move(ending);
  return request;
}

} // namespace conos::gate
