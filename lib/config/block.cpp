#include "config/block.hpp"

#include "sys/text.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <sstream>

namespace conos::config {

namespace {

constexpr std::string_view k_agents = "agents";

Result<toml::table> parsed(std::string_view text)
{
  try {
    return toml::table(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return fail(Kind::bad_data, "it is not TOML: {} (line {})", escaped(error.description(), 200),
      error.source().begin.line);
  }
}

// The table of the one agent there is in it.
Result<toml::table> agent_in(const toml::table& root)
{
  const auto* agents = root.get(k_agents);
  if (agents == nullptr && root.contains("name")) {
    return root; // without its header
  }
  for (const auto& [key, node] : root) {
    if (key.str() != k_agents) {
      return fail(
        Kind::bad_data, "there is '{}' beside the one table [[agents]]", escaped(key.str(), 80));
    }
  }
  const auto* rows = agents != nullptr ? agents->as_array() : nullptr;
  if (rows == nullptr || rows->size() != 1 || !(*rows)[0].is_table()) {
    return fail(Kind::bad_data, "it is not one table [[agents]]");
  }
  return *(*rows)[0].as_table();
}

std::string written(const toml::table& table)
{
  std::ostringstream out;
  out << table;
  return out.str() + "\n";
}

bool is_among(const Finding& finding, const std::vector<Finding>& all)
{
  return std::any_of(all.begin(), all.end(), [&](const Finding& other) {
    return other.text == finding.text && other.at.line == finding.at.line;
  });
}

} // namespace

Result<std::string> agent_block(std::string_view text)
{
  CONOS_TRY(const auto root, parsed(text));
  CONOS_TRY(auto agent, agent_in(root));
  toml::array agents;
  agents.push_back(std::move(agent));
  toml::table whole;
  whole.insert(k_agents, std::move(agents));
  auto block = written(whole);
  CONOS_TRY(const auto again, parsed(block));
  return again == whole ? Result<std::string>(std::move(block))
                        : fail(Kind::bad_data, "it cannot be written as it was meant");
}

Result<std::string> with_agent(std::string_view conos_toml, std::string_view block)
{
  auto before = parsed(conos_toml);
  if (!before) { // what is wrong there is nobody's business who only wants to be added
    return fail(Kind::config, "conos.toml itself is wrong: 'conos config check' says where");
  }
  auto wanted = std::move(*before);
  CONOS_TRY(const auto added, parsed(block));
  CONOS_TRY(auto agent, agent_in(added));
  if (!wanted.contains(k_agents)) {
    wanted.insert(k_agents, toml::array());
  }
  auto* agents = wanted.get_as<toml::array>(k_agents);
  if (agents == nullptr) {
    return fail(Kind::bad_data, "conos.toml has no list of agents");
  }
  agents->push_back(std::move(agent));
  auto text = std::string(conos_toml);
  text += text.empty() || text.ends_with('\n') ? "\n" : "\n\n";
  text += block;
  CONOS_TRY(const auto whole, parsed(text).map_error(during("conos.toml with it")));
  return whole == wanted
           ? Result<std::string>(std::move(text))
           : fail(Kind::bad_data, "conos.toml would say something else with it behind");
}

Result<Added> add_agent(
  std::string_view conos_toml, std::string_view text, const Environment& environment)
{
  CONOS_TRY(const auto block, agent_block(text));
  Added added;
  CONOS_TRY(added.text, with_agent(conos_toml, block));
  const auto before = check(conos_toml, environment);
  auto after = check(added.text, environment);
  added.is_good = after.config.has_value();
  for (auto& finding : after.findings) {
    if (!is_among(finding, before.findings)) {
      added.findings.push_back(std::move(finding));
    }
  }
  return added;
}

} // namespace conos::config
