#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace conos::serve {

// The sockets systemd listens on for us (sd_listen_fds(3)), not blocking: of this family, AF_UNIX
// or AF_INET. Kind::unavailable when it gave none: the service is started by its socket and in no
// other way.
Result<std::vector<UniqueFd>> listeners_of_systemd(int family);

// Kind::not_found when there is no such group.
Result<gid_t> group_named(const std::string& name);

} // namespace conos::serve
