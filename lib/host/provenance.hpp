#pragma once

#include "sys/error.hpp"

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

// Who stands behind a uid, as the account database says.
namespace conos {

// ^[a-z][a-z0-9]*(-[a-z0-9]+)*$, at most 29 characters: a user name "a-NAME" ends at 31, and a
// trailing hyphen would catch other units' drop-ins.
bool is_agent_name(std::string_view name);

// The name of the account, "uid:N" where there is none. An error when nobody could be asked: a
// sender without a name has no agent, and no trust.
Result<std::string> account_name(uid_t uid);

// The account of the person who acts: who logged in, where root acts for somebody by sudo, else who
// we are.
std::string acting_account();

// The agent a user name "a-NAME" belongs to, if it is of that form.
std::optional<std::string> agent_of_account(const std::string& account);

// Answers whether root or a member of group `trusted` owns a file. Asks the account database once
// for each uid.
class TrustedUsers
{
public:
  Result<bool> trusts(uid_t uid);

private:
  std::map<uid_t, bool> m_known;
};

} // namespace conos
