#include "contract/add.hpp"

#include "contract/checks/machine.hpp"
#include "contract/checks/paths.hpp"
#include "host/immutable.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace conos::contract {

namespace {

// A text in YAML, in quotes: JSON's are YAML's.
std::string quoted(const std::string& text)
{
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string listed(const std::vector<std::string>& texts)
{
  std::vector<std::string> all;
  for (const auto& text : texts) {
    all.push_back(quoted(text));
  }
  return "[" + join(all, ", ") + "]";
}

// Keys and values below the check's module.
using Fields = std::vector<std::pair<std::string, std::string>>;

tl::unexpected<Error> none(const std::string& what, const std::string& target)
{
  return fail(Kind::not_found, "there is no {} '{}'", what, escaped(target, 200));
}

Result<Fields> of_file(Machine& machine, const std::string& target)
{
  struct stat status = {};
  if (::lstat(target.c_str(), &status) < 0) {
    return os_error("look at '{}'", escaped(target, 200));
  }
  Fields out{{"path", quoted(target)}, {"type", std::string(type_of(status.st_mode))}};
  if (S_ISLNK(status.st_mode)) {
    out.emplace_back("follow", "false");
  } else {
    out.emplace_back("mode", fmt::format("\"{:04o}\"", status.st_mode & 07777U));
  }
  out.emplace_back("owner", quoted(machine.user_name(status.st_uid)));
  out.emplace_back("group", quoted(machine.group_name(status.st_gid)));
  const UniqueFd file(::open(target.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (const auto flag = file ? immutable_flag(file) : Result<Immutable>(Immutable::unsupported);
      flag && *flag == Immutable::yes) {
    out.emplace_back("immutable", "true");
  }
  return out;
}

Result<Fields> of_user(Machine& machine, const std::string& target)
{
  const auto& directory = machine.directory();
  if (!directory) {
    return tl::unexpected(directory.error());
  }
  const auto found = (*directory)->users.find(target);
  if (found == (*directory)->users.end()) {
    return none("user", target);
  }
  const auto& user = *found->second;
  std::set<std::string> groups{machine.group_name(user.gid)};
  if (const auto more = (*directory)->groups_of.find(target);
      more != (*directory)->groups_of.end()) {
    for (const auto* group : more->second) {
      groups.insert(group->name);
    }
  }
  return Fields{{"name", quoted(user.name)}, {"uid", std::to_string(user.uid)},
    {"groups", listed({groups.begin(), groups.end()})}, {"home", quoted(user.home)},
    {"shell", quoted(user.shell)}};
}

Result<Fields> of_unit(Machine& machine, const std::string& target)
{
  CONOS_TRY(const auto state, machine.ask_systemd([&](const Units& units) {
    return units.state(target);
  }));
  if (!state.is_loaded()) {
    return none("unit", target);
  }
  Fields out{{"name", quoted(target)}, {"load", state.load}, {"active", state.active}};
  const auto file = machine.ask_systemd([&](const Units& units) {
    return units.file_state(target);
  });
  if (file) {
    out.emplace_back("enabled", *file);
  }
  return out;
}

Result<Fields> of_port(Machine& machine, const std::string& target)
{
  const bool is_udp = target.starts_with("udp/");
  const auto digits = std::string_view(target).substr(is_udp || target.starts_with("tcp/") ? 4 : 0);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0 || port > 65535) {
    return fail(Kind::usage, "'{}' is not a port such as 443 or udp/53", escaped(target, 64));
  }
  const auto& sockets = machine.sockets();
  if (!sockets) {
    return tl::unexpected(sockets.error());
  }
  std::set<std::string> addresses;
  std::set<std::string> users;
  for (const auto& socket : *sockets) {
    if (socket.port == port && socket.is_udp == is_udp) {
      addresses.insert(socket.address);
      users.insert(machine.user_name(socket.uid));
    }
  }
  if (addresses.empty()) {
    return none("listener at port", target);
  }
  return Fields{{"port", std::to_string(port)}, {"protocol", is_udp ? "udp" : "tcp"},
    {"addresses", listed({addresses.begin(), addresses.end()})},
    {"users", listed({users.begin(), users.end()})}};
}

Result<Fields> of_package(Machine& machine, const std::string& target)
{
  const auto& packages = machine.packages();
  if (!packages) {
    return tl::unexpected(packages.error());
  }
  const auto found = packages->find(target);
  if (found == packages->end() || !found->second.status.ends_with(" installed")) {
    return none("package", target);
  }
  return Fields{
    {"name", quoted(target)}, {"version", "{ at_least: " + quoted(found->second.version) + " }"}};
}

Result<Fields> of_mount(Machine& machine, const std::string& target)
{
  const auto& mounts = machine.mounts();
  if (!mounts) {
    return tl::unexpected(mounts.error());
  }
  const auto found = std::find_if(mounts->rbegin(), mounts->rend(), [&](const Mount& mount) {
    return mount.path == target;
  });
  if (found == mounts->rend()) {
    return none("mount", target);
  }
  std::vector<std::string> kept; // those that say what may be done there
  for (const auto& option : found->options) {
    if (option == "ro" || option == "noexec" || option == "nosuid" || option == "nodev") {
      kept.push_back(option);
    }
  }
  Fields out{{"path", quoted(target)}, {"filesystem", quoted(found->filesystem)}};
  if (!kept.empty()) {
    out.emplace_back("options", "{ contains: " + listed(kept) + " }");
  }
  out.emplace_back("free", "{ at_least: 10% }");
  return out;
}

Result<Fields> of_table(Machine& machine, const std::string& target)
{
  CONOS_TRY(const auto table, machine.table(target));
  if (table == nullptr) {
    return none("table", target);
  }
  return Fields{{"table", quoted(target)}, {"count", std::to_string(table->rules.size())}};
}

Result<Fields> of_acl(Machine& machine, const std::string& target)
{
  const auto colon = target.rfind(':');
  if (colon == target.npos) {
    return fail(Kind::usage, "'{}' is not like PATH:USER", escaped(target, 200));
  }
  const auto path = target.substr(0, colon);
  const auto user = target.substr(colon + 1);
  const auto& directory = machine.directory();
  if (!directory) {
    return tl::unexpected(directory.error());
  }
  if (!(*directory)->users.contains(user)) {
    return none("user", user);
  }
  struct stat status = {};
  if (::stat(path.c_str(), &status) < 0) {
    return os_error("look at '{}'", escaped(path, 200));
  }
  CONOS_TRY(const auto rights, rights_of(machine, path, user));
  return Fields{{"path", quoted(path)}, {"user", quoted(user)}, {"rights", quoted(rights)}};
}

struct AddableThing {
  const char* name;
  Result<Fields> (*fields)(Machine&, const std::string&);
};

constexpr std::array<AddableThing, 8> k_kinds{{
  {"file", of_file},
  {"user", of_user},
  {"unit", of_unit},
  {"port", of_port},
  {"package", of_package},
  {"mount", of_mount},
  {"nft", of_table},
  {"acl", of_acl},
}};

// Letters and digits of the target with hyphens for the rest.
std::string id_for(const std::string& kind, const std::string& target)
{
  std::string out = kind;
  for (const char c : target) {
    const bool is_word =
      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    if (is_word) {
      out += c;
    } else if (!out.ends_with('-')) {
      out += '-';
    }
    if (out.size() >= 60) {
      break;
    }
  }
  // the hyphen between kind and target is one of its own
  if (out.size() > kind.size() && out[kind.size()] != '-') {
    out.insert(kind.size(), "-");
  }
  while (out.ends_with('-')) {
    out.pop_back();
  }
  return out;
}

} // namespace

std::vector<std::string> kinds_to_add()
{
  std::vector<std::string> names;
  for (const auto& kind : k_kinds) {
    names.emplace_back(kind.name);
  }
  return names;
}

Result<std::string> contract_of(
  const std::string& kind, const std::string& target, const std::string& id)
{
  const auto found = std::find_if(k_kinds.begin(), k_kinds.end(), [&](const auto& one) {
    return one.name == kind;
  });
  if (found == k_kinds.end()) {
    const auto near = nearest(kind, kinds_to_add());
    return fail(Kind::usage, "there is no kind '{}'{}", escaped(kind, 64),
      near ? fmt::format(" (did you mean '{}'?)", *near)
           : fmt::format("; there are {}", join(kinds_to_add(), ", ")));
  }
  Machine machine;
  CONOS_TRY(const auto fields, found->fields(machine, target));
  auto text = fmt::format("id: {}\ndescription: {}\ntype: detective\ntags: [schedule]\nchecks:\n"
                          "  - name: {}\n    {}:\n",
    id.empty() ? id_for(kind, target) : id, quoted(fmt::format("{} {} is as it was", kind, target)),
    "as_it_was", kind);
  for (const auto& [key, value] : fields) {
    text += fmt::format("      {}: {}\n", key, value);
  }
  return text + "    on_fail: alert\n";
}

} // namespace conos::contract
