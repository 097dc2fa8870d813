#include "host/immutable.hpp"

#include "sys/file.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>

namespace conos {

namespace {

bool means_unsupported(int err)
{
  return err == ENOTTY || err == EOPNOTSUPP || err == ENOSYS || err == EINVAL;
}

} // namespace

Result<Immutable> immutable_flag(const UniqueFd& file)
{
  int flags = 0;
  if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) < 0) {
    if (means_unsupported(errno)) {
      return Immutable::unsupported;
    }
    return os_error("read the flags of a file");
  }
  return (flags & FS_IMMUTABLE_FL) != 0 ? Immutable::yes : Immutable::no;
}

Result<> set_immutable(const UniqueFd& file, bool on)
{
  CONOS_TRY(const auto now, immutable_flag(file));
  if (now == Immutable::unsupported) {
    return fail(Kind::unavailable, "this file system has no immutable flag");
  }
  if ((now == Immutable::yes) == on) {
    return {};
  }
  int flags = 0;
  if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) < 0) {
    return os_error("read the flags of a file");
  }
  flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
  if (::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) < 0) {
    return os_error("{} the immutable flag", on ? "set" : "clear");
  }
  return {};
}

bool can_set_immutable(const UniqueFd& dir)
{
  struct statvfs mounted = {};
  if (::fstatvfs(dir.get(), &mounted) == 0 && (mounted.f_flag & ST_RDONLY) != 0) {
    return true;
  }
  const auto file = nameless(dir, "", 0600);
  return file && set_immutable(*file, true) && set_immutable(*file, false);
}

} // namespace conos
