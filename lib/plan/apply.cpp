#include "plan/apply.hpp"

#include "audit/ledger.hpp"
#include "audit/sha256.hpp"
#include "host/acl.hpp"
#include "host/provenance.hpp"
#include "host/units.hpp"
#include "pkg/manage.hpp"
#include "plan/files.hpp"
#include "plan/repairs.hpp"
#include "plan/retire.hpp"
#include "plan/tables.hpp"
#include "plan/tools.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"
#include "task/site.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>

namespace conos::plan {

namespace {

constexpr Duration k_unit_time = std::chrono::seconds(90); // with many agents systemd is slow
constexpr auto k_actor = "root/conos-bootstrap";

class Applier
{
public:
  Applier(const Place& place, const State& wanted, const Plan& plan, CanLock can_lock)
      : m_place(place)
      , m_wanted(wanted)
      , m_lock(can_lock == CanLock::yes ? Lock::yes : Lock::no)
  {
    for (const auto& step : plan.steps) {
      m_changes += step.changes.size();
      m_reloads = m_reloads || step.act == Act::reload;
    }
  }

  // Says in the ledger what an earlier run began to mend and did not live to say.
  Result<> catch_up(const Plan& plan)
  {
    CONOS_TRY(const auto kept, read_repairs(m_place));
    return kept.empty() ? Result<>{} : say(begun(kept, plan));
  }

  // Does the step, and says in the ledger what of it mended somebody else's change.
  Result<> step(const Step& step)
  {
    std::vector<Repair> repairs;
    for (const auto& change : step.changes) {
      if (change.drift && step.act != Act::record) {
        repairs.push_back({{"drift.repaired", k_actor, payload_of(step, change).dump(), ""},
          title_of(step), change.subject, change.what});
      }
    }
    if (repairs.empty()) {
      return act(step);
    }
    CONOS_CHECK(keep_repairs(m_place, repairs));
    CONOS_CHECK(act(step));
    m_repaired += repairs.size();
    return say(repairs);
  }

private:
  Result<> act(const Step& step)
  {
    switch (step.act) {
    case Act::retire:
      return retired(step.agent);
    case Act::tables:
    case Act::files:
      return files(step);
    case Act::accounts:
      return accounts();
    case Act::leave:
      return each(step, [&](const Change& change) {
        return run_tool(with_root({"gpasswd"}, {"--delete", change.subject, change.what}));
      });
    case Act::shells:
      return each(step, [&](const Change& change) {
        return run_tool(with_root({"usermod"}, {"--shell", "/usr/sbin/nologin", change.subject}));
      });
    case Act::directories:
      return directories(step);
    case Act::stop:
      return stop(step);
    case Act::links:
      return each(step, [&](const Change& change) {
        return write_link(m_place, m_wanted.links[change.index], m_accounts.value());
      });
    case Act::enable:
      return enable(step);
    case Act::reload:
      return reload();
    case Act::firewall:
      return run_tool({"/usr/sbin/nft", "--file", k_firewall});
    case Act::sysctls:
      return sysctls(step);
    case Act::start:
      return start(step);
    case Act::lock:
      return each(step, [&](const Change& change) {
        return lock_file(m_place, change.subject);
      });
    case Act::packages:
      return packages(step);
    case Act::record:
    case Act::secrets: // apply() has those done
      break;
    }
    return record(step);
  }

  // One after the other: what one agent's cannot be had for is no reason against another's.
  Result<> packages(const Step& step) const
  {
    std::map<std::string, pkg::Deed> deeds;
    for (const auto& change : step.changes) {
      const auto& package = m_wanted.packages[change.index];
      auto& deed = deeds[package.agent];
      deed.agent = package.agent;
      deed.by = acting_account();
      deed.wanted.push_back({package.name, ""});
    }
    CONOS_TRY(
      auto manager, pkg::Manager::open(m_place.site.lib, {m_wanted.packages_deny, {}, {}}, [] {
        log::notice("waiting for another conos-pkg");
      }));
    Result<> first_error;
    for (auto& [agent, deed] : deeds) {
      const auto installed = [&, &wanted = deed]() -> Result<> {
        CONOS_TRY(const auto proposal, manager.propose(std::move(wanted), pkg::Refresh::yes));
        return manager.carry_out(proposal);
      }();
      if (!installed) {
        log::error("packages of '{}': {}", agent, installed.error().text());
        first_error = first_error ? tl::unexpected<Error>(installed.error()) : first_error;
      }
    }
    return first_error;
  }

