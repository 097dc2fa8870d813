#include "contract/checks/paths.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <memory>

namespace conos::contract {

namespace {

constexpr int k_max_depth = 40;
constexpr std::array<std::string_view, 3> k_passed_over{".git", "node_modules", "vendor"};

struct CloseDirectory {
  void operator()(DIR* directory) const { (void)::closedir(directory); }
};
using Listing = std::unique_ptr<DIR, CloseDirectory>;

bool is_directory(const std::string& path)
{
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_there(const std::string& path)
{
  struct stat status = {};
  return ::lstat(path.c_str(), &status) == 0;
}

// Walks along the parts of a pattern.
class Expansion
{
public:
  Expansion(const Look& look, std::string_view pattern)
      : m_look(look)
  {
    for (const auto part : split(pattern, '/')) {
      if (!part.empty()) {
        m_parts.emplace_back(part);
      }
    }
  }

  Result<std::vector<std::string>> run()
  {
    CONOS_CHECK(from("/", 0, 0));
    std::sort(m_found.begin(), m_found.end());
    m_found.erase(std::unique(m_found.begin(), m_found.end()), m_found.end());
    return std::move(m_found);
  }

private:
  Result<> from(const std::string& directory, std::size_t part, int depth)
  {
    if (part == m_parts.size() || depth > k_max_depth) {
      return {};
    }
    const auto& pattern = m_parts[part];
    if (pattern == "**") {
      CONOS_CHECK(from(directory, part + 1, depth)); // ** may be nothing at all
      return each(directory, "*", [&](const std::string& path, std::string_view name) -> Result<> {
        const bool enters =
          std::find(k_passed_over.begin(), k_passed_over.end(), name) == k_passed_over.end();
        return enters && is_directory(path) ? from(path, part, depth + 1) : Result<>{};
      });
    }
    if (!is_glob(pattern)) {
      return reached(joined(directory, pattern), part, depth);
    }
    return each(directory, pattern.c_str(), [&](const std::string& path, std::string_view) {
      return reached(path, part, depth);
    });
  }

  Result<> reached(const std::string& path, std::size_t part, int depth)
  {
    if (part + 1 < m_parts.size()) {
      return from(path, part + 1, depth + 1);
    }
    if (is_there(path)) {
      m_found.push_back(path);
    }
    return {};
  }

  static std::string joined(const std::string& directory, std::string_view name)
  {
    return directory + (directory.ends_with('/') ? "" : "/") + std::string(name);
  }

  template<class Take>
  Result<> each(const std::string& directory, const char* pattern, const Take& take)
  {
    const Listing listing(::opendir(directory.c_str()));
    if (!listing) {
      const bool is_nothing = errno == ENOENT || errno == ENOTDIR;
      return is_nothing ? Result<>{} : os_error("look into '{}'", escaped(directory));
    }
    while (const auto* entry = ::readdir(listing.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == ".." || ::fnmatch(pattern, entry->d_name, FNM_PERIOD) != 0) {
        continue;
      }
      if (++m_seen > k_max_subjects) {
        return fail(Kind::bad_data, "more than {} names are too many", k_max_subjects);
      }
      if (m_look.is_late()) {
        return fail(Kind::busy, "its time was up");
      }
      CONOS_CHECK(take(joined(directory, name), name));
    }
    return {};
  }

  const Look& m_look;
  std::vector<std::string> m_parts;
  std::vector<std::string> m_found;
  std::size_t m_seen = 0;
};

bool is_left_out(const std::vector<std::string>& patterns, const std::string& path)
{
  const auto base = path.substr(path.rfind('/') + 1);
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    const auto whole = pattern.starts_with('/') ? pattern : "*/" + pattern;
    return ::fnmatch(whole.c_str(), path.c_str(), 0) == 0 ||
           ::fnmatch(pattern.c_str(), base.c_str(), 0) == 0;
  });
}

class Walk
{
public:
  Walk(const Look& look, const std::function<bool(std::string_view)>& enter,
    const std::function<void(const Visited&)>& visit)
      : m_look(look)
      , m_enter(enter)
      , m_visit(visit)
  {
  }

