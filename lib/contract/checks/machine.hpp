#pragma once

#include "host/accounts.hpp"
#include "host/units.hpp"
#include "sys/error.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// The machine, asked once for what many checks want to know. Safe for several threads.
namespace conos::contract {

// Made when it is first wanted, by whoever comes first; the others wait.
template<class T>
class Lazy
{
public:
  template<class Make>
  const Result<T>& get(const Make& make)
  {
    std::call_once(m_once, [&] {
      m_value.emplace(make());
    });
    return *m_value;
  }

private:
  std::once_flag m_once;
  std::optional<Result<T>> m_value;
};

// Accounts by name and by number.
struct Directory {
  Accounts accounts;
  std::unordered_map<std::string, const User*> users;
  std::unordered_map<uid_t, const User*> uids;
  std::unordered_map<std::string, const Group*> groups;
  std::unordered_map<gid_t, const Group*> gids;
  std::unordered_map<std::string, std::vector<const Group*>> groups_of; // listed in
};

struct Process {
  pid_t pid = 0;
  uid_t uid = 0;
  std::string name;
  Duration age{};
};

struct Socket {
  bool is_udp = false;
  unsigned port = 0;
  std::string address;
  uid_t uid = 0;
};

struct Mount {
  std::string path;
  std::string source;
  std::string filesystem;
  std::vector<std::string> options;
};

struct Package {
  std::string status;
  std::string version;
};

// A line of a chain, as nft prints it.
struct Rule {
  std::string chain;
  std::string text;
  std::int64_t packets = 0;
  std::int64_t bytes = 0;
};

struct Table {
  std::vector<std::string> chains;
  std::vector<Rule> rules;
};

struct Memory {
  std::int64_t total = 0; // in bytes
  std::int64_t available = 0;
  std::int64_t swap_total = 0;
  std::int64_t swap_free = 0;
};

// The rights somebody has on one file, as far as the file itself says.
struct Rights {
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  struct Named {
    bool is_group = false;
    std::uint32_t id = 0;
    unsigned bits = 0;
  };
  std::vector<Named> named; // entries of an ACL
  unsigned group_bits = 0;  // of the owning group, before the mask
  unsigned mask = 7;
};

class Machine
{
public:
  Machine();
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  const Result<std::shared_ptr<const Directory>>& directory();
  const Result<std::vector<Process>>& processes();
  const Result<std::vector<Socket>>& sockets();
  const Result<std::vector<Mount>>& mounts();
  const Result<std::unordered_map<std::string, Package>>& packages();
  const Result<Memory>& memory();

  // The number where there is no such account.
  std::string user_name(uid_t uid);
  std::string group_name(gid_t gid);

  // The units in memory, by name.
  const Result<std::unordered_map<std::string, UnitSummary>>& units();
  // Asks systemd with nobody else asking meanwhile.
  template<class Ask>
  auto ask_systemd(const Ask& ask) -> decltype(ask(std::declval<const Units&>()))
  {
    const std::lock_guard guard(m_bus_lock);
    if (!m_bus) {
      m_bus.emplace(Units::connect());
    }
    if (!*m_bus) {
      return tl::unexpected(m_bus->error());
    }
    return ask(**m_bus);
  }

  // none: there is no such table. `name` is "FAMILY NAME".
  Result<std::shared_ptr<const Table>> table(const std::string& name);

  // Of a path, remembered: directories are asked for again and again.
  Result<std::shared_ptr<const Rights>> rights(const std::string& path);

private:
  Lazy<std::shared_ptr<const Directory>> m_directory;
  Lazy<std::vector<Process>> m_processes;
  Lazy<std::vector<Socket>> m_sockets;
  Lazy<std::vector<Mount>> m_mounts;
  Lazy<std::unordered_map<std::string, Package>> m_packages;
  Lazy<Memory> m_memory;
  Lazy<std::unordered_map<std::string, UnitSummary>> m_units;

  std::mutex m_bus_lock;
  std::optional<Result<Units>> m_bus;

  std::mutex m_table_lock;
  std::map<std::string, Result<std::shared_ptr<const Table>>> m_tables;

  std::mutex m_rights_lock;
  std::unordered_map<std::string, std::shared_ptr<const Rights>> m_rights;
};

// What the kernel's and dpkg's files say, for tests.
std::vector<Mount> mounts_in(std::string_view mountinfo);
std::vector<Socket> sockets_in(std::string_view table, bool is_udp);
std::unordered_map<std::string, Package> packages_in(std::string_view status);
Memory memory_in(std::string_view meminfo);
Table table_in(std::string_view listing);

// What nft prints for a table; nothing when there is none. Type::unavailable without libnftables.
Result<std::optional<std::string>> list_table(const std::string& name);

Result<Rights> read_rights(const std::string& path);

// What an account may do with a path, "rw-", every directory above counted: "---" where one of them
// does not let it through.
Result<std::string> rights_of(Machine& machine, const std::string& path, const std::string& user);

// Of one user, as the kernel would decide: the first of owner, named user, groups, others that
// fits.
unsigned bits_of(const Rights& rights, uid_t uid, const std::vector<gid_t>& groups);

} // namespace conos::contract
