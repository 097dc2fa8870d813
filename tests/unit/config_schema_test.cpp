#include "config/key.hpp"
#include "config/schema.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

using namespace conos;
using Json = nlohmann::json;

// tests/cli/config.test holds files against the schema; here is what is in it.
namespace {

Json schema()
{
  return Json::parse(config::json_schema());
}

// What the schema says of the key in a table; null when it says nothing.
Json property(const Json& table, std::string_view key)
{
  std::string path(key);
  for (auto dot = path.find('.'); dot != path.npos; dot = path.find('.')) {
    path.replace(dot, 1, "/properties/");
  }
  const Json::json_pointer at("/properties/" + path);
  return table.contains(at) ? table.at(at) : Json();
}

Json table(const config::TableKind& kind)
{
  const auto said = schema().at("properties").at(std::string(kind.name));
  switch (kind.form) {
  case config::TableKind::Form::rows:
    return said.at("items");
  case config::TableKind::Form::named:
    return said.at("additionalProperties");
  case config::TableKind::Form::one:
    break;
  }
  return said;
}

// The number of keys below a table, tables of tiers aside.
std::size_t count(const Json& table)
{
  std::size_t keys = 0;
  for (const auto& inner : table.at("properties")) {
    keys += inner.contains("properties") ? count(inner) : inner.contains("$ref") ? 0 : 1;
  }
  return keys;
}

Json system_key(std::string_view key)
{
  return property(schema()["properties"]["system"], key);
}

Json agents_key(std::string_view key)
{
  return property(schema()["properties"]["agents"]["items"], key);
}

} // namespace

TEST_CASE("the schema has every key in its tables, and no other", "[config][schema]")
{
  for (const auto& kind : config::table_kinds()) {
    std::size_t keys = 0;
    for (const auto& key : config::keys()) {
      if ((key.in & kind.in) != 0) {
        INFO(kind.name << ' ' << key.name);
        const auto said = property(table(kind), key.name);
        REQUIRE(said.is_object());
        CHECK(said.at("description") == config::description_of(key));
        CHECK(said.contains("type"));
        CHECK(said.contains("default") != key.fallback.empty());
        CHECK(said.contains("examples") != key.example.empty());
        ++keys;
      }
    }
    CHECK(count(table(kind)) == keys);
    CHECK(table(kind).at("additionalProperties") == false);
  }
}

TEST_CASE("tiers have the keys of the base", "[config][schema]")
{
  const auto all = schema();
  const auto base = all["properties"]["base"];
  for (const auto* tier : {"officer", "operator", "worker"}) {
    CHECK(property(base, tier) == Json{{"$ref", "#/definitions/tier"}});
    CHECK(property(all["properties"]["defaults"], tier) == property(base, tier));
  }
  CHECK(count(all["definitions"]["tier"]) == count(base));
}

TEST_CASE("the schema has the bounds, choices and values of the table", "[config][schema]")
{
  const auto hops = system_key("max_hops");
  CHECK(hops["type"] == "integer");
  CHECK(hops["minimum"] == 1);
  CHECK(hops["maximum"] == 100);
  CHECK(hops["default"] == 8);

  CHECK(agents_key("tier")["enum"] == Json{"officer", "operator", "worker"});
  CHECK(agents_key("retry")["default"] == Json{"30s", "2m", "10m"});
  CHECK(agents_key("budget.usd_day")["minimum"] == 0);
  CHECK(agents_key("jit")["default"] == false);
  CHECK(agents_key("name")["maxLength"] == 29);
  CHECK_THAT(system_key("name")["description"].get<std::string>(),
    Catch::Contains("CONOS_SYSTEM_NAME in the environment wins over the file."));

  CHECK(schema()["properties"]["agents"]["items"]["required"] == Json{"name"});
  CHECK(schema()["properties"]["routes"]["items"]["required"] == Json{"match", "to"});
}
