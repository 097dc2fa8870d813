#include "contract/checks/look.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <sched.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_text = 64U << 10U;

double percent(double part, double whole)
{
  return whole <= 0 ? 100.0 : 100.0 * part / whole;
}

// The last one mounted at a place hides those before it.
const Mount* mount_at(const std::vector<Mount>& mounts, const std::string& path)
{
  const auto found = std::find_if(mounts.rbegin(), mounts.rend(), [&](const Mount& mount) {
    return mount.path == path;
  });
  return found == mounts.rend() ? nullptr : &*found;
}

bool asks_for_space(const Look& look)
{
  return look.asks("free") || look.asks("free_bytes") || look.asks("inodes_free");
}

bool asks_for_mount(const Look& look)
{
  return look.asks("exists") || look.asks("source") || look.asks("filesystem") ||
         look.asks("options") || !asks_for_space(look);
}

Result<> add_space(const std::string& path, Subject& subject)
{
  struct statvfs status = {};
  if (::statvfs(path.c_str(), &status) < 0) {
    return os_error("look at '{}'", escaped(path));
  }
  const auto free = static_cast<double>(status.f_bavail) * static_cast<double>(status.f_frsize);
  // as df(1) has it: what only root may use is neither used nor free
  const auto used = static_cast<double>(status.f_blocks - status.f_bfree);
  const auto usable = used + static_cast<double>(status.f_bavail);
  subject.add("free", percent(static_cast<double>(status.f_bavail), usable));
  subject.add("free_bytes", static_cast<std::int64_t>(free));
  subject.add("inodes_free",
    percent(static_cast<double>(status.f_favail), static_cast<double>(status.f_files)));
  return {};
}

double processors()
{
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

bool is_parameter(std::string_view name)
{
  return !name.empty() && name.front() != '/' && name.find("..") == name.npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-' || c == '/' || c == '@' || c == ':';
         });
}

} // namespace

Outcome look_at_mount(const Look& look)
{
  const auto path = look.path("path");
  Subject subject;
  subject.name = "mount '" + escaped(path, 200) + "'";
  if (asks_for_mount(look)) {
    const auto& mounts = look.machine.mounts();
    if (!mounts) {
      return Outcome::broken(mounts.error().text());
    }
    const auto* mount = mount_at(*mounts, path);
    subject.exists = mount != nullptr;
    if (mount != nullptr) {
      subject.add("source", mount->source);
      subject.add("filesystem", mount->filesystem);
      subject.add("options", mount->options);
    }
  }
  if (asks_for_space(look)) {
    if (const auto added = add_space(path, subject); !added) {
      if (added.error().kind == Kind::not_found) {
        return Outcome::bad("there is no '" + escaped(path, 200) + "'");
      }
      return Outcome::broken(added.error().text());
    }
  }
  return judge(look, {subject});
}

Outcome look_at_memory(const Look& look)
{
  const auto& memory = look.machine.memory();
  if (!memory) {
    return Outcome::broken(memory.error().text());
  }
  const auto part = [](std::int64_t some, std::int64_t all) {
    return percent(static_cast<double>(some), static_cast<double>(all));
  };
  Subject subject;
  subject.name = "memory";
  subject.add("available", part(memory->available, memory->total));
  subject.add("available_bytes", memory->available);
  subject.add("swap_free", part(memory->swap_free, memory->swap_total));
  return judge(look, {subject});
}

Outcome look_at_load(const Look& look)
{
  std::array<double, 3> loads{};
  if (::getloadavg(loads.data(), 3) != 3) {
    return Outcome::broken("the load average cannot be read");
  }
  Subject subject;
  subject.name = "load";
  subject.add("one", loads[0]);
  subject.add("five", loads[1]);
  subject.add("fifteen", loads[2]);
  subject.add("per_core", loads[0] / processors());
  subject.add("fifteen_per_core", loads[2] / processors());
  return judge(look, {subject});
}

Outcome look_at_sysctl(const Look& look)
{
  const auto name = look.params().text("name");
  if (!is_parameter(name)) {
    return Outcome::broken("'" + escaped(name, 100) + "' is no name of a parameter");
  }
  auto path = name;
  if (path.find('/') == path.npos) {
    std::replace(path.begin(), path.end(), '.', '/');
  }
  const auto text = read_path("/proc/sys/" + path, k_max_text);
  Subject subject;
  subject.name = "parameter '" + name + "'";
  subject.exists = text.has_value();
  if (!text && text.error().kind != Kind::not_found) {
    return Outcome::broken(text.error().text());
  }
  if (text) {
    subject.add("value", typed(trimmed(*text)));
  }
  return judge(look, {subject});
}

} // namespace conos::contract
