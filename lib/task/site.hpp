#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <string>

// Where conos keeps what (docs/layout: one directory is one state of a task).
namespace conos {

// The three trees. The root is "/" but in tests.
struct Site {
  explicit Site(std::string root = "");

  std::string srv; // /srv/conos
  std::string lib; // /var/lib/conos
  std::string etc; // /etc/conos

  std::string agents() const { return srv + "/agents"; }
  std::string agent(const std::string& name) const { return agents() + "/" + name; }
  std::string inbox() const { return srv + "/inbox"; }
  std::string transit() const { return srv + "/transit"; }
  std::string compiled() const { return lib + "/compiled"; }
  std::string instructions(const std::string& name) const { return lib + "/instructions/" + name; }
  std::string hold(const std::string& name) const { return lib + "/hold/" + name; }
};

// The states of one agent's tasks, as open directories.
struct AgentTree {
  UniqueFd top; // agents/NAME
  UniqueFd inbox;
  UniqueFd claimed;
  UniqueFd drafts;
  UniqueFd outbox;
  UniqueFd processed;
  UniqueFd failed;
  UniqueFd held;

  // For root's steps. Each directory must be a directory, and no symlink.
  static Result<AgentTree> open(const Site& site, const std::string& name);
};

// Holds an agent's lock for as long as it lives: one claim, deliver or sweep at a time works on an
// agent's tree. A file in /var/lib/conos/locks, which the agent cannot open and so not hold.
class AgentLock
{
public:
  // Waits. A holder that hangs is ended by its unit's time limit.
  static Result<AgentLock> take(const Site& site, const std::string& name);

private:
  explicit AgentLock(UniqueFd file)
      : m_file(std::move(file))
  {
  }
  UniqueFd m_file;
};

// For map_error where people knock: a Kind::denied names the group that may do this.
Error only_for_members(Error error);

} // namespace conos
