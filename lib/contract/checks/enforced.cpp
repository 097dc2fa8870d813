#include "contract/checks/look.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fnmatch.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_text = 64U << 10U;
constexpr std::size_t k_max_unit_file = 1U << 20U;

// What of the machine decides whether a directive bites. Each is asked once for a check.
class Host
{
public:
  explicit Host(const Look& look)
      : m_look(look)
  {
  }

  bool has_unified_cgroups() const
  {
    struct statfs status = {};
    return ::statfs("/sys/fs/cgroup", &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
  }

  // In a unified tree its file names them; in the older ones each is a hierarchy of its own.
  bool has_controller(std::string_view name) const
  {
    const auto text = read_path("/sys/fs/cgroup/cgroup.controllers", k_max_text);
    if (text) {
      const auto words = split(trimmed(*text), ' ');
      return std::find(words.begin(), words.end(), name) != words.end();
    }
    struct statfs status = {};
    return ::statfs(("/sys/fs/cgroup/" + std::string(name)).c_str(), &status) == 0 &&
           status.f_type == CGROUP_SUPER_MAGIC;
  }

  // Whether we, and so the systemd that started us, may load a filter for a cgroup's packets.
  // Without it systemd says so once in its log and goes on.
  bool can_filter_packets() const
  {
    if (!has_unified_cgroups()) {
      return false;
    }
    const std::array<bpf_insn, 2> program{{
      {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1}, // allow
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    }};
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_SKB;
    attributes.insns = reinterpret_cast<std::uintptr_t>(program.data());
    attributes.insn_cnt = program.size();
    attributes.license = reinterpret_cast<std::uintptr_t>("GPL");
    const UniqueFd loaded(
      static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes))));
    return static_cast<bool>(loaded);
  }

  // Debian 12 builds systemd without the framework that these need.
  Result<bool> has_bpf_framework()
  {
    CONOS_TRY(const auto features, m_look.machine.ask_systemd([](const Units& bus) {
      return bus.property_of_manager("Features");
    }));
    const auto* text = std::get_if<std::string>(&features);
    return text != nullptr && text->find("+BPF_FRAMEWORK") != text->npos;
  }

  bool has_seccomp() const { return ::access("/proc/sys/kernel/seccomp", F_OK) == 0; }

  bool has_apparmor() const
  {
    const auto text = read_path("/sys/module/apparmor/parameters/enabled", k_max_text);
    return text && text->starts_with("Y");
  }

private:
  const Look& m_look;
};

bool is_listed(const PropertyValue& value)
{
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  return list != nullptr && !list->empty();
}

bool is_true(const PropertyValue& value)
{
  const auto* truth = std::get_if<bool>(&value);
  return truth != nullptr && *truth;
}

bool is_limited(const PropertyValue& value)
{
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr && *number != std::numeric_limits<std::int64_t>::max();
}

bool is_named(const PropertyValue& value)
{
  const auto* text = std::get_if<std::string>(&value);
  return (text != nullptr && !text->empty()) || is_listed(value);
}

using Bites = Result<bool> (*)(Host& host);

struct Directive {
  const char* name;
  bool (*is_set)(const PropertyValue&);
  Bites bites;
};

Result<bool> packets(Host& host)
{
  return host.can_filter_packets();
}
Result<bool> framework(Host& host)
{
  CONOS_TRY(const bool has, host.has_bpf_framework());
  return has && host.has_unified_cgroups();
}
Result<bool> seccomp(Host& host)
{
  return host.has_seccomp();
}
Result<bool> memory(Host& host)
{
  return host.has_controller("memory");
}
Result<bool> tasks(Host& host)
{
  return host.has_controller("pids");
}
Result<bool> cpu(Host& host)
{
  return host.has_controller("cpu");
}
Result<bool> apparmor(Host& host)
{
  return host.has_apparmor();
}

constexpr std::array<Directive, 16> k_directives{{
  {"IPAddressDeny", is_listed, packets},
  {"IPAddressAllow", is_listed, packets},
  {"IPIngressFilterPath", is_listed, packets},
  {"IPEgressFilterPath", is_listed, packets},
  {"RestrictFileSystems", is_listed, framework},
  {"RestrictNetworkInterfaces", is_listed, framework},
  {"SocketBindDeny", is_listed, framework},
  {"SystemCallFilter", is_listed, seccomp},
  {"RestrictAddressFamilies", is_listed, seccomp},
  {"MemoryDenyWriteExecute", is_true, seccomp},
  {"RestrictRealtime", is_true, seccomp},
  {"MemoryMax", is_limited, memory},
  {"MemoryHigh", is_limited, memory},
  {"TasksMax", is_limited, tasks},
  {"CPUQuotaPerSecUSec", is_limited, cpu},
  {"AppArmorProfile", is_named, apparmor},
}};

