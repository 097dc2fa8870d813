#include "plan/contracts.hpp"

#include "audit/sha256.hpp"
#include "plan/fill.hpp"
#include "plan/place.hpp"
#include "plan/tables.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::plan {

namespace {

constexpr std::string_view k_mark = "#@ ";
constexpr int k_deepest = 8;

std::string_view group_of(Tier tier)
{
  switch (tier) {
  case Tier::officer:
    return "officers";
  case Tier::operator_:
    return "operators";
  case Tier::worker:
    break;
  }
  return "workers";
}

// A path as the name of a check.
std::string name_of(std::string_view path)
{
  std::string name(path.substr(path.find_first_not_of('/')));
  std::replace_if(
    name.begin(), name.end(),
    [](char c) {
      return c == '/' || c == '@';
    },
    '.');
  return name;
}

std::string listed(const std::vector<std::string>& texts)
{
  std::vector<std::string> quoted;
  quoted.reserve(texts.size());
  for (const auto& text : texts) {
    quoted.push_back('"' + text + '"');
  }
  return join(quoted, ", ");
}

std::vector<std::string> entries_of(const Directory& directory)
{
  return directory.acl.empty() ? acl_of_mode(directory.mode) : directory.acl;
}

// What stands for the names in a template, for all of it and for each thing.
class Things
{
public:
  Things(const State& state, const config::Config& config, const Sources& sources)
      : m_state(state)
      , m_config(config)
      , m_sources(sources)
  {
  }

  Values shared() const
  {
    const auto* sysadmin = sysadmin_of(m_config);
    const auto name = sysadmin != nullptr ? sysadmin->name : "";
    return {
      {"DISK_FREE", std::to_string(m_config.disk_min_free_pct)},
      {"MEMORY_FREE", std::to_string(m_config.mem_min_free_pct)},
      {"LOAD", fmt::format("{}", m_config.max_load_factor)},
      {"SESSION",
        std::to_string(
          std::chrono::duration_cast<std::chrono::minutes>(m_config.max_session).count())},
      {"UID_FIRST", std::to_string(m_config.uid_base)},
      {"UID_LAST", std::to_string(m_config.uid_base + m_config.uid_count - 1)},
      {"SYSADMIN", name},
      {"SYSADMIN_OR_ANY", name.empty() ? "*" : name},
      {"SYSADMIN_INSTRUCTIONS", name.empty() ? "" : digest_of_instructions(name)},
    };
  }

  // Nothing: there is no such condition.
  std::optional<bool> is(std::string_view condition) const
  {
    if (condition == "lock") {
      return m_sources.can_lock && !m_state.sidecar;
    }
    if (condition == "whole") {
      return !m_state.sidecar;
    }
    if (condition == "sudo") {
      return m_sources.has_sudo;
    }
    if (condition == "sysctls") {
      return m_sources.can_set_sysctls;
    }
    if (condition == "sysadmin") {
      return sysadmin_of(m_config) != nullptr;
    }
    return std::nullopt;
  }

  // Nothing: there are no such things.
  std::optional<std::vector<Values>> each(std::string_view thing) const
  {
    if (thing == "agent") {
      return agents();
    }
    if (thing == "pair") {
      return pairs();
    }
    if (thing == "directory") {
      return directories();
    }
    if (thing == "file") {
      return files();
    }
    if (thing == "unit") {
      return units();
    }
    if (thing == "sysctl") {
      return sysctls();
    }
    return std::nullopt;
  }

private:
  std::string digest_of_instructions(const std::string& agent) const
  {
    return audit::sha256_hex(m_sources.instructions.at(agent));
  }

  std::string inbox_acl(const std::string& agent) const
  {
    for (const auto& directory : m_state.directories) {
      if (directory.agent == agent && directory.path.ends_with("/inbox")) {
        return listed(entries_of(directory));
      }
    }
    return "";
  }

  std::vector<Values> agents() const
  {
    std::vector<Values> out;
    for (std::size_t i = 0; i < m_config.agents.size(); ++i) {
      const auto& agent = m_config.agents[i];
      out.push_back({
        {"AGENT", agent.name},
        {"UID", std::to_string(m_state.accounts[i].uid)},
        {"TIER_GROUP", std::string(group_of(agent.tier))},
        {"INSTRUCTIONS", digest_of_instructions(agent.name)},
        {"INBOX_ACL", inbox_acl(agent.name)},
      });
    }
    return out;
  }

  // Each looks at the next, and is looked at by the one before: rights are the same for all.
  std::vector<Values> pairs() const
  {
    std::vector<Values> out;
    const auto count = m_config.agents.size();
    for (std::size_t i = 0; count > 1 && i < count; ++i) {
      out.push_back(
        {{"AGENT", m_config.agents[i].name}, {"OTHER", m_config.agents[(i + 1) % count].name}});
    }
    return out;
  }

  std::vector<Values> directories() const
  {
    std::vector<Values> out;
    for (const auto& directory : m_state.directories) {
      out.push_back({
        {"PATH", directory.path},
        {"NAME", name_of(directory.path)},
        {"MODE", fmt::format("{:04o}", directory.mode)},
        {"OWNER", directory.owner},
        {"GROUP", directory.group},
        {"ACL", listed(entries_of(directory))},
        {"DEFAULTS", listed(directory.default_acl)},
      });
    }
    return out;
  }

