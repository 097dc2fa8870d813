#include "plan/diff.hpp"

#include "audit/sha256.hpp"
#include "plan/place.hpp"
#include "plan/retire.hpp"
#include "plan/tables.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace conos::plan {

namespace {

constexpr std::string_view k_shell = "/usr/sbin/nologin";
constexpr std::array<std::string_view, 3> k_tier_groups{"officers", "operators", "workers"};

// "mode 0755 to 0750, owner root to a-x", a part for each difference.
class Differences
{
public:
  template<class T>
  void compare(std::string_view name, const T& seen, const T& wanted)
  {
    if (seen != wanted) {
      add(fmt::format("{} {} to {}", name, seen, wanted));
    }
  }

  void compare_mode(mode_t seen, mode_t wanted)
  {
    if (seen != wanted) {
      add(fmt::format("mode {:04o} to {:04o}", seen, wanted));
    }
  }

  // Names what is taken away and what is added.
  void compare_acl(std::string_view name, const std::vector<std::string>& seen,
    const std::vector<std::string>& wanted)
  {
    std::string text;
    const auto list = [&](char sign, const auto& from, const auto& without) {
      for (const auto& entry : from) {
        if (std::find(without.begin(), without.end(), entry) == without.end()) {
          text += fmt::format(" {}{}", sign, entry);
        }
      }
    };
    list('-', seen, wanted);
    list('+', wanted, seen);
    if (!text.empty()) {
      add(std::string(name) + text);
    }
  }

  void add(const std::string& part) { m_text += (m_text.empty() ? "" : ", ") + part; }

  const std::string& text() const { return m_text; }

private:
  std::string m_text;
};

class Differ
{
public:
  Differ(const State& wanted, const Seen& seen, CanLock can_lock)
      : m_wanted(wanted)
      , m_seen(seen)
      , m_can_lock(can_lock == CanLock::yes)
      , m_may_lock(can_lock != CanLock::unwanted)
  {
  }

  Plan diff()
  {
    for (const auto& agent : m_wanted.retired) {
      m_plan.steps.push_back(retire_step(agent, m_wanted.archive));
    }
    auto files = file_changes();
    add({Act::tables, "", std::move(files.tables)});
    add({Act::accounts, "", account_changes()});
    add({Act::leave, "", leave_changes()});
    add({Act::shells, "", shell_changes()});
    add({Act::directories, "", directory_changes()});
    add({Act::secrets, "", secret_changes()});
    add({Act::stop, "", stop_changes()});
    for (auto& step : files.steps) {
      add(std::move(step));
    }
    add({Act::links, "", link_changes()});
    add({Act::enable, "", unit_changes([](const Unit& unit, const SeenUnit& seen) {
           return unit.wanted && !seen.enabled ? "enable" : "";
         })});
    if (files.reload || m_seen.reload_pending) {
      add({Act::reload, "", {{"systemd", "read unit files again", "", 0}}});
    }
    add({Act::firewall, "", firewall_changes()});
    add({Act::sysctls, "", sysctl_changes()});
    add({Act::start, "", unit_changes([&](const Unit& unit, const SeenUnit& seen) {
           const bool runs = seen.active && !m_ended.contains(unit.name);
           return unit.wanted && !unit.idle && !runs ? "start" : "";
         })});
    add({Act::lock, "", std::move(files.locks)});
    add({Act::packages, "", package_changes()});
    record();
    return std::move(m_plan);
  }

private:
  void add(Step step)
  {
    if (!step.changes.empty()) {
      m_plan.steps.push_back(std::move(step));
    }
  }

  // Something that is everybody's.
  Change change(std::string subject, std::string what, std::size_t index) const
  {
    return {std::move(subject), std::move(what), "", index, m_wanted.settled.contains("")};
  }

  template<class Item>
  Change change_of(const Item& item, std::string subject, std::string what, std::size_t index) const
  {
    return {
      std::move(subject), std::move(what), item.why, index, m_wanted.settled.contains(item.agent)};
  }

