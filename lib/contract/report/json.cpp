#include "contract/report/report.hpp"

#include <nlohmann/json.hpp>

namespace conos::contract {

namespace {

using Json = nlohmann::json;

double milliseconds(std::chrono::microseconds took)
{
  return static_cast<double>(took.count()) / 1000;
}

Json json_of(const Row& row)
{
  Json out{
    {"contract_id", row.id()},
    {"check_name", row.name()},
    {"status", name_of(row.status)},
    {"severity", name_of(row.severity())},
    {"what", row.what()},
    {"message", row.message},
    {"file", row.file()},
    {"took_ms", milliseconds(row.took)},
  };
  if (!row.evidence.empty()) {
    out["evidence"] = row.evidence;
  }
  if (row.contract != nullptr) {
    out["contract_description"] = row.contract->description;
    out["on_fail"] = row.check->on_fail.text();
    out["line"] = row.check->mark.line;
    out["module"] = row.check->module->name;
    const auto put = [&](const char* key, const std::string& text) {
      if (!text.empty()) {
        out[key] = text;
      }
    };
    put("category", row.check->category);
    put("verify", row.check->verify);
    put("why", row.check->why);
    put("fix", row.check->fix);
    if (!row.check->affects.empty()) {
      out["affects"] = row.check->affects;
    }
    return out;
  }
  auto problems = Json::array();
  for (const auto& problem : row.invalid->problems) {
    problems.push_back(
      {{"line", problem.mark.line}, {"column", problem.mark.column}, {"message", problem.what}});
  }
  out["problems"] = std::move(problems);
  return out;
}

} // namespace

std::string json_report(const Report& report)
{
  auto results = Json::array();
  for (const auto& row : report.rows) {
    results.push_back(json_of(row));
  }
  const Json out{
    {"results", std::move(results)},
    {"started", rfc3339(report.started)},
    {"took_ms", milliseconds(report.took)},
    {"passed", report.count(Status::pass)},
    {"failed", report.count(Status::fail)},
    {"warned", report.count(Status::warn)},
    {"skipped", report.count(Status::skip)},
    {"exempt", report.count(Status::exempt)},
    {"halted", report.count(Status::halt)},
    {"errors", report.count(Status::error)},
    {"timeouts", report.count(Status::timeout)},
  };
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace conos::contract
