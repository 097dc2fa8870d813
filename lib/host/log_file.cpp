#include "host/log_file.hpp"

#include "host/acl.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace conos {

namespace {

constexpr off_t k_max_log = 8 << 20;
constexpr mode_t k_mode = 0640;

Result<UniqueFd> open_to_append(const UniqueFd& dir, const std::string& name)
{
  UniqueFd file(::openat(
    dir.get(), name.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, k_mode));
  return file ? Result<UniqueFd>(std::move(file)) : os_error("open '{}'", name);
}

} // namespace

Result<UniqueFd> open_log(const UniqueFd& dir, const std::string& name)
{
  CONOS_TRY(auto file, open_to_append(dir, name));
  CONOS_TRY(const auto status, stat_of(file));
  if (status.st_size > k_max_log) {
    if (::renameat(dir.get(), name.c_str(), dir.get(), (name + ".1").c_str()) < 0) {
      return os_error("set '{}' aside", name);
    }
    CONOS_TRY(file, open_to_append(dir, name));
  }
  CONOS_TRY(const auto group, group_id("conos"));
  if (::fchown(file.get(), 0, group.value_or(0)) < 0 || ::fchmod(file.get(), k_mode) < 0) {
    return os_error("give '{}' its owner", name);
  }
  return file;
}

Result<> append_lines(const UniqueFd& log, std::string_view lines)
{
  CONOS_TRY(const auto status, stat_of(log));
  char last = '\n';
  if (status.st_size > 0 && ::pread(log.get(), &last, 1, status.st_size - 1) < 0) {
    return os_error("read a log's end");
  }
  CONOS_CHECK(write_all(log, std::string(last == '\n' ? "" : "\n").append(lines)));
  return sync_file(log);
}

} // namespace conos
