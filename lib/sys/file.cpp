#include "sys/file.hpp"

#include "sys/id.hpp"
#include "sys/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <future>
#include <memory>
#include <system_error>

namespace conos {

namespace {

constexpr std::string_view k_unfinished = ".new-";
constexpr std::string_view k_trash = ".trash-";
constexpr std::size_t k_max_removed = 100'000;

bool is_trash(std::string_view name)
{
  return name.starts_with(k_trash);
}

struct CloseDir {
  void operator()(DIR* dir) const { (void)::closedir(dir); }
};
using DirStream = std::unique_ptr<DIR, CloseDir>;

// As the kernel knows it, for a message about what errno says.
std::string path_of(const UniqueFd& dir)
{
  const int err = errno;
  std::array<char, 4096> path{};
  const auto link = fmt::format("/proc/self/fd/{}", dir.get());
  const auto size = ::readlink(link.c_str(), path.data(), path.size());
  errno = err;
  return size > 0 ? escaped({path.data(), static_cast<std::size_t>(size)}) : "?";
}

// A stream of its own: fdopendir takes the descriptor over, and a dup shares the position.
Result<DirStream> stream_of(const UniqueFd& dir)
{
  UniqueFd own(::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own) {
    return os_error("open directory '{}' for listing", path_of(dir));
  }
  DirStream stream(::fdopendir(own.get()));
  if (!stream) {
    return os_error("list directory '{}'", path_of(dir));
  }
  (void)own.release();
  return stream;
}

bool is_dot(const char* name)
{
  return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
}

Result<> name_is_plain(const std::string& name)
{
  if (!is_plain_name(name)) {
    return fail(Kind::bad_data, "not a plain file name");
  }
  return {};
}

Result<> set_owner_and_mode(const UniqueFd& file, mode_t mode, const Owner& owner)
{
  // the owner first: chown clears set-id bits, and the mode must be the last word
  if (owner.uid != static_cast<uid_t>(-1) || owner.gid != static_cast<gid_t>(-1)) {
    if (::fchown(file.get(), owner.uid, owner.gid) < 0) {
      return os_error("set the owner of a file");
    }
  }
  if (::fchmod(file.get(), mode) < 0) {
    return os_error("set the mode of a file");
  }
  return {};
}

} // namespace

bool is_plain_name(std::string_view name)
{
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

Result<UniqueFd> open_dir(const std::string& path)
{
  UniqueFd dir(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) {
    return os_error("open directory '{}'", path);
  }
  return dir;
}

Result<UniqueFd> open_dir_at(const UniqueFd& dir, const std::string& name)
{
  CONOS_CHECK(name_is_plain(name));
  UniqueFd sub(::openat(dir.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!sub) {
    return os_error("open directory '{}'", name);
  }
  return sub;
}

Result<UniqueFd> hold_dir(const std::string& path)
{
  UniqueFd dir(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir) {
    return os_error("reach directory '{}'", path);
  }
  return dir;
}

Result<std::vector<std::string>> list_names(
  const UniqueFd& dir, std::size_t limit, const std::function<bool(std::string_view)>& keep)
{
  CONOS_TRY(const auto stream, stream_of(dir));
  std::vector<std::string> names;
  while (names.size() < limit) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) {
        return os_error("list directory '{}'", path_of(dir));
      }
      break;
    }
    if (!is_dot(entry->d_name) && (!keep || keep(entry->d_name))) {
      names.emplace_back(entry->d_name);
    }
  }
  return names;
}

Result<> make_dir(const UniqueFd& dir, const std::string& name, mode_t mode, uid_t uid, gid_t gid)
{
  CONOS_CHECK(name_is_plain(name));
  // with its mode from the beginning, for whoever is killed here; as long as it is not its owner's
  // yet, nobody else comes in
  const bool has_owner = uid == static_cast<uid_t>(-1) && gid == static_cast<gid_t>(-1);
  if (::mkdirat(dir.get(), name.c_str(), has_owner ? mode : 0700) < 0) {
    return os_error("make directory '{}'", name);
  }
  CONOS_TRY(const auto made, open_dir_at(dir, name));
  return set_owner_and_mode(made, mode, {uid, gid})
    .map_error(during("make directory '" + name + "'"));
}

