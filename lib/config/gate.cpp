#include "config/gate.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <fnmatch.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <tuple>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 3> k_rules{"allow", "ask", "deny"};
constexpr std::array<std::string_view, 3> k_tiers{"officer", "operator", "worker"};
constexpr std::size_t k_max_pattern_bytes = 256;
constexpr std::string_view k_own_units = "conos-";

constexpr auto k_verbs = std::to_array<GateVerb>({
  {.name = "agent.propose",
    .argument = "",
    .is_proposal = true,
    .help = "propose a new agent, a block of conos.toml"},
  {.name = "approval.status",
    .argument = "",
    .is_free = true,
    .help = "what became of a request that waited for a person"},
  {.name = "artifact.create",
    .argument = "",
    .help = "keep a file of the workspace, for others to see"},
  {.name = "contract.claim",
    .argument = "id",
    .is_free = true,
    .characters = "._-",
    .help = "take a task contract that is open, for a while"},
  {.name = "contract.close",
    .argument = "id",
    .is_free = true,
    .characters = "._-",
    .help = "complete a task contract, if its contracts pass; or cancel it"},
  {.name = "contract.list", .argument = "", .is_free = true, .help = "the task contracts"},
  {.name = "contract.open",
    .argument = "id",
    .is_free = true,
    .characters = "._-",
    .help = "open a task contract: work that somebody is to claim"},
  {.name = "contract.propose",
    .argument = "",
    .is_proposal = true,
    .help = "propose a contract, in YAML"},
  {.name = "contract.release",
    .argument = "id",
    .is_free = true,
    .characters = "._-",
    .help = "give a task contract back"},
  {.name = "contract.renew",
    .argument = "id",
    .is_free = true,
    .characters = "._-",
    .help = "keep a task contract for longer"},
  {.name = "contract.run",
    .argument = "id",
    .characters = "._/-",
    .help = "make the checks of a contract of the machine now"},
  {.name = "contract.show",
    .argument = "id",
    .is_free = true,
    .characters = "._-",
    .help = "one task contract, with its history"},
  {.name = "contract.update",
    .argument = "id",
    .is_free = true,
    .characters = "._-",
    .help = "say how it goes with a task contract"},
  {.name = "note",
    .argument = "name",
    .is_free = true,
    .characters = "_",
    .help = "write something down in the ledger"},
  {.name = "package.request",
    .argument = "name",
    .characters = "+.-",
    .help = "have a Debian package installed"},
  {.name = "query",
    .argument = "what",
    .is_free = true,
    .help = "what is true of this machine: agents, contracts, capacity, ledger, verbs"},
  {.name = "service.restart",
    .argument = "unit",
    .characters = ":_.@-\\",
    .help = "have a service restarted"},
  {.name = "service.status",
    .argument = "unit",
    .is_free = true,
    .characters = ":_.@-\\",
    .help = "how a service is"},
  {.name = "task.send",
    .argument = "to",
    .is_free = true,
    .characters = "-@",
    .help = "give another agent a task"},
});

bool is_word(char c)
{
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Any run of characters for each '*'; with `narrow` none that has an '@'.
bool is_like(std::string_view pattern, std::string_view text, bool narrow)
{
  std::size_t p = 0;
  std::size_t t = 0;
  auto star = std::string_view::npos; // the last one passed, and what it stood for so far
  std::size_t after = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos && !(narrow && text[after] == '@')) {
      p = star + 1;
      t = ++after;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') {
    ++p;
  }
  return p == pattern.size();
}

std::size_t letters_of(std::string_view pattern)
{
  return pattern.size() - static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
}

struct Pattern {
  std::string_view verb;
  std::string_view argument = "*";
};

Pattern parts_of(std::string_view text)
{
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) {
    return {text};
  }
  return {text.substr(0, colon), text.substr(colon + 1)};
}

bool is_verb_like(std::string_view pattern, std::string_view verb)
{
  return pattern == verb || pattern == "*" ||
         (pattern.ends_with(".*") && verb.starts_with(pattern.substr(0, pattern.size() - 1)));
}

// How much a pattern says; more is greater.
using Weight = std::tuple<bool, std::size_t, bool, std::size_t>;

