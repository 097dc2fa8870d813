#include "plan/sources.hpp"

#include "audit/sha256.hpp"
#include "config/models.hpp"
#include "host/immutable.hpp"
#include "plan/contracts.hpp"
#include "plan/files.hpp"
#include "plan/instructions.hpp"
#include "plan/retire.hpp"
#include "plan/secrets.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace conos::plan {

namespace {

constexpr std::size_t k_max_template_bytes = 64U << 10U;
constexpr std::size_t k_max_record_bytes = 16U << 20U;
constexpr std::size_t k_max_names = 10'000; // in one directory of /etc/conos
constexpr int k_deepest = 4;                // roles/ROLE/skills/NAME/SKILL.md

// Only root makes the directories on the way, so a path is as good as a descriptor.
Result<> read_shipped(const std::string& path, std::string& into)
{
  auto text = read_path(path, k_max_template_bytes);
  if (!text) {
    auto error = during("conos is not installed whole")(text.error());
    error.kind = Kind::unavailable;
    return tl::unexpected<Error>(error);
  }
  into = std::move(*text);
  return {};
}

bool is_contract(std::string_view name)
{
  return name.ends_with(".yaml");
}

Result<> read_all_shipped(const Place& place, Sources& sources)
{
  CONOS_CHECK(read_shipped(place.lib + "/units/agent.path.in", sources.agent_path));
  CONOS_CHECK(read_shipped(place.lib + "/units/agent.service.in", sources.agent_service));
  CONOS_CHECK(read_shipped(place.lib + "/units/agent.timer.in", sources.agent_timer));
  for (const auto tier : {Tier::officer, Tier::operator_, Tier::worker}) {
    const auto path = fmt::format("{}/tiers/{}.conf", place.lib, to_string(tier));
    CONOS_CHECK(read_shipped(path, sources.tiers[tier]));
  }
  CONOS_CHECK(read_shipped(place.vendor + "/sysusers.d/conos.conf", sources.sysusers));
  CONOS_CHECK(read_shipped(place.vendor + "/tmpfiles.d/conos.conf", sources.tmpfiles));
  const auto contracts = place.root + "/usr/share/conos/contracts";
  CONOS_TRY(const auto dir, open_dir(contracts).map_error(during("conos is not installed whole")));
  CONOS_TRY(const auto names, list_names(dir, k_max_names, is_contract));
  for (const auto& name : names) {
    CONOS_CHECK(read_shipped(contracts + "/" + name, sources.contracts[name]));
  }
  return {};
}

// What people wrote and agents or conos itself read: instructions, skills, policy, contracts. What
// a run that was killed left half written goes in this one, and is none of them.
bool is_guarded(std::string_view name)
{
  return name == "conos.toml" || name == "prices.toml" ||
         ((name.ends_with(".md") || name.ends_with(".yaml")) && !is_unfinished(name));
}

Result<> add_guarded(
  const UniqueFd& dir, const std::string& path, int depth, std::vector<std::string>& into)
{
  CONOS_TRY(auto names, list_names(dir, k_max_names));
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    CONOS_TRY(const auto st, stat_at(dir, name));
    const auto inner_path = fmt::format("{}/{}", path, name);
    if (S_ISREG(st.st_mode) && is_guarded(name)) {
      into.push_back(inner_path);
    } else if (S_ISDIR(st.st_mode) && depth > 0) {
      CONOS_TRY(const auto inner, open_dir_at(dir, name));
      CONOS_CHECK(add_guarded(inner, inner_path, depth - 1, into));
    }
  }
  return {};
}

Result<> add_guarded_below(
  const Place& place, const std::string& path, std::vector<std::string>& into)
{
  const auto dir = open_dir(place.root + path);
  if (!dir) {
    return dir.error().kind == Kind::not_found ? Result<>{}
                                               : Result<>(tl::unexpected<Error>(dir.error()));
  }
  return add_guarded(*dir, path, k_deepest, into).map_error(during("look through " + path));
}

