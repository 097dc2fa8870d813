#include "task/report.hpp"

#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace conos {

namespace {

using Json = nlohmann::json;

Json json_of(const std::optional<std::string>& text)
{
  return text ? Json(*text) : Json();
}

// In ASCII: what could act on a terminal is a \u escape and still the same text to a program.
std::string line_of(const Json& json)
{
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

Duration between(Time from, Time to)
{
  return std::max(Duration(0), std::chrono::duration_cast<Duration>(to - from));
}

Json summary_json(const FoundTask& task)
{
  Json json{
    {"state", task.state},
    {"id", task.id},
    {"place", task.place},
    {"agent", json_of(task.agent)},
    {"since", rfc3339(task.since)},
    {"summary", task.summary},
    {"root", nullptr},
    {"trust", nullptr},
    {"attempt", nullptr},
    {"sender", nullptr},
    {"hold", nullptr},
    {"reason", nullptr},
  };
  if (task.meta) {
    json["root"] = task.meta->root;
    json["trust"] = to_string(task.meta->trust);
    json["attempt"] = task.meta->attempt;
    json["sender"] = json_of(task.meta->sender.name);
    json["hold"] = json_of(task.meta->hold);
  }
  if (task.receipt) {
    json["reason"] = json_of(task.receipt->reason);
  }
  return json;
}

// "failed (runner-exit)", "held (retry)"
std::string state_of(const FoundTask& task)
{
  if (task.receipt && task.receipt->reason) {
    return fmt::format("{} ({})", task.state, escaped(*task.receipt->reason, 40));
  }
  if (task.state == "held" && task.meta && task.meta->hold) {
    return fmt::format("held ({})", escaped(*task.meta->hold, 40));
  }
  return task.state;
}

void add_line(std::string& text, std::string_view key, std::string_view value)
{
  if (!value.empty()) {
    text += fmt::format("{:<11} {}\n", key, escaped(value, 1024));
  }
}

void add_line(std::string& text, std::string_view key, const std::optional<Time>& time)
{
  if (time) {
    add_line(text, key, rfc3339(*time, 0));
  }
}

std::string sender_of(const Meta& meta)
{
  const auto name = meta.sender.name.value_or("unknown");
  return meta.sender.agent ? fmt::format("agent {} ({})", *meta.sender.agent, name) : name;
}

void describe_meta(std::string& text, const Meta& meta)
{
  add_line(text, "from", fmt::format("{} [trust:{}]", sender_of(meta), to_string(meta.trust)));
  add_line(text, "parent", meta.parent.value_or(""));
  add_line(text, "thread", meta.thread.id.value_or(""));
  add_line(text, "handed in", std::optional(meta.submitted_at));
  add_line(text, "deadline", meta.deadline);
  add_line(text, "not before", meta.not_before);
  add_line(text, "claimed", meta.claimed_at);
  add_line(text, "attempt", fmt::format("{}", meta.attempt));
}

void describe_receipt(std::string& text, const Receipt& receipt)
{
  add_line(text, "finished", std::optional(receipt.finished_at));
  if (receipt.started_at) {
    add_line(text, "took", for_people(between(*receipt.started_at, receipt.finished_at)));
  }
  add_line(text, "runner", receipt.runner);
  add_line(text, "exit", fmt::format("{} {}", receipt.exit.code, receipt.exit.status));
  add_line(text, "forwarded", receipt.forwarded_to.value_or(""));
}

Json with_answer(Json json, const Result<std::string>& response)
{
  json["answer"] = response ? Json(*response) : Json();
  return json;
}

} // namespace

std::string table_of(const TaskList& list, Time now)
{
  std::size_t id_width = 2;
  std::size_t agent_width = 5;
  std::size_t state_width = 5;
  for (const auto& task : list.tasks) {
    id_width = std::max(id_width, escaped(task.id, 60).size());
    agent_width = std::max(agent_width, task.agent.value_or("-").size());
    state_width = std::max(state_width, state_of(task).size());
  }
  std::string text;
  const auto row = [&](const std::string& state, const std::string& id, const std::string& agent,
                     const std::string& age, std::string_view trust, const std::string& attempt,
                     const std::string& summary) {
    text += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>11}  {:<10}  {:>3}  {}\n", state, state_width,
      id, id_width, agent, agent_width, age, trust, attempt, summary);
  };
  if (!list.tasks.empty()) {
    row("STATE", "ID", "AGENT", "AGE", "TRUST", "TRY", "TASK");
  }
  for (const auto& task : list.tasks) {
    row(state_of(task), escaped(task.id, 60), escaped(task.agent.value_or("-")),
      for_people(between(task.since, now)), task.meta ? to_string(task.meta->trust) : "-",
      task.meta ? fmt::format("{}", task.meta->attempt) : "-", escaped(task.summary, 60));
  }
  if (list.is_cut) {
    text += "[older tasks are not listed]\n";
  }
  if (list.has_hidden_parts) {
    text += "[only root sees what is waiting, being worked on or held]\n";
  }
  return text;
}

std::string json_lines_of(const TaskList& list)
{
  std::string text;
  for (const auto& task : list.tasks) {
    text += line_of(summary_json(task));
  }
  return text;
}

std::string describe(const FoundTask& task, const Result<std::string>& response, Time now)
{
  std::string text;
  add_line(text, "task", task.id);
  add_line(text, "state", state_of(task));
  add_line(text, "agent", task.agent.value_or(""));
  add_line(text, "where", task.place);
  add_line(text, "what", task.summary);
  if (task.meta) {
    describe_meta(text, *task.meta);
  } else {
    add_line(text, "waiting", for_people(between(task.since, now)));
  }
  if (task.receipt) {
    describe_receipt(text, *task.receipt);
  }
  if (response) {
    text += "\n" + escaped_lines(*response);
    text += response->ends_with('\n') ? "" : "\n";
  }
  return text;
}

std::string json_of(const FoundTask& task, const Result<std::string>& response)
{
  auto json = summary_json(task);
  if (!task.record.empty()) {
    json.update(Json::parse(task.record));
  }
  return line_of(with_answer(json, response));
}

Ending ending_of(const EndedTask& task, const Result<std::string>& response, Form form)
{
  const auto& receipt = task.receipt;
  Ending ending;
  if (form == Form::json) {
    ending.out = line_of(with_answer(Json::parse(task.record), response));
  } else if (response) {
    ending.out = form == Form::terminal ? escaped_lines(*response) : *response;
  }
  if (receipt.outcome != Outcome::answered) {
    ending.complaint = fmt::format("'{}' {}: {}", escaped(receipt.meta.id),
      to_string(receipt.outcome), escaped(receipt.reason.value_or("no reason given")));
  } else if (!response) {
    ending.complaint = response.error().text();
  }
  return ending;
}

} // namespace conos