std::optional<Weight> weight_of(
  std::string_view text, const GateQuestion& question, bool is_permission)
{
  const auto pattern = parts_of(text);
  if (!is_verb_like(pattern.verb, question.verb)) {
    return std::nullopt;
  }
  const auto weigh = [&](bool is_exact, std::size_t letters) {
    return Weight{pattern.verb == question.verb, letters_of(pattern.verb), is_exact, letters};
  };
  const auto& argument = pattern.argument;
  if (argument.starts_with('@')) {
    const bool meant = question.verb == "task.send" && argument.substr(1) == question.tier;
    return meant ? std::optional(weigh(false, 1)) : std::nullopt;
  }
  const bool is_unit = question.verb.starts_with("service.");
  if (is_unit && is_permission && question.argument.starts_with(k_own_units) &&
      !argument.starts_with(k_own_units)) {
    return std::nullopt;
  }
  return is_like(argument, question.argument, is_unit && is_permission)
           ? std::optional(weigh(argument == question.argument, letters_of(argument)))
           : std::nullopt;
}

// The pattern of [packages] that fits; empty: none.
std::string package_pattern(const std::vector<std::string>& patterns, const GateQuestion& question)
{
  const auto found = std::find_if(patterns.begin(), patterns.end(), [&](const auto& pattern) {
    return ::fnmatch(pattern.c_str(), std::string(question.argument).c_str(), 0) == 0;
  });
  return found == patterns.end() || question.verb != "package.request" ? "" : *found;
}

GateRule usual_rule(const GateDoor& door, const GateVerb& verb)
{
  if (verb.is_proposal) {
    return door.tier == Tier::operator_ ? GateRule::ask : GateRule::deny;
  }
  return verb.is_free ? GateRule::allow : GateRule::deny;
}

GateRule as_proposal(const GateVerb& verb, GateRule rule)
{
  return verb.is_proposal && rule == GateRule::allow ? GateRule::ask : rule;
}

std::string argument_complaint(std::string_view verb_pattern, std::string_view argument)
{
  const auto* verb = find_gate_verb(verb_pattern);
  if (verb == nullptr) {
    return argument == "*" ? "" : "has an argument for more than one verb";
  }
  if (verb->argument.empty()) {
    return fmt::format("has an argument, and {} has none to look at", verb->name);
  }
  if (argument.starts_with('@') && verb->name == "task.send") {
    const auto tier = argument.substr(1);
    return std::find(k_tiers.begin(), k_tiers.end(), tier) != k_tiers.end()
             ? ""
             : "names a tier that is none of officer, operator, worker";
  }
  const bool is_plain =
    !argument.empty() && std::all_of(argument.begin(), argument.end(), [&](char c) {
      return is_word(c) || c == '*' || verb->characters.find(c) != std::string_view::npos;
    });
  return is_plain ? "" : fmt::format("has an argument that no '{}' is like", verb->argument);
}

GateDoor door_of(const Json& json)
{
  GateDoor door;
  door.agent = json.at("agent");
  const std::string tier = json.at("tier");
  const auto found = std::find(k_tiers.begin(), k_tiers.end(), tier);
  if (found == k_tiers.end()) {
    throw std::runtime_error("unknown tier");
  }
  door.tier = static_cast<Tier>(found - k_tiers.begin());
  door.uid = json.at("uid");
  door.policy = {json.at("allow"), json.at("ask"), json.at("deny")};
  door.packages_allow = json.at("packages_allow");
  door.packages_deny = json.at("packages_deny");
  door.approval_timeout = Duration(json.at("approval_timeout_ms").get<Duration::rep>());
  door.approvals_max = json.at("approvals_max");
  return door;
}

} // namespace

std::string_view to_string(GateRule rule)
{
  return k_rules[static_cast<std::size_t>(rule)];
}

std::span<const GateVerb> gate_verbs()
{
  return k_verbs;
}

const GateVerb* find_gate_verb(std::string_view name)
{
  const auto* found = std::find_if(k_verbs.begin(), k_verbs.end(), [&](const GateVerb& verb) {
    return verb.name == name;
  });
  return found == k_verbs.end() ? nullptr : found;
}

