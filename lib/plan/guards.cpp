#include "plan/guards.hpp"

#include <fmt/format.h>

namespace conos::plan {

namespace {

constexpr std::size_t k_usual_instances = 128; // what the rest of the machine is left with

} // namespace

std::string firewall_of(const config::Config& config)
{
  return fmt::format("table inet conos {{\n"
                     "\tchain output {{\n"
                     "\t\ttype filter hook output priority 0; policy accept;\n"
                     "\t\tmeta skuid {}-{} counter drop\n"
                     "\t}}\n"
                     "}}\n",
    config.uid_base, config.uid_base + config.uid_count - 1);
}

std::string firewall_script(const std::string& table)
{
  // made, so that there is one to delete
  return "# Compiled from /etc/conos/conos.toml by conos-bootstrap.\n"
         "table inet conos\ndelete table inet conos\n" +
         table;
}

std::string sudoers_of()
{
  return "# Compiled by conos-bootstrap. No agent becomes anybody else: what it needs of root it "
         "asks\n"
         "# for at its gate.\n"
         "%agents ALL=(ALL:ALL) !ALL\n";
}

std::string audit_rules_of()
{
  return "# Compiled by conos-bootstrap: changes of what decides what agents may do.\n"
         "-w /etc/conos -p wa -k conos-config\n"
         "-w /etc/sudoers.d -p wa -k conos-sudoers\n"
         "-w /etc/systemd/system -p wa -k conos-units\n"
         "-w /usr/local/bin/conctl -p wa -k conos-tools\n";
}

std::vector<Sysctl> sysctls_of(std::size_t path_units)
{
  // in whole steps, so that an agent more or less is not a change of the machine
  const auto instances = (path_units / k_usual_instances + 2) * k_usual_instances;
  return {
    {"fs.inotify.max_user_instances", static_cast<long>(instances)},
    {"fs.protected_fifos", 1},
    {"fs.protected_hardlinks", 1},
    {"fs.protected_regular", 1},
    {"fs.protected_symlinks", 1},
  };
}

std::string sysctl_table(const std::vector<Sysctl>& sysctls)
{
  std::string text =
    "# Compiled by conos-bootstrap. Files with later names win, and may ask for more.\n";
  for (const auto& [key, least] : sysctls) {
    text += fmt::format("{} = {}\n", key, least);
  }
  return text;
}

} // namespace conos::plan
