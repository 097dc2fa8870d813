#include "contract/checks/machine.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <arpa/inet.h>
#include <grp.h>
#include <pwd.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_table = 64U << 20U;
constexpr std::size_t k_max_small = 64U << 10U;
constexpr std::size_t k_max_processes = 100'000;

template<class Number>
Number number_in(std::string_view text, int base = 10)
{
  Number value{};
  (void)std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

std::shared_ptr<const Directory> index(Accounts accounts)
{
  auto out = std::make_shared<Directory>();
  out->accounts = std::move(accounts);
  for (const auto& user : out->accounts.users) { // the first one counts, as for the C library
    out->users.try_emplace(user.name, &user);
    out->uids.try_emplace(user.uid, &user);
  }
  for (const auto& group : out->accounts.groups) {
    out->groups.try_emplace(group.name, &group);
    out->gids.try_emplace(group.gid, &group);
    for (const auto& member : group.members) {
      out->groups_of[member].push_back(&group);
    }
  }
  return out;
}

// --- processes ---------------------------------------------------------------------------------

bool is_number(std::string_view name)
{
  return !name.empty() && name.find_first_not_of("0123456789") == name.npos;
}

// "PID (NAME) S PPID …": the name may hold anything, a ')' too. The 22nd field is the start.
std::optional<Process> process_of(const std::string& pid, double uptime)
{
  const UniqueFd dir = [&] {
    auto opened = hold_dir("/proc/" + pid);
    return opened ? std::move(*opened) : UniqueFd();
  }();
  const auto status = dir ? stat_of(dir) : fail(Kind::not_found, "gone");
  const auto text = read_path("/proc/" + pid + "/stat", k_max_small);
  if (!status || !text) {
    return std::nullopt;
  }
  const auto open = text->find('(');
  const auto close = text->rfind(')');
  if (open == text->npos || close == text->npos || close < open) {
    return std::nullopt;
  }
  const auto fields = split(std::string_view(*text).substr(close + 2), ' ');
  if (fields.size() < 20) {
    return std::nullopt;
  }
  const auto ticks = static_cast<double>(number_in<std::uint64_t>(fields[19]));
  const auto age = std::max(0.0, uptime - ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  return Process{number_in<pid_t>(pid), status->st_uid, text->substr(open + 1, close - open - 1),
    Duration(static_cast<std::int64_t>(age * 1000))};
}

Result<std::vector<Process>> read_processes()
{
  CONOS_TRY(const auto proc, open_dir("/proc"));
  CONOS_TRY(const auto names, list_names(proc, k_max_processes, is_number));
  CONOS_TRY(const auto uptime, read_path("/proc/uptime", k_max_small));
  const double seconds = std::strtod(uptime.c_str(), nullptr);
  std::vector<Process> out;
  for (const auto& name : names) {
    if (auto process = process_of(name, seconds)) {
      out.push_back(std::move(*process));
    }
  }
  return out;
}

// --- sockets -----------------------------------------------------------------------------------

// The kernel prints an address as 32-bit words in the byte order of the machine.
std::string address_of(std::string_view hex)
{
  std::array<std::uint32_t, 4> words{};
  const auto count = std::min<std::size_t>(hex.size() / 8, words.size());
  for (std::size_t i = 0; i < count; ++i) {
    words[i] = number_in<std::uint32_t>(hex.substr(i * 8, 8), 16);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = count == 4 ? AF_INET6 : AF_INET;
  (void)::inet_ntop(family, words.data(), text.data(), text.size());
  return text.data();
}

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

Result<std::vector<Socket>> read_sockets()
{
  std::vector<Socket> all;
  for (const std::string name : {"tcp", "tcp6", "udp", "udp6"}) {
    const auto text = read_path("/proc/self/net/" + name, k_max_table);
    if (!text && text.error().kind == Kind::not_found) {
      continue; // a kernel without IPv6
    }
    if (!text) {
      return tl::unexpected(text.error());
    }
    auto some = sockets_in(*text, name.starts_with("udp"));
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

// "\040" is a space in mountinfo.
std::string unescaped(std::string_view text)
{
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>(number_in<unsigned>(text.substr(i + 1, 3), 8));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

} // namespace

std::vector<Mount> mounts_in(std::string_view mountinfo)
{
  std::vector<Mount> out;
  for (const auto line : split(mountinfo, '\n')) {
    const auto words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 10 || std::distance(dash, words.end()) < 4) {
      continue;
    }
    Mount mount{unescaped(words[4]), unescaped(dash[2]), std::string(dash[1]), {}};
    for (const auto options : {words[5], dash[3]}) {
      for (const auto option : split(options, ',')) {
        mount.options.emplace_back(option);
      }
    }
    std::sort(mount.options.begin(), mount.options.end());
    mount.options.erase(
      std::unique(mount.options.begin(), mount.options.end()), mount.options.end());
    out.push_back(std::move(mount));
  }
  return out;
}

std::vector<Socket> sockets_in(std::string_view table, bool is_udp)
{
  // a TCP socket that listens is in state 0A, a UDP socket that is bound in 07
  const std::string_view wanted = is_udp ? "07" : "0A";
  std::vector<Socket> out;
  for (const auto line : split(table, '\n')) {
    const auto words = words_of(line);
    if (words.size() < 8 || words[3] != wanted) {
      continue;
    }
    const auto colon = words[1].find(':');
    if (colon != words[1].npos) {
      out.push_back({is_udp, number_in<unsigned>(words[1].substr(colon + 1), 16),
        address_of(words[1].substr(0, colon)), number_in<uid_t>(words[7])});
    }
  }
  return out;
}

std::unordered_map<std::string, Package> packages_in(std::string_view status)
{
  std::unordered_map<std::string, Package> out;
  std::string name;
  Package package;
  const auto keep = [&] {
    // of one that is there for two architectures the installed one counts
    if (!name.empty() && (!out.contains(name) || package.status.ends_with(" installed"))) {
      out[name] = std::move(package);
    }
    name.clear();
    package = {};
  };
  while (!status.empty()) {
    const auto end = std::min(status.find('\n'), status.size());
    const auto line = status.substr(0, end);
    status.remove_prefix(std::min(end + 1, status.size()));
    if (line.empty()) {
      keep();
    } else if (line.starts_with("Package: ")) {
      name = line.substr(9);
    } else if (line.starts_with("Status: ")) {
      package.status = line.substr(8);
    } else if (line.starts_with("Version: ")) {
      package.version = line.substr(9);
    }
  }
  keep();
  return out;
}

Memory memory_in(std::string_view meminfo)
{
  Memory out;
  for (const auto line : split(meminfo, '\n')) {
    const auto words = words_of(line);
    if (words.size() < 2) {
      continue;
    }
    const auto bytes = number_in<std::int64_t>(words[1]) * 1024;
    if (words[0] == "MemTotal:") {
      out.total = bytes;
    } else if (words[0] == "MemAvailable:") {
      out.available = bytes;
    } else if (words[0] == "SwapTotal:") {
      out.swap_total = bytes;
    } else if (words[0] == "SwapFree:") {
      out.swap_free = bytes;
    }
  }
  return out;
}

Machine::Machine() = default;
Machine::~Machine() = default;

const Result<std::shared_ptr<const Directory>>& Machine::directory()
{
  return m_directory.get([]() -> Result<std::shared_ptr<const Directory>> {
    CONOS_TRY(auto accounts, read_accounts());
    return index(std::move(accounts));
  });
}

const Result<std::vector<Process>>& Machine::processes()
{
  return m_processes.get(read_processes);
}

const Result<std::vector<Socket>>& Machine::sockets()
{
  return m_sockets.get(read_sockets);
}

const Result<std::vector<Mount>>& Machine::mounts()
{
  return m_mounts.get([]() -> Result<std::vector<Mount>> {
    CONOS_TRY(const auto text, read_path("/proc/self/mountinfo", k_max_table));
    return mounts_in(text);
  });
}

const Result<std::unordered_map<std::string, Package>>& Machine::packages()
{
  return m_packages.get([]() -> Result<std::unordered_map<std::string, Package>> {
    CONOS_TRY(const auto text, read_path("/var/lib/dpkg/status", k_max_table));
    return packages_in(text);
  });
}

const Result<Memory>& Machine::memory()
{
  return m_memory.get([]() -> Result<Memory> {
    CONOS_TRY(const auto text, read_path("/proc/meminfo", k_max_small));
    return memory_in(text);
  });
}

const Result<std::unordered_map<std::string, UnitSummary>>& Machine::units()
{
  return m_units.get([this]() -> Result<std::unordered_map<std::string, UnitSummary>> {
    CONOS_TRY(auto list, ask_systemd([](const Units& units) {
      return units.list("*");
    }));
    std::unordered_map<std::string, UnitSummary> out;
    for (auto& unit : list) {
      auto name = unit.name;
      out.emplace(std::move(name), std::move(unit));
    }
    return out;
  });
}

std::string Machine::user_name(uid_t uid)
{
  const auto& known = directory();
  if (known) {
    if (const auto found = (*known)->uids.find(uid); found != (*known)->uids.end()) {
      return found->second->name;
    }
  }
  return std::to_string(uid);
}

std::string Machine::group_name(gid_t gid)
{
  const auto& known = directory();
  if (known) {
    if (const auto found = (*known)->gids.find(gid); found != (*known)->gids.end()) {
      return found->second->name;
    }
  }
  return std::to_string(gid);
}

Result<std::shared_ptr<const Table>> Machine::table(const std::string& name)
{
  const std::lock_guard guard(m_table_lock);
  if (const auto found = m_tables.find(name); found != m_tables.end()) {
    return found->second;
  }
  const auto read = [&]() -> Result<std::shared_ptr<const Table>> {
    CONOS_TRY(const auto listing, list_table(name));
    return listing ? std::make_shared<const Table>(table_in(*listing)) : nullptr;
  };
  return m_tables.emplace(name, read()).first->second;
}

Result<std::shared_ptr<const Rights>> Machine::rights(const std::string& path)
{
  {
    const std::lock_guard guard(m_rights_lock);
    if (const auto found = m_rights.find(path); found != m_rights.end()) {
      return found->second;
    }
  }
  CONOS_TRY(auto read, read_rights(path));
  auto shared = std::make_shared<const Rights>(std::move(read));
  const std::lock_guard guard(m_rights_lock);
  return m_rights.try_emplace(path, std::move(shared)).first->second;
}

} // namespace conos::contract
