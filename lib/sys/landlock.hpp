#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <string>
#include <vector>

// What a program we start may write to, whatever modes and mounts say (landlock(7)).
namespace conos {

// The version of Landlock there is; 0 where the kernel has none, or what confines us keeps it from
// us.
int landlock_abi();

// Rules by which whoever takes them on, with its children, writes, makes, removes and renames in
// `places` and below them only; a place that is not there is left out. From ABI 3 on that includes
// truncating, and from ABI 6 on they send no signal to, and reach no abstract socket of, anybody
// outside. Kind::unavailable where landlock_abi() is 0.
Result<UniqueFd> write_only_in(const std::vector<std::string>& places);

// Takes the rules on, for good: true, or errno says why not. Allocates nothing, for a child that
// still is in its parent's memory.
bool take_on(int rules);

} // namespace conos
