#include "audit/day_files.hpp"

#include "audit/present.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace conos::audit {

namespace {

constexpr mode_t k_mode = 0640;

// A new file is of the directory's group whatever the group of its maker and the umask.
Result<UniqueFd> make(const UniqueFd& dir, const std::string& name)
{
  UniqueFd file(::openat(dir.get(), name.c_str(),
    O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, k_mode));
  if (!file) {
    return os_error("make '{}'", name);
  }
  CONOS_TRY(const auto st, stat_of(dir));
  if (::fchown(file.get(), static_cast<uid_t>(-1), st.st_gid) < 0 ||
      ::fchmod(file.get(), k_mode) < 0) {
    return os_error("give '{}' to its group", name);
  }
  return file;
}

Result<UniqueFd> find_or_make(const UniqueFd& dir, const std::string& name)
{
  constexpr int k_flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const auto find = [&] {
    return UniqueFd(::openat(dir.get(), name.c_str(), k_flags));
  };
  auto file = find();
  if (!file && errno == ENOENT) {
    auto made = make(dir, name);
    if (made || made.error().kind != Kind::exists) {
      return made;
    }
    file = find(); // another made it meanwhile
  }
  if (!file) {
    return os_error("open '{}'", name);
  }
  return file;
}

Result<> append_text(const UniqueFd& dir, const std::string& name, const std::string& text)
{
  CONOS_TRY(const auto file, find_or_make(dir, name));
  return write_all(file, text).map_error(during("append to '" + name + "'"));
}

} // namespace

Result<> append_day_files(
  const std::string& directory, const std::vector<Row>& rows, const std::vector<Recorded>& recorded)
{
  std::string day; // rows of one append are of one time
  std::string lines;
  std::string json;
  for (std::size_t i = 0; i < rows.size() && i < recorded.size(); ++i) {
    if (recorded[i].already) {
      continue;
    }
    const auto event = event_of(rows[i], recorded[i]);
    day = event.ts.substr(0, 10);
    lines += log_line(event) + "\n";
    json += json_line(event) + "\n";
  }
  if (day.empty()) {
    return {};
  }
  CONOS_TRY(const auto dir, open_dir(directory));
  CONOS_CHECK(append_text(dir, day + ".jsonl", json));
  return append_text(dir, day + ".log", lines);
}

} // namespace conos::audit
