#include "task_contract/record.hpp"

#include "host/provenance.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace conos::task_contract {

namespace {

using Json = nlohmann::json;

constexpr std::string_view k_noun = "taskcontract.";

Json text(const std::string& value)
{
  return value.empty() ? Json() : Json(value);
}

Json json_of(const std::optional<Time>& time)
{
  return time ? Json(rfc3339(*time)) : Json();
}

std::string text_in(const Json& json)
{
  return json.is_null() ? std::string() : json.get<std::string>();
}

// Throws what is no time, as json's own functions do.
Time time_in(const Json& json)
{
  return parse_rfc3339(json.get<std::string>()).value();
}

State state_in(const Json& json)
{
  return state_called(json.get<std::string>()).value();
}

Json json_of(const Change& change)
{
  return {{"type", change.what}, {"at", rfc3339(change.at)}, {"actor", change.by},
    {"run_id", text(change.task)}, {"message", text(change.message)},
    {"status", to_string(change.state)}};
}

Json summary_of(const TaskContract& contract)
{
  const auto& lease = contract.lease;
  return {{"v", 1}, {"id", contract.id}, {"title", contract.title},
    {"status", to_string(contract.state)}, {"opened_by", contract.opened_by},
    {"owner", lease ? Json(lease->owner) : Json()}, {"run_id", lease ? text(lease->task) : Json()},
    {"claimed_at", lease ? Json(rfc3339(lease->claimed_at)) : Json()},
    {"lease_until", lease ? Json(rfc3339(lease->until)) : Json()},
    {"created_at", rfc3339(contract.created_at)}, {"updated_at", rfc3339(contract.updated_at)},
    {"due_at", json_of(contract.due_at)}, {"completion_checks", contract.checks}};
}

std::string dumped(const Json& json, int indent = -1)
{
  return json.dump(indent, ' ', true, Json::error_handler_t::replace);
}

TaskContract contract_of(const Json& json)
{
  TaskContract contract;
  json.at("id").get_to(contract.id);
  json.at("title").get_to(contract.title);
  contract.description = text_in(json.at("description"));
  json.at("opened_by").get_to(contract.opened_by);
  json.at("completion_checks").get_to(contract.checks);
  contract.created_at = time_in(json.at("created_at"));
  contract.updated_at = time_in(json.at("updated_at"));
  contract.state = state_in(json.at("status"));
  if (!json.at("due_at").is_null()) {
    contract.due_at = time_in(json.at("due_at"));
  }
  if (!json.at("owner").is_null()) {
    contract.lease = Lease{json.at("owner"), text_in(json.at("run_id")),
      time_in(json.at("claimed_at")), time_in(json.at("lease_until"))};
  }
  for (const auto& one : json.at("history")) {
    contract.history.push_back({one.at("type"), time_in(one.at("at")), one.at("actor"),
      text_in(one.at("run_id")), text_in(one.at("message")), state_in(one.at("status"))});
  }
  return contract;
}

bool makes_sense(const TaskContract& contract)
{
  const bool is_held = contract.state == State::in_progress || contract.state == State::blocked;
  return is_id(contract.id) && !contract.history.empty() && contract.lease.has_value() == is_held &&
         contract.history.back().state == contract.state;
}

Json agent_of(const std::string& account)
{
  const auto agent = agent_of_account(account);
  return agent ? Json(*agent) : Json();
}

// How it is seen now: a lease that has run out is nobody's.
std::string_view state_now(const TaskContract& contract, Time now)
{
  return has_lapsed(contract, now) ? "lapsed" : to_string(contract.state);
}

} // namespace

std::string to_json(const TaskContract& contract)
{
  auto json = summary_of(contract);
  json["description"] = text(contract.description);
  json["history"] = Json::array();
  for (const auto& change : contract.history) {
    json["history"].push_back(json_of(change));
  }
  return dumped(json, 1) + "\n";
}

Result<TaskContract> from_json(std::string_view text)
{
  try {
    auto contract = contract_of(Json::parse(text));
    return makes_sense(contract) ? Result<TaskContract>(std::move(contract))
                                 : fail(Kind::bad_data, "no state of a task contract");
  } catch (const std::exception& error) {
    return fail(Kind::bad_data, "not what conos-task-contract writes ({})", error.what());
  }
}

std::string summary_json(const TaskContract& contract)
{
  return dumped(summary_of(contract));
}

audit::Row row_of(const TaskContract& contract, const std::string& key)
{
  const auto& change = contract.history.back();
  const auto& lease = contract.lease;
  const Json payload{{"contract", contract.id}, {"agent", agent_of(change.by)}, {"by", change.by},
    {"id", text(change.task)}, {"message", text(change.message)},
    {"status", to_string(change.state)}, {"owner", lease ? Json(lease->owner) : Json()},
    {"lease_until", lease ? Json(rfc3339(lease->until)) : Json()},
    {"completion_checks", contract.checks}};
  return {std::string(k_noun) + change.what, change.by, dumped(payload), key};
}

audit::Row refused_row(
  const TaskContract& contract, const Actor& actor, const std::string& findings)
{
  const Json payload{{"contract", contract.id}, {"agent", agent_of(actor.account)},
    {"by", actor.account}, {"id", text(actor.task)}, {"what", escaped(findings, 1000)}};
  return {std::string(k_noun) + "refused", actor.account, dumped(payload), ""};
}

std::string describe(const TaskContract& contract, Time now)
{
  std::string out = fmt::format("{}  {}\n", contract.id, escaped(contract.title));
  const auto line = [&](std::string_view name, const std::string& value) {
    out += value.empty() ? "" : fmt::format("  {:<11}{}\n", name, value);
  };
  line("state", std::string(state_now(contract, now)));
  line("opened",
    fmt::format("{} by {}", rfc3339(contract.created_at, 0), escaped(contract.opened_by, 64)));
  line("due", contract.due_at ? rfc3339(*contract.due_at, 0) : "");
  if (contract.lease) {
    line("claimed", fmt::format("{} by {}, until {}", rfc3339(contract.lease->claimed_at, 0),
                      escaped(contract.lease->owner, 64), rfc3339(contract.lease->until, 0)));
    line("task", escaped(contract.lease->task, 128));
  }
  line("checks", join(contract.checks, " "));
  if (!contract.description.empty()) {
    out += "\n" + escaped_lines(contract.description) + "\n";
  }
  out += "\n";
  for (const auto& change : contract.history) {
    out += fmt::format("  {}  {:<10} {}{}{}\n", rfc3339(change.at, 0), escaped(change.what, 20),
      escaped(change.by, 64), change.message.empty() ? "" : ": ",
      escaped(change.message, k_max_message));
  }
  return out;
}

std::string table_of(const std::vector<TaskContract>& contracts, Time now)
{
  std::string out;
  for (const auto& contract : contracts) {
    out += fmt::format("{:<12} {:<24} {:<16} {}\n", state_now(contract, now), contract.id,
      contract.lease && !has_lapsed(contract, now) ? escaped(contract.lease->owner, 40) : "-",
      escaped(contract.title, 100));
  }
  return out.empty() ? "there are no task contracts\n" : out;
}

} // namespace conos::task_contract
