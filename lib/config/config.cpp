#include "config/config.hpp"

#include "config/cron.hpp"
#include "config/models.hpp"
#include "host/package_name.hpp"
#include "host/provenance.hpp"
#include "sys/address.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

namespace conos::config {

namespace {

// What a key is worth in one place: the first table that has it, else its fallback.
class Lookup
{
public:
  Lookup(In in, std::vector<const Table*> tables)
      : m_in(in)
      , m_tables(std::move(tables))
  {
  }

  const Setting* find(std::string_view name) const
  {
    for (const auto* table : m_tables) {
      if (const auto* setting = table->find(name); setting != nullptr) {
        return setting;
      }
    }
    return nullptr;
  }

  // T{} where there is neither setting nor fallback.
  template<class T>
  T get(std::string_view name) const
  {
    if (const auto* setting = find(name); setting != nullptr) {
      return std::get<T>(setting->value);
    }
    const Key* key = find_key(m_in, name);
    return key->fallback.empty() ? T{} : std::get<T>(fallback_of(*key));
  }

  std::string text(std::string_view name) const { return get<std::string>(name); }
  std::vector<std::string> texts(std::string_view name) const
  {
    return get<std::vector<std::string>>(name);
  }
  template<class T>
  T number(std::string_view name) const
  {
    return static_cast<T>(get<std::int64_t>(name)); // within the key's least and most
  }
  Duration duration(std::string_view name) const { return parse_duration(text(name)).value(); }

private:
  In m_in;
  std::vector<const Table*> m_tables;
};

class Resolver
{
public:
  explicit Resolver(const Document& document, std::vector<Finding>& findings)
      : m_document(document)
      , m_findings(findings)
      , m_system(in_system, {&document.table("system")})
  {
  }

  Config resolve()
  {
    names();
    Config config;
    system(config);
    const Lookup base(in_base, {&m_document.table("base")});
    config.provider = base.text("provider");
    config.api_key_env = base.text("api_key_env");
    const Lookup contracts(in_contracts, {&m_document.table("contracts")});
    config.usd_day_all = in_micros(contracts.get<double>("daily_budget_usd"));
    providers(config);
    for (const auto& table : m_document.agents) {
      if (const auto* name = table.find("name"); name != nullptr) {
        config.agents.push_back(agent(table, std::get<std::string>(name->value)));
      }
    }
    packages(config);
    routes(config);
    dashboard(config);
    return config;
  }

private:
  struct Rank {
    std::string name;
    std::string tier;
  };

  void error(Place at, std::string text) { m_findings.push_back({at, true, std::move(text)}); }
  void warn(Place at, std::string text) { m_findings.push_back({at, false, std::move(text)}); }

  // Who there is, before anything refers to them.
  void names()
  {
    std::map<std::string, int> lines;
    for (const auto& table : m_document.agents) {
      const auto* setting = table.find("name");
      if (setting == nullptr && !table.wrong.contains("name")) {
        error(table.at, "key 'name': this agent has none");
      }
      if (setting == nullptr) {
        continue;
      }
      const auto& name = std::get<std::string>(setting->value);
      name_of_agent(name, setting->at);
      const auto [earlier, is_new] = lines.try_emplace(name, setting->at.line);
      if (!is_new) {
        error(setting->at, fmt::format("key 'name': '{}' is the name of the agent in line {}",
                             escaped(name, 80), earlier->second));
      }
      m_ranks.push_back({name, Lookup(in_agents, {&table}).text("tier")});
    }
  }

  void name_of_agent(const std::string& name, Place at)
  {
    if (!is_agent_name(name)) {
      error(at, fmt::format("key 'name': '{}' is not of small letters, digits and single hyphens, "
                            "beginning with a letter, at most 29",
                  escaped(name, 80)));
    } else if (is_reserved_name(name)) {
      error(at, fmt::format("key 'name': '{}' is kept for a unit or tool of conos", name));
    }
  }

