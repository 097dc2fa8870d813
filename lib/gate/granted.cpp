#include "gate/granted.hpp"

#include "gate/artifacts.hpp"
#include "gate/task_contracts.hpp"
#include "gate/verbs.hpp"
#include "host/immutable.hpp"
#include "host/units.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace conos::gate {

namespace {

using Json = nlohmann::json;

constexpr Duration k_restart_time = std::chrono::minutes(2);
constexpr Duration k_package_time = std::chrono::minutes(20);
constexpr Duration k_contract_time = std::chrono::minutes(5);
constexpr Duration k_config_time = std::chrono::minutes(10);
constexpr Duration k_lint_time = std::chrono::seconds(10);
constexpr Duration k_busy_time = std::chrono::minutes(2);
constexpr std::size_t k_max_told = 4U << 10U; // of what a program printed
constexpr std::size_t k_max_findings = 50;
constexpr int k_exit_later = 75;

// What came of it. `good`: it succeeded.
struct Deed {
  bool good = false;
  std::string what;
  std::string result; // a JSON object; empty: none
};

std::string dumped(const Json& json)
{
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The end of what a program said, where the reason stands.
std::string last_of(std::string_view text)
{
  const auto all = trimmed(text);
  const auto from = all.size() - std::min(all.size(), k_max_told);
  return escaped_lines(all.substr(from));
}

std::string how_it_failed(const conos::Ended& ended, const std::string& program)
{
  const auto said = last_of(ended.err.empty() ? ended.out : ended.err);
  switch (ended.how) {
  case conos::Ended::How::exited:
    return fmt::format("{} ended with status {}:\n{}", program, ended.status, said);
  case conos::Ended::How::signalled:
    return fmt::format("{} was killed by signal {}:\n{}", program, ended.status, said);
  case conos::Ended::How::timeout:
    return program + " took too long and was stopped:\n" + said;
  case conos::Ended::How::output_limit:
    return program + " said too much and was stopped";
  }
  return program;
}

bool is_good(const conos::Ended& ended)
{
  return ended.how == conos::Ended::How::exited && ended.status == 0;
}

Command command_of(std::vector<std::string> argv)
{
  Command command;
  command.argv = std::move(argv);
  command.environment = plain_environment();
  return command;
}

Bounds bounds_of(Duration time)
{
  Bounds bounds;
  bounds.time = time;
  bounds.out_bytes = 4U << 20U;
  return bounds;
}

// --- services ------------------------------------------------------------------------------------

Result<Deed> restart_service(const Request& request, const Hands& hands)
{
  const auto& unit = request.args.at("unit");
  if (const auto done = hands.restart(unit); !done) {
    return Deed{false, fmt::format("{} was not restarted: {}", unit, done.error().text()), ""};
  }
  return Deed{true, unit + " is restarted", dumped({{"unit", unit}})};
}

// --- packages ------------------------------------------------------------------------------------

Result<std::string> version_of(const std::string& name, const Hands& hands)
{
  CONOS_TRY(const auto shown, hands.run(command_of({"/usr/bin/dpkg-query", "--show",
                                          "--showformat=${db:Status-Status} ${Version}\n", name}),
                                bounds_of(k_lint_time)));
  constexpr std::string_view k_installed = "installed ";
  for (const auto line : split(shown.out, '\n')) {
    if (line.starts_with(k_installed)) {
      return std::string(line.substr(k_installed.size()));
    }
  }
  return std::string();
}

Result<Deed> install_package(const Request& request, const Hands& hands)
{
  const auto& name = request.args.at("name");
  CONOS_TRY(
    const auto ended, hands.run(command_of({"/usr/bin/conos-pkg", "install", "--yes", "--agent",
                                  request.agent, "--task", request.task.id, name}),
                        bounds_of(k_package_time)));
  if (!is_good(ended)) {
    return Deed{false, how_it_failed(ended, "conos-pkg"), ""};
  }
  CONOS_TRY(const auto version, version_of(name, hands));
  if (version.empty()) {
    return Deed{false, fmt::format("conos-pkg is content, and '{}' is not installed", name), ""};
  }
  return Deed{true, fmt::format("{} {} is installed", name, version),
    dumped({{"name", name}, {"version", version}})};
}

// --- contracts -----------------------------------------------------------------------------------

// The report of conos-contract, without what passed and without evidence, which may be root's
// alone.
std::string condensed(const Json& report)
{
  Json short_report = Json::object();
  for (const auto* count :
    {"passed", "failed", "warned", "skipped", "exempt", "halted", "errors", "timeouts"}) {
    short_report[count] = report.value(count, 0);
  }
  auto bad = Json::array();
  for (const auto& one : report.value("results", Json::array())) {
    const auto status = one.value("status", "");
    if (status != "pass" && status != "skip" && bad.size() < k_max_findings) {
      bad.push_back({{"check", one.value("contract_id", "") + "/" + one.value("check_name", "")},
        {"status", status}, {"what", one.value("what", "")}});
    }
  }
  short_report["findings"] = bad;
  return dumped(short_report);
}

Result<Deed> run_contract(const Request& request, const Hands& hands)
{
  const auto& id = request.args.at("id");
  CONOS_TRY(const auto ended,
    hands.run(command_of({"/usr/bin/conos-contract", "check", "--json", "--id", id}),
      bounds_of(k_contract_time)));
  const auto report = Json::parse(ended.out, nullptr, false);
  const bool is_answer = ended.how == conos::Ended::How::exited && ended.status <= 1;
  if (!is_answer || !report.is_object()) {
    return Deed{false, how_it_failed(ended, "conos-contract"), ""};
  }
  try {
    return Deed{true,
      fmt::format(
        "contract {}: {}", id, ended.status == 0 ? "all is as it says" : "not all is as it says"),
      condensed(report)};
  } catch (const Json::exception& error) {
    return fail(Kind::bad_data, "the report of conos-contract: {}", error.what());
  }
}

// Where root's contracts are; those that were proposed say so in their names.
Result<> put_contract(const Site& site, const std::string& id, const std::string& text)
{
  CONOS_TRY(const auto etc, open_dir(site.etc));
  const auto made = make_dir(etc, "contracts", 0700);
  if (!made && made.error().kind != Kind::exists) {
    return made;
  }
  CONOS_TRY(const auto contracts, open_dir_at(etc, "contracts"));
  const auto name = "proposed-" + id + ".yaml";
  CONOS_CHECK(publish(contracts, name, text, 0600));
  CONOS_TRY(const auto file, open_beneath(contracts, name));
  const auto locked = set_immutable(file, true);
  const bool cannot =
    !locked && (locked.error().kind == Kind::unavailable || locked.error().kind == Kind::denied);
  return cannot ? Result<>() : locked; // conos-bootstrap --doctor says where there is no such flag
}

Result<Deed> add_contract(const Desk& desk, const Request& request, const Hands& hands)
{
  const auto& text = request.args.at("yaml");
  CONOS_TRY(const auto path, desk.requests().proposal_of(request.id, ".yaml", text));
  CONOS_TRY(const auto complaint, complaint_about(request.verb, path, hands));
  if (!complaint.empty()) {
    return Deed{false, "it no longer fits:\n" + complaint, ""};
  }
  CONOS_CHECK(put_contract(desk.site(), request.id, text));
  const auto file = desk.site().etc + "/contracts/proposed-" + request.id + ".yaml";
  return Deed{true, "the contract is " + file, dumped({{"file", file}})};
}

// --- agents --------------------------------------------------------------------------------------

Result<Deed> add_agent(const Desk& desk, const Request& request, const Hands& hands)
{
  CONOS_TRY(
    const auto path, desk.requests().proposal_of(request.id, ".toml", request.args.at("toml")));
  const auto stop_at = std::chrono::steady_clock::now() + k_busy_time;
  for (;;) {
    CONOS_TRY(
      const auto ended, hands.run(command_of({"/usr/bin/conos-config", "add", "--yes", path}),
                          bounds_of(k_config_time)));
    const bool is_busy = ended.how == conos::Ended::How::exited && ended.status == k_exit_later;
    if (is_busy && std::chrono::steady_clock::now() < stop_at) { // another one is at work
      std::this_thread::sleep_for(std::chrono::seconds(2));
      continue;
    }
    return is_good(ended) ? Deed{true, "the agent is there:\n" + last_of(ended.out), ""}
                          : Deed{false, how_it_failed(ended, "conos-config"), ""};
  }
}

// --- artifacts -----------------------------------------------------------------------------------

Result<Deed> keep_artifact(Desk& desk, const Request& request)
{
  CONOS_TRY(auto* ledger, desk.ledger());
  CONOS_TRY(auto kept, create_artifact(desk.site(), *ledger, request));
  return Deed{true, "the artifact is " + kept.id, std::move(kept.result)};
}

// --- task contracts ------------------------------------------------------------------------------

Result<Deed> on_task_contract(Desk& desk, const Request& request, const Hands& hands)
{
  CONOS_TRY(auto* ledger, desk.ledger());
  const auto actor = actor_of(request.agent, request.task.id);
  const auto cancel = request.args.find("cancel");
  const bool cancels = cancel != request.args.end() && cancel->second == "true";
  if (request.verb == "contract.close" && !cancels) {
    CONOS_TRY(auto done, complete_task_contract(desk.site(), *ledger, request.args, actor, hands));
    return Deed{done.good, std::move(done.what), std::move(done.result)};
  }
  CONOS_TRY(const auto contract,
    do_task_contract_deed(desk.site(), *ledger, request.verb, request.args, actor));
  return Deed{true, request.verb + " is done", dumped(contract)};
}

Result<Deed> do_it(Desk& desk, const Request& request, const Hands& hands)
{
  const auto* verb = find_gate_verb(request.verb);
  const bool is_on_task_contract = is_task_contract_deed(request.verb);
  if (verb == nullptr || (!is_carried_out_apart(request.verb) && !is_on_task_contract)) {
    return fail(Kind::bad_data, "nothing is carried out for '{}'", escaped(request.verb, 40));
  }
  CONOS_CHECK(check_arguments(*verb, request.args)); // what was sealed was checked by an older gate
  if (is_on_task_contract) {
    return on_task_contract(desk, request, hands);
  }
  if (request.verb == "artifact.create") {
    return keep_artifact(desk, request);
  }
  if (request.verb == "service.restart") {
    return restart_service(request, hands);
  }
  if (request.verb == "package.request") {
    return install_package(request, hands);
  }
  if (request.verb == "contract.run") {
    return run_contract(request, hands);
  }
  return request.verb == "contract.propose" ? add_contract(desk, request, hands)
                                            : add_agent(desk, request, hands);
}

// Lines about that file alone.
std::string problems_in(const Json& lint, const std::string& path)
{
  std::string lines;
  std::size_t count = 0;
  const auto name = path.substr(path.rfind('/') + 1);
  for (const auto& problem : lint.value("problems", Json::array())) {
    if (problem.value("file", "").ends_with("/" + name) && count++ < k_max_findings) {
      lines += fmt::format("{}:{}: {}\n", problem.value("line", 0), problem.value("column", 0),
        escaped(problem.value("message", "")));
    }
  }
  return std::string(trimmed(lines));
}

Result<std::string> complaint_about_contract(const std::string& path, const Hands& hands)
{
  std::vector<std::string> argv{"/usr/bin/conos-contract", "lint", "--json"};
  for (const auto* dir : {"/etc/conos/contracts", "/srv/conos/contracts"}) {
    if (open_dir(dir)) { // its id must be nobody else's
      argv.emplace_back(dir);
    }
  }
  argv.push_back(path);
  CONOS_TRY(const auto ended, hands.run(command_of(argv), bounds_of(k_lint_time)));
  const auto lint = Json::parse(ended.out, nullptr, false);
  if (ended.how != conos::Ended::How::exited || !lint.is_object()) {
    return fail(Kind::config, "{}", how_it_failed(ended, "conos-contract"));
  }
  try {
    return problems_in(lint, path);
  } catch (const Json::exception& error) {
    return fail(Kind::config, "what conos-contract says: {}", error.what());
  }
}

Result<std::string> complaint_about_agent(const std::string& path, const Hands& hands)
{
  constexpr int k_wrong = 78;
  CONOS_TRY(
    const auto ended, hands.run(command_of({"/usr/bin/conos-config", "add", "--check", path}),
                        bounds_of(k_lint_time)));
  if (is_good(ended)) {
    return std::string();
  }
  if (ended.how != conos::Ended::How::exited || (ended.status != k_wrong && ended.status != 65)) {
    return fail(Kind::config, "{}", how_it_failed(ended, "conos-config"));
  }
  auto said = last_of(ended.out.empty() ? ended.err : ended.out);
  constexpr std::string_view k_speaker = "conos-config: ";
  return said.starts_with(k_speaker) ? said.substr(k_speaker.size()) : said;
}

} // namespace

Hands own_hands()
{
  Hands hands;
  hands.restart = [](const std::string& unit) -> Result<> {
    CONOS_TRY(const auto units, Units::connect(k_restart_time));
    CONOS_TRY(const auto state, units.state(unit));
    return state.is_loaded() ? units.restart(unit)
                             : fail(Kind::not_found, "there is no unit {}", unit);
  };
  hands.run = [](const Command& command, const Bounds& bounds) {
    return run_command(command, bounds);
  };
  return hands;
}

Result<Request> carry_out(Desk& desk, const std::string& id, const Hands& hands)
{
  if (!is_request_id(id)) {
    return fail(Kind::not_found, "'{}' is not the id of a request", escaped(id, 40));
  }
  CONOS_TRY(const auto work, desk.requests().take_work(id));
  if (!work) {
    return fail(Kind::denied, "request {} is being carried out", id);
  }
  CONOS_TRY(const auto request, begin(desk, id));
  auto deed = do_it(desk, request, hands);
  if (!deed) {
    deed = Deed{false, deed.error().text(), ""};
  }
  log::notice("request {} of {} ({}): {}", id, request.agent, request.verb,
    escaped(deed->good ? "done" : deed->what));
  CONOS_TRY(auto after,
    end(desk, id, deed->good ? State::done : State::failed, {now(), deed->what, deed->result}));
  CONOS_CHECK(tell(desk, id));
  return after;
}

Result<std::string> complaint_about(
  std::string_view verb, const std::string& path, const Hands& hands)
{
  return verb == "contract.propose" ? complaint_about_contract(path, hands)
                                    : complaint_about_agent(path, hands);
}

} // namespace conos::gate
