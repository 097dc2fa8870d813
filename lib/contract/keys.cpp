#include "contract/key.hpp"

#include <algorithm>

namespace conos::contract {

namespace {

using enum Role;

constexpr std::string_view k_if_none_help =
  "what it means that nothing matches a pattern of `path`: fail, pass or skip";
constexpr Key k_if_none{"if_none", Type::text, subject, k_if_none_help, "pass", "fail pass skip"};
constexpr Key k_user{"user", Type::text, subject,
  "the account it runs as; root only from a file that root alone can write. Unsaid: whoever runs "
  "conos-contract; for root, with a file that others can write: nobody",
  "nobody"};

const Key k_contract_keys[] = {
  {"id", Type::text, needed, "its name, on this machine its alone", "CON-SEC-001"},
  {"description", Type::text, needed, "what it promises, in a sentence",
    "Skill files must be owned by root"},
  {"type", Type::text, subject,
    "detective and atomic are evaluated with all others; protocol only when it is asked for, "
    "before "
    "what it guards. The other names are those of older contracts and mean detective",
    "detective", "detective atomic protocol holistic enforcement preventive"},
  {"trigger", Type::text, subject, "of a protocol: what it stands before, for people",
    "tailscale down"},
  {"tags", Type::texts, subject,
    "words to choose contracts by; `schedule` is what the timer asks for, `always` answers every "
    "choice",
    "[schedule]"},
  {"frequency", Type::text, subject, "of older contracts: without tags it means `tags: [schedule]`",
    "60s"},
  {"scope", Type::any, subject,
    "global or system: checks name what they look at. A mapping: the files that checks without a "
    "path of their own look into, one by one. agent:NAME is of older contracts",
    "global"},
  {"skip_if", Type::any, subject, "when none of its checks is made", "{ not_root: true }"},
  {"depends_on", Type::texts, subject,
    "contracts, or single checks as ID/NAME, that have to pass first; if they do not, this is "
    "skipped",
    "[CON-SYS-001]"},
  {"why", Type::text, subject, "why it matters", "A skill is what an agent does next"},
  {"fix", Type::text, subject, "what mends it", "conos-bootstrap"},
  {"checks", Type::any, needed, "its checks, at least one", "[…]"},
};

const Key k_check_keys[] = {
  {"name", Type::text, needed, "its name within the contract", "skills_root_owned"},
  {"on_fail", Type::any, subject,
    "what follows: fail (the default), alert or warn (a warning), escalate, halt_agents, "
    "halt_workers, halt, quarantine, kill_session, require_exemption, run; several as a list",
    "escalate"},
  {"skip_if", Type::any, subject, "when it is not made", "{ path_not_exists: /etc/conos }"},
  {"severity", Type::text, subject,
    "how bad it is; unsaid it follows from on_fail: critical where something is halted, medium for "
    "a warning, low for require_exemption, else high",
    "critical", "critical high medium low info"},
  {"category", Type::text, subject, "a word to group findings by", "security"},
  {"what", Type::text, subject, "the finding, for people", "Skill files not owned by root"},
  {"why", Type::text, subject, "why it matters; unsaid the contract's", "…"},
  {"verify", Type::text, subject, "a command that shows it by hand",
    "find /etc/conos/roles -name '*.md' ! -user root"},
  {"fix", Type::text, subject, "what mends it; unsaid the contract's", "conos-bootstrap"},
  {"affects", Type::texts, subject, "what is in danger", "[/etc/conos/roles]"},
  {"depends_on", Type::texts, subject,
    "checks of this contract by name, or ID or ID/NAME, that have to pass first", "[disk_mounted]"},
  {"timeout", Type::duration, subject,
    "how long it may take, 1s to 1h; then it is ended and its status is timeout", "10s"},
};

const Key k_skip_keys[] = {
  {"env_var_unset", Type::text, subject, "this variable is not set", "CI_TOKEN"},
  {"path_exists", Type::text, subject, "there is such a path", "/.dockerenv"},
  {"path_not_exists", Type::text, subject, "there is no such path", "/etc/conos"},
  {"not_in_ci", Type::boolean, subject, "the variable CI is not set", "true"},
  {"command_not_available", Type::text, subject, "there is no such program in PATH", "git"},
  {"not_root", Type::boolean, subject, "it is not root who asks", "true"},
  {"no_systemd", Type::boolean, subject, "the machine was not booted with systemd", "true"},
};

const Key k_scope_keys[] = {
  {"paths", Type::texts, subject,
    "patterns of files; * stays within a name, ** goes through directories", "[\"**/*.conf\"]"},
  {"exclude", Type::texts, subject, "of these, files that are left out", "[\"*.bak\"]"},
};

const Key k_on_fail_keys[] = {
  {"action", Type::texts, subject, "one of the actions, or several", "halt_agents"},
  {"escalate", Type::any, subject, "true: escalate too; of older contracts", "true"},
  {"message", Type::text, subject, "stands for `what`; of older contracts", "Disk is full"},
  {"run", Type::text, subject, "a unit that is started", "conos-tidy.service"},
};

// --- modules -----------------------------------------------------------------------------------

const Key k_command[] = {
  {"run", Type::texts, needed,
    "what to run: a list of words is a program and its arguments, a text is for /bin/sh",
    "[\"true\"]"},
  {"exit_code", Type::integer, property, "its exit status; unsaid 0", "0"},
  {"output_matches", Type::text, condition,
    "found in what it prints on standard output, without the white space around it", "^active$", {},
    true},
  {"stdout", Type::text, property, "what it prints on standard output, so trimmed", "active"},
  {"stderr", Type::text, property, "what it prints on standard error, so trimmed",
    "{ not: { contains: error } }"},
  {"test", Type::text, subject,
    "of older contracts: a shell's condition on $RESULT, what the command printed",
    "'[ \"$RESULT\" -lt 90 ]'"},
  k_user,
  {"timeout", Type::duration, subject, "as `timeout` of the check", "10s"},
};

const Key k_script[] = {
  {"path", Type::text, subject,
    "an executable file; a relative path begins at the contract's directory", "checks/disk.sh"},
  {"inline", Type::text, subject, "the script itself; for /bin/sh unless it begins with a #! line",
    "test -d /srv"},
  {"exit_code", Type::integer, property, "its exit status; unsaid 0", "0"},
  {"stdout", Type::text, property, "what it prints on standard output, trimmed", "ok"},
  {"stderr", Type::text, property, "what it prints on standard error, trimmed", "\"\""},
  k_user,
  {"timeout", Type::duration, subject, "as `timeout` of the check; a bare number is seconds",
    "10s"},
};

const Key k_regex_in_file[] = {
  {"path", Type::text, subject, "the file, or a pattern for several; unsaid those of the scope",
    "/etc/ssh/sshd_config"},
  {"pattern", Type::text, needed, "an RE2 pattern; ^ and $ stand at each line",
    "^PermitRootLogin no", {}, true},
  k_if_none,
};

const Key k_path_exists[] = {
  {"path", Type::text, needed, "the path, or a pattern that has to match something",
    "/srv/conos/inbox"},
  {"type", Type::text, subject, "what it has to be; symbolic links are followed", "directory",
    "file directory"},
};

const Key k_path_not_exists[] = {
  {"path", Type::text, needed, "the path, or a pattern that must not match anything",
    "/etc/cron.d/*"},
};

const Key k_document_key[] = {
  {"path", Type::text, needed, "the file, or a pattern for several", "/etc/app.json"},
  {"key", Type::text, needed,
    "where in it: names with dots between, [0] for an item, [*] for all; a name with a dot in "
    "quotes",
    "servers[*].port"},
  {"exists", Type::boolean, subject, "whether there is such a key; alone it decides", "true"},
  {"equals", Type::text, subject, "the value, as a text", "443"},
  {"matches", Type::text, condition, "an RE2 pattern found in the value", "^4", {}, true},
  {"value", Type::any, property, "the value: a scalar, or a list of scalars",
    "{ one_of: [443, 8443] }"},
  {"length", Type::integer, property, "how many items a list or a mapping has", "{ at_least: 1 }"},
  k_if_none,
};

const Key k_env_var[] = {
  {"name", Type::text, needed, "the variable, of conos-contract's own environment", "PATH"},
  {"equals", Type::text, subject, "its value", "C.UTF-8"},
  {"matches", Type::text, condition, "an RE2 pattern found in its value", "^/usr", {}, true},
};

const Key k_no_env_var[] = {
  {"name", Type::text, needed, "the variable that must not be set", "LD_PRELOAD"},
  {"matches", Type::text, condition, "it may be set, to what this RE2 pattern is not found in",
    "^sk-", {}, true},
};

const Key k_command_available[] = {
  {"name", Type::text, needed, "the program, to be found in PATH", "git"},
};

const Key k_file[] = {
  {"path", Type::text, needed, "the file, or a pattern for several", "/etc/conos/*.toml"},
  {"exists", Type::boolean, property, "whether it is there", "true"},
  {"type", Type::text, property, "what it is", "file",
    "file directory symlink socket fifo block character"},
  {"mode", Type::mode, property, "its permission bits", "\"0640\""},
  {"owner", Type::text, property, "the name of its owner, or the number where there is none",
    "root"},
  {"group", Type::text, property, "the name of its group", "root"},
  {"size", Type::size, property, "its size", "{ less: 1M }"},
  {"links", Type::integer, property, "how many names it has", "1"},
  {"target", Type::text, property, "where a symbolic link points to", "/usr/bin/true"},
  {"age", Type::duration, property, "how long ago it was last written", "{ less: 1d }"},
  {"sha256", Type::text, property, "its SHA-256 in hex", "…"},
  {"immutable", Type::boolean, property, "whether chattr +i is on it", "true"},
  {"capability", Type::texts, property, "its capabilities, as getcap(8) names them",
    "[cap_net_bind_service]"},
  {"exposed", Type::boolean, property,
    "whether anybody but root and its owner can rename or remove it, by the rights of its "
    "directory",
    "false"},
  {"follow", Type::boolean, subject, "look at what a symbolic link points to; unsaid true",
    "false"},
  k_if_none,
};

const Key k_tree[] = {
  {"path", Type::text, needed, "the directory, or a pattern for several", "/etc/conos/roles"},
  {"names", Type::texts, subject, "patterns of the names that are looked at; unsaid all",
    "[\"*.md\"]"},
  {"exclude", Type::texts, subject, "patterns of names that are passed over, with what is in them",
    "[.git]"},
  {"depth", Type::integer, subject, "how deep; unsaid 16", "1"},
  {"lacks", Type::text, subject, "of those, directories in which there is nothing of this name",
    "manifest.json"},
  {"type", Type::text, condition, "of those, which are", "file",
    "file directory symlink socket fifo block character"},
  {"mode", Type::mode, condition, "of those, with such permission bits",
    "{ not: { at_most: \"0755\" } }"},
  {"owner", Type::text, condition, "of those, with such an owner", "{ not: root }"},
  {"group", Type::text, condition, "of those, with such a group", "{ not: root }"},
  {"size", Type::size, condition, "of those, of such a size", "{ greater: 10M }"},
  {"immutable", Type::boolean, condition, "of those, with or without chattr +i", "false"},
  {"exposed", Type::boolean, condition, "of those, which somebody else can rename or remove",
    "true"},
  {"pattern", Type::text, condition, "of those, files in which this RE2 pattern is found",
    "-----BEGIN [A-Z ]*PRIVATE KEY", {}, true},
  {"count", Type::integer, property, "how many are left; unsaid 0", "0"},
  k_if_none,
};

const Key k_acl[] = {
  {"path", Type::text, needed, "the file or directory, or a pattern for several",
    "/srv/conos/agents/sysadmin/inbox"},
  {"user", Type::text, subject, "the account whose rights are asked for", "a-concierge"},
  {"rights", Type::text, property,
    "what this user may do with it: rwx, with a - for what not. Counted are the mode, the ACL and "
    "its "
    "mask, its groups, and whether every directory above lets it through",
    "\"-wx\""},
  {"reachable", Type::boolean, property, "whether every directory above lets it through", "true"},
  {"entries", Type::texts, property, "the entries of the ACL as getfacl(1) has them, short",
    "{ contains: \"u:a-concierge:-wx\" }"},
  {"defaults", Type::texts, property, "the entries of the default ACL", "[]"},
  k_if_none,
};

const Key k_user_keys[] = {
  {"name", Type::text, needed, "the account", "a-concierge"},
  {"exists", Type::boolean, property, "whether there is one", "true"},
  {"uid", Type::integer, property, "its number", "{ at_least: 70000 }"},
  {"group", Type::text, property, "its primary group", "a-concierge"},
  {"groups", Type::texts, property, "all its groups", "{ contains: agents }"},
  {"home", Type::text, property, "its home directory", "/home/a-concierge"},
  {"shell", Type::text, property, "its shell", "/usr/sbin/nologin"},
};

const Key k_group_keys[] = {
  {"name", Type::text, needed, "the group", "trusted"},
  {"exists", Type::boolean, property, "whether there is one", "true"},
  {"gid", Type::integer, property, "its number", "{ less: 1000 }"},
  {"members", Type::texts, property, "who is in it, by listing or as primary group",
    "{ one_of: [alice] }"},
};

const Key k_unit[] = {
  {"name", Type::text, needed, "the unit", "conos-outer-inbox.path"},
  {"load", Type::text, property, "systemd's word for whether it could be read", "loaded"},
  {"active", Type::text, property, "systemd's word for its state", "active"},
  {"sub", Type::text, property, "the same, in detail", "running"},
  {"enabled", Type::text, property, "the state of its file", "enabled"},
  {"properties", Type::any, property,
    "a mapping of properties as systemctl show names them; each a value or operators",
    "{ NoNewPrivileges: true, TasksMax: { at_most: 64 } }"},
};

const Key k_process[] = {
  {"name", Type::text, subject, "the name of its program, as ps -o comm shows it", "sshd"},
  {"pattern", Type::text, subject, "an RE2 pattern found in its command line", "^/usr/sbin/sshd",
    {}, true},
  {"user", Type::text, subject, "only those of this account", "root"},
  {"exists", Type::boolean, property, "whether there is one", "true"},
  {"count", Type::integer, property, "how many there are", "{ at_most: 1 }"},
  {"users", Type::texts, property, "the accounts they run as", "[root]"},
  {"oldest", Type::duration, property, "how long the oldest has been running", "{ less: 30m }"},
};

const Key k_port[] = {
  {"port", Type::integer, needed, "its number", "22"},
  {"protocol", Type::text, subject, "which one; unsaid tcp. IPv6 is included", "udp", "tcp udp"},
  {"exists", Type::boolean, property, "whether somebody listens", "true"},
  {"addresses", Type::texts, property, "the addresses that are listened at",
    "{ one_of: [127.0.0.1, \"::1\"] }"},
  {"users", Type::texts, property, "the accounts that listen", "[root]"},
};

const Key k_mount[] = {
  {"path", Type::text, needed,
    "the mount point; for the free space any path, and what it lies on is meant", "/srv"},
  {"exists", Type::boolean, property, "whether something is mounted right there", "true"},
  {"source", Type::text, property, "what is mounted", "/dev/sda1"},
  {"filesystem", Type::text, property, "its type", "ext4"},
  {"options", Type::texts, property, "its options", "{ contains: noexec }"},
  {"free", Type::percent, property, "the part that is free for everybody", "{ at_least: 15% }"},
  {"free_bytes", Type::size, property, "the same, as a size", "{ at_least: 1G }"},
  {"inodes_free", Type::percent, property, "the part of its inodes that is free",
    "{ at_least: 5% }"},
};

const Key k_memory[] = {
  {"available", Type::percent, property, "the part that programs can still have",
    "{ at_least: 10% }"},
  {"available_bytes", Type::size, property, "the same, as a size", "{ at_least: 256M }"},
  {"swap_free", Type::percent, property,
    "the part of the swap space that is free; 100% without any", "{ at_least: 50% }"},
};

const Key k_load[] = {
  {"one", Type::number, property, "the load of the last minute", "{ at_most: 4 }"},
  {"five", Type::number, property, "of the last five minutes", "{ at_most: 4 }"},
  {"fifteen", Type::number, property, "of the last fifteen", "{ at_most: 4 }"},
  {"per_core", Type::number, property, "that of the last minute, for each processor we may use",
    "{ at_most: 2 }"},
  {"fifteen_per_core", Type::number, property, "that of the last fifteen, for each",
    "{ at_most: 2 }"},
};

const Key k_sysctl[] = {
  {"name", Type::text, needed, "the kernel's parameter, with dots or slashes",
    "fs.protected_symlinks"},
  {"exists", Type::boolean, property, "whether this kernel has it", "true"},
  {"value", Type::any, property, "its value as it is now", "1"},
};

const Key k_package[] = {
  {"name", Type::text, needed, "the Debian package", "nftables"},
  {"installed", Type::boolean, property, "whether it is installed; unsaid it has to be", "true"},
  {"version", Type::version, property, "its version, ordered as dpkg orders them",
    "{ at_least: 1.0.6 }"},
  {"status", Type::text, property, "dpkg's words for its state", "install ok installed"},
};

const Key k_nft[] = {
  {"table", Type::text, needed, "the table, with its family", "inet conos"},
  {"chain", Type::text, subject, "only rules of this chain", "output"},
  {"rule", Type::text, subject, "an RE2 pattern found in the rule as nft prints it", "skuid 70000",
    {}, true},
  {"exists", Type::boolean, property, "whether there is such a table, chain or rule", "true"},
  {"count", Type::integer, property, "how many rules there are", "{ at_least: 1 }"},
  {"packets", Type::integer, property, "what their counters have counted, together", "0"},
  {"bytes", Type::size, property, "the same, in bytes", "0"},
};

const Key k_enforced[] = {
  {"unit", Type::text, needed, "the unit, or a pattern for several", "conos-*.service"},
  {"directives", Type::texts, subject, "only these; unsaid all that can be judged",
    "[IPAddressDeny]"},
  {"void", Type::texts, property,
    "the directives that are set and that this machine does not enforce; unsaid there may be none",
    "[]"},
};

const Key k_ledger[] = {
  {"path", Type::text, needed, "the directory of the ledger", "/var/lib/conos"},
  {"verifies", Type::boolean, property,
    "whether every hash in it is right, and its checkpoints agree", "true"},
  {"rows", Type::integer, property, "how many rows it has", "{ at_least: 1 }"},
  {"age", Type::duration, property, "how old its last row is", "{ less: 1d }"},
  {"checkpoint_age", Type::duration, property, "how long ago the last checkpoint was signed",
    "{ less: 1d }"},
  {"unsealed", Type::integer, property, "how many rows came after the last checkpoint",
    "{ less: 10000 }"},
  {"unsealed_age", Type::duration, property,
    "how old the oldest row is that came after the last checkpoint; 0s without any",
    "{ less: 1h }"},
};

constexpr Module k_modules[] = {
  {"command", "a program ends with the status it should", Bare::exists, k_command},
  {"script", "a script ends with the status it should", Bare::exists, k_script},
  {"regex_in_file", "a pattern is found in each of the files", Bare::exists, k_regex_in_file},
  {"no_regex_in_file", "a pattern is found in none of the files", Bare::exists, k_regex_in_file},
  {"path_exists", "a path is there", Bare::exists, k_path_exists},
  {"path_not_exists", "a path is not there", Bare::exists, k_path_not_exists},
  {"yaml_key", "a value in a YAML file", Bare::exists, k_document_key},
  {"json_key", "a value in a JSON file", Bare::exists, k_document_key},
  {"toml_key", "a value in a TOML file", Bare::exists, k_document_key},
  {"env_var", "a variable of the environment is set", Bare::exists, k_env_var},
  {"no_env_var", "a variable of the environment is not set", Bare::exists, k_no_env_var},
  {"command_available", "a program is in PATH", Bare::exists, k_command_available},
  {"file", "a file and what stat(2) knows of it", Bare::exists, k_file},
  {"tree", "how many of the files below a directory are of some kind", Bare::exists, k_tree},
  {"acl", "what a user may do with a file, along the whole path", Bare::wrong, k_acl},
  {"user", "an account", Bare::exists, k_user_keys},
  {"group", "a group", Bare::exists, k_group_keys},
  {"unit", "a unit of systemd, asked over D-Bus", Bare::wrong, k_unit},
  {"process", "processes that run", Bare::exists, k_process},
  {"port", "who listens at a port", Bare::exists, k_port},
  {"mount", "a mount point, and the space that is left", Bare::exists, k_mount},
  {"memory", "the memory that is left", Bare::wrong, k_memory},
  {"load", "the load average", Bare::wrong, k_load},
  {"sysctl", "a parameter of the kernel, as it is now", Bare::wrong, k_sysctl},
  {"package", "a Debian package", Bare::exists, k_package},
  {"nft", "rules of nftables and their counters", Bare::exists, k_nft},
  {"enforced", "directives of units that are set bite on this machine", Bare::exists, k_enforced},
  {"ledger", "the ledger of conos-audit(8)", Bare::exists, k_ledger},
};

} // namespace

std::span<const Module> modules()
{
  return k_modules;
}

const Module* find_module(std::string_view name)
{
  const auto found =
    std::find_if(std::begin(k_modules), std::end(k_modules), [&](const Module& module) {
      return module.name == name;
    });
  return found == std::end(k_modules) ? nullptr : &*found;
}

const Key* find_key(std::span<const Key> keys, std::string_view name)
{
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) {
    return key.name == name;
  });
  return found == keys.end() ? nullptr : &*found;
}

std::span<const Key> contract_keys()
{
  return k_contract_keys;
}

std::span<const Key> check_keys()
{
  return k_check_keys;
}

std::span<const Key> skip_keys()
{
  return k_skip_keys;
}

std::span<const Key> scope_keys()
{
  return k_scope_keys;
}

std::span<const Key> on_fail_keys()
{
  return k_on_fail_keys;
}

} // namespace conos::contract