  bool exists(std::string_view name) const
  {
    return std::any_of(m_ranks.begin(), m_ranks.end(), [&](const Rank& rank) {
      return rank.name == name;
    });
  }

  std::string did_you_mean(std::string_view name) const
  {
    std::vector<std::string> names;
    for (const auto& rank : m_ranks) {
      names.push_back(rank.name);
    }
    const auto near = nearest(name, names);
    return near ? fmt::format(", did you mean '{}'", escaped(*near, 80)) : "";
  }

  void system(Config& config)
  {
    config.name = m_system.text("name");
    config.uid_base = m_system.number<unsigned>("uid_base");
    config.uid_count = m_system.number<unsigned>("uid_count");
    config.max_hops = m_system.number<int>("max_hops");
    config.max_task_bytes = m_system.number<std::size_t>("max_task_bytes");
    config.inbox_max_files = m_system.number<std::size_t>("inbox_max_files");
    config.inbox_max_per_sender = m_system.number<std::size_t>("inbox_max_per_sender");
    uids(config);
    concierge(config);
    contracts(config);
  }

  void contracts(Config& config)
  {
    const Lookup look(in_contracts, {&m_document.table("contracts")});
    config.disk_min_free_pct = look.number<int>("system.disk_min_free_pct");
    config.mem_min_free_pct = look.number<int>("system.mem_min_free_pct");
    config.max_load_factor = look.get<double>("system.max_load_factor");
    config.max_session = std::chrono::minutes(look.number<int>("system.max_session_min"));
    config.healthcheck_interval = look.duration("system.healthcheck_interval");
    config.brief_output = look.text("brief_output");
    // the healthcheck may write nowhere else
    if (const auto* setting = look.find("brief_output");
        setting != nullptr && !config.brief_output.empty() &&
        !config.brief_output.starts_with("/srv/conos/")) {
      error(setting->at, "key 'brief_output': is not below /srv/conos");
    }
  }

  void uids(const Config& config)
  {
    const auto first = config.uid_base;
    const auto last = first + config.uid_count - 1;
    // between people and systemd's dynamic users, or between those and the containers
    const bool free = (first >= 1000 && last <= 61183) || (first >= 65536 && last <= 99999);
    const auto* setting = m_system.find("uid_base");
    setting = setting != nullptr ? setting : m_system.find("uid_count");
    const auto at = setting != nullptr ? setting->at : Place{1, 1};
    if (!free) {
      error(at, fmt::format("key 'uid_base': {} to {} is not within 1000 to 61183 or 65536 to "
                            "99999, which systemd and containers leave free",
                  first, last));
    }
    if (m_document.agents.size() > config.uid_count) {
      error(at, fmt::format("key 'uid_count': {} are not enough for {} agents", config.uid_count,
                  m_document.agents.size()));
    }
  }

  void concierge(Config& config)
  {
    const auto name = m_system.text("concierge");
    if (exists(name)) {
      config.concierge = name;
    } else if (const auto* setting = m_system.find("concierge"); setting != nullptr) {
      error(setting->at, fmt::format("key 'concierge': there is no agent '{}'{}", escaped(name, 80),
                           did_you_mean(name)));
    } else if (!m_ranks.empty()) {
      // somebody has to take what names nobody, were it only to refuse it
      config.concierge = m_ranks.front().name;
      warn({1, 1}, fmt::format("key 'concierge': there is no agent '{}'; a task that names no "
                               "agent and matches no route goes to '{}', the first one",
                     name, escaped(config.concierge, 80)));
    }
  }