  // "mode 0755 to 0750" is before and after; of a content it is the digests.
  nlohmann::json payload_of(const Step& step, const Change& change) const
  {
    nlohmann::json payload{
      {"step", title_of(step)}, {"subject", change.subject}, {"what", change.what}};
    if (!change.before_sha256.empty()) {
      const auto& file = m_wanted.files[change.index];
      payload["before_sha256"] = change.before_sha256;
      payload["after_sha256"] = file.wanted ? audit::sha256_hex(*file.content) : "";
    }
    return payload;
  }

  Result<> append(const std::vector<audit::Row>& rows) const
  {
    CONOS_TRY(auto ledger, audit::Ledger::open(m_place.site.lib));
    return ledger.append(rows).map([](const auto&) {
      // nobody asks for their receipts
    });
  }

  Result<> say(const std::vector<Repair>& repairs) const
  {
    std::vector<audit::Row> rows;
    for (const auto& repair : repairs) {
      rows.push_back(repair.row);
    }
    CONOS_CHECK(rows.empty() ? Result<>{} : append(rows));
    return forget_repairs(m_place);
  }

  // The row is kept before anything goes: it names the archive.
  Result<> retired(const std::string& agent) const
  {
    const auto gone =
      std::find_if(m_wanted.retired.begin(), m_wanted.retired.end(), [&](const Retired& one) {
        return one.name == agent;
      });
    CONOS_TRY(const auto archive, put_away(m_place, *gone, m_wanted.archive));
    std::vector<Repair> row{{{"agent.retired", k_actor,
                               nlohmann::json{{"agent", agent}, {"archive", archive}}.dump(), ""},
      "retire " + agent, archive, ""}};
    CONOS_CHECK(keep_repairs(m_place, row));
    CONOS_CHECK(take_away(m_place, *gone));
    return say(row);
  }

  template<class Deed>
  Result<> each(const Step& step, const Deed& deed)
  {
    CONOS_CHECK(know_accounts());
    for (const auto& change : step.changes) {
      CONOS_CHECK(deed(change));
    }
    return {};
  }

  // The accounts as they are now; asked again after they were changed.
  Result<> know_accounts()
  {
    if (!m_accounts) {
      CONOS_TRY(m_accounts, read_accounts(m_place.root));
    }
    return {};
  }

  std::vector<std::string> with_root(
    std::vector<std::string> argv, const std::vector<std::string>& rest) const
  {
    if (!m_place.root.empty()) {
      argv.insert(argv.end(), {"--root", m_place.root});
    }
    argv.insert(argv.end(), rest.begin(), rest.end());
    return argv;
  }

  Result<> accounts()
  {
    m_accounts.reset();
    const auto made = run_tool(with_root({"systemd-sysusers"},
      {m_place.vendor + "/sysusers.d/conos.conf", m_place.root + k_agents_sysusers}));
    if (!made && is_full(m_place.root + "/etc")) { // which it does not say
      return tl::unexpected<Error>(Error{
        made.error().kind, ENOSPC, fmt::format("{} in '{}/etc'", made.error().what, m_place.root)});
    }
    return made;
  }

  // Too full for the copies that are made of files of accounts before they are replaced.
  static bool is_full(const std::string& dir)
  {
    constexpr std::uint64_t k_copies = 64U << 10U;
    struct statvfs of = {};
    return ::statvfs(dir.c_str(), &of) == 0 &&
           (of.f_bavail * of.f_frsize < k_copies || (of.f_files != 0 && of.f_favail < 8));
  }

  // By number, for the names of an image are not this machine's.
  static Directory numbered(Directory directory, const Names& names)
  {
    directory.owner = names.user_number(directory.owner);
    directory.group = names.group_number(directory.group);
    for (auto* acl : {&directory.acl, &directory.default_acl}) {
      for (auto& entry : *acl) {
        entry = names.entry_by_number(entry);
      }
    }
    return directory;
  }

