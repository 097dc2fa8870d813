#include "gate/show.hpp"

#include "config/block.hpp"
#include "config/models.hpp"
#include "contract/load.hpp"
#include "gate/verbs.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace conos::gate {

namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t k_max_cell = 60;
constexpr std::size_t k_max_word = 1000;

std::string row(std::string_view title, const std::string& text)
{
  return text.empty() ? "" : fmt::format("{:<12}{}\n", title, text);
}

// A text of more lines than one, each marked as not ours.
std::string set_off(std::string_view text)
{
  std::string out;
  for (const auto line : split(trimmed(text), '\n')) {
    out += "  | " + escaped_lines(line) + "\n";
  }
  return out;
}

std::string left_until(Time until, Time now)
{
  return until <= now ? "over"
                      : "for " + for_people(std::chrono::duration_cast<Duration>(until - now));
}

std::string state_text(const Request& request, Time now)
{
  auto text = std::string(to_string(request.state));
  if (request.state == State::pending) {
    text += fmt::format(
      ", until {} ({})", rfc3339(request.expires_at, 0), left_until(request.expires_at, now));
  }
  return text;
}

std::string argument_shown(const Request& request)
{
  const auto* verb = find_gate_verb(request.verb);
  const auto argument = verb != nullptr ? argument_of(*verb, request.args) : "";
  return argument.empty()
           ? escaped(request.verb, k_max_cell)
           : fmt::format("{} {}", escaped(request.verb, k_max_cell), escaped(argument, k_max_cell));
}

std::string arguments_text(const Request& request)
{
  std::string text;
  for (const auto& [key, value] : request.args) {
    const bool is_long = value.find('\n') != std::string::npos;
    text +=
      fmt::format("  {}{}\n", escaped(key, 40), is_long ? ":" : " = " + escaped(value, k_max_word));
    text += is_long ? set_off(value) : "";
  }
  return text;
}

// --- what it would do ----------------------------------------------------------------------------

void add_program(const contract::Check& check, Lines& lines)
{
  const auto module = check.module->name;
  if (module != "command" && module != "script") {
    return;
  }
  const auto& params = check.params;
  const auto user = params.text("user");
  std::string what;
  for (const auto* key : {"run", "path", "inline"}) { // one of these, as a text or as words
    const auto text = params.text(key);
    what += text.empty() ? join(params.texts(key), " ") : text;
  }
  lines.push_back(fmt::format("{}check '{}' runs a program as {}: {}", user == "nobody" ? "" : "! ",
    escaped(check.name, k_max_cell), user.empty() ? "root" : escaped(user, k_max_cell),
    escaped(what, k_max_word)));
}

Lines consequences_of_contract(const std::string& text)
{
  const auto contract = contract::parse_contract(text, {"proposal", "/etc/conos/contracts", true});
  if (!contract) {
    return {"! it is no contract: " + escaped(contract.error().front().what, k_max_word)};
  }
  Lines lines{fmt::format("contract '{}', {}, {} checks, becomes one of root's in "
                          "/etc/conos/contracts",
    escaped(contract->id, k_max_cell), escaped(contract->type, k_max_cell),
    contract->checks.size())};
  for (const auto& check : contract->checks) {
    add_program(check, lines);
    if (!check.on_fail.actions.empty()) {
      lines.push_back(fmt::format("{}check '{}' may, when it fails: {}",
        check.on_fail.has(contract::Action::alert) || check.on_fail.has(contract::Action::warn)
          ? ""
          : "! ",
        escaped(check.name, k_max_cell), escaped(check.on_fail.text(), k_max_word)));
    }
  }
  return lines;
}

void add_if(Lines& lines, bool is_so, std::string line)
{
  if (is_so) {
    lines.push_back(std::move(line));
  }
}

std::string words_of(const std::vector<std::string>& words)
{
  return escaped(join(words, " "), k_max_word);
}