  Result<> below(UniqueFd fd, const std::string& path, int depth)
  {
    CONOS_TRY(const auto status, stat_of(fd));
    m_device = m_device.value_or(status.st_dev);
    if (status.st_dev != *m_device) {
      return {};
    }
    const UniqueFd own(::dup(fd.get()));
    const Listing listing(::fdopendir(fd.get()));
    if (!listing) {
      return os_error("look into '{}'", escaped(path));
    }
    (void)fd.release(); // the listing has it
    while (const auto* entry = ::readdir(listing.get())) {
      const std::string name = entry->d_name;
      if (name != "." && name != ".." && m_enter(name)) {
        CONOS_CHECK(one(own, status, path + "/" + name, name, depth));
      }
    }
    return {};
  }

private:
  Result<> one(const UniqueFd& dir, const struct stat& directory, const std::string& path,
    const std::string& name, int depth)
  {
    if (++m_seen > k_max_subjects) {
      return fail(Kind::bad_data, "more than {} files are too many", k_max_subjects);
    }
    if (m_look.is_late()) {
      return fail(Kind::busy, "its time was up");
    }
    Visited visited{path, {}, directory};
    if (::fstatat(dir.get(), name.c_str(), &visited.status, AT_SYMLINK_NOFOLLOW) < 0) {
      return {}; // gone in the meantime
    }
    m_visit(visited);
    if (!S_ISDIR(visited.status.st_mode) || depth <= 1) {
      return {};
    }
    UniqueFd inner(
      ::openat(dir.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inner) {
      const bool is_gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
      return is_gone ? Result<>{} : os_error("look into '{}'", escaped(path));
    }
    return below(std::move(inner), path, depth - 1);
  }

  const Look& m_look;
  const std::function<bool(std::string_view)>& m_enter;
  const std::function<void(const Visited&)>& m_visit;
  std::optional<dev_t> m_device;
  std::size_t m_seen = 0;
};

} // namespace

bool is_glob(std::string_view path)
{
  return path.find_first_of("*?[") != path.npos;
}

Result<std::vector<std::string>> expand(const Look& look, const std::string& pattern)
{
  if (!is_glob(pattern)) {
    return std::vector<std::string>{pattern};
  }
  return Expansion(look, pattern).run();
}

Result<std::vector<std::string>> files_of_scope(const Look& look)
{
  std::vector<std::string> all;
  const auto& scope = *look.contract.files;
  for (const auto& written : scope.paths) {
    // a pattern without a slash is meant of names anywhere below
    const auto below =
      written.find('/') == written.npos && is_glob(written) ? "**/" + written : written;
    const auto pattern =
      written.starts_with('/') ? written : look.contract.source.directory + "/" + below;
    CONOS_TRY(const auto found, expand(look, pattern));
    for (const auto& path : found) {
      struct stat status = {};
      if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
          !is_left_out(scope.exclude, path)) {
        all.push_back(path);
      }
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Result<std::vector<std::string>> paths_of(const Look& look)
{
  if (!look.params().has("path")) {
    return files_of_scope(look);
  }
  return expand(look, look.path("path"));
}

Result<> walk(const Look& look, const std::string& top, int depth,
  const std::function<bool(std::string_view)>& enter,
  const std::function<void(const Visited&)>& visit)
{
  CONOS_TRY(auto dir, open_dir(top));
  return Walk(look, enter, visit).below(std::move(dir), top, std::min(depth, k_max_depth));
}

bool is_exposed(const struct stat& file, const struct stat& directory)
{
  const auto is_other = [&](uid_t uid) {
    return uid != 0 && uid != file.st_uid;
  };
  if (is_other(directory.st_uid) && (directory.st_mode & S_IWUSR) != 0) {
    return true;
  }
  // an ACL's mask is the group's bits, so no entry of it can write where these cannot
  const bool others_write = (directory.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  return others_write && (directory.st_mode & S_ISVTX) == 0;
}

std::string_view type_of(mode_t mode)
{
  switch (mode & S_IFMT) {
  case S_IFREG:
    return "file";
  case S_IFDIR:
    return "directory";
  case S_IFLNK:
    return "symlink";
  case S_IFSOCK:
    return "socket";
  case S_IFIFO:
    return "fifo";
  case S_IFBLK:
    return "block";
  case S_IFCHR:
    return "character";
  default:
    return "something else";
  }
}

std::string parent_of(const std::string& path)
{
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace conos::contract
