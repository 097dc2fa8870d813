#include "plan/secrets.hpp"

#include "config/models.hpp"
#include "host/provenance.hpp"
#include "plan/files.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace conos::plan {

namespace {

using Json = nlohmann::json;

const std::string k_file = "/etc/conos/env";
constexpr std::size_t k_max_file_bytes = 1U << 20U;

Result<> record(
  audit::Ledger& ledger, const std::string& type, const std::string& name, const std::string& from)
{
  const auto by = acting_account();
  Json payload{{"name", name}, {"by", by}};
  if (!from.empty()) {
    payload["from"] = from;
  }
  audit::Row row;
  row.type = type;
  row.actor = by;
  row.payload = payload.dump(-1, ' ', true, Json::error_handler_t::replace);
  CONOS_CHECK(ledger.append({row}).map_error(during("done, and not recorded")));
  return {};
}

std::string origin_of(const std::string& variable, int line)
{
  return line > 0 ? fmt::format("{} in {}", variable, k_file)
                  : fmt::format("{} in the environment", variable);
}

// --- what becomes of variables -------------------------------------------------------------------

using Keys = std::map<std::string, std::set<std::string>>; // providers, by variable

Keys keys_of(const config::Config& config)
{
  Keys keys;
  std::set<std::string> providers;
  for (const auto& agent : config.agents) {
    if (!agent.api_key_env.empty() && !agent.provider.empty()) {
      keys[agent.api_key_env].insert(agent.provider);
      providers.insert(agent.provider);
    }
  }
  const auto& variable = config.api_key_env;
  const bool speaks = !variable.empty() && !config.provider.empty();
  if (speaks && !keys.contains(variable) && !providers.contains(config.provider)) {
    keys[variable].insert(config.provider);
  }
  return keys;
}

std::set<std::string> names_for(const Keys& keys, const std::string& variable)
{
  const auto providers = keys.find(variable);
  return providers != keys.end() ? providers->second
                                 : std::set<std::string>{"env." + lower(variable)};
}

Result<> check_intake(const Intake& intake, const Secret& value)
{
  auto checked = check_credential_name(intake.name);
  if (checked) {
    checked = check_secret(value);
  }
  return std::move(checked).map_error([&](Error error) {
    error.kind = Kind::config;
    error.what = origin_of(intake.variable, intake.line) + ": " + error.what;
    return error;
  });
}

// Two for one secret must be of one mind.
Result<> check_agreement(
  const std::vector<Variable>& variables, const Intake& one, const Intake& other)
{
  if (variables[one.position].value.view() == variables[other.position].value.view()) {
    return {};
  }
  return fail(Kind::config,
    "{} and {} would both be the secret '{}' and differ: take out the one that is not used",
    origin_of(one.variable, one.line), origin_of(other.variable, other.line), one.name);
}

Result<> add_intake(
  std::vector<Intake>& into, const std::vector<Variable>& variables, const Intake& intake)
{
  CONOS_CHECK(check_intake(intake, variables[intake.position].value));
  const auto earlier = std::find_if(into.begin(), into.end(), [&](const Intake& one) {
    return one.name == intake.name;
  });
  if (earlier != into.end()) {
    return check_agreement(variables, *earlier, intake);
  }
  into.push_back(intake);
  return {};
}

// --- where variables are -------------------------------------------------------------------------

// Judged by what was opened. The directory is root's; a file in it can still be somebody else's.
Result<> check_file(const UniqueFd& file)
{
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::denied, "is not a regular file");
  }
  if (st.st_uid != ::geteuid() || (st.st_mode & 022U) != 0) {
    return fail(Kind::denied, "others than root can write it");
  }
  if (st.st_nlink != 1) {
    return fail(Kind::denied, "has another name, under which the keys in it would stay");
  }
  return {};
}

// Empty where there is no file.
Result<Secret> read_environment_file(const Place& place)
{
  const auto dir = open_dir(place.site.etc);
  const auto file = dir ? open_beneath(*dir, "env") : tl::unexpected<Error>(dir.error());
  if (!file) {
    return file.error().kind == Kind::not_found ? Result<Secret>()
                                                : tl::unexpected<Error>(file.error());
  }
  CONOS_CHECK(check_file(*file));
  return read_secret(*file, k_max_file_bytes);
}

Result<std::vector<Variable>> variables_in_file(const Place& place)
{
  CONOS_TRY(const auto text, read_environment_file(place).map_error(during(k_file)));
  auto parsed = parse_environment_file(text.view());
  if (parsed.unreadable.empty()) {
    return std::move(parsed.variables);
  }
  constexpr std::size_t k_most = 10;
  std::vector<std::string> lines;
  for (const auto& one : parsed.unreadable) {
    if (lines.size() < k_most) {
      lines.push_back(fmt::format("line {} {}", one.line, one.what));
    }
  }
  return fail(Kind::config, "{}: {}{}", k_file, join(lines, ", "),
    parsed.unreadable.size() > k_most ? " and so on" : "");
}

void add_own_environment(const config::Config& config, std::vector<Variable>& into)
{
  for (const auto& name : key_variables(config)) {
    if (const char* value = std::getenv(name.c_str()); value != nullptr && *value != '\0') {
      into.push_back({0, name, Secret(value)});
    }
  }
}

