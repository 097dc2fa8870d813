#include "config/models.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace conos::config {

namespace {

struct Known {
  std::string_view name;
  Api api;
  std::string_view base_url;
};

constexpr Known k_known[] = {
  {"anthropic", Api::anthropic, "https://api.anthropic.com"},
  {"openai", Api::openai, "https://api.openai.com"},
  {"openrouter", Api::openai, "https://openrouter.ai/api"},
  {"ollama", Api::openai, "http://127.0.0.1:11434"},
};

const ProviderSettings* find_settings(const Config& config, std::string_view provider)
{
  const auto found = config.providers.find(provider);
  return found == config.providers.end() ? nullptr : &found->second;
}

Provider provider_named(const Config& config, const Agent& agent, const std::string& name)
{
  Provider provider;
  provider.name = name;
  for (const auto& known : k_known) {
    if (known.name == name) {
      provider.api = known.api;
      provider.base_url = known.base_url;
    }
  }
  if (const auto* settings = find_settings(config, name); settings != nullptr) {
    provider.api = settings->api.value_or(provider.api);
    provider.base_url = settings->base_url.empty() ? provider.base_url : settings->base_url;
  }
  if (name == agent.provider && !agent.api_base.empty()) {
    provider.base_url = agent.api_base;
  }
  return provider;
}

bool serves(const Config& config, const std::string& provider, const std::string& model)
{
  const auto* settings = find_settings(config, provider);
  return settings != nullptr && std::find(settings->models.begin(), settings->models.end(),
                                  model) != settings->models.end();
}

// The agent's own, unless another one says that it serves this model and the own one does not.
std::string provider_for(const Config& config, const Agent& agent, const std::string& model)
{
  if (serves(config, agent.provider, model)) {
    return agent.provider;
  }
  for (const auto& [name, settings] : config.providers) {
    if (serves(config, name, model)) {
      return name;
    }
  }
  return agent.provider;
}

std::optional<Price> price_for(
  const Config& config, const Prices& prices, const std::string& provider, const std::string& model)
{
  if (const auto* price = find_price(prices, model); price != nullptr) {
    return *price;
  }
  const auto* settings = find_settings(config, provider);
  return settings != nullptr ? settings->price : std::nullopt;
}

void add(std::vector<std::string>& names, const std::string& name)
{
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
    names.push_back(name);
  }
}

} // namespace

UsdPrice with_usual_cache(UsdPrice price)
{
  price.cache_read = price.input * 0.1;
  price.cache_write = price.input * 1.25;
  price.cache_write_1h = price.input * 2;
  return price;
}

std::int64_t in_micros(double usd)
{
  return std::llround(std::min(usd, 1e9) * 1e6);
}

Price in_micros(const UsdPrice& usd)
{
  Price price;
  price.input = in_micros(usd.input);
  price.output = in_micros(usd.output);
  price.cache_read = in_micros(usd.cache_read);
  price.cache_write = in_micros(usd.cache_write);
  price.cache_write_1h = in_micros(usd.cache_write_1h);
  return price;
}

std::vector<std::string> models_of(const Config& config, const Agent& agent)
{
  std::vector<std::string> names;
  add(names, agent.model);
  for (const auto& name : agent.models) {
    add(names, name);
  }
  for (const auto& name : agent.fallback_models) {
    add(names, name);
  }
  const auto* settings = find_settings(config, agent.provider);
  if (names.empty() && settings != nullptr) {
    for (const auto& name : settings->models) {
      add(names, name);
    }
  }
  return names;
}

std::optional<ModelDoor> model_door_of(
  const Config& config, const Agent& agent, const Prices& prices, uid_t uid)
{
  const auto names = models_of(config, agent);
  if (names.empty()) {
    return std::nullopt;
  }
  ModelDoor door;
  door.agent = agent.name;
  door.tier = to_string(agent.tier);
  door.uid = uid;
  std::set<std::string> providers;
  for (const auto& name : names) {
    const auto provider = provider_for(config, agent, name);
    door.models.push_back({name, provider, price_for(config, prices, provider, name)});
    providers.insert(provider);
  }
  for (const auto& name : providers) {
    door.providers.push_back(provider_named(config, agent, name));
  }
  door.fallback = agent.fallback_models;
  door.limits = agent.budget;
  door.usd_day_all = config.usd_day_all;
  return door;
}

} // namespace conos::config
