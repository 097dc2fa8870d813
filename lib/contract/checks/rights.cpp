#include "contract/checks/paths.hpp"
#include "host/acl.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <memory>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_acl = 64U << 10U;

// Of linux/posix_acl.h, which is not for programs.
constexpr unsigned k_acl_user = 0x02;
constexpr unsigned k_acl_group_obj = 0x04;
constexpr unsigned k_acl_group = 0x08;
constexpr unsigned k_acl_mask = 0x10;

void take_acl(std::string_view bytes, Rights& rights)
{
  posix_acl_xattr_header header{};
  if (bytes.size() < sizeof(header)) {
    return;
  }
  for (auto rest = bytes.substr(sizeof(header)); rest.size() >= sizeof(posix_acl_xattr_entry);
       rest.remove_prefix(sizeof(posix_acl_xattr_entry))) {
    posix_acl_xattr_entry entry{};
    (void)rest.copy(reinterpret_cast<char*>(&entry), sizeof(entry));
    const unsigned tag = le16toh(entry.e_tag);
    const unsigned bits = le16toh(entry.e_perm);
    if (tag == k_acl_user || tag == k_acl_group) {
      rights.named.push_back({tag == k_acl_group, le32toh(entry.e_id), bits});
    } else if (tag == k_acl_group_obj) {
      rights.group_bits = bits;
    } else if (tag == k_acl_mask) {
      rights.mask = bits;
    }
  }
}

std::string rwx(unsigned bits)
{
  std::string out = "---";
  constexpr std::string_view k_letters = "rwx";
  for (std::size_t i = 0; i < 3; ++i) {
    if ((bits & (4U >> i)) != 0) {
      out[i] = k_letters[i];
    }
  }
  return out;
}

struct Account {
  uid_t uid = 0;
  std::vector<gid_t> groups;
};

Result<Account> account_of(Machine& machine, const std::string& name)
{
  const auto& directory = machine.directory();
  if (!directory) {
    return tl::unexpected(directory.error());
  }
  const auto found = (*directory)->users.find(name);
  if (found == (*directory)->users.end()) {
    return fail(Kind::not_found, "there is no user '{}'", escaped(name, 64));
  }
  Account out{found->second->uid, {found->second->gid}};
  if (const auto listed = (*directory)->groups_of.find(name);
      listed != (*directory)->groups_of.end()) {
    for (const auto* group : listed->second) {
      out.groups.push_back(group->gid);
    }
  }
  return out;
}

// Root may read and write whatever it likes, and run what anybody may.
unsigned effective(const Rights& rights, const Account& account)
{
  if (account.uid == 0) {
    return S_ISDIR(rights.mode) || (rights.mode & 0111) != 0 ? 7U : 6U;
  }
  return bits_of(rights, account.uid, account.groups);
}

Result<bool> is_reachable(Machine& machine, const std::string& path, const Account& account)
{
  for (auto here = parent_of(path);; here = parent_of(here)) {
    CONOS_TRY(const auto rights, machine.rights(here));
    if ((effective(*rights, account) & 1U) == 0) {
      return false;
    }
    if (here == "/") {
      return true;
    }
  }
}

// Both ways to it have to be open: the one that is written, and the one its links lead to.
Result<bool> is_reachable_by_name(
  Machine& machine, const std::string& path, const std::string& real, const Account& account)
{
  CONOS_TRY(const bool by_real, is_reachable(machine, real, account));
  if (!by_real || real == path) {
    return by_real;
  }
  return is_reachable(machine, path, account);
}

struct Access {
  bool is_reachable = false;
  unsigned bits = 0;
};

Result<Access> access_of(
  Machine& machine, const std::string& path, const std::string& real, const std::string& user)
{
  CONOS_TRY(const auto account, account_of(machine, user));
  CONOS_TRY(const bool is_reachable, is_reachable_by_name(machine, path, real, account));
  CONOS_TRY(const auto rights, machine.rights(real));
  return Access{is_reachable, is_reachable ? effective(*rights, account) : 0U};
}

