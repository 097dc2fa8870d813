#pragma once

#include "task/site.hpp"

#include <string>

namespace conos::plan {

// Where things are. The root is "" for the machine itself; tests and images have another.
struct Place {
  explicit Place(std::string root_path = "")
      : root(std::move(root_path))
      , site(root)
      , etc(site.etc)
      , lib(root + "/usr/lib/conos")
      , vendor(root + "/usr/lib")
  {
  }

  std::string root;
  Site site;
  std::string etc;    // the configuration; a profile that is only looked at lies elsewhere
  std::string lib;    // templates and tiers
  std::string vendor; // sysusers.d, tmpfiles.d
};

inline const std::string k_config_path = "/etc/conos/conos.toml";
inline const std::string k_units = "/etc/systemd/system";
inline const std::string k_agents_sysusers = "/etc/sysusers.d/conos-agents.conf";
inline const std::string k_agents_tmpfiles = "/etc/tmpfiles.d/conos-agents.conf";
// While it is there, unit files were changed that systemd may not have read. Gone after a boot.
inline const std::string k_reload_mark = "/run/conos-bootstrap.reload";
inline const std::string k_firewall = "/var/lib/conos/compiled/firewall.nft";
inline const std::string k_saved = ".conos-save";
inline const std::string k_sudoers = "/etc/sudoers.d/conos-agents";
inline const std::string k_audit_rules = "/etc/audit/rules.d/conos.rules";
inline const std::string k_sysctl_table = "/etc/sysctl.d/10-conos.conf";
inline const std::string k_record = "/var/lib/conos/applied.json";
inline const std::string k_think = "/usr/libexec/conos/conos-think";
inline const std::string k_prices = "/usr/share/conos/prices.toml";
inline const std::string k_steward = "/usr/libexec/conos/conos-steward";

} // namespace conos::plan
