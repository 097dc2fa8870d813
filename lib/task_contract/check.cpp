#include "task_contract/check.hpp"

#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace conos::task_contract {

namespace {

using Json = nlohmann::json;

constexpr Duration k_most_time = std::chrono::minutes(5);
constexpr std::size_t k_max_report = 16U << 20U;
constexpr std::size_t k_max_findings = 20;
constexpr int k_last_answer = 1; // 0: all is as it says; 1: not all

std::string last_of(std::string_view said)
{
  constexpr std::size_t k_most = 500;
  const auto all = trimmed(said);
  return escaped(all.substr(all.size() - std::min(all.size(), k_most)));
}

Verdict judged(const Json& report, const std::vector<std::string>& checks)
{
  std::set<std::string> wanting(checks.begin(), checks.end());
  std::vector<std::string> findings;
  for (const auto& one : report.at("results")) {
    const std::string status = one.at("status");
    const std::string id = one.at("contract_id");
    if (one.contains("problems")) {
      continue; // a file that is no contract says nothing about those that were named
    }
    const auto check = id + "/" + one.at("check_name").get<std::string>();
    if (status == "pass") {
      wanting.erase(id);
      wanting.erase(check);
    } else if (status != "skip" && status != "exempt") {
      findings.push_back(
        fmt::format("{}: {}: {}", check, status, escaped(one.at("what").get<std::string>())));
    }
  }
  for (const auto& named : wanting) {
    findings.push_back(named + ": was not seen to pass");
  }
  const auto all = findings.size();
  if (all > k_max_findings) {
    findings.resize(k_max_findings);
    findings.push_back(fmt::format("and {} more", all - k_max_findings));
  }
  return {findings.empty(), join(findings, "\n")};
}

} // namespace

Result<Verdict> verdict_of(std::string_view text, const std::vector<std::string>& checks)
{
  try {
    return judged(Json::parse(text), checks);
  } catch (const std::exception& error) {
    return fail(Kind::bad_data, "not a report of conos-contract ({})", error.what());
  }
}

Judge by_conos_contract(Run run)
{
  return [run = std::move(run)](const std::vector<std::string>& checks) -> Result<Verdict> {
    if (checks.empty()) {
      return Verdict{true, ""};
    }
    Command command;
    command.argv = {"/usr/bin/conos-contract", "check", "--json"};
    for (const auto& check : checks) {
      command.argv.insert(command.argv.end(), {"--id", check});
    }
    command.environment = plain_environment();
    Bounds bounds;
    bounds.time = k_most_time;
    bounds.out_bytes = k_max_report;
    CONOS_TRY(const auto ended, run(command, bounds));
    if (ended.how != Ended::How::exited || ended.status > k_last_answer) {
      return fail(Kind::unavailable, "the contracts cannot be checked: {}",
        ended.how == Ended::How::exited ? last_of(ended.err) : "conos-contract was stopped");
    }
    return verdict_of(ended.out, checks);
  };
}

} // namespace conos::task_contract