Result<std::vector<std::string>> entries(const Look& look, const std::string& path, AclOf which)
{
  const UniqueFd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) {
    return os_error("open '{}'", escaped(path));
  }
  const auto& directory = look.machine.directory();
  if (!directory) {
    return tl::unexpected(directory.error());
  }
  return acl_entries(file, which, Names((*directory)->accounts));
}

Result<Subject> subject_of(const Look& look, const std::string& path)
{
  Subject subject;
  subject.name = fmt::format("'{}'", escaped(path, 200));
  const std::unique_ptr<char, decltype(&std::free)> real(
    ::realpath(path.c_str(), nullptr), &std::free);
  if (!real) {
    if (errno == ENOENT || errno == ENOTDIR) {
      subject.exists = false;
      return subject;
    }
    return os_error("look at '{}'", escaped(path));
  }
  if (const auto user = look.params().text("user"); !user.empty()) {
    CONOS_TRY(const auto access, access_of(look.machine, path, real.get(), user));
    subject.name += fmt::format(" for user '{}'", escaped(user, 64));
    subject.add("reachable", access.is_reachable);
    subject.add("rights", rwx(access.bits));
  }
  if (look.asks("entries")) {
    CONOS_TRY(auto own, entries(look, path, AclOf::access));
    subject.add("entries", std::move(own));
  }
  if (look.asks("defaults")) {
    CONOS_TRY(auto defaults, entries(look, path, AclOf::fallback));
    subject.add("defaults", std::move(defaults));
  }
  return subject;
}

Result<std::vector<Subject>> subjects_of(const Look& look)
{
  CONOS_TRY(const auto paths, expand(look, look.path("path")));
  std::vector<Subject> out;
  for (const auto& path : paths) {
    CONOS_TRY(auto subject, subject_of(look, path));
    out.push_back(std::move(subject));
  }
  return out;
}

} // namespace

Result<Rights> read_rights(const std::string& path)
{
  struct stat status = {};
  if (::stat(path.c_str(), &status) < 0) {
    return os_error("look at '{}'", escaped(path));
  }
  Rights rights;
  rights.mode = status.st_mode;
  rights.uid = status.st_uid;
  rights.gid = status.st_gid;
  rights.group_bits = (status.st_mode >> 3U) & 7U;
  std::string bytes(256, '\0');
  auto got = ::getxattr(path.c_str(), "system.posix_acl_access", bytes.data(), bytes.size());
  if (got < 0 && errno == ERANGE) {
    bytes.resize(k_max_acl);
    got = ::getxattr(path.c_str(), "system.posix_acl_access", bytes.data(), bytes.size());
  }
  if (got < 0 && errno != ENODATA && errno != EOPNOTSUPP) {
    return os_error("read the ACL of '{}'", escaped(path));
  }
  if (got > 0) {
    take_acl(std::string_view(bytes).substr(0, static_cast<std::size_t>(got)), rights);
  }
  return rights;
}

unsigned bits_of(const Rights& rights, uid_t uid, const std::vector<gid_t>& groups)
{
  if (uid == rights.uid) {
    return (rights.mode >> 6U) & 7U;
  }
  for (const auto& named : rights.named) {
    if (!named.is_group && named.id == uid) {
      return named.bits & rights.mask;
    }
  }
  const auto is_in = [&](gid_t gid) {
    return std::find(groups.begin(), groups.end(), gid) != groups.end();
  };
  bool fits = is_in(rights.gid);
  unsigned bits = fits ? rights.group_bits : 0U;
  for (const auto& named : rights.named) {
    if (named.is_group && is_in(named.id)) {
      fits = true;
      bits |= named.bits; // of several entries that fit, any that grants is enough
    }
  }
  return fits ? bits & rights.mask : rights.mode & 7U;
}

Result<std::string> rights_of(Machine& machine, const std::string& path, const std::string& user)
{
  const std::unique_ptr<char, decltype(&std::free)> real(
    ::realpath(path.c_str(), nullptr), &std::free);
  if (!real) {
    return os_error("look at '{}'", escaped(path));
  }
  CONOS_TRY(const auto access, access_of(machine, path, real.get(), user));
  return rwx(access.bits);
}

Outcome look_at_rights(const Look& look)
{
  return judge_files(look, subjects_of(look));
}

} // namespace conos::contract
