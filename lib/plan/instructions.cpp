#include "plan/instructions.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace conos::plan {

namespace {

constexpr std::string_view k_between = "\n\n---\n\n";

struct Layer {
  std::string kind; // "roles"; empty for base
  std::string name;
};

std::vector<Layer> layers_of(const config::Agent& agent)
{
  std::vector<Layer> layers{{"", "base"}};
  const auto add = [&](const std::string& kind, const std::vector<std::string>& names) {
    for (const auto& name : names) {
      layers.push_back({kind, name});
    }
  };
  add("groups", agent.groups);
  add("roles", agent.roles);
  add("scopes", agent.scopes);
  layers.push_back({"agents", agent.name});
  return layers;
}

// The layer's directory; nothing where there is none.
Result<UniqueFd> open_layer(const std::string& etc, const Layer& layer)
{
  CONOS_TRY(const auto top, open_dir(etc));
  if (layer.kind.empty()) {
    return open_dir_at(top, layer.name);
  }
  CONOS_TRY(const auto kind, open_dir_at(top, layer.kind));
  return open_dir_at(kind, layer.name);
}

// Empty where the layer has no AGENTS.md.
Result<std::string> read_layer(const UniqueFd& dir)
{
  auto text = read_file(dir, "AGENTS.md", k_max_instructions_bytes);
  if (!text && text.error().kind == Kind::not_found) {
    return "";
  }
  if (text && !is_utf8(*text)) {
    return fail(Kind::config, "'AGENTS.md' is not UTF-8");
  }
  return text;
}

} // namespace

Result<std::string> assemble_instructions(
  const std::string& etc, const config::Agent& agent, std::vector<std::string>& warnings)
{
  std::string whole;
  const auto append = [&](std::string_view text) {
    if (!trimmed(text).empty()) {
      whole += whole.empty() ? "" : k_between;
      whole += trimmed(text);
    }
  };

  for (const auto& layer : layers_of(agent)) {
    const auto where =
      fmt::format("{}/{}{}{}", etc, layer.kind, layer.kind.empty() ? "" : "/", layer.name);
    const auto dir = open_layer(etc, layer);
    if (!dir && dir.error().kind != Kind::not_found) {
      return tl::unexpected<Error>(during("read '" + where + "'")(dir.error()));
    }
    if (!dir) {
      if (!layer.kind.empty() && layer.kind != "agents") {
        warnings.push_back(fmt::format("agent '{}': there is no '{}'", agent.name, where));
      }
      continue;
    }
    CONOS_TRY(const auto text, read_layer(*dir).map_error(during("read '" + where + "'")));
    append(text);
  }
  append(agent.instructions);

  if (whole.size() + 1 > k_max_instructions_bytes) {
    return fail(Kind::config, "the instructions of agent '{}' are larger than {} bytes", agent.name,
      k_max_instructions_bytes);
  }
  if (whole.empty()) {
    warnings.push_back(fmt::format(
      "agent '{}' has no instructions: write {}/agents/{}/AGENTS.md", agent.name, etc, agent.name));
  }
  return whole + "\n";
}

} // namespace conos::plan
