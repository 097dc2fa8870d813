#include "gate/rows.hpp"

#include "audit/sha256.hpp"
#include "config/gate.hpp"
#include "gate/verbs.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <array>

namespace conos::gate {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_shown = 128;
constexpr std::size_t k_max_what = 1000;

Json text(const std::string& value)
{
  return value.empty() ? Json() : Json(value);
}

Json json_of(const About& about)
{
  return {{"agent", about.agent}, {"args_sha256", text(about.args_sha256)},
    {"argument", text(escaped(about.argument, k_max_shown))}, {"id", text(about.task)},
    {"root", text(about.root)}, {"verb", text(escaped(about.verb, k_max_shown))}};
}

Json json_of(const Request& request)
{
  auto json = json_of(about(request));
  json["approval"] = request.id;
  json["digest"] = request.digest;
  return json;
}

audit::Row row(
  const char* type, const std::string& actor, const Json& payload, std::string key = "")
{
  return {
    type, actor, payload.dump(-1, ' ', false, Json::error_handler_t::replace), std::move(key)};
}

std::string key_of(const std::string& id, const char* what)
{
  return "approval/" + id + "/" + what;
}

Json json_of(const std::optional<Time>& time)
{
  return time ? Json(rfc3339(*time)) : Json();
}

std::string text_in(const Json& json, const char* name)
{
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// Of this request, and of no other that may have come to have its id.
std::optional<Json> payload_of(const Request& request, const std::string& payload)
{
  auto json = Json::parse(payload, nullptr, false);
  const bool is_its = json.is_object() && text_in(json, "digest") == request.digest;
  return is_its ? std::optional(std::move(json)) : std::nullopt;
}

} // namespace

About about(const Request& request)
{
  const auto* verb = find_gate_verb(request.verb);
  return {request.agent, request.task.id, request.task.root, request.verb,
    verb != nullptr ? argument_of(*verb, request.args) : "",
    audit::sha256_hex(canonical(request.args))};
}

audit::Row granted_row(const std::string& actor, const About& about, const std::string& outcome,
  const std::string& by, const std::string& what)
{
  auto json = json_of(about);
  json["outcome"] = outcome;
  json["by"] = by;
  json["what"] = text(escaped(what, k_max_what));
  return row("gate.granted", actor, json);
}

audit::Row refused_row(const std::string& actor, const About& about, const std::string& reason,
  const std::string& what, std::size_t suppressed)
{
  auto json = json_of(about);
  json["reason"] = reason;
  json["what"] = text(escaped(what, k_max_what));
  json["suppressed"] = suppressed;
  return row("gate.refused", actor, json);
}

audit::Row requested_row(const std::string& actor, const Request& request)
{
  auto json = json_of(request);
  json["expires_at"] = rfc3339(request.expires_at);
  json["pattern"] = text(request.pattern);
  return row("approval.requested", actor, json, requested_key(request.id));
}

audit::Row decided_row(const std::string& actor, const Request& request)
{
  const auto& decision = request.decision.value();
  auto json = json_of(request);
  json["at"] = rfc3339(decision.at);
  json["by"] = decision.by;
  json["decision"] = request.state == State::denied ? "deny" : "allow";
  json["grant"] = text(decision.grant);
  json["pattern"] = text(decision.pattern);
  json["reason"] = text(std::string(clipped(decision.reason, k_max_what)));
  json["until"] = json_of(decision.until);
  const bool was_asked = gate::was_asked(request);
  if (!was_asked) {
    json["outcome"] = "started";
  }
  return row(was_asked ? "approval.decided" : "gate.granted", actor, json, decided_key(request.id));
}

audit::Row used_row(const std::string& actor, const Request& request)
{
  return row("approval.used", actor, json_of(request), used_key(request.id));
}

audit::Row ended_row(const std::string& actor, const Request& request)
{
  const auto& ending = request.ending.value();
  auto json = json_of(request);
  json["at"] = rfc3339(ending.at);
  json["outcome"] = to_string(request.state);
  json["what"] = text(escaped(ending.what, k_max_what));
  json["by"] = request.decision ? text(request.decision->by) : Json();
  return row(request.state == State::expired ? "approval.expired" : "gate.granted", actor, json,
    ended_key(request.id));
}

std::string requested_key(const std::string& id)
{
  return key_of(id, "requested");
}

std::string decided_key(const std::string& id)
{
  return key_of(id, "decided");
}

std::string used_key(const std::string& id)
{
  return key_of(id, "used");
}

std::string ended_key(const std::string& id)
{
  return key_of(id, "ended");
}

std::optional<Decided> decided_in(const Request& request, const std::string& payload)
{
  const auto json = payload_of(request, payload);
  const auto word = json ? text_in(*json, "decision") : "";
  const auto at = json ? parse_rfc3339(text_in(*json, "at")) : Result<Time>(Time());
  if ((word != "allow" && word != "deny") || !at) {
    return std::nullopt;
  }
  const auto until = parse_rfc3339(text_in(*json, "until"));
  return Decided{
    word == "allow", {text_in(*json, "by"), text_in(*json, "reason"), text_in(*json, "pattern"),
                       text_in(*json, "grant"), *at, until ? std::optional(*until) : std::nullopt}};
}

std::optional<Ended> ended_in(const Request& request, const std::string& payload)
{
  const auto json = payload_of(request, payload);
  const auto at = json ? parse_rfc3339(text_in(*json, "at")) : Result<Time>(Time());
  if (!json || !at) {
    return std::nullopt;
  }
  const auto word = text_in(*json, "outcome");
  for (const auto state : {State::done, State::failed, State::unknown, State::expired}) {
    if (word == to_string(state)) {
      return Ended{state, {*at, text_in(*json, "what"), ""}};
    }
  }
  return std::nullopt;
}

} // namespace conos::gate