  // Of a content that goes; empty where none does.
  static std::string replaced_sha256(const File& wanted, const SeenFile& seen)
  {
    const bool goes = seen.is_file && wanted.content && !seen.content.empty() &&
                      (!wanted.wanted || seen.content != *wanted.content);
    return goes ? audit::sha256_hex(seen.content) : "";
  }

  // Not what conos wrote: an administrator's, or whoever else could write there.
  static bool is_somebodys(const File& wanted, const std::string& replaced)
  {
    return wanted.path.starts_with("/etc/") && !replaced.empty() &&
           replaced != wanted.written_sha256;
  }

  void warn(std::string text) { m_plan.warnings.push_back(std::move(text)); }

  std::vector<Change> account_changes() const
  {
    std::vector<Change> changes;
    for (const auto& group : m_wanted.groups) {
      if (m_seen.accounts.group(group) == nullptr) {
        changes.push_back(change("group " + group, "new", 0));
      }
    }
    for (std::size_t i = 0; i < m_wanted.accounts.size(); ++i) {
      const auto& account = m_wanted.accounts[i];
      if (m_seen.accounts.user(account.name) == nullptr) {
        changes.push_back(
          change_of(account, account.name, fmt::format("new, uid {}", account.uid), i));
        continue;
      }
      for (const auto& group : account.groups) {
        if (!m_seen.accounts.is_listed(account.name, group)) {
          changes.push_back(change_of(account, account.name, "joins " + group, i));
        }
      }
    }
    return changes;
  }

  // systemd-sysusers only adds; a tier that was lost is lost here.
  std::vector<Change> leave_changes() const
  {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < m_wanted.accounts.size(); ++i) {
      const auto& account = m_wanted.accounts[i];
      for (const auto tier : k_tier_groups) {
        const bool wanted =
          std::find(account.groups.begin(), account.groups.end(), tier) != account.groups.end();
        if (!wanted && m_seen.accounts.is_listed(account.name, tier)) {
          changes.push_back(change_of(account, account.name, std::string(tier), i));
        }
      }
    }
    return changes;
  }

