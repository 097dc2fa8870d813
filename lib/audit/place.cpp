#include "audit/place.hpp"

#include "sys/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <thread>

namespace conos::audit {

namespace {

Result<> only_ours(const struct stat& st, const std::string& path)
{
  const bool ours = st.st_uid == 0 || st.st_uid == ::geteuid();
  if (!ours || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(Kind::denied, "'{}' can be written by others (uid {}, mode {:04o})", path,
      st.st_uid, st.st_mode & 07777U);
  }
  return {};
}

Result<> make_directory(const std::string& path)
{
  const auto where = std::filesystem::absolute(path).lexically_normal();
  const auto name = where.has_filename() ? where : where.parent_path();
  CONOS_TRY(const auto parent, open_dir(name.parent_path().string()));
  if (auto made = make_dir(parent, name.filename().string(), 0700); !made) {
    return made.error().kind == Kind::exists ? Result<>() : made;
  }
  return sync_file(parent);
}

Result<UniqueFd> find_or_make_directory(const std::string& path)
{
  auto dir = open_dir(path);
  if (!dir && dir.error().kind == Kind::not_found) {
    CONOS_CHECK(make_directory(path));
    dir = open_dir(path);
  }
  if (!dir) {
    return dir;
  }
  CONOS_TRY(const auto st, stat_of(*dir));
  CONOS_CHECK(only_ours(st, path));
  return dir;
}

Result<> make_file(const UniqueFd& dir, const std::string& name)
{
  const UniqueFd file(
    ::openat(dir.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) {
    return errno == EEXIST ? Result<>() : os_error("make '{}'", name);
  }
  if (::fchmod(file.get(), 0600) < 0) { // whatever the umask
    return os_error("set the mode of '{}'", name);
  }
  return {};
}

// By name, because a second descriptor of the database in this process would, when it is closed,
// drop the locks SQLite holds on it (fcntl(2)); nobody else can change names in the directory.
Result<struct stat> database_in(const UniqueFd& dir)
{
  auto st = stat_at(dir, k_database);
  if (!st && st.error().kind == Kind::not_found) {
    CONOS_CHECK(make_file(dir, k_database));
    st = stat_at(dir, k_database);
  }
  CONOS_TRY(const auto found, st);
  if (!S_ISREG(found.st_mode) || found.st_nlink != 1) {
    return fail(Kind::bad_data, "'{}' is not a regular file of a single name", k_database);
  }
  CONOS_CHECK(only_ours(found, k_database));
  return found;
}

bool has_log(const UniqueFd& dir)
{
  const auto log = stat_at(dir, k_log);
  return log && log->st_size > 0;
}

// The log gets its first bytes after the database has its own, so no crash leaves one beside an
// empty database; somebody removed or cut that. SQLite would delete the log, and the rows in it.
Result<> judge_log_of_nothing(const UniqueFd& dir)
{
  CONOS_TRY(const auto again, stat_at(dir, k_database)); // another may be filling it just now
  if (again.st_size == 0) {
    return fail(Kind::bad_data, "'{}' is empty and '{}' is not: the ledger was removed or cut",
      k_database, k_log);
  }
  return {};
}

} // namespace

Result<bool> take_lock(const UniqueFd& fd, Duration patience)
{
  constexpr auto k_pause = std::chrono::milliseconds(5);
  for (auto waited = Duration::zero(); ::flock(fd.get(), LOCK_EX | LOCK_NB) < 0;
       waited += k_pause) {
    if (errno != EWOULDBLOCK) {
      return os_error("take a lock");
    }
    if (waited >= patience) {
      return false;
    }
    std::this_thread::sleep_for(k_pause);
  }
  return true;
}

void let_others_in(const UniqueFd& directory)
{
  (void)::flock(directory.get(), LOCK_UN);
}

Result<> overwrite(const UniqueFd& dir, const std::string& name, const std::string& line)
{
  const UniqueFd file(::openat(dir.get(), name.c_str(),
    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  if (!file) {
    return os_error("open '{}'", name);
  }
  const auto text = line + "\n";
  if (::pwrite(file.get(), text.data(), text.size(), 0) != std::ssize(text) ||
      ::ftruncate(file.get(), std::ssize(text)) < 0) {
    return os_error("write '{}'", name);
  }
  return {};
}

Result<std::optional<std::string>> first_line(const UniqueFd& dir, const std::string& name)
{
  constexpr std::size_t k_most = 4096;
  auto text = read_file(dir, name, k_most);
  if (!text) {
    return text.error().kind == Kind::not_found ? Result<std::optional<std::string>>(std::nullopt)
                                                : tl::unexpected<Error>(text.error());
  }
  const auto end = text->find('\n');
  return end == std::string::npos ? std::nullopt : std::optional(text->substr(0, end));
}

Result<UniqueFd> open_place(const std::string& directory)
{
  CONOS_TRY(auto dir, find_or_make_directory(directory));
  if (!has_log(dir)) {
    CONOS_TRY(const bool alone, take_lock(dir, std::chrono::seconds(10)));
    if (!alone) {
      return fail(Kind::busy, "another has been making it for 10 s");
    }
  }
  CONOS_TRY(const auto database, database_in(dir));
  const bool empty = database.st_size == 0;
  if (has_log(dir)) {
    CONOS_CHECK(empty ? judge_log_of_nothing(dir) : Result<>());
    return dir;
  }
  // The names are durable before there is anything in the files (of an empty database's log:
  // before there is anything of ours in it, see complete() of the ledger).
  CONOS_CHECK(empty ? Result<>() : make_file(dir, k_log));
  CONOS_CHECK(sync_file(dir));
  return dir;
}

} // namespace conos::audit
