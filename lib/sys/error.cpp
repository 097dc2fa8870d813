#include "sys/error.hpp"

#include <cstring>

namespace conos {

std::string Error::text() const
{
  return err == 0 ? what : what + ": " + std::strerror(err);
}

Kind kind_of(int err)
{
  switch (err) {
  case ENOENT:
    return Kind::not_found;
  case EEXIST:
  case ENOTEMPTY:
    return Kind::exists;
  case EACCES:
  case EPERM:
    return Kind::denied;
  case EAGAIN:
  case EBUSY:
  case EINTR:
    return Kind::busy;
  default:
    return Kind::os;
  }
}

bool is_passing(const Error& error)
{
  switch (error.err) {
  case EMFILE:
  case ENFILE:
  case ENOMEM:
  case ENOBUFS:
  case EAGAIN:
  case EINTR:
  case ENOSPC:
  case EDQUOT:
    return true;
  default:
    return false;
  }
}

} // namespace conos
