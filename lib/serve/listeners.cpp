#include "serve/listeners.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

namespace conos::serve {

Result<std::vector<UniqueFd>> listeners_of_systemd(int family)
{
  const int count = sd_listen_fds(1); // with close-on-exec set
  std::vector<UniqueFd> listeners;
  for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
    listeners.emplace_back(fd);
    if (sd_is_socket(fd, family, SOCK_STREAM, 1) <= 0) {
      return fail(Kind::config, "descriptor {} is no listening {}", fd,
        family == AF_UNIX ? "Unix socket" : "TCP socket");
    }
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
      return os_error("set descriptor {} not to block", fd);
    }
  }
  if (listeners.empty()) {
    return fail(
      Kind::unavailable, "no socket: this is started by systemd, through its socket unit");
  }
  return listeners;
}

Result<gid_t> group_named(const std::string& name)
{
  errno = 0;
  const auto* entry = ::getgrnam(name.c_str());
  if (entry != nullptr) {
    return entry->gr_gid;
  }
  return errno == 0 ? fail(Kind::not_found, "there is no group '{}'", name)
                    : os_error("look up group '{}'", name);
}

} // namespace conos::serve
