#include "config/schema.hpp"

#include "config/key.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <toml++/toml.h>

#include <sstream>

namespace conos::config {

namespace {

using Json = nlohmann::ordered_json; // the order of the table is the order of the manual

constexpr std::string_view k_agent_name = "[a-z][a-z0-9]*(-[a-z0-9]+)*";
constexpr std::string_view k_layer_name = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";
constexpr std::string_view k_path = "/|(/[A-Za-z0-9._+@-]+)+";
constexpr int k_longest_agent_name = 29;

Json json_of(std::string_view toml)
{
  const auto root = toml::parse("x = " + std::string(toml)); // our own text: cannot fail
  std::ostringstream out;
  out << toml::json_formatter(root);
  return Json::parse(out.str()).at("x");
}

// What a text of that type looks like, as far as a pattern can say; empty: anything.
std::string form_of(Type type)
{
  switch (type) {
  case Type::agent:
    return std::string(k_agent_name);
  case Type::path:
    return std::string(k_path);
  case Type::layers:
    return std::string(k_layer_name);
  case Type::program:
  case Type::scopes:
    return fmt::format("{}|{}", k_layer_name, k_path);
  case Type::size:
    return "[0-9]+[KMGT%]?|infinity";
  case Type::percent:
    return "[0-9]+%";
  case Type::duration:
  case Type::durations:
    return "0|([0-9]+(ms|s|m|min|h|d|w))+";
  case Type::variables:
    return R"([A-Za-z_][A-Za-z0-9_]*=[\s\S]*)";
  case Type::taskees:
    return fmt::format(R"(\*|@(officer|operator|worker)|{})", k_agent_name);
  case Type::hosts:
    return R"((\*|(\*\.|@)?[A-Za-z0-9.-]+)(:[0-9]+)?)";
  case Type::requests:
    return R"((\*|[a-z]+(\.([a-z]+|\*))?)(:.+)?)";
  case Type::boolean:
  case Type::integer:
  case Type::number:
  case Type::text:
  case Type::choice:
  case Type::cron:
  case Type::regex:
  case Type::texts:
  case Type::ports:
  case Type::table:
    break;
  }
  return "";
}

Json text_of(const std::string& form)
{
  Json text{{"type", "string"}};
  if (!form.empty()) {
    text["pattern"] = fmt::format("^({})$", form);
  }
  return text;
}

Json list_of(Json items)
{
  return {{"type", "array"}, {"items", std::move(items)}};
}

Json type_of(const Key& key)
{
  const auto form = form_of(key.type);
  switch (key.type) {
  case Type::boolean:
    return {{"type", "boolean"}};
  case Type::integer:
    return {{"type", "integer"}, {"minimum", key.least}, {"maximum", key.most}};
  case Type::number:
    return {{"type", "number"}, {"minimum", 0}, {"maximum", k_most_number}};
  case Type::choice:
    return {{"type", "string"}, {"enum", split(key.choices, ' ')}};
  case Type::table:
    return {{"type", "object"}};
  case Type::ports:
    return list_of({{"type", "integer"}, {"minimum", 1}, {"maximum", 65535}});
  case Type::texts:
  case Type::layers:
  case Type::scopes:
  case Type::variables:
  case Type::durations:
  case Type::taskees:
  case Type::hosts:
  case Type::requests:
    return list_of(text_of(form));
  case Type::text:
  case Type::agent:
  case Type::path:
  case Type::program:
  case Type::size:
  case Type::percent:
  case Type::duration:
  case Type::cron:
  case Type::regex:
    break;
  }
  auto text = text_of(form.empty() ? "" : "|" + form); // an empty text is as good as none
  if (key.type == Type::agent) {
    text["maxLength"] = k_longest_agent_name;
  }
  return text;
}

Json schema_of(const Key& key)
{
  auto schema = type_of(key);
  schema["description"] = description_of(key);
  if (!key.fallback.empty()) {
    schema["default"] = json_of(key.fallback);
  }
  if (!key.example.empty()) {
    schema["examples"] = Json::array({json_of(key.example)});
  }
  return schema;
}

Json closed_table(std::string_view help)
{
  return {
    {"type", "object"},
    {"description", sentence_of(help)},
    {"additionalProperties", false},
    {"properties", Json::object()},
  };
}

// The keys of a table; "budget.usd_day" is a property of the property "budget".
Json table_of(In in, std::string_view help)
{
  auto table = closed_table(help);
  for (const auto& key : keys()) {
    if ((key.in & in) == 0) {
      continue;
    }
    Json* properties = &table["properties"];
    auto parts = split(key.name, '.');
    for (; parts.size() > 1; parts.erase(parts.begin())) {
      auto& inner = (*properties)[std::string(parts.front())];
      if (inner.is_null()) {
        inner = {{"type", "object"}, {"additionalProperties", false}};
      }
      properties = &inner["properties"];
    }
    (*properties)[std::string(parts.front())] = schema_of(key);
  }
  return table;
}

Json agents_of(std::string_view help)
{
  auto table = table_of(in_agents, help);
  table["required"] = {"name"};
  auto& name = table["properties"]["name"];
  name["pattern"] = fmt::format("^{}$", k_agent_name);
  name["maxLength"] = k_longest_agent_name;
  return table;
}

// [base.officer] and its like, or with the old name [defaults.officer].
void add_tiers(Json& table)
{
  for (const auto* tier : {"officer", "operator", "worker"}) {
    table["properties"][tier] = {{"$ref", "#/definitions/tier"}};
  }
}

Json schema_of(const TableKind& kind)
{
  if (kind.in == in_agents) {
    return list_of(agents_of(kind.help));
  }
  auto table = table_of(kind.in, kind.help);
  if (kind.in == in_base) {
    add_tiers(table);
  }
  if (kind.in == in_routes) {
    table["required"] = {"match", "to"};
  }
  switch (kind.form) {
  case TableKind::Form::rows:
    return list_of(std::move(table));
  case TableKind::Form::named:
    return {
      {"type", "object"},
      {"description", table["description"]},
      {"propertyNames", {{"pattern", fmt::format("^{}$", k_layer_name)}}},
      {"additionalProperties", table},
    };
  case TableKind::Form::one:
    break;
  }
  return table;
}

} // namespace

std::string json_schema()
{
  auto root = closed_table("the agents of a machine and what they may do");
  auto& tables = root["properties"];
  for (const auto& kind : table_kinds()) {
    tables[std::string(kind.name)] = schema_of(kind);
  }

  auto hosts = type_of(*find_key(in_agents, "egress"));
  tables["egress"] = closed_table("hosts by names of your own");
  tables["egress"]["properties"]["groups"] = {
    {"type", "object"},
    {"description", "Lists of hosts, each by a name that the key egress takes as @NAME."},
    {"additionalProperties", std::move(hosts)},
  };
  tables["defaults"] = closed_table("the old name of [base.TIER]");
  add_tiers(tables["defaults"]);

  Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "conos.toml"}};
  schema.update(root);
  schema["definitions"]["tier"] = table_of(in_base, "what all agents of a tier share");
  return schema.dump(2) + "\n";
}

} // namespace conos::config
