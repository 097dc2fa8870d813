#include "plan/desired.hpp"

#include "audit/sha256.hpp"
#include "config/models.hpp"
#include "config/page.hpp"
#include "plan/contracts.hpp"
#include "plan/guards.hpp"
#include "plan/place.hpp"
#include "plan/tables.hpp"
#include "plan/uids.hpp"
#include "plan/units.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace conos::plan {

namespace {

constexpr auto k_boot = "multi-user.target";

std::string user_of(const std::string& agent)
{
  return "a-" + agent;
}

std::string_view group_of(Tier tier)
{
  switch (tier) {
  case Tier::officer:
    return "officers";
  case Tier::operator_:
    return "operators";
  case Tier::worker:
    break;
  }
  return "workers";
}

class Builder
{
public:
  Builder(const config::Config& config, const Sources& sources, const Wish& wish)
      : m_config(config)
      , m_sources(sources)
      , m_wish(wish)
  {
    m_state.sidecar = wish.sidecar;
    m_state.packages_deny = config.packages_deny;
    m_state.archive = wish.archive;
    if (wish.prune) {
      m_state.retired = sources.retired;
    }
  }

  Result<State> build()
  {
    CONOS_TRY(m_ids, ids_of(m_config, m_sources.accounts, m_sources.record));
    CONOS_TRY(m_state.groups, groups_of(m_sources.sysusers));
    CONOS_TRY(m_state.directories, directories_of(m_sources.tmpfiles));
    const auto shared = m_state.directories.size();
    for (const auto& agent : m_config.agents) {
      add_account(agent);
      add_directories(agent);
    }
    add_tables(shared);
    for (const auto& agent : m_config.agents) {
      CONOS_CHECK(add_files(agent));
      add_units(agent);
    }
    add_shared();
    add_guards();
    add_health();
    add_page();
    CONOS_TRY(auto contracts, contract_files_of(m_state, m_config, m_sources));
    std::move(contracts.begin(), contracts.end(), std::back_inserter(m_state.files));
    for (const auto& path : m_sources.locked) {
      if (!is_compiled(path)) {
        m_state.files.push_back(locked(path));
      }
    }
    add_leftovers();
    add_record();
    return std::move(m_state);
  }

private:
  static std::string why(const config::Agent& agent)
  {
    return fmt::format("conos.toml:{}", agent.at.line);
  }

  void add_account(const config::Agent& agent)
  {
    const auto ids = m_ids.at(agent.name);
    const auto user = user_of(agent.name);
    m_state.accounts.push_back({user, ids.uid, ids.gid, "/home/" + user,
      {"agents", std::string(group_of(agent.tier))}, agent.name, why(agent)});
  }

  // The directories are the states of a task; who may do what in each is their whole policy.
  void add_directories(const config::Agent& agent)
  {
    const auto user = user_of(agent.name);
    const auto top = m_site.agent(agent.name);
    const auto add = [&](const std::string& path, mode_t mode, const std::string& owner,
                       const std::string& group) -> Directory& {
      Directory directory;
      directory.path = path;
      directory.mode = mode;
      directory.owner = owner;
      directory.group = group;
      directory.agent = agent.name;
      directory.why = why(agent);
      return m_state.directories.emplace_back(std::move(directory));
    };

    // people of group conos look, taskers pass through
    auto through = taskers_of(agent, "--x");
    through.emplace_back("g:conos:r-x");
    add(top, 0750, "root", user).acl = acl_with(0750, "--x", through);

    auto& inbox = add(top + "/inbox", 01730, "root", "root");
    if (const auto taskers = taskers_of(agent, "-wx"); !taskers.empty()) {
      inbox.acl = acl_with(01730, "-wx", taskers);
    }
    add(top + "/claimed", 0750, "root", user);
    add(top + "/drafts", 0710, "root", user);
    add(top + "/held", 0750, "root", user);
    for (const auto* state : {"/outbox", "/processed", "/failed"}) {
      auto& directory = add(top + state, 0750, "root", user);
      directory.acl = acl_with(0750, "r-x", {"g:conos:r-x"});
      directory.default_acl = acl_with(0750, "r-x", {"g:conos:r--"});
    }
    add(top + "/threads", 0700, "root", "root");
    add(top + "/workspace", 0700, user, user);
    add("/home/" + user, 0700, user, user);
    add(m_site.instructions(agent.name), 0700, "root", "root");
    const auto doors = doors_of(agent);
    if (doors.has_sockets()) {
      add("/run/conos/doors/" + agent.name, 0750, "root", user);
    }
    if (doors.egress) {
      add(m_site.lib + "/egress/" + agent.name, 0700, "conos-egress", "conos-egress");
    }
  }

