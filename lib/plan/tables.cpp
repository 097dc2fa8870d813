#include "plan/tables.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace conos::plan {

namespace {

std::vector<std::string_view> words_of(std::string_view line)
{
  std::vector<std::string_view> words;
  for (const auto word : split(line, ' ')) {
    if (!word.empty()) {
      words.push_back(word);
    }
  }
  return words;
}

bool is_remark(std::string_view line)
{
  const auto text = trimmed(line);
  return text.empty() || text.starts_with('#');
}

std::optional<mode_t> mode_of(std::string_view text)
{
  mode_t mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || mode > 07777) {
    return std::nullopt;
  }
  return mode;
}

std::string rights(mode_t bits)
{
  return fmt::format("{}{}{}", (bits & 4U) != 0 ? 'r' : '-', (bits & 2U) != 0 ? 'w' : '-',
    (bits & 1U) != 0 ? 'x' : '-');
}

void set_acl(Directory& directory, std::string_view entries)
{
  for (const auto entry : split(entries, ',')) {
    if (entry.starts_with("d:")) {
      directory.default_acl.emplace_back(entry.substr(2));
    } else {
      directory.acl.emplace_back(entry);
    }
  }
  std::sort(directory.acl.begin(), directory.acl.end());
  std::sort(directory.default_acl.begin(), directory.default_acl.end());
}

tl::unexpected<Error> bad_line(std::string_view file, std::string_view line)
{
  return fail(Kind::config, "{}: '{}' is not a line conos can use", file, escaped(line));
}

} // namespace

Result<std::vector<std::string>> groups_of(std::string_view sysusers)
{
  std::vector<std::string> groups;
  for (const auto line : split(sysusers, '\n')) {
    if (is_remark(line)) {
      continue;
    }
    const auto words = words_of(line);
    if (words.size() == 3 && words[0] == "m") {
      continue; // systemd-sysusers reads it together with the user
    }
    const bool is_user = words.size() > 3 && words[0] == "u"; // and a group of that name
    if (!is_user && (words.size() != 3 || words[0] != "g" || words[2] != "-")) {
      return bad_line("sysusers.d/conos.conf", line);
    }
    groups.emplace_back(words[1]);
  }
  return groups;
}

Result<std::vector<Directory>> directories_of(std::string_view tmpfiles)
{
  std::vector<Directory> directories;
  for (const auto line : split(tmpfiles, '\n')) {
    if (is_remark(line)) {
      continue;
    }
    const auto words = words_of(line);
    const auto mode = words.size() == 6 && words[0] == "d" ? mode_of(words[2]) : std::nullopt;
    if (mode) {
      Directory directory;
      directory.path = words[1];
      directory.mode = *mode;
      directory.owner = words[3];
      directory.group = words[4];
      directories.push_back(std::move(directory));
    } else if (words.size() == 7 && words[0] == "a" && !directories.empty() &&
               directories.back().path == words[1]) {
      set_acl(directories.back(), words[6]);
    } else {
      return bad_line("tmpfiles.d/conos.conf", line);
    }
  }
  return directories;
}

std::string sysusers_of(const std::vector<Account>& accounts)
{
  std::string text;
  for (const auto& account : accounts) {
    // the group first and by number: "u NAME UID" alone would take another one where it is taken
    text += fmt::format("g {} {}\n", account.name, account.gid);
    text += fmt::format("u {} {}:{} \"conos agent {}\" {} /usr/sbin/nologin\n", account.name,
      account.uid, account.gid, account.agent, account.home);
    for (const auto& group : account.groups) {
      text += fmt::format("m {} {}\n", account.name, group);
    }
  }
  return text;
}

std::string tmpfiles_of(const Directory& directory)
{
  auto text = fmt::format(
    "d {} {:04o} {} {} -\n", directory.path, directory.mode, directory.owner, directory.group);
  auto acl = directory.acl.empty() ? acl_of_mode(directory.mode) : directory.acl;
  for (const auto& entry : directory.default_acl) {
    acl.push_back("d:" + entry);
  }
  return text + fmt::format("a {} - - - - {}\n", directory.path, join(acl, ","));
}

std::vector<std::string> acl_with(
  mode_t mode, std::string_view group, const std::vector<std::string>& named)
{
  std::vector<std::string> acl = named;
  acl.push_back("u::" + rights(mode >> 6U));
  acl.push_back(fmt::format("g::{}", group));
  acl.push_back("m::" + rights(mode >> 3U));
  acl.push_back("o::" + rights(mode));
  std::sort(acl.begin(), acl.end());
  return acl;
}

std::vector<std::string> acl_of_mode(mode_t mode)
{
  return {"g::" + rights(mode >> 3U), "o::" + rights(mode), "u::" + rights(mode >> 6U)};
}

} // namespace conos::plan
