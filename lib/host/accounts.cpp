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

// "u:QUALIFIER:rwx" with another qualifier; entries that have none are as they were.
template<class Other>
std::string with_qualifier(std::string_view entry, const Other& other)
{
  const bool is_user = entry.starts_with("u:");
  const auto end = entry.rfind(':');
  if ((!is_user && !entry.starts_with("g:")) || end <= 2) {
    return std::string(entry);
  }
  const std::string qualifier(entry.substr(2, end - 2));
  return std::string(entry.substr(0, 2)) + other(qualifier, is_user) +
         std::string(entry.substr(end));
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
Names::Names(const Accounts& accounts)
{
  // of two entries with one number the first counts, as for the C library
  for (const auto& user : accounts.users) {
    m_users.try_emplace(user.uid, user.name);
    m_uids.try_emplace(user.name, user.uid);
  }
  for (const auto& group : accounts.groups) {
    m_groups.try_emplace(group.gid, group.name);
    m_gids.try_emplace(group.name, group.gid);
  }
}

std::string Names::user(uid_t uid) const
{
  const auto found = m_users.find(uid);
  return found != m_users.end() ? found->second : std::to_string(uid);
}

std::string Names::group(gid_t gid) const
{
  const auto found = m_groups.find(gid);
  return found != m_groups.end() ? found->second : std::to_string(gid);
}

std::string Names::user_number(const std::string& name) const
{
  const auto found = m_uids.find(name);
  return found != m_uids.end() ? std::to_string(found->second) : name;
}

std::string Names::group_number(const std::string& name) const
{
  const auto found = m_gids.find(name);
  return found != m_gids.end() ? std::to_string(found->second) : name;
}

std::string Names::entry_by_name(std::string_view entry) const
{
  return with_qualifier(entry, [&](const std::string& number, bool is_user) {
    const auto id = static_cast<uid_t>(std::strtoul(number.c_str(), nullptr, 10));
    return is_user ? user(id) : group(id);
  });
}

std::string Names::entry_by_number(std::string_view entry) const
{
  return with_qualifier(entry, [&](const std::string& name, bool is_user) {
    return is_user ? user_number(name) : group_number(name);
  });
}

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