  // "u:a-T:RIGHTS" for each who may give this agent tasks.
  std::vector<std::string> taskers_of(const config::Agent& agent, std::string_view rights) const
  {
    std::vector<std::string> entries;
    for (const auto& other : m_config.agents) {
      if (std::binary_search(other.may_task.begin(), other.may_task.end(), agent.name)) {
        entries.push_back(fmt::format("u:{}:{}", user_of(other.name), rights));
      }
    }
    return entries;
  }

  // What systemd reads at each boot to the same end.
  void add_tables(std::size_t shared)
  {
    const std::string head = "# Compiled from /etc/conos/conos.toml by conos-bootstrap.\n";
    auto directories = head;
    for (auto i = shared; i < m_state.directories.size(); ++i) {
      directories += tmpfiles_of(m_state.directories[i]);
    }
    add_file(k_agents_sysusers, head + sysusers_of(m_state.accounts));
    add_file(k_agents_tmpfiles, directories);
  }

  File& add_file(const std::string& path, std::string content)
  {
    File file;
    file.path = path;
    file.content = std::move(content);
    return m_state.files.emplace_back(std::move(file));
  }

  Result<> add_files(const config::Agent& agent)
  {
    const auto& instructions = m_sources.instructions.at(agent.name);
    const auto own = [&](
                       const std::string& path, const std::string& content, mode_t mode) -> File& {
      auto& file = add_file(path, content);
      file.mode = mode;
      file.agent = agent.name;
      file.why = why(agent);
      return file;
    };
    // the settings last: claim refuses instructions it does not find the digest of
    own(m_site.instructions(agent.name) + "/AGENTS.md", instructions, 0600);
    own(m_site.compiled() + "/" + agent.name + ".json", to_json(settings_of(agent)), 0600);
    const auto doors = doors_of(agent);
    own(m_site.compiled() + "/" + agent.name + ".model.json",
      doors.model ? to_json(*doors.model) : "", 0600)
      .wanted = doors.model.has_value();
    auto& egress = own(m_site.compiled() + "/" + agent.name + ".egress.json",
      doors.egress ? to_json(*doors.egress) : "", 0600);
    egress.wanted = doors.egress.has_value();
    // without settings there is nothing to listen for either
    egress.reader = "conos-egress@" + agent.name + (doors.egress ? ".service" : ".socket");
    const auto gate = gate_door(agent);
    own(m_site.compiled() + "/" + agent.name + ".gate.json", doors.has_gate ? to_json(gate) : "",
      0600)
      .wanted = doors.has_gate;

    // for programs that look for such a file at home; no step of ours reads it
    const auto copy = m_site.agent(agent.name) + "/AGENTS.md";
    own(copy, instructions, 0440).group = user_of(agent.name);
    m_state.links.push_back({"/home/" + user_of(agent.name) + "/AGENTS.md", copy,
      user_of(agent.name), agent.name, why(agent)});

    for (const auto& package : agent.packages) {
      if (!m_wish.sidecar) { // what others have installed there is theirs to decide
        m_state.packages.push_back({package, agent.name, why(agent)});
      }
    }
    CONOS_TRY(auto units, unit_files_of(agent, m_sources, doors));
    std::move(units.begin(), units.end(), std::back_inserter(m_state.files));
    return {};
  }