Lines consequences_of_agent(const std::string& text, const std::string& conos_toml)
{
  const auto added = config::add_agent(conos_toml, text);
  const auto checked = added ? config::check(added->text) : config::Checked();
  if (!checked.config || checked.config->agents.empty()) {
    return {"! it does not fit into conos.toml as that is now"};
  }
  const auto& config = *checked.config;
  const auto& agent = config.agents.back();
  Lines lines{fmt::format("a new agent '{}', user a-{}", agent.name, agent.name)};
  add_if(lines, agent.tier != Tier::worker, fmt::format("! tier {}", to_string(agent.tier)));
  add_if(lines, agent.runner != "picoclaw",
    fmt::format(
      "! its program is {} {}", escaped(agent.runner, k_max_cell), words_of(agent.runner_args)));
  add_if(lines, !agent.environment.empty(), "! with " + words_of(agent.environment));
  add_if(lines, agent.mode != Mode::on_demand,
    fmt::format("! it is woken without being asked: {}", to_string(agent.mode)));
  add_if(lines, !agent.may_task.empty(), "! may give tasks to " + words_of(agent.may_task));
  add_if(lines, !agent.gate.allow.empty(),
    "! gets from its gate without asking: " + words_of(agent.gate.allow));
  add_if(lines, !agent.gate.ask.empty(),
    "! may ask a person at its gate for: " + words_of(agent.gate.ask));
  add_if(lines, !agent.writable.empty(), "! can write to " + words_of(agent.writable));
  add_if(lines, agent.jit, "! can make memory executable");
  const auto models = config::models_of(config, agent);
  add_if(lines, !models.empty(),
    fmt::format("! calls {}, and what it may cost a day is {}", words_of(models),
      agent.budget.usd_day == 0
        ? "not limited for it alone"
        : fmt::format("{:.2f} USD", static_cast<double>(agent.budget.usd_day) / 1e6)));
  return lines;
}

} // namespace

std::string list_text(const std::vector<Request>& requests, Time now)
{
  std::string text;
  for (const auto& request : requests) {
    const auto when = request.state == State::pending ? left_until(request.expires_at, now)
                                                      : std::string(to_string(request.state));
    text += fmt::format("{}  {:<16}  {:<16}  {}\n", request.id, escaped(request.agent, 40), when,
      argument_shown(request));
  }
  return text;
}

std::string show_text(
  const Request& request, const std::vector<std::string>& consequences, Time now)
{
  std::string text;
  text += row("request", request.id);
  text += row("state", state_text(request, now));
  text += row("agent", escaped(request.agent, k_max_cell));
  text += row("asked", rfc3339(request.requested_at, 0));
  text += row("in task", fmt::format("{}, from {} [trust:{}]", escaped(request.task.id, 128),
                           escaped(request.task.sender.value_or("nobody known"), k_max_cell),
                           conos::to_string(request.task.trust)));
  text += row("wants", escaped(request.verb, k_max_cell));
  text += arguments_text(request);
  for (const auto& line : consequences) {
    text += row(&line == &consequences.front() ? "it means" : "", line);
  }
  text += row("asked by", request.pattern.empty() ? "" : "gate.ask = " + escaped(request.pattern));
  if (const auto& decision = request.decision) {
    text += row(request.state == State::denied ? "denied" : "allowed",
      fmt::format("{} by {}", rfc3339(decision->at, 0), escaped(decision->by, k_max_cell)));
    text += row("reason", escaped(decision->reason, k_max_word));
    text += row("the same",
      decision->until ? "without being asked, until " + rfc3339(*decision->until, 0) : "");
  }
  if (request.ending) {
    text += row("ended", rfc3339(request.ending->at, 0));
    text += set_off(request.ending->what);
  }
  return text + row("digest", request.digest);
}

std::string json_line(const Request& request)
{
  return nlohmann::json::parse(to_json(request))
           .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

std::vector<std::string> consequences_of(const Request& request, const std::string& conos_toml)
{
  const auto argument = [&](const char* key) {
    const auto found = request.args.find(key);
    return found == request.args.end() ? "" : found->second;
  };
  if (request.verb == "agent.propose") {
    return consequences_of_agent(argument("toml"), conos_toml);
  }
  if (request.verb == "contract.propose") {
    return consequences_of_contract(argument("yaml"));
  }
  if (request.verb == "package.request") {
    return {
      fmt::format("! conos-pkg install {}: its scripts run as root", escaped(argument("name")))};
  }
  if (request.verb == "service.restart") {
    return {fmt::format("systemctl restart {}", escaped(argument("unit")))};
  }
  if (request.verb == "contract.run") {
    return {fmt::format("conos-contract check --id {}", escaped(argument("id")))};
  }
  return {};
}

} // namespace conos::gate