// Those in /etc/conos win, name by name.
Result<> read_prices(const Place& place, Prices& prices)
{
  std::string shipped;
  CONOS_CHECK(read_shipped(place.root + k_prices, shipped));
  CONOS_TRY(prices, parse_prices(shipped).map_error(during("read '" + k_prices + "'")));
  const auto own = read_path(place.etc + "/prices.toml", k_max_template_bytes);
  if (!own) {
    return own.error().kind == Kind::not_found ? Result<>{} : tl::unexpected<Error>(own.error());
  }
  CONOS_TRY(const auto more, parse_prices(*own).map_error(during("read '/etc/conos/prices.toml'")));
  for (const auto& [name, price] : more) {
    prices[name] = price;
  }
  return {};
}

void warn_of_prices(const config::Config& config, Sources& sources)
{
  for (const auto& agent : config.agents) {
    const auto door = config::model_door_of(config, agent, sources.prices, 0);
    for (const auto& model : door ? door->models : std::vector<Model>()) {
      if (!model.price) {
        sources.warnings.push_back(fmt::format("agent '{}': nobody knows what model '{}' costs, so "
                                               "it will not be called: say so in "
                                               "/etc/conos/prices.toml",
          agent.name, escaped(model.name, 80)));
      }
    }
  }
}

// A key that nobody uses is most likely a line that somebody forgot.
Result<> warn_of_keys(const Place& place, const config::Config& config, Sources& sources)
{
  CONOS_TRY(const auto keys, list_credentials(credstore_of(place)));
  for (const auto& key : keys) {
    const bool is_used = !config::agents_with(config, key.name).empty();
    const auto step = is_used ? "" : next_step(config, key.name);
    if (!step.empty()) {
      sources.warnings.push_back(fmt::format("there is a key of '{}', and {}", key.name, step));
    }
  }
  return {};
}

// Without the certificates of authorities no provider can prove who it is.
Result<> warn_of_certificates(const Place& place, const config::Config& config, Sources& sources)
{
  const bool needs_them =
    std::any_of(config.agents.begin(), config.agents.end(), [&](const config::Agent& agent) {
      const auto door = config::model_door_of(config, agent, sources.prices, 0);
      const auto& providers = door ? door->providers : std::vector<Provider>();
      return std::any_of(providers.begin(), providers.end(), [](const Provider& provider) {
        return provider.base_url.starts_with("https://");
      });
    });
  CONOS_TRY(const bool has_them, is_there(place, k_authorities));
  if (needs_them && !has_them) {
    sources.warnings.push_back(fmt::format("there is no '{}', so no provider of a language model "
                                           "can prove who it is: apt install ca-certificates",
      k_authorities));
  }
  return {};
}

// What other tools of the OS are there to be told.
Result<> find_guards(const Place& place, Sources& sources)
{
  CONOS_TRY(sources.has_sudo, is_there(place, "/etc/sudoers.d"));
  const auto etc = open_dir(place.root + "/etc");
  sources.can_lock = place.root.empty() && etc && can_set_immutable(*etc);
  // a container may show what it cannot set
  sources.can_set_sysctls =
    place.root.empty() && ::access("/proc/sys/fs/protected_symlinks", W_OK) == 0;
  CONOS_TRY(sources.has_audit, is_there(place, "/etc/audit/rules.d"));
  CONOS_TRY(const bool has_nft, is_there(place, "/usr/sbin/nft"));
  return has_nft ? Result<>{}
                 : fail(Kind::unavailable,
                     "there is no /usr/sbin/nft, which keeps agents from the network: "
                     "apt install nftables");
}

Result<bool> is_program(const Place& place, const std::string& path)
{
  if (::access((place.root + path).c_str(), X_OK) == 0) {
    return true;
  }
  const bool is_answer = errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP ||
                         errno == ENAMETOOLONG;
  return is_answer ? Result<bool>(false) : os_error("look for the program '{}'", path);
}

// Where the runner is, in the PATH that work has too.
Result<std::string> find_program(const Place& place, const std::string& runner)
{
  if (runner == "picoclaw") {
    return std::string(k_steward);
  }
  if (runner.starts_with('/')) {
    return runner;
  }
  for (const auto* dir : {"/usr/local/bin", "/usr/bin", "/bin"}) {
    auto path = fmt::format("{}/{}", dir, runner);
    CONOS_TRY(const bool found, is_program(place, path));
    if (found) {
      return path;
    }
  }
  return "/usr/bin/" + runner;
}