  // What has a directory's name and is none. The directory above is root's in every case.
  static Result<> move_aside(const std::string& path)
  {
    struct stat st = {};
    const bool is_other = ::lstat(path.c_str(), &st) == 0 && !S_ISDIR(st.st_mode);
    return !is_other || ::rename(path.c_str(), (path + k_saved).c_str()) == 0
             ? Result<>{}
             : os_error("move '{}' aside", path);
  }

  // Only the lines of what differs: the others could at best change nothing.
  Result<> directories(const Step& step)
  {
    CONOS_CHECK(know_accounts());
    const Names names(*m_accounts);
    std::string lines;
    for (const auto& change : step.changes) {
      const auto& directory = m_wanted.directories[change.index];
      CONOS_CHECK(move_aside(m_place.root + directory.path));
      lines += tmpfiles_of(numbered(directory, names));
      if (directory.default_acl.empty()) { // which systemd-tmpfiles takes from nobody
        CONOS_CHECK(drop_default_acl(m_place.root + directory.path));
      }
    }
    CONOS_TRY(const auto input, memory_file(lines).map_error(during("write for systemd-tmpfiles")));
    return run_tool(with_root({"systemd-tmpfiles", "--create"}, {"-"}), input.get());
  }

  Result<> files(const Step& step)
  {
    CONOS_CHECK(know_accounts());
    if (m_reloads) {
      CONOS_CHECK(mark_reload());
    }
    // so that no claim meets new instructions with old settings
    std::optional<AgentLock> lock;
    if (!step.agent.empty()) {
      CONOS_TRY(lock, AgentLock::take(m_place.site, step.agent));
    }
    for (const auto& change : step.changes) {
      const auto& file = m_wanted.files[change.index];
      CONOS_CHECK(is_good(file));
      CONOS_CHECK(change.save ? save_file(m_place, file) : Result<>{});
      CONOS_CHECK(file.wanted ? write_file(m_place, file, *m_accounts, m_lock)
                              : remove_file(m_place, file.path));
      CONOS_CHECK(end_reader(file));
    }
    return {};
  }

  // What runs with what the file said before; whoever needs it next starts it anew.
  Result<> end_reader(const File& file) const
  {
    if (file.reader.empty() || !m_place.root.empty()) {
      return {};
    }
    CONOS_TRY(const auto systemd, Units::connect(k_unit_time));
    auto stopped = systemd.stop(file.reader);
    return !stopped && stopped.error().kind == Kind::not_found ? Result<>{} : stopped;
  }

  // A sudoers file with a mistake in it would lock everybody out of sudo.
  Result<> is_good(const File& file) const
  {
    // in an image it is checked by nobody, and the same text as everywhere
    if (file.path != k_sudoers || !file.wanted || !m_place.root.empty()) {
      return {};
    }
    CONOS_TRY(const auto input, memory_file(*file.content));
    return run_tool({"/usr/sbin/visudo", "--check", "--quiet", "--file=-"}, input.get());
  }

  Result<> mark_reload() const
  {
    const auto path = m_place.root + k_reload_mark;
    const UniqueFd mark(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    return mark ? Result<>{} : os_error("make '{}'", k_reload_mark);
  }

  Result<> reload()
  {
    CONOS_TRY(const auto systemd, Units::connect(k_unit_time));
    CONOS_CHECK(systemd.reload());
    const auto path = m_place.root + k_reload_mark;
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) {
      return os_error("remove '{}'", k_reload_mark);
    }
    return {};
  }

  Result<> stop(const Step& step) const
  {
    if (!m_place.root.empty()) {
      return offline("disable", step);
    }
    CONOS_TRY(const auto systemd, Units::connect(k_unit_time));
    for (const auto& change : step.changes) {
      auto stopped = systemd.stop(change.subject);
      if (!stopped && stopped.error().kind != Kind::not_found) {
        return stopped;
      }
    }
    CONOS_TRY(const auto changed, systemd.disable(names_of(step)));
    (void)changed; // the next look will tell
    return {};
  }

