#include "config/door.hpp"

#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 2> k_apis{"anthropic", "openai"};

Json json_of(const Price& price)
{
  return {{"input", price.input}, {"output", price.output}, {"cache_read", price.cache_read},
    {"cache_write", price.cache_write}, {"cache_write_1h", price.cache_write_1h},
    {"context", price.context}, {"max_output", price.max_output}};
}

Price price_of(const Json& json)
{
  return {json.at("input"), json.at("output"), json.at("cache_read"), json.at("cache_write"),
    json.at("cache_write_1h"), json.at("context"), json.at("max_output")};
}

Json json_of(const BudgetLimits& limits)
{
  return {{"tokens_task", limits.tokens_task}, {"tokens_hour", limits.tokens_hour},
    {"tokens_day", limits.tokens_day}, {"usd_micros_task", limits.usd_task},
    {"usd_micros_day", limits.usd_day}};
}

BudgetLimits limits_of(const Json& json)
{
  return {json.at("tokens_task"), json.at("tokens_hour"), json.at("tokens_day"),
    json.at("usd_micros_task"), json.at("usd_micros_day")};
}

Api api_of(const Json& json)
{
  const auto found = std::find(k_apis.begin(), k_apis.end(), json.get<std::string>());
  if (found == k_apis.end()) {
    throw std::runtime_error("unknown api");
  }
  return static_cast<Api>(found - k_apis.begin());
}

ModelDoor door_of(const Json& json)
{
  ModelDoor door;
  door.agent = json.at("agent");
  door.tier = json.at("tier");
  door.uid = json.at("uid");
  for (const auto& one : json.at("models")) {
    const auto& price = one.at("price");
    door.models.push_back({one.at("name"), one.at("provider"),
      price.is_null() ? std::nullopt : std::optional(price_of(price))});
  }
  for (const auto& one : json.at("providers")) {
    door.providers.push_back({one.at("name"), api_of(one.at("api")), one.at("base_url")});
  }
  door.fallback = json.at("fallback");
  door.limits = limits_of(json.at("limits"));
  door.usd_day_all = json.at("usd_micros_day_all");
  for (const auto& model : door.models) {
    (void)provider_of(door, model); // throws when there is none
  }
  return door;
}

} // namespace

std::string_view to_string(Api api)
{
  return k_apis[static_cast<std::size_t>(api)];
}

const Price* find_price(const Prices& prices, std::string_view model)
{
  const Price* best = nullptr;
  std::size_t length = 0;
  for (const auto& [name, price] : prices) {
    const std::string_view pattern(name);
    if (pattern == model) {
      return &price;
    }
    const auto stem = pattern.substr(0, pattern.size() - 1);
    if (pattern.ends_with('*') && model.starts_with(stem) &&
        (best == nullptr || stem.size() > length)) {
      best = &price;
      length = stem.size();
    }
  }
  return best;
}

std::string to_json(const ModelDoor& door)
{
  auto models = Json::array();
  for (const auto& model : door.models) {
    models.push_back({{"name", model.name}, {"provider", model.provider},
      {"price", model.price ? json_of(*model.price) : Json()}});
  }
  auto providers = Json::array();
  for (const auto& provider : door.providers) {
    providers.push_back(
      {{"name", provider.name}, {"api", to_string(provider.api)}, {"base_url", provider.base_url}});
  }
  return Json{
           {"v", 1},
           {"agent", door.agent},
           {"tier", door.tier},
           {"uid", door.uid},
           {"models", models},
           {"providers", providers},
           {"fallback", door.fallback},
           {"limits", json_of(door.limits)},
           {"usd_micros_day_all", door.usd_day_all},
         }
           .dump(1) +
         "\n";
}

Result<ModelDoor> model_door_from_json(std::string_view text)
{
  try {
    return door_of(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(
      Kind::config, "not what conos-bootstrap writes ({}); run conos-bootstrap", error.what());
  }
}

const Model* find_model(const ModelDoor& door, std::string_view name)
{
  const auto found = std::find_if(door.models.begin(), door.models.end(), [&](const Model& model) {
    return model.name == name;
  });
  return found == door.models.end() ? nullptr : &*found;
}

const Provider& provider_of(const ModelDoor& door, const Model& model)
{
  const auto found =
    std::find_if(door.providers.begin(), door.providers.end(), [&](const Provider& provider) {
      return provider.name == model.provider;
    });
  if (found == door.providers.end()) {
    throw std::runtime_error("a model without its provider");
  }
  return *found;
}

} // namespace conos
