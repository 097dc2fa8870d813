#pragma once

#include "config/config.hpp"
#include "plan/desired.hpp"
#include "plan/diff.hpp"
#include "plan/tables.hpp"
#include "sys/file.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

// Configurations and the machines that would be as they say.
namespace conos::plan {

inline std::string source_file(const std::string& path)
{
  const auto text = read_path(std::string(CONOS_SOURCE_DIR) + "/" + path, 1U << 20U);
  REQUIRE(text);
  return *text;
}

inline config::Config config_of(std::string_view text)
{
  const auto checked = config::check(text);
  for (const auto& finding : checked.findings) {
    UNSCOPED_INFO(config::line_of(finding, "conos.toml"));
  }
  REQUIRE(checked.config);
  return *checked.config;
}

// What is shipped, on a machine where nobody was before.
inline Sources sources_for(const config::Config& config)
{
  Sources sources;
  sources.agent_path = source_file("systemd/agent/agent.path.in");
  sources.agent_service = source_file("systemd/agent/agent.service.in");
  sources.agent_timer = source_file("systemd/agent/agent.timer.in");
  for (const auto tier : {Tier::officer, Tier::operator_, Tier::worker}) {
    sources.tiers[tier] = source_file("systemd/tiers/" + std::string(to_string(tier)) + ".conf");
  }
  sources.sysusers = source_file("systemd/sysusers.conf");
  sources.tmpfiles = source_file("systemd/tmpfiles.conf");
  for (const auto& agent : config.agents) {
    sources.instructions[agent.name] = "You are " + agent.name + ".\n";
    sources.programs[agent.runner] = "/usr/bin/" + agent.runner;
  }
  sources.accounts.users = {{"root", 0, 0, "/root", "/bin/bash"}};
  sources.accounts.groups = {{"root", 0, {}}};
  return sources;
}

inline State state_of(std::string_view text)
{
  const auto config = config_of(text);
  const auto state = desired(config, sources_for(config));
  INFO((state ? "" : state.error().text()));
  REQUIRE(state);
  return *state;
}

// A machine that is as `state` says.
inline Seen seen_of(const State& state)
{
  Seen seen;
  for (const auto& group : state.groups) {
    seen.accounts.groups.push_back({group, 900, {}});
  }
  for (const auto& account : state.accounts) {
    seen.accounts.users.push_back(
      {account.name, account.uid, account.gid, account.home, "/usr/sbin/nologin"});
    seen.accounts.groups.push_back({account.name, account.gid, {}});
    for (const auto& name : account.groups) {
      for (auto& group : seen.accounts.groups) {
        if (group.name == name) {
          group.members.push_back(account.name);
        }
      }
    }
  }
  for (const auto& d : state.directories) {
    seen.directories.push_back({true, true, d.mode, d.owner, d.group,
      d.acl.empty() ? acl_of_mode(d.mode) : d.acl, d.default_acl});
  }
  const auto file = [](const File& f) {
    return SeenFile{f.wanted, f.wanted, false, f.content.value_or(""), f.mode, f.owner, f.group,
      f.immutable ? Immutable::yes : Immutable::no};
  };
  for (const auto& f : state.files) {
    seen.files.push_back(file(f));
  }
  seen.applied = file(state.applied);
  seen.packages.assign(state.packages.size(), true);
  for (const auto& link : state.links) {
    seen.links.push_back({true, link.target, false});
  }
  for (const auto& unit : state.units) {
    seen.units.push_back({unit.wanted, unit.wanted && !unit.idle});
    seen.loaded.insert(unit.name);
    if (!unit.agent.empty()) {
      seen.loaded.insert("conos-" + unit.agent + ".service");
    }
  }
  seen.firewall = state.firewall;
  for (const auto& sysctl : state.sysctls) {
    seen.sysctls.push_back({sysctl.least, true});
  }
  return seen;
}

// A machine where nobody was before.
inline Seen empty_machine(const State& state)
{
  Seen seen;
  seen.directories.resize(state.directories.size());
  seen.files.resize(state.files.size());
  seen.links.resize(state.links.size());
  seen.units.resize(state.units.size());
  seen.firewall = "";
  seen.sysctls.resize(state.sysctls.size(), {0, true});
  return seen;
}

constexpr std::string_view k_three = R"(
[[agents]]
name = "concierge"
tier = "operator"
[[agents]]
name = "strategist"
tier = "officer"
mode = "cron"
cron = "0 8 * * 1-5"
[[agents]]
name = "writer"
mode = "continuous"
memory_max = "2G"
scopes = ["/data/out"]
jit = true
)";

} // namespace conos::plan
