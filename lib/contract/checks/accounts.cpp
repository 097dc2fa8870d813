#include "contract/checks/look.hpp"
#include "sys/text.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_entry = 64U << 10U;

// An account that is not in /etc/passwd may be in a directory service; then the C library knows.
std::optional<User> ask_for_user(const std::string& name)
{
  std::string buffer(k_max_entry, '\0');
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return std::nullopt;
  }
  return User{found->pw_name, found->pw_uid, found->pw_gid, found->pw_dir, found->pw_shell};
}

std::vector<std::string> groups_of(Machine& machine, const Directory& directory, const User& user)
{
  std::set<std::string> names{machine.group_name(user.gid)};
  if (const auto listed = directory.groups_of.find(user.name);
      listed != directory.groups_of.end()) {
    for (const auto* group : listed->second) {
      names.insert(group->name);
    }
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> members_of(const Directory& directory, const Group& group)
{
  std::set<std::string> names(group.members.begin(), group.members.end());
  for (const auto& user : directory.accounts.users) {
    if (user.gid == group.gid) {
      names.insert(user.name);
    }
  }
  return {names.begin(), names.end()};
}

} // namespace

Outcome look_at_user(const Look& look)
{
  const auto& directory = look.machine.directory();
  if (!directory) {
    return Outcome::broken(directory.error().text());
  }
  const auto name = look.params().text("name");
  const auto found = (*directory)->users.find(name);
  const auto user =
    found != (*directory)->users.end() ? std::optional(*found->second) : ask_for_user(name);
  Subject subject;
  subject.name = "user '" + escaped(name, 64) + "'";
  subject.exists = user.has_value();
  if (user) {
    subject.add("uid", std::int64_t{user->uid});
    subject.add("group", look.machine.group_name(user->gid));
    subject.add("groups", groups_of(look.machine, **directory, *user));
    subject.add("home", user->home);
    subject.add("shell", user->shell);
  }
  return judge(look, {subject});
}

Outcome look_at_group(const Look& look)
{
  const auto& directory = look.machine.directory();
  if (!directory) {
    return Outcome::broken(directory.error().text());
  }
  const auto name = look.params().text("name");
  const auto found = (*directory)->groups.find(name);
  Subject subject;
  subject.name = "group '" + escaped(name, 64) + "'";
  subject.exists = found != (*directory)->groups.end();
  if (subject.exists) {
    subject.add("gid", std::int64_t{found->second->gid});
    if (look.asks("members")) {
      subject.add("members", members_of(**directory, *found->second));
    }
  }
  return judge(look, {subject});
}

} // namespace conos::contract
