#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What an agent may ask of language models, resolved: compiled by conos-bootstrap into
// /var/lib/conos/compiled/NAME.model.json, and given to the agent's model door as a credential.
namespace conos {

enum class Api { anthropic, openai }; // the wire formats

std::string_view to_string(Api api);

// What a model costs, in micro-USD for a million tokens.
struct Price {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t cache_read = 0;
  std::int64_t cache_write = 0;
  std::int64_t cache_write_1h = 0;
  std::int64_t context = 0;    // tokens it can take at most; 0: not known
  std::int64_t max_output = 0; // tokens it can give at most; 0: not known
};

// By name of the model; a name that ends in '*' is for all that begin so, and a longer one wins.
using Prices = std::map<std::string, Price, std::less<>>;

// Kind::config when the text is not one of prices.toml (see conos-model(8)).
Result<Prices> parse_prices(std::string_view toml);

const Price* find_price(const Prices& prices, std::string_view model);

// What may be used; 0 is no limit. Money in micro-USD.
struct BudgetLimits {
  std::int64_t tokens_task = 0;
  std::int64_t tokens_hour = 0; // a bucket of so many, that fills again within an hour
  std::int64_t tokens_day = 0;
  std::int64_t usd_task = 0;
  std::int64_t usd_day = 0;
};

struct Provider {
  std::string name; // of its secret too: conos.NAME
  Api api = Api::openai;
  std::string base_url;
};

struct Model {
  std::string name;
  std::string provider;
  std::optional<Price> price; // nothing: it is not known, and calls are refused
};

struct ModelDoor {
  std::string agent;
  std::string tier;
  uid_t uid = 0;
  std::vector<Model> models;         // it may call; the first is its own
  std::vector<Provider> providers;   // of these
  std::vector<std::string> fallback; // models to take, in this order, when one cannot be had
  BudgetLimits limits;
  std::int64_t usd_day_all = 0; // what all agents may cost a day, in micro-USD; 0: no limit
};

std::string to_json(const ModelDoor& door);

// Kind::config when the text is not what to_json writes.
Result<ModelDoor> model_door_from_json(std::string_view text);

const Model* find_model(const ModelDoor& door, std::string_view name);
const Provider& provider_of(const ModelDoor& door, const Model& model);

} // namespace conos