namespace {

// A tree somebody else made, brought down from above: what is not empty is moved up before it is
// looked into, so that no depth costs a stack or a descriptor.
class Removal
{
public:
  explicit Removal(const UniqueFd& dir)
      : m_dir(dir)
  {
  }

  Result<> remove(const std::string& name)
  {
    m_waiting.assign(1, name);
    while (!m_waiting.empty() && m_left > 0) {
      const auto next = std::move(m_waiting.back());
      m_waiting.pop_back();
      CONOS_CHECK(bring_down(next).map_error(during("remove '" + name + "'")));
    }
    CONOS_TRY(const bool left, is_there(m_dir, name));
    return left && !is_trash(name) ? bring_up(m_dir, name) : Result<>{};
  }

private:
  static constexpr std::size_t k_at_once = 1024;

  Result<> bring_down(const std::string& name)
  {
    CONOS_TRY(bool gone, take_away(m_dir, name));
    if (gone) {
      return {};
    }
    CONOS_TRY(const auto sub, open_dir_at(m_dir, name));
    while (!gone && m_left > 0) {
      CONOS_TRY(const auto inner, list_names(sub, std::min(k_at_once, m_left)));
      for (const auto& one : inner) {
        --m_left;
        CONOS_TRY(const bool was_empty, take_away(sub, one));
        if (!was_empty) {
          CONOS_CHECK(bring_up(sub, one));
        }
      }
      CONOS_TRY(gone, take_away(m_dir, name));
      m_left -= inner.empty() && !gone ? 1 : 0; // somebody still fills it
    }
    return {};
  }

  // False when it is a directory with something in it.
  static Result<bool> take_away(const UniqueFd& dir, const std::string& name)
  {
    if (::unlinkat(dir.get(), name.c_str(), 0) == 0 || errno == ENOENT) {
      return true;
    }
    if (errno != EISDIR && errno != EPERM) {
      return os_error("remove '{}'", name);
    }
    if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
      return true;
    }
    if (errno != ENOTEMPTY && errno != EEXIST) {
      return os_error("remove directory '{}'", name);
    }
    return false;
  }

  Result<> bring_up(const UniqueFd& from, const std::string& name)
  {
    CONOS_TRY(const auto salt, random_hex(16));
    const auto trash = std::string(k_trash) + salt;
    CONOS_CHECK(move_name(from, name, m_dir, trash));
    m_waiting.push_back(trash);
    return {};
  }

  const UniqueFd& m_dir;
  std::size_t m_left = k_max_removed;
  std::vector<std::string> m_waiting;
};

} // namespace

Result<> remove_tree(const UniqueFd& dir, const std::string& name)
{
  CONOS_CHECK(name_is_plain(name));
  return Removal(dir).remove(name);
}

Result<> remove_trash(const UniqueFd& dir)
{
  CONOS_TRY(const auto names, list_names(dir, SIZE_MAX, is_trash));
  Removal removal(dir);
  for (const auto& name : names) {
    CONOS_CHECK(removal.remove(name));
  }
  return {};
}

