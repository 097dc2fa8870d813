#pragma once

#include "plan/state.hpp"
#include "sys/error.hpp"

#include <string>
#include <string_view>
#include <vector>

// The tables of systemd-sysusers and systemd-tmpfiles, as far as conos uses them.
namespace conos::plan {

// The groups of a sysusers.d file: its lines "g NAME -". Kind::config for any other line.
Result<std::vector<std::string>> groups_of(std::string_view sysusers);

// The directories of a tmpfiles.d file: its lines "d PATH MODE USER GROUP -" and
// "a PATH - - - - ACL". Kind::config for any other line.
Result<std::vector<Directory>> directories_of(std::string_view tmpfiles);

// sysusers.d lines that make these accounts.
std::string sysusers_of(const std::vector<Account>& accounts);

// tmpfiles.d lines that make one directory what it is to be: "d", then "a" where it has or once
// had an ACL. Never "a+", which takes no right away.
std::string tmpfiles_of(const Directory& directory);

// The complete ACL of a directory with that mode, in which the owning group has only `group` and
// each of `named` ("u:a-x:--x") is added; sorted.
std::vector<std::string> acl_with(
  mode_t mode, std::string_view group, const std::vector<std::string>& named);

// The ACL a plain mode stands for.
std::vector<std::string> acl_of_mode(mode_t mode);

} // namespace conos::plan