  // conos's own: with a model where there is one to ask; without its key the steward answers.
  std::vector<std::string> runner_of(const config::Agent& agent) const
  {
    const auto& program = m_sources.programs.at(agent.runner);
    const auto door = doors_of(agent).model;
    if (agent.runner != "picoclaw" || !door) {
      return {program};
    }
    constexpr Duration k_to_say_so = std::chrono::seconds(10); // before work ends it
    const auto time = agent.timeout > 2 * k_to_say_so ? agent.timeout - k_to_say_so : agent.timeout;
    const auto& model = door->models.front();
    return {k_think, "--api", std::string(to_string(provider_of(*door, model).api)), "--model",
      model.name, "--steward", k_steward, "--time", fmt::format("{}ms", time.count())};
  }

  Doors doors_of(const config::Agent& agent) const
  {
    Doors doors;
    doors.model =
      config::model_door_of(m_config, agent, m_sources.prices, m_ids.at(agent.name).uid);
    if (!agent.egress.empty()) {
      doors.egress = EgressDoor{agent.name, agent.egress_written, agent.egress,
        agent.egress_networks, agent.egress_max_bytes};
    }
    doors.has_gate = is_open(gate_door(agent));
    return doors;
  }

  // How programs find the egress door; what the configuration says itself goes first.
  static std::vector<std::string> environment_of(const config::Agent& agent, const Doors& doors)
  {
    auto environment = agent.environment;
    const auto add = [&](const std::string& name, const std::string& value) {
      const auto found = std::find_if(
        agent.environment.begin(), agent.environment.end(), [&](const std::string& own) {
          return own.starts_with(name + "=");
        });
      if (found == agent.environment.end()) {
        environment.push_back(name + "=" + value);
      }
    };
    // each program knows one spelling
    for (const auto* name : {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}) {
      if (doors.egress) {
        add(name, "http://127.0.0.1:3128");
      }
    }
    for (const auto* name : {"NO_PROXY", "no_proxy"}) {
      if (doors.egress) {
        add(name, "127.0.0.1,localhost,::1");
      }
    }
    return environment;
  }

  GateDoor gate_door(const config::Agent& agent) const
  {
    return {agent.name, agent.tier, m_ids.at(agent.name).uid, agent.gate, m_config.packages_allow,
      m_config.packages_deny, agent.approval_timeout, agent.approvals_max};
  }

  AgentSettings settings_of(const config::Agent& agent) const
  {
    const auto ids = m_ids.at(agent.name);
    AgentSettings s;
    s.name = agent.name;
    s.tier = agent.tier;
    s.mode = agent.mode;
    s.uid = ids.uid;
    s.gid = ids.gid;
    s.roles = agent.roles;
    s.groups = agent.groups;
    s.runner = runner_of(agent);
    s.runner.insert(s.runner.end(), agent.runner_args.begin(), agent.runner_args.end());
    const auto doors = doors_of(agent);
    s.environment = environment_of(agent, doors);
    s.writable = agent.writable;
    s.timeout = agent.timeout;
    s.max_output_bytes = agent.max_output_bytes;
    s.max_task_bytes = m_config.max_task_bytes;
    s.inbox_max_files = m_config.inbox_max_files;
    s.inbox_max_per_sender = m_config.inbox_max_per_sender;
    s.attempts = agent.attempts;
    s.retry = agent.retry;
    s.max_hops = m_config.max_hops;
    s.instructions_sha256 = audit::sha256_hex(m_sources.instructions.at(agent.name));
    s.may_task = agent.may_task;
    s.cron_task = agent.cron_task;
    s.continuous_delay = agent.continuous_delay;
    s.session = agent.session;
    s.recent_turns = agent.recent_turns;
    s.brief_max_bytes = agent.brief_max_bytes;
    s.has_model = doors.model.has_value();
    s.has_egress = doors.egress.has_value();
    return s;
  }

  void add_units(const config::Agent& agent)
  {
    auto units = units_of(agent, m_sources.held.contains(agent.name));
    std::move(units.begin(), units.end(), std::back_inserter(m_state.units));
  }

