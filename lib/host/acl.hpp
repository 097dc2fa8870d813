#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <optional>

namespace conos {

// The gid of a group, none where it does not exist.
std::optional<gid_t> group_id(const char* name);

// Lets `group` read an open file beside its owner and owning group: the access ACL becomes
// u::r--,g::r--,g:GROUP:r--,m::r--,o::--- (acl(5)). A file that is renamed into a directory
// inherits nothing from it, so this is set on each.
Result<> let_group_read(const UniqueFd& file, gid_t group);

} // namespace conos
