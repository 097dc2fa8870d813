#pragma once

#include "plan_sample.hpp"

#include "host/immutable.hpp"

#include <algorithm>

// A machine as data: what one that is as a state says would show to somebody who asks of another,
// and what carrying out a plan makes of it.
namespace conos::plan {

template<class Item>
const auto& key_of(const Item& item)
{
  if constexpr (requires { item.path; }) {
    return item.path;
  } else if constexpr (requires { item.name; }) {
    return item.name;
  } else {
    return item.key;
  }
}

// Of each that is asked for what the machine has; nothing where it has none.
template<class Item, class SeenItem>
std::vector<SeenItem> looked_up(const std::vector<Item>& had, const std::vector<SeenItem>& seen,
  const std::vector<Item>& asked, const SeenItem& absent)
{
  std::vector<SeenItem> found;
  for (const auto& item : asked) {
    const auto at = std::find_if(had.begin(), had.end(), [&](const Item& other) {
      return key_of(other) == key_of(item);
    });
    found.push_back(at == had.end() ? absent : seen[static_cast<std::size_t>(at - had.begin())]);
  }
  return found;
}

inline Seen observed(const State& machine, const State& asked)
{
  const auto whole = seen_of(machine);
  Seen seen;
  seen.accounts = whole.accounts;
  seen.directories =
    looked_up(machine.directories, whole.directories, asked.directories, SeenDirectory{});
  seen.files = looked_up(machine.files, whole.files, asked.files, SeenFile{});
  seen.links = looked_up(machine.links, whole.links, asked.links, SeenLink{});
  seen.units = looked_up(machine.units, whole.units, asked.units, SeenUnit{});
  seen.sysctls = looked_up(machine.sysctls, whole.sysctls, asked.sysctls, SeenSysctl{0, true});
  seen.packages = looked_up(machine.packages, whole.packages, asked.packages, false);
  seen.firewall = whole.firewall;
  seen.applied = whole.applied;
  seen.loaded = whole.loaded;
  return seen;
}

inline void join(Accounts& accounts, const std::string& user, const std::string& group)
{
  for (auto& one : accounts.groups) {
    if (one.name == group) {
      one.members.push_back(user);
    }
  }
}

inline void carry_out(const Change& change, Act act, const State& wanted, Seen& seen)
{
  const auto target = seen_of(wanted);
  const auto i = change.index;
  switch (act) {
  case Act::tables:
  case Act::files:
  case Act::lock:
    seen.files[i] = target.files[i];
    break;
  case Act::accounts:
    if (change.subject.starts_with("group ")) {
      seen.accounts.groups.push_back({change.subject.substr(6), 800, {}});
    } else if (change.what.starts_with("new")) {
      const auto& a = wanted.accounts[i];
      seen.accounts.users.push_back({a.name, a.uid, a.gid, a.home, "/usr/sbin/nologin"});
      seen.accounts.groups.push_back({a.name, a.gid, {}});
      for (const auto& group : a.groups) {
        join(seen.accounts, a.name, group);
      }
    } else {
      join(seen.accounts, change.subject, change.what.substr(6));
    }
    break;
  case Act::leave:
    for (auto& group : seen.accounts.groups) {
      if (group.name == change.what) {
        std::erase(group.members, change.subject);
      }
    }
    break;
  case Act::directories:
    seen.directories[i] = target.directories[i];
    break;
  case Act::links:
    seen.links[i] = target.links[i];
    break;
  case Act::stop:
    seen.units[i] = {false, false};
    break;
  case Act::enable:
    seen.units[i].enabled = true;
    break;
  case Act::start:
    seen.units[i].active = true;
    break;
  case Act::firewall:
    seen.firewall = wanted.firewall;
    break;
  case Act::sysctls:
    seen.sysctls[i] = {wanted.sysctls[i].least, true};
    break;
  case Act::packages:
    seen.packages[i] = true;
    break;
  case Act::record:
    seen.applied = target.applied;
    break;
  case Act::reload:
    seen.reload_pending = false;
    break;
  case Act::shells:
  case Act::secrets:
  case Act::retire:
    break;
  }
}

inline void carry_out(const Plan& plan, const State& wanted, Seen& seen)
{
  for (const auto& step : plan.steps) {
    for (const auto& change : step.changes) {
      carry_out(change, step.act, wanted, seen);
    }
  }
}

// The state a configuration asks for on a machine that was as another state said.
inline State state_after(const State& before, std::string_view text)
{
  const auto config = config_of(text);
  auto sources = sources_for(config);
  sources.accounts = seen_of(before).accounts;
  sources.record = record_from_json(*before.applied.content).value();
  const auto state = desired(config, sources);
  REQUIRE(state);
  return *state;
}

} // namespace conos::plan
