#include "contract/load.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

namespace conos::contract {

namespace {

constexpr const char* k_own_directories[] = {"/etc/conos/contracts", "/srv/conos/contracts"};

std::string directory_of(const std::string& file)
{
  const auto slash = file.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : file.substr(0, slash);
}

std::string absolute(const std::string& path)
{
  const std::unique_ptr<char, decltype(&std::free)> real(
    ::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : path;
}

bool is_contract_name(std::string_view name)
{
  return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
}

// Opens without waiting for a FIFO's writer, and reads only a regular file.
Result<std::string> read_contract(const std::string& path)
{
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    return os_error("open it");
  }
  CONOS_TRY(const auto status, stat_of(file));
  if (!S_ISREG(status.st_mode)) {
    return fail(Kind::bad_data, "it is not a regular file");
  }
  return read_all(file, k_max_contract_bytes);
}

// One file after the other, into one result.
class Loader
{
public:
  Result<> take(const std::string& path)
  {
    struct stat status = {};
    if (::stat(path.c_str(), &status) < 0) {
      return os_error("read contracts: '{}'", escaped(path));
    }
    if (!S_ISDIR(status.st_mode)) {
      file(path);
      return {};
    }
    CONOS_TRY(const auto dir, open_dir(path));
    CONOS_TRY(auto names, list_names(dir, k_max_files, is_contract_name));
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
      file(path + (path.ends_with('/') ? "" : "/") + name);
    }
    return {};
  }

  Loaded finish()
  {
    std::sort(
      m_loaded.invalid.begin(), m_loaded.invalid.end(), [](const Invalid& a, const Invalid& b) {
        return a.file < b.file;
      });
    return std::move(m_loaded);
  }

private:
  void file(const std::string& path)
  {
    const auto text = read_contract(path);
    if (!text) {
      m_loaded.invalid.push_back({path, {{{}, text.error().text()}}});
      return;
    }
    Source source{path, directory_of(absolute(path)), is_roots_alone(path)};
    auto contract = parse_contract(*text, source);
    if (!contract) {
      m_loaded.invalid.push_back({path, std::move(contract.error())});
      return;
    }
    const auto [first, is_new] = m_ids.try_emplace(contract->id, path);
    if (!is_new) {
      m_loaded.invalid.push_back(
        {path, {{contract->mark, fmt::format("the id '{}' is that of '{}' already", contract->id,
                                   escaped(first->second))}}});
      return;
    }
    m_loaded.contracts.push_back(std::move(*contract));
  }

  Loaded m_loaded;
  std::map<std::string, std::string> m_ids;
};

bool is_roots(const struct stat& status)
{
  // in a sticky directory others may add names, not replace root's
  const bool is_sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
  return status.st_uid == 0 && ((status.st_mode & (S_IWGRP | S_IWOTH)) == 0 || is_sticky);
}

} // namespace

std::vector<std::string> usual_directories()
{
  if (const char* own = std::getenv("CONOS_CONTRACTS_DIR"); own != nullptr && *own != '\0') {
    return {own};
  }
  return {std::begin(k_own_directories), std::end(k_own_directories)};
}

Result<Loaded> load(
  const std::vector<std::string>& paths, const std::vector<std::string>& optional_paths)
{
  Loader loader;
  for (const auto& path : paths) {
    CONOS_CHECK(loader.take(path));
  }
  for (const auto& path : optional_paths) {
    const auto taken = loader.take(path);
    if (!taken && taken.error().kind != Kind::not_found) {
      return tl::unexpected(taken.error());
    }
  }
  return loader.finish();
}

bool is_roots_alone(const std::string& path)
{
  auto here = absolute(path);
  for (;;) {
    struct stat status = {};
    if (::lstat(here.c_str(), &status) < 0 || !is_roots(status)) {
      return false;
    }
    if (here == "/" || here == ".") {
      return here == "/";
    }
    here = directory_of(here);
  }
}

} // namespace conos::contract
