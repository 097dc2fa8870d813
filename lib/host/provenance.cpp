#include "host/provenance.hpp"

#include "sys/file.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <vector>

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

std::string account_name(uid_t uid)
{
  const passwd* entry = ::getpwuid(uid);
  return entry != nullptr ? entry->pw_name : fmt::format("uid:{}", uid);
}

std::string acting_account()
{
  const uid_t self = ::getuid();
  const auto login = read_path("/proc/self/loginuid", 32); // the kernel's word, set once at login
  unsigned long uid = 0;
  if (self != 0 || !login ||
      std::from_chars(login->data(), login->data() + login->size(), uid).ec != std::errc() ||
      uid >= static_cast<uid_t>(-1)) {
    return account_name(self);
  }
  return account_name(static_cast<uid_t>(uid));
}

std::optional<std::string> agent_of_account(const std::string& account)
{
  if (account.starts_with("a-") && is_agent_name(account.substr(2))) {
    return account.substr(2);
  }
  return std::nullopt;
}

namespace {

bool is_member(uid_t uid, const char* group_name)
{
  const group* group = ::getgrnam(group_name);
  if (group == nullptr) {
    return false;
  }
  const gid_t wanted = group->gr_gid;
  const passwd* user = ::getpwuid(uid);
  if (user == nullptr) {
    return false;
  }
  int count = 64;
  std::vector<gid_t> groups(64);
  if (::getgrouplist(user->pw_name, user->pw_gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(user->pw_name, user->pw_gid, groups.data(), &count) < 0) {
      return false;
    }
  }
  groups.resize(static_cast<std::size_t>(count));
  return std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

} // namespace

bool TrustedUsers::trusts(uid_t uid)
{
  if (uid == 0) {
    return true;
  }
  const auto known = m_known.find(uid);
  if (known != m_known.end()) {
    return known->second;
  }
  // an agent is never trusted, whatever groups somebody has put it into
  const bool answer = !agent_of_account(account_name(uid)) && is_member(uid, "trusted");
  m_known[uid] = answer;
  return answer;
}

} // namespace conos
