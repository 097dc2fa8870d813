#pragma once

#include "host/accounts.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace conos {

// The gid of a group, none where it does not exist.
Result<std::optional<gid_t>> group_id(const char* name);

// Lets `group` read an open file beside its owner and owning group: the access ACL becomes
// u::r--,g::r--,g:GROUP:r--,m::r--,o::--- (acl(5)). A file that is renamed into a directory
// inherits nothing from it, so this is set on each.
Result<> let_group_read(const UniqueFd& file, gid_t group);

enum class AclOf { access, fallback }; // fallback: what is made in a directory gets

// The entries of an open file's ACL as acl_from_text(3) reads them, "u:a-x:--x", sorted; a mode
// without an ACL gives its three, no default ACL none.
Result<std::vector<std::string>> acl_entries(const UniqueFd& file, AclOf which, const Names& names);

// Takes the default ACL from a directory; none, or no directory, is success.
Result<> drop_default_acl(const std::string& directory);

} // namespace conos