  Agent agent(const Table& own, const std::string& name)
  {
    const auto tier = Lookup(in_agents, {&own}).text("tier");
    const auto& tier_table = m_document.table("base." + tier);
    const auto& legacy = m_document.table("defaults." + tier);
    // the old tables count only where the new one is not there at all
    const Lookup look(in_agents,
      {&own, tier_table.settings.empty() ? &legacy : &tier_table, &m_document.table("base")});

    Agent a;
    a.at = own.at;
    a.name = name;
    a.tier = tier == "officer"    ? Tier::officer
             : tier == "operator" ? Tier::operator_
                                  : Tier::worker;
    when(own, look, a);
    a.roles = look.texts("roles");
    a.packages = packages_in(own, "packages");
    a.groups = look.texts("groups");
    for (auto& scope : look.texts("scopes")) {
      (scope.starts_with('/') ? a.writable : a.scopes).push_back(std::move(scope));
    }
    runner(look, a);
    a.environment = look.texts("environment");
    a.instructions = look.text("instructions");
    a.may_task = may_task(look, a);
    limits(look, a);
    session(look, a);
    a.model = look.text("model");
    a.provider = look.text("provider");
    a.api_key_env = look.text("api_key_env");
    a.model = look.text("model");
    a.api_base = look.text("api_base");
    a.models = look.texts("models");
    a.fallback_models = look.texts("fallback_models");
    a.budget = budget(look);
    egress(look, a);
    a.gate = {look.texts("gate.allow"), look.texts("gate.ask"), look.texts("gate.deny")};
    a.approval_timeout = look.duration("approval_timeout");
    a.approvals_max = look.number<std::size_t>("approvals_max");
    proposals(look);
    provider(look, a);
    address(look.find("api_base"), "api_base");
    return a;
  }

  void when(const Table& own, const Lookup& look, Agent& a)
  {
    const auto mode = look.text("mode");
    const auto* cron = look.find("cron");
    a.mode = mode == "cron"         ? Mode::cron
             : mode == "continuous" ? Mode::continuous
                                    : Mode::on_demand;
    a.cron_task = look.text("cron_task");
    a.continuous_delay = look.duration("continuous_delay");
    if (cron != nullptr && a.mode == Mode::cron) {
      a.calendar = on_calendar(std::get<std::string>(cron->value)).value();
    } else if (cron != nullptr) {
      warn(cron->at, fmt::format("key 'cron': has no effect in mode {}", mode));
    } else if (a.mode == Mode::cron && !own.wrong.contains("cron")) {
      error(own.find("mode")->at, "key 'mode': mode cron needs the key 'cron'");
    }
  }

  static void runner(const Lookup& look, Agent& a)
  {
    a.runner = look.text("runner");
    a.runner_args = look.texts("runner_args");
    const auto settings = look.text("runner_settings");
    const bool there =
      std::find(a.runner_args.begin(), a.runner_args.end(), "--settings") != a.runner_args.end();
    if (!settings.empty() && !there) {
      a.runner_args.insert(a.runner_args.end(), {"--settings", settings});
    }
  }

  // Programs of which is known that they begin anew each time, unless they are told to go on.
  static Session usual_session(const std::string& runner)
  {
    const auto name = lower(runner.substr(runner.rfind('/') + 1));
    const bool begins_anew =
      name.find("claude") != std::string::npos || name.find("codex") != std::string::npos;
    return name == "picoclaw" ? Session::windowed
           : begins_anew      ? Session::stateless
                              : Session::sticky;
  }

  void session(const Lookup& look, Agent& a)
  {
    a.recent_turns = look.number<std::size_t>("recent_turns");
    a.brief_max_bytes = look.number<std::size_t>("brief_max_bytes");
    a.session = usual_session(a.runner);
    const auto name = look.text("session_strategy");
    for (const auto known : {Session::windowed, Session::sticky, Session::stateless}) {
      if (name == to_string(known)) {
        a.session = known;
        return;
      }
    }
    if (!name.empty()) {
      warn(look.find("session_strategy")->at,
        fmt::format("key 'session_strategy': '{}' is none of windowed, sticky, stateless; it is {}",
          escaped(name, 80), to_string(a.session)));
    }
  }