Result<UniqueFd> open_beneath(const UniqueFd& dir, const std::string& name)
{
  // Of one plain component O_NOFOLLOW says all that openat2's RESOLVE_BENEATH would; openat2 itself
  // is ENOSYS wherever systemd's RestrictSUIDSGID= holds, for a filter cannot see its modes.
  CONOS_CHECK(name_is_plain(name));
  UniqueFd file(
    ::openat(dir.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  if (!file) {
    return os_error("open '{}'", name);
  }
  return file;
}

Result<struct stat> stat_of(const UniqueFd& fd)
{
  struct stat st = {};
  if (::fstat(fd.get(), &st) < 0) {
    return os_error("look at an open file");
  }
  return st;
}

Result<struct stat> stat_at(const UniqueFd& dir, const std::string& name)
{
  struct stat st = {};
  if (::fstatat(dir.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
    return os_error("look at '{}'", name);
  }
  return st;
}

bool exists_at(const UniqueFd& dir, const std::string& name)
{
  return is_there(dir, name).value_or(false);
}

Result<bool> is_there(const UniqueFd& dir, const std::string& name)
{
  struct stat st = {};
  if (::fstatat(dir.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0) {
    return true;
  }
  if (errno == ENOENT || errno == ENAMETOOLONG) { // nothing can have a name that long
    return false;
  }
  return os_error("look for '{}'", name);
}

Result<std::string> read_all(const UniqueFd& fd, std::size_t limit)
{
  std::string text;
  struct stat st = {};
  if (::fstat(fd.get(), &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
    text.reserve(std::min(static_cast<std::size_t>(st.st_size), limit) + 1);
  }
  for (;;) {
    const std::size_t have = text.size();
    const std::size_t want = std::min<std::size_t>(limit + 1 - have, std::size_t{64} * 1024);
    text.resize(have + want);
    const ssize_t got = ::read(fd.get(), text.data() + have, want);
    if (got < 0 && errno == EINTR) {
      text.resize(have);
      continue;
    }
    if (got < 0) {
      return os_error("read");
    }
    text.resize(have + static_cast<std::size_t>(got));
    if (got == 0) {
      return text;
    }
    if (text.size() > limit) {
      return fail(Kind::bad_data, "larger than {} bytes", limit);
    }
  }
}

Result<std::string> read_file(const UniqueFd& dir, const std::string& name, std::size_t limit)
{
  CONOS_TRY(const auto file, open_beneath(dir, name));
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::bad_data, "'{}' is not a regular file", name);
  }
  return read_all(file, limit).map_error(during("read '" + name + "'"));
}

Result<std::string> read_path(const std::string& path, std::size_t limit)
{
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    return os_error("open '{}'", path);
  }
  return read_all(file, limit).map_error(during("read '" + path + "'"));
}

Result<> write_all(const UniqueFd& fd, std::string_view text)
{
  while (!text.empty()) {
    const ssize_t put = ::write(fd.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put < 0) {
      return os_error("write");
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<UniqueFd> memory_file(std::string_view text)
{
  UniqueFd file(::memfd_create("conos", MFD_CLOEXEC));
  if (!file) {
    return os_error("make a file in memory");
  }
  CONOS_CHECK(write_all(file, text));
  if (::lseek(file.get(), 0, SEEK_SET) < 0) {
    return os_error("rewind a file in memory");
  }
  return file;
}

Result<UniqueFd> nameless(
  const UniqueFd& dir, std::string_view text, mode_t mode, const Owner& owner)
{
  UniqueFd file(::openat(dir.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!file) {
    return os_error("create a file");
  }
  CONOS_CHECK(write_all(file, text));
  CONOS_CHECK(set_owner_and_mode(file, mode, owner));
  return file;
}

Result<> give_name(const UniqueFd& file, const UniqueFd& dir, const std::string& name)
{
  CONOS_CHECK(name_is_plain(name));
  const auto self = fmt::format("/proc/self/fd/{}", file.get());
  if (::linkat(AT_FDCWD, self.c_str(), dir.get(), name.c_str(), AT_SYMLINK_FOLLOW) < 0) {
    return os_error("publish '{}'", name);
  }
  return {};
}

Result<> sync_file(const UniqueFd& fd)
{
  // never retried: after a failed fsync the kernel has dropped the pages it could not write
  if (::fsync(fd.get()) < 0) {
    return os_error("flush to disk");
  }
  return {};
}

Result<> sync_files(const std::vector<UniqueFd>& files)
{
  for (const auto& file : files) {
    // only a hint: what it could not do, the fsync below does, or reports
    (void)::sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }
  std::atomic<std::size_t> next = 0;
  const auto sync_some = [&]() -> Result<> {
    Result<> failed;
    for (std::size_t i = next++; i < files.size(); i = next++) {
      if (auto synced = sync_file(files[i]); !synced) {
        failed = std::move(synced);
      }
    }
    return failed;
  };
  constexpr std::size_t k_for_a_thread = 8;
  constexpr std::size_t k_most_threads = 16;
  std::vector<std::future<Result<>>> others;
  try {
    for (std::size_t n = 1; n <= std::min(k_most_threads, files.size() / k_for_a_thread); ++n) {
      others.push_back(std::async(std::launch::async, sync_some));
    }
  } catch (const std::system_error&) {
    // no thread to be had: we do it all
  }
  auto result = sync_some();
  for (auto& other : others) {
    if (auto synced = other.get(); !synced) {
      result = std::move(synced);
    }
  }
  return result;
}

Result<> publish(const UniqueFd& dir, const std::string& name, std::string_view text, mode_t mode,
  const Owner& owner)
{
  const auto purpose = during("publish '" + name + "'");
  CONOS_TRY(const auto file, nameless(dir, text, mode, owner).map_error(purpose));
  CONOS_CHECK(sync_file(file).map_error(purpose));
  CONOS_CHECK(give_name(file, dir, name));
  // again: the name must reach the disk too, and a drop box cannot be opened to flush it
  return sync_file(file).map_error(purpose);
}

namespace {

// linkat cannot replace, renameat can: it goes by a name of its own for a moment.
Result<> replace_by_way_of(
  const std::string& temporary, const UniqueFd& file, const UniqueFd& dir, const std::string& name)
{
  CONOS_CHECK(give_name(file, dir, temporary).map_error(during("replace '" + name + "'")));
  if (::renameat(dir.get(), temporary.c_str(), dir.get(), name.c_str()) < 0) {
    auto error = os_error("replace '{}'", name);
    (void)::unlinkat(dir.get(), temporary.c_str(), 0); // the rename's error is the one to report
    return error;
  }
  return {};
}

using Temporary = std::function<Result<std::string>()>;

Result<> replace_with(const Temporary& temporary, const UniqueFd& dir, const std::string& name,
  std::string_view text, mode_t mode, const Owner& owner, Durable durable)
{
  CONOS_CHECK(name_is_plain(name));
  const auto purpose = during("replace '" + name + "'");
  CONOS_TRY(const auto file, nameless(dir, text, mode, owner).map_error(purpose));
  if (durable == Durable::yes) {
    CONOS_CHECK(sync_file(file).map_error(purpose));
  }
  const auto linked = give_name(file, dir, name);
  if (linked || linked.error().kind != Kind::exists) {
    return linked && durable == Durable::yes ? sync_file(dir).map_error(purpose) : linked;
  }
  CONOS_TRY(const auto other, temporary().map_error(purpose));
  CONOS_CHECK(replace_by_way_of(other, file, dir, name));
  return durable == Durable::yes ? sync_file(dir).map_error(purpose) : Result<>{};
}

} // namespace

Result<> replace(const UniqueFd& dir, const std::string& name, std::string_view text, mode_t mode,
  const Owner& owner, Durable durable)
{
  // removed by whoever finds it after a crash because it begins with a dot
  const auto temporary = [] {
    return random_hex(8).map([](const std::string& salt) {
      return std::string(k_unfinished) + salt;
    });
  };
  return replace_with(temporary, dir, name, text, mode, owner, durable);
}

Result<> replace_alone(const UniqueFd& dir, const std::string& name, std::string_view text,
  mode_t mode, const Owner& owner, Durable durable)
{
  const auto temporary = [&]() -> Result<std::string> {
    auto other = std::string(k_unfinished) + name;
    CONOS_CHECK(remove_name(dir, other));
    return other;
  };
  return replace_with(temporary, dir, name, text, mode, owner, durable);
}

bool is_unfinished(std::string_view name)
{
  return name.starts_with(k_unfinished);
}

Result<> remove_unfinished(const UniqueFd& dir)
{
  CONOS_TRY(const auto names, list_names(dir, SIZE_MAX, is_unfinished));
  for (const auto& name : names) {
    CONOS_CHECK(remove_name(dir, name));
  }
  return {};
}

Result<> move_name(const UniqueFd& from, const std::string& old_name, const UniqueFd& to,
  const std::string& new_name)
{
  CONOS_CHECK(name_is_plain(old_name));
  CONOS_CHECK(name_is_plain(new_name));
  if (::renameat2(from.get(), old_name.c_str(), to.get(), new_name.c_str(), RENAME_NOREPLACE) < 0) {
    return os_error("move '{}' to '{}'", old_name, new_name);
  }
  return {};
}

Result<> remove_name(const UniqueFd& dir, const std::string& name)
{
  CONOS_CHECK(name_is_plain(name));
  if (::unlinkat(dir.get(), name.c_str(), 0) < 0 && errno != ENOENT) {
    return os_error("remove '{}'", name);
  }
  return {};
}

Result<> remove_empty_dir(const UniqueFd& dir, const std::string& name)
{
  CONOS_CHECK(name_is_plain(name));
  if (::unlinkat(dir.get(), name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT) {
    return os_error("remove directory '{}'", name);
  }
  return {};
}

Result<> sync_filesystem(const UniqueFd& dir)
{
  if (::syncfs(dir.get()) < 0) {
    return os_error("flush the file system");
  }
  return {};
}

} // namespace conos
