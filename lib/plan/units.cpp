#include "plan/units.hpp"

#include "host/credentials.hpp"
#include "plan/place.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>

namespace conos::plan {

namespace {

constexpr Duration k_backstop = std::chrono::seconds(30); // after the limit work keeps itself

using Values = std::map<std::string, std::string, std::less<>>;

bool is_placeholder(std::string_view text)
{
  return !text.empty() && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == text.npos;
}

// Puts values for @NAME@ and its like. No value has a character that means something to systemd:
// names, numbers and calendar expressions only.
Result<std::string> filled(std::string_view text, const Values& values)
{
  std::string out;
  for (;;) {
    const auto at = text.find('@');
    const auto end = at == text.npos ? at : text.find('@', at + 1);
    if (end == text.npos) {
      return out += text;
    }
    const auto name = text.substr(at + 1, end - at - 1);
    const auto value = values.find(name);
    if (!is_placeholder(name)) {
      out += text.substr(0, end); // the second one may begin another
      text.remove_prefix(end);
      continue;
    }
    if (value == values.end()) {
      return fail(Kind::config, "a unit template asks for @{}@, which conos does not know", name);
    }
    out += text.substr(0, at);
    out += value->second;
    text.remove_prefix(end + 1);
  }
}

std::string seconds(Duration duration)
{
  const auto ms = duration.count();
  return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
}

bool is_credential_name(const std::string& name)
{
  return check_credential_name(name).has_value();
}

bool has_timer(const config::Agent& agent)
{
  return agent.mode != Mode::on_demand;
}

// The lines that say when, and what is started then.
Values timer_values(const config::Agent& agent)
{
  Values values{{"NAME", agent.name}};
  if (agent.mode == Mode::cron) {
    for (const auto& calendar : agent.calendar) {
      values["WHEN"] += "OnCalendar=" + calendar + "\n";
    }
    values["WHEN"] += "# what was missed while the machine was off comes once\nPersistent=yes";
    values["UNIT"] = "conos-cron@" + agent.name + ".service";
  } else {
    const auto delay = seconds(agent.continuous_delay);
    values["WHEN"] = fmt::format("OnActiveSec={0}\nOnUnitInactiveSec={0}", delay);
    values["UNIT"] = "conos-" + agent.name + ".service";
  }
  return values;
}

// What conos.toml says of this agent and its tier does not; empty when that is nothing.
std::string own_limits(const config::Agent& agent)
{
  std::string lines;
  const auto add = [&](std::string_view key, const std::string& value) {
    lines += value.empty() ? "" : fmt::format("{}={}\n", key, value);
  };
  add("MemoryMax", agent.memory_max);
  add("TasksMax", agent.tasks_max);
  add("LimitNPROC", agent.tasks_max); // the same where no cgroup counts
  add("CPUQuota", agent.cpu_quota);
  add("LimitFSIZE", agent.file_max);
  if (agent.jit) {
    lines += "# its runner compiles at run time, which makes memory executable\n";
    lines += "MemoryDenyWriteExecute=no\n";
  }
  for (const auto& path : agent.writable) {
    lines += fmt::format("BindPaths=-{}\n", path);
  }
  return lines;
}

// In words, what this agent may more than its tier: an administrator reads it before it is applied.
// The number is what systemd-analyze security adds for it.
std::string openings(const config::Agent& agent)
{
  std::vector<std::string> parts;
  if (agent.jit) {
    parts.emplace_back("its memory can be made executable (exposure +0.1)");
  }
  if (!agent.writable.empty()) {
    parts.push_back("it can write to " + join(agent.writable, ", ") + " (exposure +0.0)");
  }
  return join(parts, "; ");
}

File unit_file(const config::Agent& agent, std::string_view name)
{
  File file;
  file.path = fmt::format("{}/{}", k_units, name);
  file.immutable = true;
  file.agent = agent.name;
  file.why = fmt::format("conos.toml:{}", agent.at.line);
  return file;
}

// The doors out of its cage: pulled up by the agent, at every activation; Wants=, so that a closed
// door does not stop the work.
std::string doors_text(const config::Agent& agent)
{
  const auto socket = "conos-model@" + agent.name + ".socket";
  return fmt::format("# Compiled from {0} by conos-bootstrap: the doors out of {1}'s cage.\n"
                     "[Unit]\n"
                     "Wants={2}\n"
                     "After={2}\n"
                     "# one network and IPC namespace for the agent and its TCP listeners\n"
                     "JoinsNamespaceOf={2}\n"
                     "\n"
                     "[Service]\n"
                     "# the directory, so that a restarted socket is seen\n"
                     "BindReadOnlyPaths=-/run/conos/doors/{1}\n",
    k_config_path, agent.name, socket);
}

// One that is missing is skipped, so a key that is set later needs no reload.
std::string keys_text(const ModelDoor& door)
{
  auto text = fmt::format("# Compiled from {} by conos-bootstrap: the keys of {}'s providers.\n"
                          "[Service]\n",
    k_config_path, door.agent);
  for (const auto& provider : door.providers) {
    if (is_credential_name(provider.name)) {
      text += fmt::format("LoadCredentialEncrypted=conos.{}\n", provider.name);
    }
  }
  return text;
}

} // namespace

Result<std::vector<File>> unit_files_of(
  const config::Agent& agent, const Sources& sources, const std::optional<ModelDoor>& door)
{
  const auto unit = "conos-" + agent.name;
  const Values values{{"NAME", agent.name}, {"START_TIMEOUT", seconds(agent.timeout + k_backstop)}};

  auto path = unit_file(agent, unit + ".path");
  CONOS_TRY(path.content, filled(sources.agent_path, values));

  auto service = unit_file(agent, unit + ".service");
  CONOS_TRY(service.content, filled(sources.agent_service, values));

  auto tier = unit_file(agent, unit + ".service.d/10-tier.conf");
  tier.content = sources.tiers.at(agent.tier);

  auto own = unit_file(agent, unit + ".service.d/20-agent.conf");
  const auto limits = own_limits(agent);
  own.wanted = !limits.empty();
  own.opens = openings(agent);
  own.content =
    fmt::format("# Compiled from {} by conos-bootstrap: what is {}'s own.\n[Service]\n{}",
      "/etc/conos/conos.toml", agent.name, limits);

  auto doors = unit_file(agent, unit + ".service.d/30-doors.conf");
  doors.wanted = door.has_value();
  doors.content = doors_text(agent);

  auto keys = unit_file(agent, "conos-model@" + agent.name + ".service.d/30-keys.conf");
  keys.wanted = door.has_value();
  keys.content = door ? keys_text(*door) : "";

  auto timer = unit_file(agent, unit + ".timer");
  timer.wanted = has_timer(agent);
  if (timer.wanted) {
    CONOS_TRY(timer.content, filled(sources.agent_timer, timer_values(agent)));
  }
  return std::vector<File>{path, service, tier, own, doors, keys, timer};
}

std::vector<Unit> units_of(const config::Agent& agent, bool held)
{
  const auto why = fmt::format("conos.toml:{}", agent.at.line);
  const auto unit = "conos-" + agent.name;
  return {
    {unit + ".path", "paths.target", true, held, agent.name, why},
    {unit + ".timer", "timers.target", has_timer(agent), held, agent.name, why},
  };
}

} // namespace conos::plan
