#include "plan/files.hpp"

#include "host/immutable.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace conos::plan {

namespace {

constexpr std::size_t k_max_saved_bytes = 16U << 20U;

struct Split {
  std::string directory;
  std::string name;
};

Split split_path(const std::string& path)
{
  const auto slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// Below directories of root's only, so paths hold.
Result<UniqueFd> make_parents(const std::string& path)
{
  auto dir = open_dir(path);
  if (dir || dir.error().kind != Kind::not_found) {
    return dir;
  }
  const auto [parent, name] = split_path(path);
  CONOS_TRY(const auto above, make_parents(parent.empty() ? "/" : parent));
  const auto made = make_dir(above, name, 0755);
  if (!made && made.error().kind != Kind::exists) {
    return tl::unexpected<Error>(made.error());
  }
  return open_dir_at(above, name);
}

// What is no regular file has no flag that could be in the way.
Result<> set_flag(const UniqueFd& dir, const std::string& name, bool on)
{
  const UniqueFd file(
    ::openat(dir.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) {
    return !on && (errno == ENOENT || errno == ELOOP) ? Result<>{} : os_error("open '{}'", name);
  }
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return {};
  }
  const auto set = set_immutable(file, on);
  return !on && !set && set.error().kind == Kind::unavailable ? Result<>{} : set;
}

Result<Owner> owner_of(const File& file, const Accounts& accounts)
{
  const auto* user = accounts.user(file.owner);
  const auto* group = accounts.group(file.group);
  if (user == nullptr || group == nullptr) {
    return fail(Kind::not_found, "there is no {} '{}'", user == nullptr ? "user" : "group",
      user == nullptr ? file.owner : file.group);
  }
  return Owner{user->uid, group->gid};
}

} // namespace

Result<> write_file(const Place& place, const File& file, const Accounts& accounts, Lock lock)
{
  const auto purpose = during("write '" + file.path + "'");
  const auto [directory, name] = split_path(place.root + file.path);
  CONOS_TRY(const auto owner, owner_of(file, accounts).map_error(purpose));
  CONOS_TRY(const auto dir, make_parents(directory).map_error(purpose));
  CONOS_CHECK(set_flag(dir, name, false).map_error(purpose));
  CONOS_CHECK(
    replace_alone(dir, name, *file.content, file.mode, owner, Durable::later).map_error(purpose));
  if (file.immutable && lock == Lock::yes) {
    CONOS_CHECK(set_flag(dir, name, true).map_error(purpose));
  }
  return {};
}

Result<> save_file(const Place& place, const File& file)
{
  const auto purpose = during("keep what was in '" + file.path + "'");
  const auto [directory, name] = split_path(place.root + file.path);
  CONOS_TRY(const auto dir, open_dir(directory).map_error(purpose));
  CONOS_TRY(const auto text, read_file(dir, name, k_max_saved_bytes).map_error(purpose));
  return replace_alone(dir, name + k_saved, text, 0600, {}, Durable::later).map_error(purpose);
}

Result<bool> is_there(const Place& place, const std::string& path)
{
  struct stat st = {};
  if (::lstat((place.root + path).c_str(), &st) == 0) {
    return true;
  }
  // a name that is too long is nobody's
  const bool is_answer = errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG;
  return is_answer ? Result<bool>(false) : os_error("look for '{}'", path);
}

Result<> remove_file(const Place& place, const std::string& path)
{
  const auto purpose = during("remove '" + path + "'");
  const auto [directory, name] = split_path(place.root + path);
  const auto dir = open_dir(directory);
  if (!dir) {
    return dir.error().kind == Kind::not_found
             ? Result<>{}
             : Result<>(tl::unexpected<Error>(purpose(dir.error())));
  }
  CONOS_CHECK(set_flag(*dir, name, false).map_error(purpose));
  return remove_name(*dir, name).map_error(purpose);
}

Result<> lock_file(const Place& place, const std::string& path)
{
  const auto [directory, name] = split_path(place.root + path);
  CONOS_TRY(const auto dir, open_dir(directory));
  return set_flag(dir, name, true).map_error(during("lock '" + path + "'"));
}

Result<> unlock_file(const Place& place, const std::string& path)
{
  const auto [directory, name] = split_path(place.root + path);
  CONOS_TRY(const auto dir, open_dir(directory));
  return set_flag(dir, name, false).map_error(during("unlock '" + path + "'"));
}

Result<> write_link(const Place& place, const Link& link, const Accounts& accounts)
{
  const auto purpose = during("link '" + link.path + "'");
  const auto [directory, name] = split_path(place.root + link.path);
  const auto* user = accounts.user(link.owner);
  if (user == nullptr) {
    return fail(Kind::not_found, "link '{}': there is no user '{}'", link.path, link.owner);
  }
  // opened while we are still root, and not through a symlink
  const UniqueFd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir) {
    return os_error("link '{}': open its directory", link.path);
  }
  const ActingAs owner(user->uid, user->gid);
  if (!owner) {
    return fail(Kind::denied, "link '{}': cannot act as '{}'", link.path, link.owner);
  }
  const auto temporary = ".conos-" + name;
  (void)::unlinkat(dir.get(), temporary.c_str(), 0); // a crash may have left it
  if (::symlinkat(link.target.c_str(), dir.get(), temporary.c_str()) < 0 ||
      ::renameat(dir.get(), temporary.c_str(), dir.get(), name.c_str()) < 0) {
    return os_error("link '{}'", link.path);
  }
  return {};
}

} // namespace conos::plan