// systemd forgets what it was built without, so whether it is set is asked of the unit's own files:
// by the last line that names it, as systemd reads them.
Result<bool> is_written(const Look& look, const std::string& unit, std::string_view directive)
{
  std::vector<std::string> files;
  for (const auto* name : {"FragmentPath", "DropInPaths"}) {
    CONOS_TRY(const auto value, look.machine.ask_systemd([&](const Units& bus) {
      return bus.property(unit, name);
    }));
    if (const auto* one = std::get_if<std::string>(&value); one != nullptr && !one->empty()) {
      files.push_back(*one);
    } else if (const auto* several = std::get_if<std::vector<std::string>>(&value)) {
      files.insert(files.end(), several->begin(), several->end());
    }
  }
  bool is_set = false;
  for (const auto& file : files) {
    CONOS_TRY(const auto text, read_path(file, k_max_unit_file));
    for (const auto line : split(text, '\n')) {
      const auto equals = line.find('=');
      if (equals != line.npos && trimmed(line.substr(0, equals)) == directive) {
        is_set = !trimmed(line.substr(equals + 1)).empty();
      }
    }
  }
  return is_set;
}

// A pattern stands for services in memory, a name for itself.
Result<std::vector<std::string>> units_like(const Look& look, const std::string& pattern)
{
  if (pattern.find_first_of("*?[") == pattern.npos) {
    return std::vector<std::string>{pattern};
  }
  const auto& units = look.machine.units();
  if (!units) {
    return tl::unexpected(units.error());
  }
  std::vector<std::string> names;
  for (const auto& [name, unit] : *units) {
    if (unit.load == "loaded" && ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Judging
{
public:
  explicit Judging(const Look& look)
      : m_look(look)
      , m_host(look)
      , m_only(look.params().texts("directives"))
  {
  }

  Result<std::vector<std::string>> void_of(const std::string& unit)
  {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < k_directives.size(); ++i) {
      const auto& directive = k_directives[i];
      if (!m_only.empty() &&
          std::find(m_only.begin(), m_only.end(), directive.name) == m_only.end()) {
        continue;
      }
      CONOS_TRY(const bool bites, bites_here(i));
      if (bites) {
        continue; // then it does not matter whether it is set
      }
      const auto value = m_look.machine.ask_systemd([&](const Units& bus) {
        return bus.property(unit, directive.name);
      });
      if (!value && value.error().kind != Kind::not_found) {
        return tl::unexpected(value.error());
      }
      bool is_set = value && directive.is_set(*value);
      if (!is_set && directive.bites == framework) {
        CONOS_TRY(is_set, is_written(m_look, unit, directive.name));
      }
      if (is_set) {
        out.emplace_back(directive.name);
      }
    }
    return out;
  }

private:
  Result<bool> bites_here(std::size_t i)
  {
    if (!m_known[i]) {
      CONOS_TRY(m_known[i], k_directives[i].bites(m_host));
    }
    return *m_known[i];
  }

  const Look& m_look;
  Host m_host;
  std::vector<std::string> m_only;
  std::array<std::optional<bool>, k_directives.size()> m_known;
};

} // namespace

Outcome look_at_enforcement(const Look& look)
{
  if (::geteuid() != 0) {
    return Outcome::broken("only root can see what the kernel would let systemd enforce");
  }
  const auto units = units_like(look, look.params().text("unit"));
  if (!units) {
    return Outcome::broken(units.error().text());
  }
  if (units->empty()) {
    return Outcome::bad("no unit is like '" + escaped(look.params().text("unit"), 100) + "'");
  }
  Judging judging(look);
  std::vector<Subject> subjects;
  for (const auto& unit : *units) {
    if (look.is_late()) {
      return Outcome::late();
    }
    auto names = judging.void_of(unit);
    if (!names) {
      return Outcome::broken(names.error().text());
    }
    Subject subject;
    subject.name = "unit '" + escaped(unit, 100) + "'";
    if (!look.asks("void") && !names->empty()) {
      return Outcome::bad(fmt::format(
        "{}: set, and not enforced by this machine: {}", subject.name, join(*names, ", ")));
    }
    subject.add("void", std::move(*names));
    subjects.push_back(std::move(subject));
  }
  return judge(look, subjects);
}

} // namespace conos::contract