  std::vector<Change> shell_changes() const
  {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < m_wanted.accounts.size(); ++i) {
      const auto* user = m_seen.accounts.user(m_wanted.accounts[i].name);
      if (user != nullptr && user->shell != k_shell) {
        changes.push_back(change_of(m_wanted.accounts[i], user->name,
          fmt::format("shell {} to {}", user->shell, k_shell), i));
      }
    }
    return changes;
  }

  std::vector<Change> directory_changes() const
  {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < m_wanted.directories.size(); ++i) {
      const auto& wanted = m_wanted.directories[i];
      const auto& seen = m_seen.directories[i];
      if (!seen.exists) {
        changes.push_back(change_of(wanted, wanted.path, "new", i));
        continue;
      }
      Differences differences;
      if (!seen.is_directory) {
        differences.add("is not a directory, kept as " + wanted.path + k_saved);
      } else {
        differences.compare_mode(seen.mode, wanted.mode);
        differences.compare("owner", seen.owner, wanted.owner);
        differences.compare("group", seen.group, wanted.group);
        differences.compare_acl(
          "ACL", seen.acl, wanted.acl.empty() ? acl_of_mode(wanted.mode) : wanted.acl);
        differences.compare_acl("default ACL", seen.default_acl, wanted.default_acl);
      }
      if (!differences.text().empty()) {
        changes.push_back(change_of(wanted, wanted.path, differences.text(), i));
      }
    }
    return changes;
  }

  struct FileChanges {
    std::vector<Change> tables;
    std::vector<Step> steps; // a step for each agent
    std::vector<Change> locks;
    bool reload = false; // one of them is of a unit systemd has in memory
  };

  // Units it does not have in memory systemd reads when they are started. With a thousand it has,
  // reading them again takes ten seconds.
  bool is_in_memory(std::string_view path) const
  {
    if (!path.starts_with(k_units)) {
      return false;
    }
    const std::string unit(path.substr(k_units.size() + 1));
    return m_seen.loaded.contains(unit.substr(0, unit.find(".d/")));
  }

  static bool is_another_text(const File& wanted, const SeenFile& seen)
  {
    return !wanted.wanted || !seen.is_file || seen.content != *wanted.content;
  }

  FileChanges file_changes()
  {
    FileChanges out;
    std::map<std::string, std::size_t> step_of;
    bool unlockable = false;
    for (std::size_t i = 0; i < m_wanted.files.size(); ++i) {
      const auto& wanted = m_wanted.files[i];
      unlockable = unlockable || (wanted.immutable && wanted.wanted);
      const auto what = file_difference(wanted, m_seen.files[i]);
      if (what.empty()) {
        continue;
      }
      m_ended.insert(wanted.reader);
      auto change = change_of(wanted, wanted.path, what, i);
      change.before_sha256 = replaced_sha256(wanted, m_seen.files[i]);
      change.save = is_somebodys(wanted, change.before_sha256);
      if (change.save) {
        change.what += fmt::format(", what was there is kept as {}{}", wanted.path, k_saved);
      }
      out.reload =
        out.reload || (is_in_memory(wanted.path) && is_another_text(wanted, m_seen.files[i]));
      if (wanted.wanted && !wanted.opens.empty()) {
        change.what += ", opens: " + wanted.opens;
      }
      if (m_wanted.sidecar && change.save) {
        m_plan.obstacles.push_back(fmt::format(
          "'{}' is not conos's: on a machine of others it is left as it is", wanted.path));
      }
      if (!wanted.content && wanted.wanted) {
        out.locks.push_back(change);
      } else if (wanted.path == k_agents_sysusers || wanted.path == k_agents_tmpfiles) {
        out.tables.push_back(change);
      } else {
        const auto [at, is_new] = step_of.try_emplace(wanted.agent, out.steps.size());
        if (is_new) {
          out.steps.push_back({Act::files, wanted.agent, {}});
        }
        out.steps[at->second].changes.push_back(change);
      }
    }
    if (unlockable && !m_can_lock && m_may_lock) {
      warn("this file system lets nobody set the immutable flag: what conos wrote is guarded by "
           "its modes only");
    }
    return out;
  }

  std::string file_difference(const File& wanted, const SeenFile& seen)
  {
    if (seen.is_masked) {
      m_masked.insert(wanted.path);
      warn(fmt::format("'{}' is masked by the administrator and left so", wanted.path));
      return "";
    }
    if (!wanted.wanted) {
      return seen.exists ? "remove" : "";
    }
    if (!wanted.content) {
      return seen.is_file && m_can_lock && seen.immutable == Immutable::no ? "make immutable" : "";
    }
    if (!seen.exists) {
      return "new";
    }
    Differences differences;
    if (!seen.is_file) {
      differences.add("is not a plain file");
      return differences.text();
    }
    if (seen.content != *wanted.content) {
      differences.add("content");
    }
    differences.compare_mode(seen.mode, wanted.mode);
    differences.compare("owner", seen.owner, wanted.owner);
    differences.compare("group", seen.group, wanted.group);
    if (wanted.immutable && m_can_lock && seen.immutable == Immutable::no) {
      differences.add("make immutable");
    }
    return differences.text();
  }

  std::vector<Change> link_changes()
  {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < m_wanted.links.size(); ++i) {
      const auto& wanted = m_wanted.links[i];
      const auto& seen = m_seen.links[i];
      if (seen.is_directory) {
        warn(fmt::format("'{}' is a directory the agent made and left so", wanted.path));
      } else if (seen.target != wanted.target) {
        changes.push_back(
          change_of(wanted, wanted.path, seen.exists ? "points elsewhere" : "new", i));
      }
    }
    return changes;
  }

  std::vector<Change> secret_changes() const
  {
    std::vector<Change> changes;
    for (const auto& line : m_wanted.secrets) {
      changes.push_back({line, "into the encrypted store", "", 0});
    }
    return changes;
  }

  std::vector<Change> package_changes() const
  {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < m_wanted.packages.size(); ++i) {
      const auto& package = m_wanted.packages[i];
      if (!m_seen.packages[i]) {
        changes.push_back(change_of(package, package.name, "install for " + package.agent, i));
      }
    }
    return changes;
  }

  std::vector<Change> stop_changes() const
  {
    return unit_changes([](const Unit& unit, const SeenUnit& seen) {
      return unit.wanted                   ? ""
             : seen.active && seen.enabled ? "stop, disable"
             : seen.active                 ? "stop"
             : seen.enabled                ? "disable"
                                           : "";
    });
  }

  // Nothing of a masked unit is touched.
  template<class What>
  std::vector<Change> unit_changes(const What& what) const
  {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < m_wanted.units.size(); ++i) {
      const auto& unit = m_wanted.units[i];
      const std::string_view deed = what(unit, m_seen.units[i]);
      if (!deed.empty() && !m_masked.contains(k_units + "/" + unit.name)) {
        changes.push_back(change_of(unit, unit.name, std::string(deed), i));
      }
    }
    return changes;
  }

  // Of a table that is not there yet, the unit is started instead.
  std::vector<Change> firewall_changes()
  {
    if (!m_seen.firewall) {
      warn("nobody can tell whether the firewall holds: nft does not answer here");
      return {};
    }
    if (*m_seen.firewall == m_wanted.firewall) {
      return {};
    }
    return {change("table inet conos", m_seen.firewall->empty() ? "new" : "rules", 0)};
  }

  std::vector<Change> sysctl_changes()
  {
    std::vector<Change> changes;
    std::vector<std::string> hosts; // what a container shows and cannot set
    for (std::size_t i = 0; i < m_wanted.sysctls.size(); ++i) {
      const auto& [key, least] = m_wanted.sysctls[i];
      const auto& seen = m_seen.sysctls[i];
      if (!seen.value || *seen.value >= least) {
        continue;
      }
      if (seen.settable) {
        changes.push_back(change(key, fmt::format("{} to {}", *seen.value, least), i));
      } else {
        hosts.push_back(fmt::format("{} ({}, wanted {})", key, *seen.value, least));
      }
    }
    if (!hosts.empty()) {
      warn(fmt::format(
        "kernel parameters that only the host of this container can raise: {}", join(hosts, ", ")));
    }
    return changes;
  }

  void record()
  {
    auto what = file_difference(m_wanted.applied, m_seen.applied);
    if (what.empty() && m_seen.repairs_pending) {
      what = k_unsaid;
    }
    if (!what.empty() || !m_plan.steps.empty()) {
      add({Act::record, "", {{m_wanted.applied.path, what.empty() ? k_unchanged : what, "", 0}}});
    }
  }

  const State& m_wanted;
  const Seen& m_seen;
  bool m_can_lock;
  bool m_may_lock;
  std::set<std::string> m_ended; // units that are ended because what they read changes
  std::set<std::string> m_masked;
  Plan m_plan;
};

} // namespace

Plan diff(const State& wanted, const Seen& seen, CanLock can_lock)
{
  return Differ(wanted, seen, can_lock).diff();
}

std::string title_of(const Step& step)
{
  switch (step.act) {
  case Act::retire:
    return "retire " + step.agent;
  case Act::tables:
    return "tables";
  case Act::accounts:
    return "accounts";
  case Act::leave:
    return "leave groups";
  case Act::shells:
    return "shells";
  case Act::directories:
    return "directories";
  case Act::secrets:
    return "secrets";
  case Act::stop:
    return "stop units";
  case Act::files:
    return step.agent.empty() ? "files of all" : "files of " + step.agent;
  case Act::links:
    return "links";
  case Act::reload:
    return "reload";
  case Act::enable:
    return "enable units";
  case Act::firewall:
    return "firewall";
  case Act::sysctls:
    return "kernel parameters";
  case Act::start:
    return "start units";
  case Act::lock:
    return "lock";
  case Act::packages:
    return "packages";
  case Act::record:
    break;
  }
  return "record";
}

} // namespace conos::plan
