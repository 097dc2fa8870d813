#include "config/door.hpp"
#include "config/models.hpp"
#include "sys/text.hpp"

#include <toml++/toml.h>

#include <cmath>

namespace conos {

namespace {

constexpr double k_most_usd = 1e6; // for a million tokens: a dollar each
constexpr double k_most_tokens = 1e9;

std::string place_of(const toml::node& node)
{
  return fmt::format("line {}", node.source().begin.line);
}

Result<> read_number(const toml::table& table, std::string_view key, double most, double& into)
{
  const auto* node = table.get(key);
  if (node == nullptr) {
    return {};
  }
  const auto value = node->value<double>();
  if (!node->is_number() || !value || !(*value >= 0 && *value <= most)) {
    return fail(Kind::config, "{}: '{}' is not a number from 0 to {}", place_of(*node), key, most);
  }
  into = *value;
  return {};
}

Result<> check_keys(const toml::table& table)
{
  constexpr std::string_view k_keys[] = {
    "input", "output", "cache_read", "cache_write", "cache_write_1h", "context", "max_output"};
  for (const auto& [key, node] : table) {
    if (std::find(std::begin(k_keys), std::end(k_keys), key.str()) == std::end(k_keys)) {
      return fail(
        Kind::config, "{}: there is no such key as '{}'", place_of(node), escaped(key.str(), 80));
    }
  }
  if (table.get("input") == nullptr || table.get("output") == nullptr) {
    return fail(
      Kind::config, "line {}: needs both 'input' and 'output'", table.source().begin.line);
  }
  return {};
}

Result<Price> price_of(const toml::table& table)
{
  CONOS_CHECK(check_keys(table));
  config::UsdPrice usd;
  double context = 0;
  double max_output = 0;
  CONOS_CHECK(read_number(table, "input", k_most_usd, usd.input));
  CONOS_CHECK(read_number(table, "output", k_most_usd, usd.output));
  usd = config::with_usual_cache(usd);
  CONOS_CHECK(read_number(table, "cache_read", k_most_usd, usd.cache_read));
  CONOS_CHECK(read_number(table, "cache_write", k_most_usd, usd.cache_write));
  usd.cache_write_1h = std::max(usd.cache_write_1h, usd.cache_write);
  CONOS_CHECK(read_number(table, "cache_write_1h", k_most_usd, usd.cache_write_1h));
  CONOS_CHECK(read_number(table, "context", k_most_tokens, context));
  CONOS_CHECK(read_number(table, "max_output", k_most_tokens, max_output));
  auto price = config::in_micros(usd);
  price.context = std::llround(context);
  price.max_output = std::llround(max_output);
  return price;
}

Result<Prices> prices_of(const toml::table& document)
{
  Prices prices;
  for (const auto& [key, node] : document) {
    const auto* models = node.as_table();
    if (key.str() != "models" || models == nullptr) {
      return fail(Kind::config, "{}: there is only [models.\"NAME\"]", place_of(node));
    }
    for (const auto& [name, entry] : *models) {
      const auto* table = entry.as_table();
      if (table == nullptr) {
        return fail(
          Kind::config, "{}: '{}' is not a table", place_of(entry), escaped(name.str(), 80));
      }
      CONOS_TRY(prices[std::string(name.str())], price_of(*table));
    }
  }
  return prices;
}

} // namespace

Result<Prices> parse_prices(std::string_view text)
{
  try {
    return prices_of(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return fail(Kind::config, "line {}: not TOML: {}", error.source().begin.line,
      escaped(error.description(), 200));
  }
}

} // namespace conos
