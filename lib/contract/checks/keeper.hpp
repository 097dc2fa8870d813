#pragma once

#include "contract/checks/look.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <vector>

// A process beside us that runs the programs of checks, one at a time. It is the subreaper of all
// they start, so that whatever a check leaves behind belongs to that check and dies with it,
// without privileges and without a cgroup; and it is one thread, which may fork.
namespace conos::contract {

// Makes the check of this number.
using MakeNumber = std::function<Outcome(std::uint32_t number)>;

class Keeper
{
public:
  // Before there are threads. What `make` needs has to be in memory already. `others` are known to
  // us and not to the new one.
  static Result<Keeper> start(const MakeNumber& make, const std::vector<Keeper>& others);

  Keeper(Keeper&&) noexcept = default;
  Keeper& operator=(Keeper&&) noexcept = default;
  ~Keeper();

  // Waits for the outcome. `broken` when the keeper is gone; it is of no more use then.
  Outcome make(std::uint32_t number) const;

  bool is_good() const { return m_is_good; }

private:
  Keeper(pid_t pid, UniqueFd socket);

  pid_t m_pid = -1;
  UniqueFd m_socket;
  mutable bool m_is_good = true;
};

} // namespace conos::contract