  // `table`'s list, of which each item that is no name is said.
  std::vector<std::string> packages_in(const Table& table, std::string_view key)
  {
    const auto* setting = table.find(key);
    if (setting == nullptr) {
      return {};
    }
    const auto& names = std::get<std::vector<std::string>>(setting->value);
    for (std::size_t i = 0; i < names.size(); ++i) {
      auto plain = names[i];
      if (key != "packages") { // patterns
        std::replace_if(
          plain.begin(), plain.end(),
          [](char c) {
            return c == '*' || c == '?';
          },
          'x');
        plain += plain.size() == 1 ? "x" : "";
      }
      if (!is_package_name(plain)) {
        error(setting->items[i], fmt::format("key '{}': '{}' is not the name of a Debian package",
                                   key, escaped(names[i], 80)));
      }
    }
    return names;
  }

  void packages(Config& config)
  {
    const auto& table = m_document.table("packages");
    config.packages_allow = packages_in(table, "allow");
    config.packages_deny = packages_in(table, "deny");
  }

  static void limits(const Lookup& look, Agent& a)
  {
    a.timeout = look.duration("timeout");
    a.attempts = look.number<int>("attempts");
    for (const auto& pause : look.texts("retry")) {
      a.retry.push_back(parse_duration(pause).value());
    }
    a.max_output_bytes = look.number<std::size_t>("max_output_bytes");
    a.memory_max = look.text("memory_max");
    a.cpu_quota = look.text("cpu_quota");
    a.file_max = look.text("file_max");
    if (const auto* tasks = look.find("tasks_max"); tasks != nullptr) {
      a.tasks_max = std::to_string(std::get<std::int64_t>(tasks->value));
    }
    a.jit = look.get<bool>("jit");
  }

  std::vector<std::string> may_task(const Lookup& look, const Agent& a)
  {
    std::vector<std::string> wanted;
    const auto* setting = look.find("may_task");
    if (setting != nullptr) {
      wanted = std::get<std::vector<std::string>>(setting->value);
    } else if (a.tier != Tier::worker) {
      wanted = {"*"};
    }
    std::set<std::string> names;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto& one = wanted[i];
      if (is_agent_name(one) && !exists(one) && m_unknown.insert({setting, i}).second) {
        error(setting->items[i],
          fmt::format("key 'may_task': there is no agent '{}'{}", one, did_you_mean(one)));
      }
      for (const auto& rank : m_ranks) {
        // an agent has no right to its own inbox: what it left there would be its own word
        if (rank.name != a.name && (one == "*" || one == rank.name || one == "@" + rank.tier)) {
          names.insert(rank.name);
        }
      }
    }
    return {names.begin(), names.end()};
  }

  // Whoever writes that something is done without being asked is told where it is not so.
  void proposals(const Lookup& look)
  {
    const auto* setting = look.find("gate.allow");
    const auto patterns = setting != nullptr ? std::get<std::vector<std::string>>(setting->value)
                                             : std::vector<std::string>();
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const auto* verb = find_gate_verb(patterns[i].substr(0, patterns[i].find(':')));
      if (verb != nullptr && verb->is_proposal && m_unknown.insert({setting, i}).second) {
        warn(setting->items[i],
          fmt::format("key 'gate.allow': a person is asked about '{}' all the same", verb->name));
      }
    }
  }

  static BudgetLimits budget(const Lookup& look)
  {
    BudgetLimits limits;
    limits.tokens_task = look.number<std::int64_t>("budget.tokens_task");
    limits.tokens_hour = look.number<std::int64_t>("budget.tokens_hour");
    limits.tokens_day = look.number<std::int64_t>("budget.tokens_day");
    limits.usd_task = in_micros(look.get<double>("budget.usd_task"));
    limits.usd_day = in_micros(look.get<double>("budget.usd_day"));
    return limits;
  }

