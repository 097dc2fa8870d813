#pragma once

#include <cerrno>
#include <unistd.h>
#include <utility>

namespace conos {

// Owns a file descriptor. Closing on destruction keeps errno and cannot report: files we wrote
// are flushed with fsync before, which is where a full disk is heard of.
class UniqueFd
{
public:
  UniqueFd() = default;
  explicit UniqueFd(int fd)
      : m_fd(fd)
  {
  }
  UniqueFd(UniqueFd&& other) noexcept
      : m_fd(other.release())
  {
  }
  UniqueFd& operator=(UniqueFd&& other) noexcept
  {
    if (this != &other) {
      reset(other.release());
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return m_fd; }
  explicit operator bool() const { return m_fd >= 0; }
  int release() { return std::exchange(m_fd, -1); }

  // Never retried: after EINTR Linux has already freed the number.
  void reset(int fd = -1)
  {
    if (m_fd >= 0) {
      const int saved = errno;
      (void)::close(m_fd);
      errno = saved;
    }
    m_fd = fd;
  }

private:
  int m_fd = -1;
};

} // namespace conos