  std::vector<Values> files() const
  {
    std::vector<Values> out;
    for (const auto& file : m_state.files) {
      if (file.wanted && file.content) {
        out.push_back({
          {"PATH", file.path},
          {"NAME", name_of(file.path)},
          {"MODE", fmt::format("{:04o}", file.mode)},
          {"OWNER", file.owner},
          {"GROUP", file.group},
          {"SHA256", audit::sha256_hex(*file.content)},
        });
      }
    }
    return out;
  }

  std::vector<Values> units() const
  {
    std::vector<Values> out;
    for (const auto& unit : m_state.units) {
      // one that is held is started again by hand; the path units are another contract's
      if (unit.wanted && (!unit.idle || !unit.agent.empty()) && !unit.name.ends_with(".path")) {
        out.push_back({{"UNIT", unit.name}, {"HOLD", unit.agent.empty() ? "-" : unit.agent}});
      }
    }
    return out;
  }

  std::vector<Values> sysctls() const
  {
    std::vector<Values> out;
    for (const auto& sysctl : m_state.sysctls) {
      out.push_back(
        {{"KEY", sysctl.key}, {"NAME", sysctl.key}, {"LEAST", std::to_string(sysctl.least)}});
    }
    return out;
  }

  const State& m_state;
  const config::Config& m_config;
  const Sources& m_sources;
};

using Lines = std::vector<std::string_view>;

// A marked line's two words, "each" and "agent".
struct Mark {
  std::string_view what;
  std::string_view thing;
};

std::optional<Mark> mark_of(std::string_view line)
{
  if (!line.starts_with(k_mark)) {
    return std::nullopt;
  }
  const auto words = split(trimmed(line.substr(k_mark.size())), ' ');
  return Mark{words.front(), words.size() == 2 ? words.back() : ""};
}

class Filling
{
public:
  Filling(const Things& things, Lines lines)
      : m_things(things)
      , m_lines(std::move(lines))
  {
  }

  Result<std::string> fill()
  {
    std::string out;
    std::size_t at = 0;
    CONOS_CHECK(block(at, m_things.shared(), true, 0, out));
    return at == m_lines.size() ? Result<std::string>(std::move(out))
                                : fail(Kind::config, "a line '#@ end' ends nothing");
  }

private:
  // Lines up to the end of the block, or of all. What is not wanted is gone through all the same.
  Result<> block(std::size_t& at, const Values& values, bool is_wanted, int depth, std::string& out)
  {
    for (; at < m_lines.size(); ++at) {
      const auto mark = mark_of(m_lines[at]);
      if (mark && mark->what == "end") {
        return {};
      }
      if (mark) {
        CONOS_CHECK(inner(at, *mark, values, is_wanted, depth, out));
      } else if (is_wanted) {
        CONOS_TRY(const auto line, filled(m_lines[at], values));
        out += line + "\n";
      }
    }
    return depth == 0 ? Result<>{} : fail(Kind::config, "'#@ end' is missing");
  }

  Result<> inner(std::size_t& at, const Mark& mark, const Values& values, bool is_wanted, int depth,
    std::string& out)
  {
    if (depth == k_deepest) {
      return fail(Kind::config, "too many '#@' within each other");
    }
    CONOS_TRY(const auto rounds, rounds_of(mark, values));
    const auto first = at + 1;
    at = first;
    if (rounds.empty() || !is_wanted) {
      return block(at, values, false, depth + 1, out);
    }
    for (const auto& round : rounds) {
      at = first;
      CONOS_CHECK(block(at, round, true, depth + 1, out));
    }
    return {};
  }

  // The values for each time the block is there.
  Result<std::vector<Values>> rounds_of(const Mark& mark, const Values& values) const
  {
    if (const auto is = m_things.is(mark.thing); mark.what == "if" && is) {
      return *is ? std::vector<Values>{values} : std::vector<Values>{};
    }
    auto each = m_things.each(mark.thing);
    if (mark.what != "each" || !each) {
      return fail(
        Kind::config, "'#@ {} {}' means nothing", escaped(mark.what), escaped(mark.thing));
    }
    for (auto& round : *each) {
      round.insert(values.begin(), values.end());
    }
    return std::move(*each);
  }

  const Things& m_things;
  Lines m_lines;
};

} // namespace

const config::Agent* sysadmin_of(const config::Config& config)
{
  const auto& agents = config.agents;
  const auto has_role = [](const config::Agent& agent) {
    return std::find(agent.roles.begin(), agent.roles.end(), "sysadmin") != agent.roles.end();
  };
  auto found = std::find_if(agents.begin(), agents.end(), has_role);
  if (found == agents.end()) {
    found = std::find_if(agents.begin(), agents.end(), [](const config::Agent& agent) {
      return agent.name == "sysadmin";
    });
  }
  return found == agents.end() ? nullptr : &*found;
}

Result<std::vector<File>> contract_files_of(
  const State& state, const config::Config& config, const Sources& sources)
{
  const Things things(state, config, sources);
  std::vector<File> out;
  for (const auto& [name, text] : sources.contracts) {
    const auto own = "/etc/conos/contracts/" + name;
    if (std::find(sources.locked.begin(), sources.locked.end(), own) != sources.locked.end()) {
      continue;
    }
    auto lines = split(text, '\n');
    if (lines.back().empty()) {
      lines.pop_back();
    }
    CONOS_TRY(auto body, Filling(things, lines).fill().map_error(during("'" + name + "'")));
    File file;
    file.path = k_contracts + "/" + name;
    file.content = "# Compiled from /etc/conos/conos.toml by conos-bootstrap; edits here are "
                   "replaced.\n" +
                   body;
    file.immutable = true;
    out.push_back(std::move(file));
  }
  return out;
}

} // namespace conos::plan