  void egress(const Lookup& look, Agent& a)
  {
    if (const auto* hosts = look.find("egress"); hosts != nullptr) {
      const auto& texts = std::get<std::vector<std::string>>(hosts->value);
      a.egress_written = texts;
      for (std::size_t i = 0; i < texts.size(); ++i) {
        if (texts[i].starts_with('@')) {
          group(*hosts, i, a);
        } else {
          allow(texts[i], a);
        }
      }
    }
    if (const auto* ports = look.find("allowed_ports"); ports != nullptr) {
      for (const auto port : std::get<std::vector<std::int64_t>>(ports->value)) {
        a.egress_written.push_back(fmt::format("*:{}", port));
        allow(a.egress_written.back(), a);
        warn(ports->at, fmt::format("key 'allowed_ports': is the old form of egress; {0} lets the "
                                    "agent reach every public host, as egress = [\"*:{0}\"] does",
                          port));
      }
    }
    for (const auto& network : look.texts("egress_networks")) {
      a.egress_networks.push_back(parse_network(network).value()); // it was checked
    }
    a.egress_max_bytes = look.number<std::int64_t>("egress_max_bytes");
  }

  void group(const Setting& hosts, std::size_t place, Agent& a)
  {
    const auto name = std::get<std::vector<std::string>>(hosts.value)[place].substr(1);
    const auto found = m_document.groups.find(name);
    if (found != m_document.groups.end()) {
      for (const auto& host : std::get<std::vector<std::string>>(found->second.value)) {
        allow(host, a);
      }
    } else if (m_unknown.insert({&hosts, place}).second) {
      std::vector<std::string> names;
      for (const auto& entry : m_document.groups) {
        names.push_back(entry.first);
      }
      const auto near = nearest(name, names);
      error(hosts.items[place],
        fmt::format("key 'egress': there is no group '{}' in [egress.groups]{}", name,
          near ? fmt::format(", did you mean '{}'", escaped(*near, 80)) : ""));
    }
  }

  // Each once; what is no rule was reported where it stands.
  static void allow(const std::string& text, Agent& a)
  {
    const auto rule = parse_egress_rule(text);
    if (rule && std::find(a.egress.begin(), a.egress.end(), *rule) == a.egress.end()) {
      a.egress.push_back(*rule);
    }
  }

