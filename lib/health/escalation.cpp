#include "health/escalation.hpp"

#include "contract/report/report.hpp"
#include "run/transit.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace conos::health {

namespace {

constexpr std::string_view k_prefix = "healthcheck-"; // of the tasks' ids
constexpr std::size_t k_most_names = 100'000;

// The checks that ask for it.
std::set<std::string> escalating(const contract::Loaded& loaded)
{
  std::set<std::string> keys;
  for (const auto& contract : loaded.contracts) {
    for (const auto& check : contract.checks) {
      if (check.on_fail.has(contract::Action::escalate)) {
        contract::Row row;
        row.contract = &contract;
        row.check = &check;
        keys.insert(contract::label_of(row));
      }
    }
  }
  for (const auto& invalid : loaded.invalid) {
    contract::Row row;
    row.invalid = &invalid;
    keys.insert(contract::label_of(row));
  }
  return keys;
}

std::string block(const Finding& finding)
{
  auto out = fmt::format("[{}] {}: {}\n", finding.severity, finding.key, finding.what);
  out += finding.verify.empty() ? "" : "  verify: " + finding.verify + "\n";
  out += finding.fix.empty() ? "" : "  fix: " + finding.fix + "\n";
  return out;
}

std::string blocks(std::string_view title, const std::vector<Finding>& findings, bool has_details)
{
  if (findings.empty()) {
    return "";
  }
  auto out = fmt::format("{}\n\n", title);
  for (std::size_t i = 0; i < findings.size() && i < k_most_in_a_digest; ++i) {
    out += has_details ? block(findings[i]) : findings[i].key + ": " + findings[i].what + "\n";
  }
  if (findings.size() > k_most_in_a_digest) {
    out += fmt::format(
      "and {} more; 'conos doctor' has all of them\n", findings.size() - k_most_in_a_digest);
  }
  return out + "\n";
}

// Our tasks in a directory of tasks.
Result<std::size_t> waiting_in(const std::string& path)
{
  const auto dir = open_dir(path);
  if (!dir) {
    return dir.error().kind == Kind::not_found ? Result<std::size_t>(0)
                                               : tl::unexpected<Error>(dir.error());
  }
  CONOS_TRY(const auto names, list_names(*dir, k_most_names, [](std::string_view name) {
    return name.starts_with(k_prefix);
  }));
  return names.size();
}

Result<std::size_t> waiting_for(const Site& site, const std::string& agent)
{
  std::size_t count = 0;
  for (const auto& path :
    {site.transit(), site.agent(agent) + "/claimed", site.agent(agent) + "/held"}) {
    CONOS_TRY(const auto waiting, waiting_in(path));
    count += waiting;
  }
  return count;
}

} // namespace

Digest digest_of(const contract::Loaded& loaded, State& state, Time now)
{
  Digest digest;
  const auto keys = escalating(loaded);
  for (auto& [key, finding] : state.findings) {
    if (keys.contains(key) && finding.good_runs == 0 && is_due(finding, now)) {
      finding.escalated = now;
      finding.escalated_digest = finding.digest;
      digest.bad.push_back(finding);
    }
  }
  digest.healed = std::exchange(state.untold, {});
  return digest;
}

std::string text_of(const Digest& digest)
{
  auto out = blocks(
    "The healthcheck of this machine found what is not as its contracts say. See to it, or say who "
    "has to. What was seen stands in system-state.md.",
    digest.bad, true);
  return out +
         blocks("What you were told of before and is as it should be again:", digest.healed, false);
}

Result<bool> send(
  const Site& site, const std::string& agent, const Digest& digest, const std::string& evaluation)
{
  CONOS_TRY(const auto waiting, waiting_for(site, agent));
  if (waiting >= k_most_digests) {
    return false;
  }
  Meta meta;
  meta.id = std::string(k_prefix) + evaluation;
  meta.root = meta.id;
  meta.agent = agent;
  meta.kind = TaskKind::escalation;
  meta.sender = {0, "root", std::nullopt};
  meta.trust = Trust::verified;
  meta.title =
    fmt::format("Healthcheck: {} to see to, {} healed", digest.bad.size(), digest.healed.size());
  meta.submitted_at = now();
  CONOS_CHECK(put_in_transit(site, meta, text_of(digest)).map_error(during("escalate")));
  return true;
}

} // namespace conos::health
