#include "target/manage.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"
#include "target/run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <thread>

namespace conos::target {

namespace {

constexpr Duration k_look_time = std::chrono::seconds(5);
constexpr Duration k_boot_time = std::chrono::seconds(90);
constexpr Duration k_pause = std::chrono::milliseconds(500);

Standing standing_of(const Target& target, Duration time)
{
  const auto version = version_there(target, time);
  return {target, version.has_value(), version ? *version : escaped(version.error().text(), 200)};
}

Result<> do_step(const std::string& what, const Argv& argv)
{
  CONOS_TRY(const auto status, run_attached(argv));
  return status == 0 ? Result<>{} : fail(Kind::os, "{}: status {}", what, status);
}

Result<> do_there(const std::string& what, const Target& target,
  const std::vector<std::string>& words, const UniqueFd* input = nullptr)
{
  CONOS_TRY(const auto outcome, run_there(target, words, Terminal::no, input));
  if (!outcome.is_there) {
    return fail(Kind::unavailable, "{}: target '{}' does not answer", what, target.name);
  }
  return outcome.status == 0 ? Result<>{} : fail(Kind::os, "{}: status {}", what, outcome.status);
}

Result<> wait_for(const Target& target)
{
  const auto end = std::chrono::steady_clock::now() + k_boot_time;
  for (;;) {
    const auto version = version_there(target, k_look_time);
    if (version) {
      return {};
    }
    if (std::chrono::steady_clock::now() > end) {
      return fail(Kind::unavailable, "target '{}' does not answer after {}: {}", target.name,
        for_people(k_boot_time), version.error().text());
    }
    std::this_thread::sleep_for(k_pause);
  }
}

// machinectl asks a machine to power off, and does not wait until it has.
Result<> wait_until_gone(const Target& target)
{
  Command command;
  command.argv = {"machinectl", "show", target.address};
  command.environment = environment_for_others();
  const auto end = std::chrono::steady_clock::now() + k_boot_time;
  for (;;) {
    CONOS_TRY(const auto ended, run_command(command, {}));
    if (ended.how != Ended::How::exited || ended.status != 0) {
      return {};
    }
    if (std::chrono::steady_clock::now() > end) {
      return fail(Kind::unavailable, "target '{}' is still there after {}; --force ends it",
        target.name, for_people(k_boot_time));
    }
    std::this_thread::sleep_for(k_pause);
  }
}

Result<Argv> way_to(const std::string& verb, const Target& target, const std::optional<Argv>& argv)
{
  if (argv) {
    return *argv;
  }
  switch (target.transport) {
  case Transport::local:
    return fail(Kind::usage,
      "this machine is not {}ed by conos: 'conos hold' and 'conos resume' are for its agents, "
      "systemctl(1) for the machine; --target names another",
      verb == "stop" ? "stopp" : verb);
  case Transport::podman:
  case Transport::docker:
    return fail(Kind::usage, "target '{}' has no 'image' to {} it from", target.name, verb);
  case Transport::command:
    return fail(Kind::usage, "target '{}' has no command '{}'", target.name, verb);
  case Transport::ssh:
  case Transport::machine:
    break;
  }
  return fail(Kind::usage, "there is no way to {} target '{}' by {}", verb, target.name,
    to_string(target.transport));
}

// An install that was killed has left a conos.toml perhaps, and half of what it asks for.
Result<> provision(const Target& target, const std::string& profile, const Tell& tell)
{
  CONOS_TRY(const auto checked, ask_there(target, {"bootstrap", "--check"}, k_boot_time));
  if (checked.how == Ended::How::exited && checked.status == 0) {
    tell("provisioning with the conos.toml that is there");
    return do_there("provision", target, {"bootstrap"});
  }
  tell("provisioning with profile '" + profile + "'");
  return do_there("provision", target, {"bootstrap", "--profile", profile});
}

} // namespace

std::vector<Standing> look_at(const std::vector<Target>& targets, Duration time)
{
  std::vector<Standing> standings(targets.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    threads.emplace_back([&, i] {
      standings[i] = standing_of(targets[i], time);
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  return standings;
}

std::string table_of(const std::vector<Standing>& standings)
{
  std::size_t width = 6;
  std::size_t address = 7;
  for (const auto& one : standings) {
    width = std::max(width, one.target.name.size());
    address = std::max(address, address_text(one.target).size());
  }
  const bool has_default = std::any_of(standings.begin(), standings.end(), [](const Standing& one) {
    return one.target.is_default;
  });
  auto text = fmt::format(
    "  {:<{}}  {:<9}  {:<{}}  STATE\n", "TARGET", width, "TRANSPORT", "ADDRESS", address);
  for (const auto& one : standings) {
    const bool is_meant = has_default ? one.target.is_default : one.target.name == k_local;
    text += fmt::format("{} {:<{}}  {:<9}  {:<{}}  {}{}\n", is_meant ? '*' : ' ', one.target.name,
      width, to_string(one.target.transport), address_text(one.target), address,
      one.answers ? "" : "does not answer: ", one.said);
  }
  return text;
}

std::string json_lines_of(const std::vector<Standing>& standings)
{
  std::string text;
  for (const auto& one : standings) {
    const nlohmann::json json{{"name", one.target.name},
      {"transport", to_string(one.target.transport)}, {"address", address_text(one.target)},
      {"default", one.target.is_default}, {"answers", one.answers}, {"said", one.said}};
    text += json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return text;
}

Result<> install(const Target& target, const InstallWish& wish, const Tell& tell)
{
  if (target.transport != Transport::local && !version_there(target, k_look_time)) {
    CONOS_TRY(const auto argv, way_to("install", target, install_argv(target)));
    tell("making '" + target.name + "'");
    CONOS_CHECK(do_step("make target '" + target.name + "'", argv));
    CONOS_CHECK(wait_for(target));
  }
  CONOS_CHECK(provision(target, wish.profile, tell));
  if (!wish.key.empty()) {
    tell("storing the key as secret '" + wish.secret + "'");
    CONOS_TRY(const auto input, memory_file(wish.key));
    CONOS_CHECK(do_there("store the key", target, {"secret", "set", wish.secret}, &input));
  }
  return {};
}

Result<> start(const Target& target, const Tell& tell)
{
  CONOS_TRY(const auto argv, way_to("start", target, start_argv(target)));
  CONOS_CHECK(do_step("start target '" + target.name + "'", argv));
  tell("waiting for '" + target.name + "'");
  return wait_for(target);
}

Result<> stop(const Target& target, Force force)
{
  CONOS_TRY(const auto argv, way_to("stop", target, stop_argv(target, force)));
  CONOS_CHECK(do_step("stop target '" + target.name + "'", argv));
  return target.transport == Transport::machine ? wait_until_gone(target) : Result<>{};
}

Result<int> apply_config(
  const Target& target, std::string_view text, bool is_agreed, const std::function<bool()>& agrees)
{
  CONOS_TRY(const auto input, memory_file(text));
  if (!is_agreed) {
    const std::vector<std::string> words{"config", "apply", "--dry-run", "-"};
    CONOS_TRY(const auto shown, run_there(target, words, Terminal::no, &input));
    if (!shown.is_there || shown.status != 1) { // nothing to do, or wrong, which it has said
      return shown.is_there ? Result<int>(shown.status)
                            : fail(Kind::unavailable, "target '{}' does not answer", target.name);
    }
    if (!agrees()) {
      return 1;
    }
    if (::lseek(input.get(), 0, SEEK_SET) < 0) {
      return os_error("read the configuration again");
    }
  }
  CONOS_TRY(
    const auto done, run_there(target, {"config", "apply", "--yes", "-"}, Terminal::no, &input));
  return done.is_there ? Result<int>(done.status)
                       : fail(Kind::unavailable, "target '{}' does not answer", target.name);
}

} // namespace conos::target