std::string gate_pattern_complaint(std::string_view text)
{
  if (text.size() > k_max_pattern_bytes) {
    return fmt::format("is longer than {} bytes", k_max_pattern_bytes);
  }
  const auto pattern = parts_of(text);
  const bool means_some = std::any_of(k_verbs.begin(), k_verbs.end(), [&](const GateVerb& verb) {
    return is_verb_like(pattern.verb, verb.name);
  });
  if (!means_some) {
    std::vector<std::string> names;
    for (const auto& verb : k_verbs) {
      names.emplace_back(verb.name);
    }
    const auto near = nearest(pattern.verb, names);
    return fmt::format("begins with none of {}{}", join(names, ", "),
      near ? fmt::format(", did you mean '{}'", *near) : "");
  }
  return text.size() == pattern.verb.size() ? ""
                                            : argument_complaint(pattern.verb, pattern.argument);
}

GateDecision decide(const GateDoor& door, const GateQuestion& question)
{
  const auto* verb = find_gate_verb(question.verb);
  if (verb == nullptr) {
    return {};
  }
  if (const auto pattern = package_pattern(door.packages_deny, question); !pattern.empty()) {
    return {GateRule::deny, "packages.deny " + pattern};
  }
  GateDecision decision{usual_rule(door, *verb), ""};
  if (const auto pattern = package_pattern(door.packages_allow, question); !pattern.empty()) {
    decision = {GateRule::allow, "packages.allow " + pattern};
  }
  std::optional<Weight> most;
  const auto look = [&](const std::vector<std::string>& patterns, GateRule rule) {
    for (const auto& pattern : patterns) {
      const auto weight = weight_of(pattern, question, rule != GateRule::deny);
      if (weight && (!most || *weight > *most)) {
        most = weight;
        decision = {as_proposal(*verb, rule), pattern};
      }
    }
  };
  // the first of those that say as much stays
  look(door.policy.deny, GateRule::deny);
  look(door.policy.ask, GateRule::ask);
  look(door.policy.allow, GateRule::allow);
  return decision;
}

GateRule best_rule(const GateDoor& door, std::string_view name)
{
  const auto* verb = find_gate_verb(name);
  if (verb == nullptr) {
    return GateRule::deny;
  }
  // with an argument no pattern of a denial names, what is usual stands
  auto best = GateRule::deny;
  const auto offer = [&](GateRule rule) {
    best = std::min(best, as_proposal(*verb, rule));
  };
  const auto& policy = door.policy;
  const bool is_closed =
    std::any_of(policy.deny.begin(), policy.deny.end(), [&](const std::string& pattern) {
      const auto parts = parts_of(pattern);
      return is_verb_like(parts.verb, name) && parts.argument == "*";
    });
  if (!is_closed) {
    const bool has_packages = name == "package.request" && !door.packages_allow.empty();
    offer(has_packages ? GateRule::allow : usual_rule(door, *verb));
  }
  for (const auto& [patterns, rule] :
    {std::pair(&policy.allow, GateRule::allow), std::pair(&policy.ask, GateRule::ask)}) {
    for (const auto& pattern : *patterns) {
      const auto parts = parts_of(pattern);
      if (is_verb_like(parts.verb, name) &&
          decide(door, {name, parts.argument, parts.argument.substr(1)}).rule == rule) {
        offer(rule);
      }
    }
  }
  return best;
}

bool is_open(const GateDoor& door)
{
  return std::any_of(k_verbs.begin(), k_verbs.end(), [&](const GateVerb& verb) {
    return best_rule(door, verb.name) != GateRule::deny;
  });
}

std::string to_json(const GateDoor& door)
{
  return Json{
           {"v", 1},
           {"agent", door.agent},
           {"tier", to_string(door.tier)},
           {"uid", door.uid},
           {"allow", door.policy.allow},
           {"ask", door.policy.ask},
           {"deny", door.policy.deny},
           {"packages_allow", door.packages_allow},
           {"packages_deny", door.packages_deny},
           {"approval_timeout_ms", door.approval_timeout.count()},
           {"approvals_max", door.approvals_max},
         }
           .dump(1) +
         "\n";
}

Result<GateDoor> gate_door_from_json(std::string_view text)
{
  try {
    return door_of(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(
      Kind::config, "not what conos-bootstrap writes ({}); run conos-bootstrap", error.what());
  }
}

Result<GateDoor> load_gate_door(const UniqueFd& compiled, const std::string& agent)
{
  constexpr std::size_t k_max_bytes = 1U << 20U;
  const auto file = agent + ".gate.json";
  CONOS_TRY(const auto text, read_file(compiled, file, k_max_bytes));
  return gate_door_from_json(text).map_error(during("read '" + file + "'"));
}

} // namespace conos