  void add_shared()
  {
    Routing routing;
    routing.concierge = m_config.concierge;
    routing.rules = m_config.routes;
    for (const auto& agent : m_config.agents) {
      routing.agents.push_back(agent.name);
    }
    routing.max_task_bytes = m_config.max_task_bytes;
    routing.inbox_max_files = m_config.inbox_max_files;
    add_file(m_site.compiled() + "/routes.json", to_json(routing)).mode = 0600;

    // without agents there is nobody who could even refuse a task: it waits
    const bool has_agents = !m_config.agents.empty();
    m_state.units.push_back({"conos-outer-inbox.path", "paths.target", has_agents, false, "", ""});
    m_state.units.push_back({"conos-sweep.timer", "timers.target", true, false, "", ""});
    m_state.units.push_back({"conos-checkpoint.timer", "timers.target", true, false, "", ""});
    m_state.units.push_back({"conos-checkpoint-last.service", k_boot, true, false, "", ""});
    for (const auto* socket :
      {"conos-artifact.socket", "conos-audit.socket", "conos-query.socket"}) {
      m_state.units.push_back({socket, "sockets.target", true, false, "", ""});
    }
    m_state.units.push_back({"conos-bootstrap.service", k_boot, true, true, "", ""});
  }

  // The status page: written when something changed, served where conos.toml says so.
  void add_page()
  {
    add_file(m_site.compiled() + "/page.json", to_json(PageSettings{m_config.healthcheck_interval}))
      .mode = 0600;
    const auto& dashboard = m_config.dashboard;
    auto& listen = add_file(k_units + "/conos-page.socket.d/10-listen.conf",
      fmt::format("# Compiled from {} by conos-bootstrap: where the status page is served.\n"
                  "[Socket]\nListenStream=\nListenStream={}\n",
        k_config_path, dashboard.listen));
    listen.wanted = dashboard.is_enabled;
    listen.immutable = true;
    listen.reader = "conos-page.socket";
    m_state.units.push_back(
      {"conos-page.socket", "sockets.target", dashboard.is_enabled, false, "", ""});
    m_state.units.push_back({"conos-page.path", "paths.target", true, false, "", ""});
  }

  // Tools that are not on the machine are not told anything.
  void add_guards()
  {
    m_state.firewall = firewall_of(m_config);
    add_file(k_firewall, firewall_script(m_state.firewall)).mode = 0600;
    m_state.units.push_back({"conos-firewall.service", k_boot, true, false, "", ""});

    if (m_wish.sidecar) {
      return; // what follows is the whole machine's
    }
    const auto path_units = m_config.agents.size() + 1;
    m_state.sysctls = sysctls_of(path_units);
    add_file(k_sysctl_table, sysctl_table(m_state.sysctls));

    auto& conctl = add_file("/usr/local/bin/conctl", "#!/bin/sh\nexec /usr/bin/conctl \"$@\"\n");
    conctl.mode = 0755;
    conctl.immutable = true;

    if (m_sources.has_sudo) {
      auto& sudoers = add_file(k_sudoers, sudoers_of());
      sudoers.mode = 0440;
      sudoers.immutable = true;
    }
    if (m_sources.has_audit) {
      add_file(k_audit_rules, audit_rules_of()).mode = 0640;
    }
  }

  // Who looks after findings, how often they are looked for, and where agents read of them.
  void add_health()
  {
    const auto* sysadmin = sysadmin_of(m_config);
    const HealthSettings settings{
      sysadmin != nullptr ? sysadmin->name : m_config.concierge, m_config.brief_output};
    add_file(m_site.compiled() + "/healthcheck.json", to_json(settings)).mode = 0600;

    const auto ms = m_config.healthcheck_interval.count();
    auto& interval = add_file(k_units + "/conos-healthcheck.timer.d/10-interval.conf",
      fmt::format(
        "# Compiled from /etc/conos/conos.toml by conos-bootstrap.\n"
        "[Timer]\nOnActiveSec=\nOnActiveSec={0}ms\nOnUnitActiveSec=\nOnUnitActiveSec={0}ms\n",
        ms));
    interval.immutable = true;
    m_state.units.push_back({"conos-healthcheck.timer", "timers.target", true, false, "", ""});
  }

