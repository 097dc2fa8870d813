#include "host/accounts.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <sys/fsuid.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace conos {

namespace {

constexpr std::size_t k_max_database_bytes = 64U << 20U;

std::optional<unsigned> number(std::string_view text)
{
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Result<std::string> database(const std::string& path)
{
  auto text = read_path(path, k_max_database_bytes);
  if (!text && text.error().kind == Kind::not_found) {
    return "";
  }
  return text;
}

std::vector<User> users_of(std::string_view text)
{
  std::vector<User> users;
  for (const auto line : split(text, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() != 7) {
      continue;
    }
    const auto uid = number(fields[2]);
    const auto gid = number(fields[3]);
    if (uid && gid) {
      users.push_back(
        {std::string(fields[0]), *uid, *gid, std::string(fields[5]), std::string(fields[6])});
    }
  }
  return users;
}

std::vector<Group> groups_of(std::string_view text)
{
  std::vector<Group> groups;
  for (const auto line : split(text, '\n')) {
    const auto fields = split(line, ':');
    const auto gid = fields.size() == 4 ? number(fields[2]) : std::nullopt;
    if (!gid) {
      continue;
    }
    Group group{std::string(fields[0]), *gid, {}};
    for (const auto member : split(fields[3], ',')) {
      if (!member.empty()) {
        group.members.emplace_back(member);
      }
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

template<class List, class Is>
auto find(const List& list, const Is& is) -> decltype(&list.front())
{
  const auto found = std::find_if(list.begin(), list.end(), is);
  return found == list.end() ? nullptr : &*found;
}

} // namespace

const User* Accounts::user(std::string_view name) const
{
  return find(users, [&](const User& user) {
    return user.name == name;
  });
}

const User* Accounts::user(uid_t uid) const
{
  return find(users, [&](const User& user) {
    return user.uid == uid;
  });
}

const Group* Accounts::group(std::string_view name) const
{
  return find(groups, [&](const Group& group) {
    return group.name == name;
  });
}

const Group* Accounts::group(gid_t gid) const
{
  return find(groups, [&](const Group& group) {
    return group.gid == gid;
  });
}

bool Accounts::is_listed(std::string_view user, std::string_view group_name) const
{
  const auto* entry = group(group_name);
  return entry != nullptr &&
         std::find(entry->members.begin(), entry->members.end(), user) != entry->members.end();
}

Result<Accounts> read_accounts(const std::string& root)
{
  CONOS_TRY(const auto passwd, database(root + "/etc/passwd"));
  CONOS_TRY(const auto group, database(root + "/etc/group"));
  return Accounts{users_of(passwd), groups_of(group)};
}

// setfsuid tells nothing of its own success: asking with an impossible id returns the current one.
ActingAs::ActingAs(uid_t uid, gid_t gid)
{
  (void)::setfsgid(gid);
  (void)::setfsuid(uid);
  m_good = static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1))) == uid &&
           static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1))) == gid;
}

ActingAs::~ActingAs()
{
  (void)::setfsuid(::geteuid());
  (void)::setfsgid(::getegid());
}

} // namespace conos
