#pragma once

#include "config/config.hpp"
#include "plan/state.hpp"

#include <cstddef>
#include <string>
#include <vector>

// The second walls: what the OS's own tools keep from agents outside of their cages, by uid and
// group. All of it pure text.
namespace conos::plan {

// The table inet conos, just as `nft --stateless --numeric list table inet conos` prints it: one
// rule drops whatever a uid of the range sends, to anywhere.
std::string firewall_of(const config::Config& config);

// What nft(8) reads to put that table in place of the one there was, in one transaction.
std::string firewall_script(const std::string& table);

// sudoers(5): no agent becomes anybody else.
std::string sudoers_of();

// audit.rules(7): whoever changes the configuration, sudo's, a unit or the front door is noted.
std::string audit_rules_of();

// Kernel parameters that have to be at least so much: those that make planted links, pipes and
// files harmless in directories others can write to, and inotify instances, of which root has 128
// and each path unit takes one.
std::vector<Sysctl> sysctls_of(std::size_t path_units);

// sysctl.d(5), for the next boot.
std::string sysctl_table(const std::vector<Sysctl>& sysctls);

} // namespace conos::plan