  // A door speaks HTTP, and nothing else.
  void address(const Setting* setting, std::string_view key)
  {
    if (setting == nullptr) {
      return;
    }
    const auto& text = std::get<std::string>(setting->value);
    const bool is_web = text.starts_with("https://") || text.starts_with("http://");
    const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
      return c > ' ' && c < 0x7f && c != '@' && c != '#' && c != '?' && c != '\\';
    });
    if (!text.empty() && !(is_web && is_plain) && m_unknown.insert({setting, 0}).second) {
      error(setting->at, fmt::format("key '{}': '{}' is not an address such as "
                                     "https://llm.example.com/v1",
                           key, escaped(text, 80)));
    }
  }

  void providers(Config& config)
  {
    for (const auto& [name, table] : m_document.providers) {
      const Lookup look(in_providers, {&table});
      auto& provider = config.providers[name];
      if (const auto* api = look.find("api"); api != nullptr) {
        provider.api =
          std::get<std::string>(api->value) == "anthropic" ? Api::anthropic : Api::openai;
      }
      provider.base_url = look.text("base_url");
      address(look.find("base_url"), "base_url");
      provider.models = look.texts("models");
      provider.price = price(look);
    }
  }

  static std::optional<Price> price(const Lookup& look)
  {
    if (look.find("prices.input") == nullptr || look.find("prices.output") == nullptr) {
      return std::nullopt;
    }
    UsdPrice usd;
    usd.input = look.get<double>("prices.input");
    usd.output = look.get<double>("prices.output");
    usd = with_usual_cache(usd);
    if (look.find("prices.cache_read") != nullptr) {
      usd.cache_read = look.get<double>("prices.cache_read");
    }
    if (look.find("prices.cache_write") != nullptr) {
      usd.cache_write = usd.cache_write_1h = look.get<double>("prices.cache_write");
    }
    return in_micros(usd);
  }

  void provider(const Lookup& look, const Agent& a)
  {
    const auto* setting = look.find("provider");
    const bool has_models = !a.model.empty() || !a.models.empty();
    if (setting == nullptr || (a.runner != "picoclaw" && !has_models)) {
      return;
    }
    const auto& name = std::get<std::string>(setting->value);
    std::vector<std::string> known{"openrouter", "anthropic", "openai", "ollama"};
    for (const auto& entry : m_document.providers) {
      known.push_back(entry.first);
    }
    const bool good = name.empty() || std::find(known.begin(), known.end(), name) != known.end();
    if (!good && m_unknown.insert({setting, 0}).second) {
      const auto near = nearest(name, known);
      error(setting->at, fmt::format("key 'provider': '{}' is neither one of {} nor a table "
                                     "[providers.{}]{}",
                           escaped(name, 80), escaped(join(known, ", ")), escaped(name, 80),
                           near ? fmt::format(", did you mean '{}'", escaped(*near, 80)) : ""));
    }
  }

  void routes(Config& config)
  {
    for (const auto& table : m_document.routes) {
      const auto* match = table.find("match");
      const auto* to = table.find("to");
      if (match == nullptr || to == nullptr) {
        incomplete_route(table, match == nullptr ? "match" : "to");
        continue;
      }
      const auto& name = std::get<std::string>(to->value);
      if (!exists(name)) {
        error(to->at,
          fmt::format("key 'to': there is no agent '{}'{}", escaped(name, 80), did_you_mean(name)));
      }
      config.routes.push_back({std::get<std::string>(match->value), name});
    }
  }

  void incomplete_route(const Table& table, std::string_view key)
  {
    if (!table.wrong.contains(key)) {
      error(table.at, fmt::format("key '{}': this route has none", key));
    }
  }

  static bool is_loopback(const Address& address)
  {
    return address.is_v6 ? address == parse_address("::1") : address.bytes.front() == 127;
  }

  // Where the status page is served, if at all.
  void dashboard(Config& config)
  {
    const Lookup look(in_dashboard, {&m_document.table("dashboard")});
    const Lookup deployment(in_deployment, {&m_document.table("deployment")});
    const auto bind = look.text("bind");
    const auto address = parse_address(bind == "localhost" ? "127.0.0.1" : bind);
    if (!address) {
      error(look.find("bind")->at,
        fmt::format("key 'bind': '{}' is no address, such as 127.0.0.1, and not localhost",
          escaped(bind, 80)));
      return;
    }
    const auto host = address->is_v6 ? "[" + to_string(*address) + "]" : to_string(*address);
    config.dashboard.is_enabled = look.get<bool>("enabled");
    config.dashboard.listen = fmt::format("{}:{}", host, look.number<int>("port"));
    if (config.dashboard.is_enabled && !is_loopback(*address) &&
        deployment.text("mode") == "local_trusted") {
      error(look.find("bind")->at, "key 'bind': is an address of this machine's alone, such as "
                                   "127.0.0.1, where deployment.mode is local_trusted");
    }
  }

  const Document& m_document;
  std::vector<Finding>& m_findings;
  Lookup m_system;
  std::vector<Rank> m_ranks;
  // inherited by many agents, reported once
  std::set<std::pair<const Setting*, std::size_t>> m_unknown;
};

} // namespace

Checked check(std::string_view text, const Environment& environment)
{
  Checked checked;
  const auto document = read_document(text, environment, checked.findings);
  const auto is_error = [](const Finding& finding) {
    return finding.error;
  };
  auto& findings = checked.findings;
  if (document) {
    checked.config = Resolver(*document, findings).resolve();
  }
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
  });
  if (std::any_of(findings.begin(), findings.end(), is_error)) {
    checked.config.reset();
  }
  return checked;
}

std::string line_of(const Finding& finding, std::string_view file)
{
  const auto place = finding.at.line == 0
                       ? "environment"
                       : fmt::format("{}:{}:{}", file, finding.at.line, finding.at.column);
  return fmt::format("{}: {}{}", place, finding.error ? "" : "warning: ", finding.text);
}

} // namespace conos::config
