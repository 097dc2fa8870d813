#include "sys/secret.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace conos {

Result<Secret> read_secret(const UniqueFd& fd, std::size_t limit)
{
  constexpr std::size_t k_at_once = 4096;
  Secret secret;
  for (;;) {
    const auto have = secret.size();
    secret.resize(have + std::min(limit + 1 - have, k_at_once));
    const ssize_t got = ::read(fd.get(), secret.data() + have, secret.size() - have);
    if (got < 0 && errno != EINTR) {
      return os_error("read");
    }
    secret.resize(have + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) {
      return secret;
    }
    if (secret.size() > limit) {
      return fail(Kind::bad_data, "larger than {} bytes", limit);
    }
  }
}

} // namespace conos