  static std::vector<std::string> names_of(const Step& step)
  {
    std::vector<std::string> names;
    for (const auto& change : step.changes) {
      names.push_back(change.subject);
    }
    return names;
  }

  // Of an image systemd is not running, and its links are made all the same.
  Result<> offline(const std::string& verb, const Step& step) const
  {
    std::vector<std::string> argv{"systemctl", "--quiet", "--root=" + m_place.root, verb, "--"};
    for (auto& name : names_of(step)) {
      argv.push_back(std::move(name));
    }
    return run_tool(std::move(argv));
  }

  Result<> enable(const Step& step) const
  {
    if (!m_place.root.empty()) {
      return offline("enable", step);
    }
    CONOS_TRY(const auto systemd, Units::connect(k_unit_time));
    CONOS_TRY(const auto changed, systemd.enable(names_of(step)));
    (void)changed; // the next look will tell
    return {};
  }

  static Result<> start(const Step& step)
  {
    CONOS_TRY(const auto systemd, Units::connect(k_unit_time));
    for (const auto& change : step.changes) {
      CONOS_CHECK(systemd.start(change.subject));
    }
    return {};
  }

  Result<> sysctls(const Step& step) const
  {
    for (const auto& change : step.changes) {
      auto path = "/proc/sys/" + change.subject;
      std::replace(path.begin() + 10, path.end(), '.', '/');
      const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
      if (!file) {
        return os_error("open '{}'", path);
      }
      CONOS_CHECK(write_all(file, std::to_string(m_wanted.sysctls[change.index].least))
                    .map_error(during("set " + change.subject)));
    }
    return {};
  }

  // Everything is on disk before the record says so.
  Result<> record(const Step& step)
  {
    for (const auto* path : {"/etc", "/srv/conos", "/var/lib/conos"}) {
      CONOS_TRY(const auto dir, open_dir(m_place.root + path));
      CONOS_CHECK(sync_filesystem(dir).map_error(during(path)));
    }
    const nlohmann::json payload{{"agents", m_wanted.accounts.size()}, {"changes", m_changes},
      {"repaired", m_repaired}, {"config_sha256", m_wanted.config_sha256}};
    CONOS_CHECK(append({{"config.applied", k_actor, payload.dump(), ""}}));
    CONOS_TRY(const auto lib, open_dir(m_place.site.lib));
    // one that says the same is left, for nobody would take away what a kill leaves of replacing it
    const auto& what = step.changes.front().what;
    if (what != k_unchanged && what != k_unsaid) {
      CONOS_CHECK(know_accounts());
      CONOS_CHECK(write_file(m_place, m_wanted.applied, *m_accounts, Lock::no));
    }
    CONOS_CHECK(set_time(lib, "applied.json"));
    return sync_filesystem(lib).map_error(during(m_place.site.lib));
  }

  // Now. In an image older than any conos.toml: conos-bootstrap.service does at the first boot what
  // is left to do.
  Result<> set_time(const UniqueFd& dir, const char* name) const
  {
    const std::array<timespec, 2> old{};
    const auto* times = m_place.root.empty() ? nullptr : old.data();
    return ::utimensat(dir.get(), name, times, AT_SYMLINK_NOFOLLOW) == 0
             ? Result<>{}
             : os_error("set the time of '{}'", name);
  }

  const Place& m_place;
  const State& m_wanted;
  Lock m_lock;
  std::size_t m_changes = 0;
  std::size_t m_repaired = 0;
  bool m_reloads = false;
  std::optional<Accounts> m_accounts;
};

} // namespace

Result<> apply(const Place& place, const State& wanted, const Plan& plan, CanLock can_lock,
  const std::function<Result<>()>& take_in, const std::function<void(const Step&)>& done)
{
  Applier applier(place, wanted, plan, can_lock);
  CONOS_CHECK(applier.catch_up(plan).map_error(during("catch up with the ledger")));
  for (const auto& step : plan.steps) {
    const auto did = step.act == Act::secrets ? take_in() : applier.step(step);
    CONOS_CHECK(did.map_error(during(title_of(step))));
    done(step);
  }
  return {};
}

} // namespace conos::plan
