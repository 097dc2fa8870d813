#pragma once

#include "config/config.hpp"
#include "host/accounts.hpp"
#include "plan/record.hpp"
#include "sys/error.hpp"

#include <map>
#include <string>

namespace conos::plan {

struct Ids {
  uid_t uid = 0;
  gid_t gid = 0;
};

// The uid and gid of each agent, by name. A user that exists keeps its own, an agent that comes
// back gets the one it had, a new one the lowest of the range that no user, no group and no earlier
// agent has or had. Kind::config when an existing user lies outside the range or none is left.
Result<std::map<std::string, Ids>> ids_of(
  const config::Config& config, const Accounts& accounts, const Record& record);

} // namespace conos::plan