struct Found {
  std::vector<Variable> variables;
  std::vector<Intake> intakes; // all of them
};

Result<Found> find_all(const Place& place, const config::Config& config)
{
  Found found;
  CONOS_TRY(found.variables, variables_in_file(place));
  add_own_environment(config, found.variables);
  CONOS_TRY(found.intakes, secrets_of(config, found.variables));
  return found;
}

// What comes from the environment comes again with every start.
void drop_known(Found& found, const Credstore& store)
{
  std::erase_if(found.intakes, [&](const Intake& intake) {
    return intake.line == 0 &&
           credential_is(store, intake.name, found.variables[intake.position].value);
  });
}

// Without the names of variables that had no value.
std::string comment_of(const std::vector<Intake>& intakes)
{
  std::string text = "# Keys are not kept here any more: conos-bootstrap took in what stood here\n"
                     "# and keeps it encrypted, in /etc/credstore.encrypted.\n#\n";
  for (const auto& intake : intakes) {
    if (intake.line > 0) {
      text += fmt::format("#   {} is now the secret {}\n", intake.variable, intake.name);
    }
  }
  text += "#\n# To set one, put it on standard input or type it when asked:\n"
          "#   conos secret set NAME\n"
          "# conos secret list names them; see conos-secret(8).\n";
  return text;
}

Result<> replace_file(const Place& place, const std::vector<Intake>& intakes)
{
  const auto purpose = during("empty " + k_file);
  CONOS_CHECK(unlock_file(place, k_file).map_error(purpose));
  CONOS_TRY(const auto dir, open_dir(place.site.etc).map_error(purpose));
  return replace(dir, "env", comment_of(intakes), 0600).map_error(purpose);
}

Result<> carry_out(const Place& place, const Credstore& store, const Found& found)
{
  CONOS_TRY(auto ledger, audit::Ledger::open(place.site.lib));
  bool has_file = false;
  for (const auto& intake : found.intakes) {
    has_file = has_file || intake.line > 0;
    CONOS_CHECK(set_secret(store, ledger, intake.name, found.variables[intake.position].value,
      origin_of(intake.variable, intake.line)));
  }
  // last, and each of them is on the disk by now
  return has_file ? replace_file(place, found.intakes) : Result<>{};
}

} // namespace

Credstore credstore_of(const Place& place)
{
  Credstore store;
  store.root = place.root;
  store.prefix = "conos.";
  return store;
}

Result<> set_secret(const Credstore& store, audit::Ledger& ledger, const std::string& name,
  const Secret& secret, const std::string& from)
{
  CONOS_CHECK(ledger.keep_out(secret.view()));
  CONOS_CHECK(store_credential(store, name, secret));
  return record(ledger, "secret.set", name, from);
}

Result<> remove_secret(const Credstore& store, audit::Ledger& ledger, const std::string& name)
{
  CONOS_CHECK(remove_credential(store, name));
  return record(ledger, "secret.removed", name, "");
}

std::string next_step(const config::Config& config, const std::string& name)
{
  if (!config::is_provider(config, name)) {
    return "";
  }
  if (!config::agents_with(config, name).empty()) {
    return "conos model test makes a first call";
  }
  return fmt::format(
    "no agent has a model of '{0}' yet: put provider = \"{0}\" and model = \"…\" in "
    "[base] of {1}, then run conos-bootstrap",
    name, k_config_path);
}

std::set<std::string> key_variables(const config::Config& config)
{
  std::set<std::string> names;
  for (const auto& key : keys_of(config)) {
    names.insert(key.first);
  }
  return names;
}

Result<std::vector<Intake>> secrets_of(
  const config::Config& config, const std::vector<Variable>& variables)
{
  const auto keys = keys_of(config);
  std::vector<Intake> intakes;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const auto& variable = variables[i];
    if (variable.value.empty()) {
      continue;
    }
    for (const auto& name : names_for(keys, variable.name)) {
      CONOS_CHECK(add_intake(intakes, variables, {name, variable.name, variable.line, i}));
    }
  }
  return intakes;
}

Result<std::vector<Intake>> find_environment(const Place& place, const config::Config& config)
{
  return find_environment(place, credstore_of(place), config);
}

Result<std::vector<Intake>> take_in_environment(const Place& place, const config::Config& config)
{
  return take_in_environment(place, credstore_of(place), config);
}

Result<std::vector<Intake>> find_environment(
  const Place& place, const Credstore& store, const config::Config& config)
{
  CONOS_TRY(auto found, find_all(place, config));
  drop_known(found, store);
  return std::move(found.intakes);
}

Result<std::vector<Intake>> take_in_environment(
  const Place& place, const Credstore& store, const config::Config& config)
{
  CONOS_TRY(auto found, find_all(place, config));
  drop_known(found, store);
  if (!found.intakes.empty()) {
    CONOS_CHECK(carry_out(place, store, found));
  }
  return std::move(found.intakes);
}

std::string line_of(const Intake& intake)
{
  return fmt::format("secret '{}' from {}", intake.name, origin_of(intake.variable, intake.line));
}

} // namespace conos::plan
