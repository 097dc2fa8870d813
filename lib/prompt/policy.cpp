#include "prompt/policy.hpp"

#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace conos {

namespace {

constexpr std::size_t k_read_bytes = 1U << 20U; // larger is no policy
constexpr std::string_view k_preamble =
  "These rules bind you unless a person this machine trusts directly says otherwise in a verified "
  "task. Where two differ, the later one counts.\n";

struct Candidate {
  std::string directory; // below policy/, empty for itself
  std::string name;
  std::string title;
};

std::vector<Candidate> candidates(const AgentSettings& settings)
{
  const std::string tier(to_string(settings.tier));
  std::vector<Candidate> all{
    {"", "global.md", "Global policy"}, {"tiers", tier + ".md", "Tier policy: " + tier}};
  for (const auto& group : std::set<std::string>(settings.groups.begin(), settings.groups.end())) {
    all.push_back({"groups", group + ".md", "Group policy: " + group});
  }
  all.push_back({"agents", settings.name + ".md", "Agent policy: " + settings.name});
  return all;
}

Result<std::string> read_candidate(const UniqueFd& policy, const Candidate& candidate)
{
  if (candidate.directory.empty()) {
    return read_file(policy, candidate.name, k_read_bytes);
  }
  CONOS_TRY(const auto dir, open_dir_at(policy, candidate.directory));
  return read_file(dir, candidate.name, k_read_bytes);
}

// None where there is nothing to say.
std::optional<std::string> rules_of(const UniqueFd& policy, const Candidate& candidate)
{
  const auto text = read_candidate(policy, candidate);
  if (!text && text.error().kind == Kind::not_found) {
    return std::nullopt;
  }
  if (!text || !is_utf8(*text)) {
    log::warning("skip the policy in '{}': {}", candidate.name,
      text ? std::string("it is not UTF-8") : text.error().text());
    return std::nullopt;
  }
  const auto rules = clipped(trimmed(*text), k_max_policy_file_bytes);
  return rules.empty() ? std::nullopt : std::optional(std::string(rules));
}

} // namespace

Policy read_policy(const Site& site, const AgentSettings& settings)
{
  const auto dir = open_dir(site.etc + "/policy");
  if (!dir) {
    if (dir.error().kind != Kind::not_found) {
      log::warning("go on without policy: {}", dir.error().text());
    }
    return {};
  }
  auto all = candidates(settings);
  std::vector<std::string> sections;
  Policy policy;
  auto room = k_max_policy_bytes - k_preamble.size();
  for (auto candidate = all.rbegin(); candidate != all.rend(); ++candidate) {
    const auto rules = rules_of(*dir, *candidate);
    if (!rules) {
      continue;
    }
    auto section = fmt::format("### {}\n{}\n", candidate->title, *rules);
    if (section.size() > room) {
      break;
    }
    room -= section.size();
    sections.push_back(std::move(section));
    policy.files.push_back(
      candidate->directory + (candidate->directory.empty() ? "" : "/") + candidate->name);
  }
  if (sections.empty()) {
    return {};
  }
  std::reverse(sections.begin(), sections.end());
  std::reverse(policy.files.begin(), policy.files.end());
  policy.text = std::string(k_preamble) + join(sections, "");
  return policy;
}

} // namespace conos
