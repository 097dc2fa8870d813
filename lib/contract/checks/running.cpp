#include "contract/checks/look.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <set>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_arguments = 64U << 10U;
constexpr std::size_t k_comm = 15; // the kernel keeps so many bytes of a program's name

// The words of its command line with spaces between; of a kernel thread nothing.
std::string command_line(pid_t pid)
{
  auto text = read_path(fmt::format("/proc/{}/cmdline", pid), k_max_arguments);
  if (!text) {
    return ""; // gone in the meantime
  }
  std::replace(text->begin(), text->end(), '\0', ' ');
  return std::string(trimmed(*text));
}

bool fits(const Look& look, const Process& process, const std::string& user)
{
  const auto& params = look.params();
  const auto name = params.text("name").substr(0, k_comm);
  if (!name.empty() && process.name != name) {
    return false;
  }
  if (!user.empty() && look.machine.user_name(process.uid) != user) {
    return false;
  }
  const auto* pattern = params.pattern("pattern");
  return pattern == nullptr || is_found(*pattern, command_line(process.pid));
}

std::string name_of_it(const Look& look)
{
  const auto& params = look.params();
  std::string out = "process";
  if (params.has("name")) {
    out += " '" + escaped(params.text("name"), 64) + "'";
  }
  if (const auto* pattern = params.pattern("pattern"); pattern != nullptr) {
    out += " like '" + escaped(pattern->pattern(), 100) + "'";
  }
  return params.has("user") ? out + " of user '" + escaped(params.text("user"), 64) + "'" : out;
}

std::vector<std::string> sorted(const std::set<std::string>& names)
{
  return {names.begin(), names.end()};
}

} // namespace

Outcome look_at_process(const Look& look)
{
  const auto& processes = look.machine.processes();
  if (!processes) {
    return Outcome::broken(processes.error().text());
  }
  const auto user = look.params().text("user");
  std::set<std::string> users;
  std::int64_t count = 0;
  Duration oldest{};
  for (const auto& process : *processes) {
    if (look.is_late()) {
      return Outcome::late();
    }
    if (fits(look, process, user)) {
      ++count;
      users.insert(look.machine.user_name(process.uid));
      oldest = std::max(oldest, process.age);
    }
  }
  Subject subject;
  subject.name = name_of_it(look);
  // asked how many or how old, none is an answer
  subject.exists = count > 0 || look.asks("count") || look.asks("oldest");
  if (look.asks("exists")) {
    subject.exists = count > 0;
  }
  subject.add("count", count);
  subject.add("users", sorted(users));
  subject.add("oldest", std::int64_t{oldest.count()});
  return judge(look, {subject});
}

Outcome look_at_port(const Look& look)
{
  const auto& sockets = look.machine.sockets();
  if (!sockets) {
    return Outcome::broken(sockets.error().text());
  }
  const auto port = look.params().number("port");
  const bool is_udp = look.params().text("protocol") == "udp";
  std::set<std::string> addresses;
  std::set<std::string> users;
  for (const auto& socket : *sockets) {
    if (socket.port == port && socket.is_udp == is_udp) {
      addresses.insert(socket.address);
      users.insert(look.machine.user_name(socket.uid));
    }
  }
  Subject subject;
  subject.name = fmt::format("listener at {} port {}", is_udp ? "udp" : "tcp", port);
  subject.exists = !addresses.empty();
  subject.add("addresses", sorted(addresses));
  subject.add("users", sorted(users));
  return judge(look, {subject});
}

} // namespace conos::contract
