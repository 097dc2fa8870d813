#include "task/site.hpp"

#include "sys/file.hpp"

#include <fcntl.h>
#include <sys/file.h>

namespace conos {

Site::Site(std::string root)
    : srv(root + "/srv/conos")
    , lib(root + "/var/lib/conos")
    , etc(root + "/etc/conos")
{
}

Result<AgentTree> AgentTree::open(const Site& site, const std::string& name)
{
  CONOS_TRY(const auto agents, open_dir(site.agents()));
  AgentTree tree;
  CONOS_TRY(tree.top, open_dir_at(agents, name));
  CONOS_TRY(tree.inbox, open_dir_at(tree.top, "inbox"));
  CONOS_TRY(tree.claimed, open_dir_at(tree.top, "claimed"));
  CONOS_TRY(tree.drafts, open_dir_at(tree.top, "drafts"));
  CONOS_TRY(tree.outbox, open_dir_at(tree.top, "outbox"));
  CONOS_TRY(tree.processed, open_dir_at(tree.top, "processed"));
  CONOS_TRY(tree.failed, open_dir_at(tree.top, "failed"));
  CONOS_TRY(tree.held, open_dir_at(tree.top, "held"));
  return tree;
}

Result<AgentLock> AgentLock::take(const Site& site, const std::string& name)
{
  const auto path = site.lib + "/locks/" + name;
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return os_error("open the lock '{}'", path);
  }
  while (::flock(file.get(), LOCK_EX) < 0) {
    if (errno != EINTR) {
      return os_error("lock '{}'", path);
    }
  }
  return AgentLock(std::move(file));
}

Error only_for_members(Error error)
{
  if (error.kind == Kind::denied) {
    error.what = "only root and members of group 'conos' may do this (" + error.text() + ")";
    error.err = 0;
  }
  return error;
}

} // namespace conos