// What is in the root directory of the cages (systemd/cage), and what is let into the
// one of this agent.
bool is_in_cage(const config::Agent& agent, const std::string& path)
{
  std::vector<std::string> dirs{"/usr", "/bin", "/sbin", "/opt", "/etc", "/var/lib"};
  dirs.insert(dirs.end(), agent.writable.begin(), agent.writable.end());
  dirs.push_back("/home/a-" + agent.name);
  dirs.push_back(Site().agent(agent.name));
  return std::any_of(dirs.begin(), dirs.end(), [&](const std::string& dir) {
    return path == dir || path.starts_with(dir + "/");
  });
}

Result<> find_programs(const Place& place, const config::Config& config, Sources& sources)
{
  std::map<std::string, std::vector<std::string>> missing; // who wants it
  for (const auto& agent : config.agents) {
    CONOS_TRY(const auto path, find_program(place, agent.runner));
    sources.programs[agent.runner] = path;
    CONOS_TRY(const bool found, is_program(place, path));
    if (!found) {
      missing[path].push_back(agent.name);
    }
    if (!is_in_cage(agent, path)) {
      sources.warnings.push_back(
        fmt::format("agent '{}': '{}' is not in its cage, so what is asked of it will fail: put it "
                    "below /usr or /opt",
          agent.name, path));
    }
  }
  for (const auto& [path, agents] : missing) {
    sources.warnings.push_back(
      fmt::format("there is no program '{}': until it is installed, what is asked of {} will fail",
        path, join(agents, ", ")));
  }
  return {};
}

Result<> find_writable(const Place& place, const config::Config& config, Sources& sources)
{
  for (const auto& agent : config.agents) {
    for (const auto& path : agent.writable) {
      CONOS_TRY(const bool found, is_there(place, path));
      if (!found) {
        sources.warnings.push_back(
          fmt::format("agent '{}': there is no '{}' for it to write to", agent.name, path));
      }
    }
  }
  return {};
}

Result<> read_record(const Place& place, Record& record)
{
  const auto text = read_path(place.root + k_record, k_max_record_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found ? Result<>{} : tl::unexpected<Error>(text.error());
  }
  CONOS_TRY(record, record_from_json(*text).map_error(during("read '" + k_record + "'")));
  return {};
}

// One whose hold cannot be looked for must not be started.
Result<> find_held(const Place& place, const config::Config& config, Sources& sources)
{
  for (const auto& agent : config.agents) {
    CONOS_TRY(const bool held, is_there(place, "/var/lib/conos/hold/" + agent.name));
    if (held) {
      sources.held.insert(agent.name);
    }
  }
  return {};
}

} // namespace

Result<std::vector<std::string>> guarded_paths(const Place& place)
{
  std::vector<std::string> paths;
  CONOS_CHECK(add_guarded_below(place, "/etc/conos", paths));
  CONOS_CHECK(add_guarded_below(place, k_contracts, paths));
  return paths;
}

Result<Sources> read_sources(
  const Place& place, const config::Config& config, std::string_view config_text)
{
  Sources sources;
  CONOS_CHECK(read_all_shipped(place, sources));
  sources.config_sha256 = audit::sha256_hex(config_text);
  for (const auto& agent : config.agents) {
    CONOS_TRY(
      sources.instructions[agent.name], assemble_instructions(place.etc, agent, sources.warnings));
  }
  CONOS_TRY(sources.locked, guarded_paths(place));
  CONOS_CHECK(read_prices(place, sources.prices));
  warn_of_prices(config, sources);
  CONOS_CHECK(warn_of_keys(place, config, sources));
  CONOS_CHECK(warn_of_certificates(place, config, sources));
  CONOS_CHECK(find_guards(place, sources));
  CONOS_CHECK(find_programs(place, config, sources));
  CONOS_CHECK(find_writable(place, config, sources));
  CONOS_TRY(sources.accounts, read_accounts(place.root));
  CONOS_CHECK(read_record(place, sources.record));
  CONOS_CHECK(find_held(place, config, sources));
  CONOS_TRY(sources.retired, find_retired(place, config, sources.record, sources.accounts));
  return sources;
}

} // namespace conos::plan
