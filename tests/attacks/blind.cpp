// blind - takes the walls down that are in our own code, for the controls of attacks
//
// Preloaded (ld.so(8)) into root's steps, it leaves out what CONOS_BLIND names, and the step then
// believes what a naive one would:
//
//   follow     O_NOFOLLOW, AT_SYMLINK_NOFOLLOW: symbolic links are followed
//   block      O_NONBLOCK: whoever opens a FIFO waits for its other end
//   kind       everything that is looked at is a regular file
//   links      everything has one name
//   owner=UID  everything is that user's, but for what lies in /var/lib/conos
//   landlock   a program that is to be confined by Landlock is not, nor has it PR_SET_NO_NEW_PRIVS,
//   which
//              Landlock asks for
//   dumpable   a process that hides from its own uid does not
//   terminal   nothing is a terminal
//   kill       who is to end everything of its uid ends nothing
//   lift       what lies deep is not lifted out before it is removed

// so that a call and its namesake for large files are two
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

namespace {

const char* words()
{
  static const char* const all = std::getenv("CONOS_BLIND");
  return all != nullptr ? all : "";
}

bool blind_to(const char* word)
{
  return std::strstr(words(), word) != nullptr;
}

template<class Function>
Function* real(const char* name)
{
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int naive_flags(int flags)
{
  flags &= blind_to("follow") ? ~O_NOFOLLOW : ~0;
  return flags & (blind_to("block") ? ~O_NONBLOCK : ~0);
}

int naive_at(int flags)
{
  return flags & (blind_to("follow") ? ~AT_SYMLINK_NOFOLLOW : ~0);
}

bool is_of_conos(int fd)
{
  constexpr char k_place[] = "/var/lib/conos";
  char self[64];
  char path[sizeof(k_place)] = {};
  (void)std::snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
  return ::readlink(self, path, sizeof(path) - 1) >= 0 && std::strcmp(path, k_place) == 0;
}

template<class Stat>
void believe(Stat* st, int fd)
{
  if (blind_to("kind")) {
    st->st_mode = (st->st_mode & ~static_cast<mode_t>(S_IFMT)) | S_IFREG;
  }
  if (blind_to("links")) {
    st->st_nlink = 1;
  }
  if (const char* owner = std::strstr(words(), "owner="); owner != nullptr && !is_of_conos(fd)) {
    st->st_uid = static_cast<uid_t>(std::strtoul(owner + 6, nullptr, 10));
  }
}

mode_t mode_in(int flags, va_list more)
{
  const bool makes = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return makes ? va_arg(more, mode_t) : 0;
}

} // namespace

extern "C" {

#define CONOS_OPENAT(name)                                                                         \
  int name(int dir, const char* path, int flags, ...)                                              \
  {                                                                                                \
    va_list more;                                                                                  \
    va_start(more, flags);                                                                         \
    const mode_t mode = mode_in(flags, more);                                                      \
    va_end(more);                                                                                  \
    return real<int(int, const char*, int, ...)>(#name)(dir, path, naive_flags(flags), mode);      \
  }

#define CONOS_OPENAT_2(name)                                                                       \
  int name(int dir, const char* path, int flags)                                                   \
  {                                                                                                \
    return real<int(int, const char*, int)>(#name)(dir, path, naive_flags(flags));                 \
  }

#define CONOS_OPEN(name)                                                                           \
  int name(const char* path, int flags, ...)                                                       \
  {                                                                                                \
    va_list more;                                                                                  \
    va_start(more, flags);                                                                         \
    const mode_t mode = mode_in(flags, more);                                                      \
    va_end(more);                                                                                  \
    return real<int(const char*, int, ...)>(#name)(path, naive_flags(flags), mode);                \
  }

#define CONOS_FSTAT(name, type)                                                                    \
  int name(int fd, struct type* st) noexcept                                                       \
  {                                                                                                \
    const int done = real<int(int, struct type*)>(#name)(fd, st);                                  \
    if (done == 0) {                                                                               \
      believe(st, fd);                                                                             \
    }                                                                                              \
    return done;                                                                                   \
  }

#define CONOS_FSTATAT(name, type)                                                                  \
  int name(int dir, const char* path, struct type* st, int flags) noexcept                         \
  {                                                                                                \
    const int done =                                                                               \
      real<int(int, const char*, struct type*, int)>(#name)(dir, path, st, naive_at(flags));       \
    if (done == 0) {                                                                               \
      believe(st, dir);                                                                            \
    }                                                                                              \
    return done;                                                                                   \
  }

CONOS_OPENAT(openat)
CONOS_OPENAT(openat64)
CONOS_OPENAT_2(__openat_2)
CONOS_OPENAT_2(__openat64_2)
CONOS_OPEN(open)
CONOS_OPEN(open64)
CONOS_FSTAT(fstat, stat)
CONOS_FSTAT(fstat64, stat64)
CONOS_FSTATAT(fstatat, stat)
CONOS_FSTATAT(fstatat64, stat64)

int fchownat(int dir, const char* path, uid_t uid, gid_t gid, int flags) noexcept
{
  return real<int(int, const char*, uid_t, gid_t, int)>("fchownat")(
    dir, path, uid, gid, naive_at(flags));
}

int lchown(const char* path, uid_t uid, gid_t gid) noexcept
{
  return real<int(const char*, uid_t, gid_t)>(blind_to("follow") ? "chown" : "lchown")(
    path, uid, gid);
}

int kill(pid_t pid, int signal) noexcept
{
  return pid == -1 && blind_to("kill") ? 0 : real<int(pid_t, int)>("kill")(pid, signal);
}

int renameat2(int from, const char* name, int to, const char* new_name, unsigned int flags) noexcept
{
  if (blind_to("lift") && std::strncmp(new_name, ".trash", 6) == 0) {
    errno = EMLINK;
    return -1;
  }
  return real<int(int, const char*, int, const char*, unsigned int)>("renameat2")(
    from, name, to, new_name, flags);
}

int isatty(int fd) noexcept
{
  return blind_to("terminal") ? 0 : real<int(int)>("isatty")(fd);
}

int prctl(int option, ...) noexcept
{
  va_list more;
  va_start(more, option);
  unsigned long values[4];
  for (auto& value : values) {
    value = va_arg(more, unsigned long);
  }
  va_end(more);
  if ((option == PR_SET_DUMPABLE && blind_to("dumpable")) ||
      (option == PR_SET_NO_NEW_PRIVS && blind_to("landlock"))) {
    return 0;
  }
  return real<int(int, ...)>("prctl")(option, values[0], values[1], values[2], values[3]);
}

long syscall(long number, ...) noexcept
{
  va_list more;
  va_start(more, number);
  long values[6];
  for (auto& value : values) {
    value = va_arg(more, long);
  }
  va_end(more);
  if (number == SYS_landlock_restrict_self && blind_to("landlock")) {
    return 0;
  }
  return real<long(long, ...)>("syscall")(
    number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

} // extern "C"
