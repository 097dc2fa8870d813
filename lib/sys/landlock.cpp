#include "sys/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace conos {

namespace {

// Debian 12's header knows ABI 2; the numbers are the kernel's for good.
constexpr std::uint64_t k_truncate = 1U << 14U;
constexpr std::uint64_t k_scope_abstract_sockets = 1U << 0U;
constexpr std::uint64_t k_scope_signals = 1U << 1U;

struct RulesetAttributes {
  std::uint64_t handled_access_fs = 0;
  std::uint64_t handled_access_net = 0;
  std::uint64_t scoped = 0;
};

constexpr std::uint64_t k_in_files = LANDLOCK_ACCESS_FS_WRITE_FILE;
constexpr std::uint64_t k_in_directories =
  LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
  LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

struct Rights {
  std::uint64_t files;
  std::uint64_t directories; // of files in them as well
};

Rights rights_of(int abi)
{
  const auto files = k_in_files | (abi >= 3 ? k_truncate : 0);
  return {files, files | k_in_directories | (abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0)};
}

// A kernel takes a structure that is shorter than its own, and one that is longer only where the
// rest is zero.
Result<UniqueFd> make_rules(int abi)
{
  RulesetAttributes attributes;
  attributes.handled_access_fs = rights_of(abi).directories;
  attributes.scoped = abi >= 6 ? k_scope_abstract_sockets | k_scope_signals : 0;
  UniqueFd rules(
    static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
  if (!rules) {
    return os_error("make rules for Landlock");
  }
  return rules;
}

Result<> allow(const UniqueFd& rules, const std::string& place, const Rights& rights)
{
  const UniqueFd held(::open(place.c_str(), O_PATH | O_CLOEXEC));
  if (!held && (errno == ENOENT || errno == ENOTDIR)) {
    return {};
  }
  struct stat st = {};
  if (!held || ::fstat(held.get(), &st) < 0) {
    return os_error("look at '{}'", place);
  }
  landlock_path_beneath_attr beneath = {};
  beneath.allowed_access = S_ISDIR(st.st_mode) ? rights.directories : rights.files;
  beneath.parent_fd = held.get();
  if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0) {
    return os_error("allow writing in '{}'", place);
  }
  return {};
}

} // namespace

int landlock_abi()
{
  const auto abi =
    ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

Result<UniqueFd> write_only_in(const std::vector<std::string>& places)
{
  const int abi = landlock_abi();
  if (abi == 0) {
    return fail(Kind::unavailable, "the kernel has no Landlock");
  }
  CONOS_TRY(auto rules, make_rules(abi));
  for (const auto& place : places) {
    CONOS_CHECK(allow(rules, place, rights_of(abi)));
  }
  return rules;
}

bool take_on(int rules)
{
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_landlock_restrict_self, rules, 0) == 0;
}

} // namespace conos
