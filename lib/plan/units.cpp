#include "plan/units.hpp"

#include "host/credentials.hpp"
#include "plan/fill.hpp"
#include "plan/place.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace conos::plan {

namespace {

constexpr Duration k_backstop = std::chrono::seconds(30); // after the limit work keeps itself

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
std::string doors_text(const config::Agent& agent, const Doors& doors)
{
  std::vector<std::string> with_tcp;
  if (doors.model) {
    with_tcp.push_back("conos-model@" + agent.name + ".socket");
  }
  if (doors.egress) {
    with_tcp.push_back("conos-egress@" + agent.name + ".socket");
  }
  auto sockets = with_tcp;
  if (doors.has_gate) {
    sockets.push_back("conos-gate@" + agent.name + ".socket");
  }
  auto text = fmt::format("# Compiled from {0} by conos-bootstrap: the doors out of {1}'s cage.\n"
                          "[Unit]\n"
                          "Wants={2}\n"
                          "After={2}\n",
    k_config_path, agent.name, join(sockets, " "));
  if (!with_tcp.empty()) {
    text += fmt::format("# one network and IPC namespace for the agent and its TCP listeners\n"
                        "JoinsNamespaceOf={}\n",
      join(with_tcp, " "));
  }
  if (doors.has_sockets()) {
    text += fmt::format("\n"
                        "[Service]\n"
                        "# the directory, so that a restarted socket is seen\n"
                        "BindReadOnlyPaths=-/run/conos/doors/{}\n",
      agent.name);
  }
  return text;
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
  const config::Agent& agent, const Sources& sources, const Doors& has)
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
  doors.wanted = has.has_any();
  doors.content = doors_text(agent, has);

  auto keys = unit_file(agent, "conos-model@" + agent.name + ".service.d/30-keys.conf");
  keys.wanted = has.model.has_value();
  keys.content = has.model ? keys_text(*has.model) : "";

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
