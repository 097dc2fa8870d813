#include "plan/uids.hpp"

#include <algorithm>
#include <set>

namespace conos::plan {

namespace {

// The numbers nobody new may have.
std::set<unsigned> taken_ids(const Accounts& accounts, const Record& record)
{
  std::set<unsigned> taken;
  for (const auto& user : accounts.users) {
    taken.insert(user.uid);
  }
  for (const auto& group : accounts.groups) {
    taken.insert(group.gid);
  }
  for (const auto& [name, uid] : record.uids) {
    taken.insert(uid);
  }
  return taken;
}

bool in_range(const config::Config& config, unsigned id)
{
  return id >= config.uid_base && id - config.uid_base < config.uid_count;
}

// The number the agent had before, where it is still free for it.
std::optional<unsigned> former_uid(const std::string& agent, const config::Config& config,
  const Accounts& accounts, const Record& record)
{
  const auto known = record.uids.find(agent);
  if (known == record.uids.end() || !in_range(config, known->second) ||
      accounts.user(known->second) != nullptr) {
    return std::nullopt;
  }
  const auto* group = accounts.group(gid_t{known->second});
  return group == nullptr || group->name == "a-" + agent ? std::optional(known->second)
                                                         : std::nullopt;
}

} // namespace

Result<std::map<std::string, Ids>> ids_of(
  const config::Config& config, const Accounts& accounts, const Record& record)
{
  auto taken = taken_ids(accounts, record);
  auto next = config.uid_base;
  std::map<std::string, Ids> ids;
  for (const auto& agent : config.agents) {
    if (const auto* user = accounts.user("a-" + agent.name); user != nullptr) {
      if (!in_range(config, user->uid)) {
        return fail(Kind::config,
          "user '{}' exists with uid {}, outside of {} to {}: not made by conos; remove or rename "
          "it, or give the agent another name",
          user->name, user->uid, config.uid_base, config.uid_base + config.uid_count - 1);
      }
      ids[agent.name] = {user->uid, user->gid};
      continue;
    }
    if (const auto uid = former_uid(agent.name, config, accounts, record)) {
      ids[agent.name] = {*uid, *uid};
      continue;
    }
    while (in_range(config, next) && taken.contains(next)) {
      ++next;
    }
    if (!in_range(config, next)) {
      return fail(Kind::config, "no uid is left for agent '{}' in {} to {}: raise system.uid_count",
        agent.name, config.uid_base, config.uid_base + config.uid_count - 1);
    }
    taken.insert(next);
    ids[agent.name] = {next, next};
  }
  return ids;
}

} // namespace conos::plan
