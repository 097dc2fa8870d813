#pragma once

#include "sys/error.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>
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
