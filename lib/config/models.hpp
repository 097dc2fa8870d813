#pragma once

#include "config/config.hpp"
#include "config/door.hpp"

#include <optional>
#include <string>
#include <vector>

// Which models an agent may call, who serves them and what they cost, of conos.toml and the prices.
namespace conos::config {

// The same as a Price, in USD for a million tokens.
struct UsdPrice {
  double input = 0;
  double output = 0;
  double cache_read = 0;
  double cache_write = 0;
  double cache_write_1h = 0;
};

// What caching costs where nothing is said: to read a tenth, to write 1.25 times, for an hour twice
// the input's price.
UsdPrice with_usual_cache(UsdPrice price);

Price in_micros(const UsdPrice& price);
std::int64_t in_micros(double usd);

// The names it may call, its own model first; empty: it has no model door.
std::vector<std::string> models_of(const Config& config, const Agent& agent);

// `uid` is that of its user. Nothing when it may call no model.
std::optional<ModelDoor> model_door_of(
  const Config& config, const Agent& agent, const Prices& prices, uid_t uid);

} // namespace conos::config
