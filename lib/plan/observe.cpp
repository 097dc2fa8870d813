#include "plan/observe.hpp"

#include "host/acl.hpp"
#include "host/units.hpp"
#include "pkg/apt.hpp"
#include "plan/files.hpp"
#include "plan/repairs.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <map>

namespace conos::plan {

namespace {

constexpr std::size_t k_max_file_bytes = 16U << 20U;
constexpr Duration k_nft_time = std::chrono::seconds(30);

class Observer
{
public:
  Observer(const Place& place, const State& state)
      : m_place(place)
      , m_state(state)
  {
  }

  Result<Seen> look()
  {
    CONOS_TRY(m_seen.accounts, read_accounts(m_place.root));
    m_names.emplace(m_seen.accounts);
    for (const auto& directory : m_state.directories) {
      CONOS_TRY(auto seen, directory_at(directory.path));
      m_seen.directories.push_back(std::move(seen));
    }
    for (const auto& file : m_state.files) {
      CONOS_TRY(auto seen, file_at(file));
      m_seen.files.push_back(std::move(seen));
    }
    CONOS_TRY(m_seen.applied, file_at(m_state.applied));
    for (const auto& link : m_state.links) {
      CONOS_TRY(auto seen, link_at(link.path));
      m_seen.links.push_back(std::move(seen));
    }
    CONOS_CHECK(units());
    CONOS_CHECK(packages());
    CONOS_TRY(m_seen.firewall, firewall());
    for (const auto& wanted : m_state.sysctls) {
      m_seen.sysctls.push_back(sysctl(wanted.key));
    }
    CONOS_TRY(m_seen.repairs_pending, is_there(m_place, k_repairs));
    CONOS_TRY(m_seen.reload_pending, is_there(m_place, k_reload_mark));
    return std::move(m_seen);
  }

private:
  Result<SeenDirectory> directory_at(const std::string& path) const
  {
    SeenDirectory seen;
    const auto whole = m_place.root + path;
    struct stat st = {};
    if (::lstat(whole.c_str(), &st) < 0) {
      return errno == ENOENT || errno == ENOTDIR ? Result<SeenDirectory>(seen)
                                                 : os_error("look at '{}'", path);
    }
    seen.exists = true;
    seen.is_directory = S_ISDIR(st.st_mode);
    seen.mode = st.st_mode & 07777U;
    seen.owner = m_names->user(st.st_uid);
    seen.group = m_names->group(st.st_gid);
    if (seen.is_directory) {
      const UniqueFd dir(::open(whole.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!dir) {
        return os_error("open '{}'", path);
      }
      CONOS_TRY(
        seen.acl, acl_entries(dir, AclOf::access, *m_names).map_error(during("'" + path + "'")));
      CONOS_TRY(seen.default_acl,
        acl_entries(dir, AclOf::fallback, *m_names).map_error(during("'" + path + "'")));
    }
    return seen;
  }

  Result<SeenFile> file_at(const File& wanted) const
  {
    SeenFile seen;
    const auto whole = m_place.root + wanted.path;
    const UniqueFd file(
      ::open(whole.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file && (errno == ENOENT || errno == ENOTDIR)) {
      return seen;
    }
    seen.exists = true;
    if (!file && errno == ELOOP) {
      CONOS_TRY(const auto target, target_of(wanted.path));
      seen.is_masked = target == "/dev/null";
      return seen;
    }
    if (!file) {
      return os_error("open '{}'", wanted.path);
    }
    CONOS_TRY(const auto st, stat_of(file).map_error(during("'" + wanted.path + "'")));
    seen.is_file = S_ISREG(st.st_mode);
    seen.mode = st.st_mode & 07777U;
    seen.owner = m_names->user(st.st_uid);
    seen.group = m_names->group(st.st_gid);
    if (seen.is_file && wanted.content) {
      CONOS_TRY(seen.content,
        read_all(file, k_max_file_bytes).map_error(during("read '" + wanted.path + "'")));
    }
    if (seen.is_file && wanted.immutable) {
      CONOS_TRY(seen.immutable, immutable_flag(file));
    }
    return seen;
  }

  // Empty where it has become something else since it was looked at.
  Result<std::string> target_of(const std::string& path) const
  {
    std::array<char, PATH_MAX> buffer{};
    const ssize_t size = ::readlink((m_place.root + path).c_str(), buffer.data(), buffer.size());
    if (size < 0) {
      return errno == EINVAL || errno == ENOENT ? Result<std::string>("")
                                                : os_error("read the link '{}'", path);
    }
    return std::string(buffer.data(), static_cast<std::size_t>(size));
  }

  Result<SeenLink> link_at(const std::string& path) const
  {
    SeenLink seen;
    struct stat st = {};
    if (::lstat((m_place.root + path).c_str(), &st) < 0) {
      return errno == ENOENT || errno == ENOTDIR ? Result<SeenLink>(seen)
                                                 : os_error("look at '{}'", path);
    }
    seen.exists = true;
    seen.is_directory = S_ISDIR(st.st_mode);
    if (S_ISLNK(st.st_mode)) {
      CONOS_TRY(seen.target, target_of(path));
    }
    return seen;
  }

  // One question to systemd for all; what is enabled is a symlink.
  Result<> units()
  {
    std::map<std::string, std::string> active;
    if (m_place.root.empty()) {
      CONOS_TRY(const auto systemd, Units::connect());
      CONOS_TRY(const auto all, systemd.list("conos-*"));
      for (const auto& unit : all) {
        active[unit.name] = unit.active;
        m_seen.loaded.insert(unit.name); // that there was no file it remembers as well
      }
    }
    for (const auto& unit : m_state.units) {
      CONOS_TRY(const bool enabled,
        is_there(m_place, fmt::format("{}/{}.wants/{}", k_units, unit.wanted_by, unit.name)));
      const auto& state = active[unit.name];
      m_seen.units.push_back(
        {enabled, state == "active" || state == "reloading" || state == "activating"});
    }
    return {};
  }

  // In an image all are missing, until its first boot.
  Result<> packages()
  {
    pkg::AllInstalled there;
    if (!m_state.packages.empty() && m_place.root.empty()) {
      CONOS_TRY(there, pkg::installed());
    }
    for (const auto& package : m_state.packages) {
      m_seen.packages.push_back(there.contains(package.name));
    }
    return {};
  }

  // Nothing where nft cannot ask the kernel: what loads the table will say so too.
  Result<std::optional<std::string>> firewall() const
  {
    if (!m_place.root.empty()) {
      return std::optional(std::string());
    }
    const std::vector<std::string> list{
      "/usr/sbin/nft", "--stateless", "--numeric", "list", "table", "inet", "conos"};
    CONOS_TRY(
      const auto ended, run_command({list, plain_environment(), "", -1}, {.time = k_nft_time}));
    if (ended.how == Ended::How::exited && ended.status == 0) {
      return std::optional(ended.out);
    }
    const bool absent = ended.err.find("No such file or directory") != ended.err.npos;
    return absent ? std::optional(std::string()) : std::optional<std::string>();
  }

  SeenSysctl sysctl(std::string key) const
  {
    SeenSysctl seen;
    std::replace(key.begin(), key.end(), '.', '/');
    const auto path = "/proc/sys/" + key;
    const auto text = m_place.root.empty() ? read_path(path, 64) : Result<std::string>("");
    if (text && !text->empty()) {
      seen.value = std::strtol(text->c_str(), nullptr, 10);
      // asking by access(2) would overlook a file system that is mounted read-only
      seen.settable = UniqueFd(::open(path.c_str(), O_WRONLY | O_CLOEXEC)).get() >= 0;
    }
    return seen;
  }

  const Place& m_place;
  const State& m_state;
  std::optional<Names> m_names;
  Seen m_seen;
};

} // namespace

Result<Seen> observe(const Place& place, const State& state)
{
  return Observer(place, state).look();
}

} // namespace conos::plan