  // Written by us now, or before: then it is not the machine's own.
  bool is_compiled(const std::string& path) const
  {
    return path.starts_with(k_contracts + "/") &&
           (m_sources.record.files.contains(path) ||
             std::any_of(m_state.files.begin(), m_state.files.end(), [&](const File& file) {
               return file.path == path;
             }));
  }

  static File locked(const std::string& path)
  {
    File file;
    file.path = path;
    file.immutable = true;
    return file;
  }

  // What conos wrote before and has no use for any more.
  void add_leftovers()
  {
    std::set<std::string, std::less<>> known;
    for (const auto& file : m_state.files) {
      known.insert(file.path);
    }
    for (const auto& [path, digest] : m_sources.record.files) {
      if (!known.contains(path) && !is_retired(path)) {
        add_file(path, "").wanted = false;
      }
    }
  }

  // Stays until --prune.
  bool is_retired(const std::string& path) const
  {
    return std::any_of(
      m_sources.retired.begin(), m_sources.retired.end(), [&](const Retired& agent) {
        const auto is_in = [&](const std::string& tree) {
          return path.starts_with(tree + "/");
        };
        return std::find(agent.files.begin(), agent.files.end(), path) != agent.files.end() ||
               std::any_of(agent.trees.begin(), agent.trees.end(), is_in);
      });
  }

  void add_record()
  {
    Record record = m_sources.record;
    record.sidecar = m_wish.sidecar;
    record.config_sha256 = m_sources.config_sha256;
    for (const auto& [name, ids] : m_ids) {
      record.uids[name] = ids.uid;
    }
    record.files.clear();
    for (auto& file : m_state.files) {
      if (file.wanted && file.content) {
        record.files[file.path] = audit::sha256_hex(*file.content);
      }
      const auto written = m_sources.record.files.find(file.path);
      file.written_sha256 = written == m_sources.record.files.end() ? "" : written->second;
    }
    record.wanted = digests(record);
    for (const auto& [agent, digest] : record.wanted) {
      const auto before = m_sources.record.wanted.find(agent);
      if (before != m_sources.record.wanted.end() && before->second == digest) {
        m_state.settled.insert(agent);
      }
    }
    m_state.config_sha256 = m_sources.config_sha256;
    m_state.applied.path = k_record;
    m_state.applied.content = to_json(record);
    m_state.applied.mode = 0600;
  }

  // What is wanted for each agent and for all, in a word.
  std::map<std::string, std::string> digests(const Record& record) const
  {
    std::map<std::string, std::string> texts;
    for (const auto& a : m_state.accounts) {
      texts[a.agent] += fmt::format("{} {} {} {}\n", a.name, a.uid, a.gid, join(a.groups, ","));
    }
    for (const auto& d : m_state.directories) {
      texts[d.agent] += fmt::format("{} {:o} {} {} {} {}\n", d.path, d.mode, d.owner, d.group,
        join(d.acl, ","), join(d.default_acl, ","));
    }
    for (const auto& f : m_state.files) {
      if (f.wanted) {
        texts[f.agent] += fmt::format("{} {:o} {} {} {} {}\n", f.path, f.mode, f.owner, f.group,
          f.immutable, f.content ? record.files.at(f.path) : "");
      }
    }
    for (const auto& l : m_state.links) {
      texts[l.agent] += fmt::format("{} {} {}\n", l.path, l.target, l.owner);
    }
    for (const auto& u : m_state.units) {
      texts[u.agent] += fmt::format("{} {} {}\n", u.name, u.wanted_by, u.wanted);
    }
    for (const auto& s : m_state.sysctls) {
      texts[""] += fmt::format("{} {}\n", s.key, s.least);
    }
    for (auto& [agent, text] : texts) {
      text = audit::sha256_hex(text);
    }
    return texts;
  }

  const config::Config& m_config;
  const Sources& m_sources;
  const Wish m_wish;
  const Site m_site;
  std::map<std::string, Ids> m_ids;
  State m_state;
};

} // namespace

Result<State> desired(const config::Config& config, const Sources& sources, const Wish& wish)
{
  return Builder(config, sources, wish).build();
}

} // namespace conos::plan
