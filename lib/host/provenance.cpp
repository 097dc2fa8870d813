#include "host/provenance.hpp"

#include "sys/file.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace conos {

bool is_agent_name(std::string_view name)
{
  constexpr std::size_t k_longest = 29;
  if (name.empty() || name.size() > k_longest || name.front() < 'a' || name.front() > 'z' ||
      name.back() == '-') {
    return false;
  }
  char before = '-';
  for (const char c : name) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!word && (c != '-' || before == '-')) {
      return false;
    }
    before = c;
  }
  return true;
}

namespace {

// What a null from getpwuid(3) and its kin means: there is no such entry, for which libraries have
// these errno values, or nobody could look. For the line after the call, errno set to 0 before it.
bool is_absent()
{
  return errno == 0 || errno == ENOENT || errno == ESRCH || errno == EBADF || errno == EPERM;
}

Result<const passwd*> find_user(uid_t uid)
{
  errno = 0;
  const passwd* entry = ::getpwuid(uid);
  if (entry == nullptr && !is_absent()) {
    return os_error("look up uid {}", uid);
  }
  return entry;
}

Result<const group*> find_group(const char* name)
{
  errno = 0;
  const group* entry = ::getgrnam(name);
  if (entry == nullptr && !is_absent()) {
    return os_error("look up group '{}'", name);
  }
  return entry;
}

} // namespace

Result<std::string> account_name(uid_t uid)
{
  CONOS_TRY(const auto* entry, find_user(uid));
  return entry != nullptr ? entry->pw_name : fmt::format("uid:{}", uid);
}

std::string acting_account()
{
  const auto named = [](uid_t uid) {
    return account_name(uid).value_or(fmt::format("uid:{}", uid));
  };
  const uid_t self = ::getuid();
  const auto login = read_path("/proc/self/loginuid", 32); // the kernel's word, set once at login
  unsigned long uid = 0;
  if (self != 0 || !login ||
      std::from_chars(login->data(), login->data() + login->size(), uid).ec != std::errc() ||
      uid >= static_cast<uid_t>(-1)) {
    return named(self);
  }
  return named(static_cast<uid_t>(uid));
}

std::optional<std::string> agent_of_account(const std::string& account)
{
  if (account.starts_with("a-") && is_agent_name(account.substr(2))) {
    return account.substr(2);
  }
  return std::nullopt;
}

namespace {

// getgrouplist(3) says the same, and cannot say that it could not look.
Result<bool> is_member(uid_t uid, const char* group_name)
{
  CONOS_TRY(const auto* group, find_group(group_name));
  CONOS_TRY(const auto* user, find_user(uid));
  if (group == nullptr || user == nullptr) {
    return false;
  }
  bool listed = false;
  for (char** member = group->gr_mem; *member != nullptr; ++member) {
    listed = listed || std::strcmp(*member, user->pw_name) == 0;
  }
  return listed || user->pw_gid == group->gr_gid;
}

} // namespace

Result<bool> TrustedUsers::trusts(uid_t uid)
{
  if (uid == 0) {
    return true;
  }
  const auto known = m_known.find(uid);
  if (known != m_known.end()) {
    return known->second;
  }
  // an agent is never trusted, whatever groups somebody has put it into
  CONOS_TRY(const auto name, account_name(uid));
  CONOS_TRY(const bool member, is_member(uid, "trusted"));
  const bool answer = member && !agent_of_account(name);
  m_known[uid] = answer;
  return answer;
}

} // namespace conos
