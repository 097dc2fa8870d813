#pragma once

#include "contract/checks/look.hpp"

#include <sys/stat.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

// Names of files: patterns, and what lies below a directory.
namespace conos::contract {

// Whether a path has *, ? or [ in it.
bool is_glob(std::string_view path);

// The paths a pattern stands for, sorted: * and ? stay within a name, ** goes through directories
// (no symbolic links, no .git, node_modules and vendor), names with a dot in front are meant only
// when they are written so. Without wildcards it is the path itself, whether it is there or not.
// Type::busy when the time is up, Type::bad_data past k_max_subjects.
Result<std::vector<std::string>> expand(const Look& look, const std::string& pattern);

// The files of a contract's scope that there are.
Result<std::vector<std::string>> files_of_scope(const Look& look);

// What a check names by `path`, else the files of the scope.
Result<std::vector<std::string>> paths_of(const Look& look);

struct Visited {
  std::string path;
  struct stat status;
  struct stat directory; // it lies in
};

// Calls `visit` for everything below a directory, the directory itself not; `enter` says whether to
// look into a name at all. No symbolic link is followed and no other file system entered.
Result<> walk(const Look& look, const std::string& top, int depth,
  const std::function<bool(std::string_view name)>& enter,
  const std::function<void(const Visited&)>& visit);

// Whether anybody but root and its owner can rename or remove a file, by its directory's rights.
bool is_exposed(const struct stat& file, const struct stat& directory);

// "file", "directory", …
std::string_view type_of(mode_t mode);

// The directory a path is in; "/" for "/".
std::string parent_of(const std::string& path);

} // namespace conos::contract
