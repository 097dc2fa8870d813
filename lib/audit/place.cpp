#include "audit/place.hpp"

#include "sys/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

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

// The log is made after the database's first page is on disk, so no crash leaves a log beside an
// empty database; somebody removed or cut it. SQLite would delete the log, and the rows in it.
Result<> judge_empty(const UniqueFd& dir)
{
  const auto log = stat_at(dir, k_log);
  CONOS_TRY(const auto again, stat_at(dir, k_database)); // another may be filling it just now
  if (log && log->st_size > 0 && again.st_size == 0) {
    return fail(Kind::bad_data, "'{}' is empty and '{}' is not: the ledger was removed or cut",
      k_database, k_log);
  }
  return sync_file(dir); // its name is durable before anything is in it
}

// By name, because a second descriptor of the database in this process would, when it is closed,
// drop the locks SQLite holds on it (fcntl(2)); nobody else can change names in the directory.
Result<> judge_file(const UniqueFd& dir)
{
  CONOS_TRY(const auto st, stat_at(dir, k_database));
  if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
    return fail(Kind::bad_data, "'{}' is not a regular file of a single name", k_database);
  }
  CONOS_CHECK(only_ours(st, k_database));
  return st.st_size == 0 ? judge_empty(dir) : Result<>();
}

Result<> make_file(const UniqueFd& dir)
{
  const UniqueFd file(::openat(
    dir.get(), k_database.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) {
    return errno == EEXIST ? Result<>() : os_error("make '{}'", k_database);
  }
  if (::fchmod(file.get(), 0600) < 0) { // whatever the umask
    return os_error("set the mode of '{}'", k_database);
  }
  return {};
}

} // namespace

Result<UniqueFd> open_place(const std::string& directory)
{
  CONOS_TRY(auto dir, find_or_make_directory(directory));
  if (!exists_at(dir, k_database)) {
    CONOS_CHECK(make_file(dir));
  }
  CONOS_CHECK(judge_file(dir));
  return dir;
}

} // namespace conos::audit
