#pragma once

#include "sys/error.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// The machine's own users and groups, as /etc/passwd and /etc/group have them.
namespace conos {

struct User {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0; // of its primary group
  std::string home;
  std::string shell;
};

struct Group {
  std::string name;
  gid_t gid = 0;
  std::vector<std::string> members; // beside those who have it as their primary group
};

struct Accounts {
  std::vector<User> users;
  std::vector<Group> groups;

  // nullptr where there is none.
  const User* user(std::string_view name) const;
  const User* user(uid_t uid) const;
  const Group* group(std::string_view name) const;
  const Group* group(gid_t gid) const;

  // Listed as a member; the primary group does not count.
  bool is_listed(std::string_view user, std::string_view group) const;
};

// Both files below `root` ("" for the machine itself). A file that is not there has no entries;
// lines that are none are passed over, as the C library does.
Result<Accounts> read_accounts(const std::string& root = "");

// The same, indexed: for many questions. An id nobody has, and a name nobody has, stay as they are.
class Names
{
public:
  explicit Names(const Accounts& accounts);

  std::string user(uid_t uid) const;
  std::string group(gid_t gid) const;

  // An entry of an ACL, "u:70000:rwx" or "u:a-x:rwx", with the name or the number of its user or
  // group. Without the machine's own database, which is not that of an image, and which takes
  // longer to ask.
  std::string entry_by_name(std::string_view entry) const;
  std::string entry_by_number(std::string_view entry) const;

  std::string user_number(const std::string& name) const;
  std::string group_number(const std::string& name) const;

private:
  std::unordered_map<uid_t, std::string> m_users;
  std::unordered_map<gid_t, std::string> m_groups;
  std::unordered_map<std::string, uid_t> m_uids;
  std::unordered_map<std::string, gid_t> m_gids;
};

// Makes files and names as somebody else for as long as it lives: permissions are checked, and the
// owner of what is made is set, by that uid and gid. For one thread of a process run by root.
class ActingAs
{
public:
  ActingAs(uid_t uid, gid_t gid);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

  explicit operator bool() const { return m_good; }

private:
  bool m_good;
};

} // namespace conos
