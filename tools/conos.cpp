// conos - see what the agents of this machine do, talk to them, hold and resume them
#include "ask/client.hpp"
#include "ask/words.hpp"
#include "audit/ledger.hpp"
#include "budget/manage.hpp"
#include "cli/ask.hpp"
#include "cli/spinner.hpp"
#include "cli/tool.hpp"
#include "facts/facts.hpp"
#include "facts/status.hpp"
#include "front/lines.hpp"
#include "front/words.hpp"
#include "gate/store.hpp"
#include "host/provenance.hpp"
#include "host/units.hpp"
#include "run/halt.hpp"
#include "run/sessions.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"
#include "target/manage.hpp"
#include "target/run.hpp"
#include "task/find.hpp"
#include "task/report.hpp"
#include "task/submit.hpp"
#include "task/watch.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

using namespace conos;
using cli::Exit;

// The other tools, by their verbs here. A compiled list: PATH is somebody else's to set.
struct Other {
  const char* verb;
  const char* program;
  const char* purpose;
  const char* option = nullptr; // put before the others
  const char* directory = CONOS_BINDIR;
};
constexpr auto k_others = std::to_array<Other>({
  {"task", "conos-task", "hand in tasks for agents, and see what became of them"},
  {"task-contract", "conos-task-contract",
    "open, claim and close work that is complete when contracts say so"},
  {"bootstrap", "conos-bootstrap", "make the machine what conos.toml says"},
  {"config", "conos-config", "check, replace and bring back conos.toml"},
  {"contract", "conos-contract", "check that a machine is as contracts say it is"},
  {"protocol", "conos-contract", "ask a protocol whether a deed may be done, and do it",
    "protocol"},
  {"healthcheck", "conos-healthcheck", "check the machine's contracts, act on findings, record",
    "check"},
  {"doctor", "conos-healthcheck", "say all that is not as contracts and conos.toml say", "doctor"},
  {"brief", "conos-healthcheck", "say what state the machine is in, as agents read it", "brief"},
  {"page", "conos-page", "write the status page of the machine"},
  {"approve", "conos-approve", "decide what agents ask a person for"},
  {"budget", "conos-budget", "show and change what agents may spend on language models"},
  {"model", "conos-model", "see whether calls to language models go through"},
  {"secret", "conos-secret", "keep the machine's secrets, encrypted and never shown again"},
  {"package", "conos-pkg", "install and remove Debian packages, and say for whom they are there"},
  {"artifact", "conos-artifact", "keep what was made, and let others see it by links that end"},
  {"artifact-auth", "conos-artifact-auth", "answer a web server whether an artifact may be seen",
    nullptr, CONOS_LIBEXECDIR},
  {"audit", "conos-audit", "read, verify and add to the ledger"},
  {"route", "conos-route", "carry waiting tasks to their agents"},
  {"uninstall", "conos-uninstall", "take conos off this machine, and say what stays"},
  {"run", "conos-run", "the steps of an agent's activation"},
  {"prompt", "conos-run", "show what an agent's program is told", "prompt"},
});

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

Form form_of(const cli::Args& args)
{
  if (args.has("json")) {
    return Form::json;
  }
  return ::isatty(STDOUT_FILENO) == 1 ? Form::terminal : Form::text;
}

Result<> need_root()
{
  return ::geteuid() == 0 ? Result<>{} : fail(Kind::denied, "only root may do this");
}

// A line for who can decide; where nobody asks for anything there is none.
std::string requests_text()
{
  const auto requests = gate::Requests::open(Site());
  const auto all = requests ? requests->all() : tl::unexpected<Error>(requests.error());
  if (!all) {
    return ""; // whoever may not look cannot decide either
  }
  const auto waiting =
    std::count_if(all->requests.begin(), all->requests.end(), [](const gate::Request& request) {
      return request.state == gate::State::pending && request.expires_at > now();
    });
  return waiting == 0
           ? ""
           : fmt::format("\n{} of what agents ask for {} for a person: conos approve list\n",
               waiting, waiting == 1 ? "waits" : "wait");
}

// What may be spent today and what was, for root; nothing where no agent calls a model.
std::vector<budget::Standing> budgets()
{
  const auto lib = Site().lib;
  if (::access((lib + "/" + budget::k_directory + "/" + budget::k_database).c_str(), R_OK) != 0) {
    return {};
  }
  return budget::standings(lib, now()).value_or(std::vector<budget::Standing>());
}

std::string budgets_text()
{
  std::string text;
  for (const auto& one : budgets()) {
    const bool is_told = one.pause || one.limits.usd_day > 0 || one.limits.tokens_day > 0;
    text += is_told ? budget::for_people(one) + "\n" : "";
  }
  return text.empty() ? "" : "\nbudgets\n" + text;
}

// The facts, and the budgets in the same object.
std::string status_json(const Facts& facts)
{
  const auto object = std::string(trimmed(to_json(facts)));
  std::vector<std::string> lines;
  for (const auto& one : budgets()) {
    lines.push_back(to_json(one));
  }
  return fmt::format(
    "{},\"budgets\":[{}]}}\n", trimmed(object.substr(0, object.rfind('}'))), join(lines, ","));
}

FactSources sources_of_status()
{
  FactSources sources;
  sources.ask_systemd = true;
  return sources;
}

std::string status_now()
{
  return status_text(collect_facts(sources_of_status())) + budgets_text() + requests_text();
}

constexpr Duration k_watch_time = std::chrono::seconds(2);

// Until somebody interrupts it, or the terminal is gone.
Result<Exit> watch_status()
{
  if (::isatty(STDOUT_FILENO) != 1) {
    return fail(Kind::usage, "--watch draws on a terminal, and standard output is none; "
                             "'conos status --json' is for programs");
  }
  while (std::ferror(stdout) == 0) {
    winsize size{};
    const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
    print(front::screen_of(
      status_now(), is_known ? size.ws_row : 24U, is_known && size.ws_col > 0 ? size.ws_col : 80U));
    if (std::fflush(stdout) != 0) {
      break;
    }
    std::this_thread::sleep_for(k_watch_time);
  }
  return fail(Kind::os, "the terminal is gone");
}

Result<Exit> status(const cli::Args& args)
{
  if (args.has("names")) {
    CONOS_TRY(const auto names, agent_names(Site()));
    print(join(names, "\n") + (names.empty() ? "" : "\n"));
    return Exit::ok;
  }
  CONOS_CHECK(agent_names(Site()));
  if (args.has("watch")) {
    return watch_status();
  }
  if (args.has("json")) {
    print(status_json(collect_facts(sources_of_status())));
  } else if (args.has("lines")) {
    print(front::status_lines(collect_facts(sources_of_status())));
  } else {
    print(status_now());
  }
  return Exit::ok;
}

Result<Exit> logs(const cli::Args& args)
{
  CONOS_TRY(const auto lines, args.number("number", 0, 1'000'000));
  std::vector<std::string> argv{
    "/usr/bin/journalctl", "--quiet", "--no-pager", "--lines=" + std::to_string(lines)};
  if (args.operands.empty()) {
    argv.emplace_back("--unit=conos-*");
  } else {
    const auto& agent = args.operands.front();
    if (!is_agent_name(agent)) {
      return fail(Kind::usage, "'{}' cannot be an agent's name", escaped(agent));
    }
    for (const auto* end : {".service", ".path", ".timer"}) {
      argv.push_back("--unit=conos-" + agent + end);
    }
  }
  if (args.has("follow")) {
    argv.emplace_back("--follow");
  }
  return tl::unexpected<Error>(become(argv, own_environment()));
}

Result<> print_answers(const std::string& agent, std::size_t most, Form form)
{
  CONOS_TRY(const auto answers, newest_answers(Site(), agent, most).map_error(only_for_members));
  for (const auto& answer : answers) {
    const auto ending = ending_of(answer, read_response(Site(), answer.receipt), form);
    print(form == Form::json ? ending.out
                             : front::answer_heading(agent, answer.receipt.response->file) +
                                 front::answer_body(ending.out));
  }
  return {};
}

Result<Exit> responses(const cli::Args& args)
{
  const bool has_agent = !args.operands.empty();
  CONOS_TRY(const auto most, args.number("number", 1, 100'000));
  CONOS_TRY(auto names, agent_names(Site()));
  if (has_agent) {
    CONOS_CHECK(check_agent(Site(), args.operands.front()));
    names = {args.operands.front()};
  }
  for (const auto& name : names) {
    CONOS_CHECK(print_answers(name, static_cast<std::size_t>(most), form_of(args)));
  }
  return Exit::ok;
}

// A service that is stopped still has its last step to do.
constexpr Duration k_stop_time = std::chrono::seconds(90);

Result<Exit> halt(const cli::Args& args, Halt how)
{
  CONOS_CHECK(need_root());
  const auto& agent = args.operands.front();
  const Site site;
  CONOS_TRY(const auto units, Units::connect(k_stop_time));
  CONOS_TRY(auto ledger, audit::Ledger::open(site.lib));
  CONOS_TRY(const auto before,
    halt_agent(site, switch_of(units), ledger, {agent, how, acting_account(), args["reason"]}));
  print(how == Halt::kill ? fmt::format("killed {}\n", agent) : "");
  print(fmt::format("{} is on hold{}\n", agent, before ? ", as it was before" : ""));
  return Exit::ok;
}

// Those that are named, or whoever is held.
Result<std::vector<std::string>> agents_to_resume(const cli::Args& args, const Site& site)
{
  if (args.has("all") != args.operands.empty()) {
    return fail(Kind::usage, "either name agents or say --all");
  }
  if (!args.has("all")) {
    return args.operands;
  }
  CONOS_TRY(const auto names, agent_names(site));
  std::vector<std::string> held;
  std::copy_if(names.begin(), names.end(), std::back_inserter(held), [&](const std::string& name) {
    return is_held(site, name);
  });
  return held;
}

Result<Exit> resume(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const Site site;
  CONOS_TRY(const auto agents, agents_to_resume(args, site));
  CONOS_TRY(const auto units, Units::connect(k_stop_time));
  CONOS_TRY(auto ledger, audit::Ledger::open(site.lib));
  const auto by = acting_account();
  for (const auto& agent : agents) {
    CONOS_TRY(
      const auto hold, resume_agent(site, switch_of(units), ledger, {agent, by, args["reason"]}));
    print(fmt::format("{} {}\n", agent, hold ? "is back" : "was not on hold"));
  }
  return Exit::ok;
}

Result<Exit> clear(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const Site site;
  auto names = args.operands;
  if (names.empty()) {
    CONOS_TRY(names, agent_names(site));
  }
  for (const auto& name : names) {
    CONOS_TRY(const auto cleared, clear_sessions(site, name));
    print(fmt::format("{}: cleared {} session(s)\n", name, cleared));
  }
  return Exit::ok;
}

// What the spinner says: where the last of a chain is.
std::string progress_of(const std::string& id)
{
  const auto chain = find_chain(Site(), id);
  if (!chain || chain->tasks.empty()) {
    return "waiting for an answer";
  }
  const auto& task = chain->tasks.back();
  return task.agent ? fmt::format("{}: {}", escaped(*task.agent), task.state) : task.state;
}

// None when the time is up.
Result<std::optional<EndedTask>> await_end(const std::string& id, Duration patience)
{
  using Clock = std::chrono::steady_clock;
  CONOS_TRY(auto watch, ReceiptWatch::open(Site(), id));
  cli::Spinner spinner;
  if (!spinner.is_on()) {
    return watch.next(patience);
  }
  const auto start = Clock::now();
  std::string progress;
  for (int turn = 0;; ++turn) {
    progress = turn % 10 == 0 ? progress_of(id) : progress;
    const auto spent = std::chrono::duration_cast<Duration>(Clock::now() - start);
    spinner.show(fmt::format("{} · {}", progress, for_people(spent)));
    CONOS_TRY(auto ended, watch.next(std::min(patience - spent, Duration(100))));
    if (ended || spent >= patience) {
      return ended;
    }
  }
}

Result<Exit> ask_concierge(const cli::Args& args, const Envelope& envelope)
{
  CONOS_TRY(const auto patience,
    args.has("timeout") ? parse_duration(args["timeout"]) : Result<Duration>(Duration::max()));
  const Site site;
  CONOS_TRY(const auto id, submit_task(site.inbox(), envelope).map_error(only_for_members));
  if (args.has("no-wait")) {
    print(id + "\n");
    return Exit::ok;
  }
  CONOS_TRY(const auto ended, await_end(id, patience));
  if (!ended) {
    log::error("no answer after {}; 'conos task wait {}' waits on", for_people(patience), id);
    return Exit::later;
  }
  const auto ending = ending_of(*ended, read_response(site, ended->receipt), form_of(args));
  print(ending.out);
  if (ending.complaint.empty()) {
    return Exit::ok;
  }
  log::error("{}", ending.complaint);
  return Exit::no;
}

Result<Exit> agent(const cli::Args& args)
{
  const auto& words = args.operands;
  Envelope envelope;
  if (words.size() == 1) {
    envelope.body = words[0];
    return ask_concierge(args, envelope);
  }
  if (words.size() == 3 && words[0] == "task") {
    CONOS_CHECK(check_agent(Site(), words[1]));
    envelope.to = words[1];
    envelope.body = words[2];
    return ask_concierge(args, envelope);
  }
  // or the first word of a message would be taken for an agent
  return fail(Kind::usage, "put the message in quotes: conos agent \"{} …\"", escaped(words[0]));
}

// A task as the reference's scripts hand it in.
Result<Exit> hand_in(const cli::Args& args)
{
  Envelope envelope;
  envelope.body = args.operands.back();
  const bool has_operand = args.operands.size() == 2;
  if (has_operand && args.has("agent")) {
    return fail(Kind::usage, "the agent is named twice; is the message in quotes?");
  }
  if (has_operand || args.has("agent")) {
    envelope.to = has_operand ? args.operands.front() : args["agent"];
    CONOS_CHECK(check_agent(Site(), *envelope.to));
  }
  const auto given = [&](const char* option) {
    const std::string value(trimmed(args[option]));
    return value.empty() ? std::nullopt : std::optional(value);
  };
  envelope.thread = given("thread-id");
  envelope.channel = given("channel");
  envelope.transport = given("transport");
  envelope.source = given("source");
  envelope.from = given("from");
  if (const auto parent = given("parent-run-id")) {
    envelope.claimed["claimed_parent"] = *parent;
  }
  CONOS_TRY(const auto id, submit_task(Site().inbox(), envelope).map_error(only_for_members));
  print(args.has("agent") ? "" : id + ".task\n");
  return Exit::ok;
}

// Works off what waits for an agent, in its own unit: its cage, and not the caller's rights.
Result<Exit> activate(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const auto& agent = args.operands.front();
  const Site site;
  CONOS_CHECK(check_agent(site, agent));
  if (is_held(site, agent)) {
    return fail(Kind::busy, "'{}' is on hold; 'conos resume {}' ends that", agent, agent);
  }
  CONOS_TRY(const auto units, Units::connect(std::chrono::hours(24)));
  CONOS_CHECK(units.start("conos-" + agent + ".service"));
  return Exit::ok;
}

// The gate is the agent's who asks, and its program's environment says of which task.
Result<std::string> gate_here()
{
  const auto account = account_name(::geteuid());
  const auto agent = account ? agent_of_account(*account) : std::nullopt;
  return agent ? Result<std::string>(ask::gate_of(*agent))
               : fail(Kind::unavailable, "only agents have a gate, and this is none of theirs");
}

Result<std::string> text_from(const std::string& file)
{
  return file == "-" ? read_all(UniqueFd(::dup(STDIN_FILENO)), ask::k_max_request_bytes)
                     : read_path(file, ask::k_max_request_bytes);
}

Result<Exit> ask_gate(const cli::Args& args)
{
  CONOS_TRY(const auto patience, parse_duration(args["timeout"]));
  CONOS_TRY(auto request, ask::request_of(args.operands, text_from));
  if (const char* task = std::getenv("CONOS_TASK"); task != nullptr) {
    request.task = task;
  }
  CONOS_TRY(const auto path, gate_here());
  CONOS_TRY(auto gate, ask::Gate::connect(path));
  auto answer = gate.ask(request, patience);
  if (!answer && answer.error().kind == Kind::busy) {
    answer.error().kind = Kind::unavailable; // 75 says that a person is asked
  }
  CONOS_CHECK(answer);
  print(args.has("json") ? ask::answer_line(*answer) : ask::text_of(*answer));
  if (const auto complaint = ask::complaint_of(*answer); !complaint.empty()) {
    log::error("{}", complaint);
  }
  switch (answer->status) {
  case ask::Status::done:
    return Exit::ok;
  case ask::Status::pending:
    return Exit::later;
  case ask::Status::busy:
    return Exit::unavailable;
  case ask::Status::refused:
  case ask::Status::failed:
    break;
  }
  return Exit::no;
}

// --- targets ------------------------------------------------------------------------------------

constexpr Duration k_target_time = std::chrono::seconds(10);

// The one that is meant; with no name the default one.
Result<target::Target> target_named(const std::string& name)
{
  if (name == target::k_local) {
    return target::local();
  }
  CONOS_TRY(const auto all, target::load(target::usual_files()));
  return target::choose(all, name);
}

void tell(const std::string& line)
{
  log::notice("{}", line);
}

Result<Exit> targets(const cli::Args& args)
{
  CONOS_TRY(auto all, target::load(target::usual_files()));
  all.insert(all.begin(), target::local());
  const auto standings = target::look_at(all, k_target_time);
  print(args.has("json") ? target::json_lines_of(standings) : target::table_of(standings));
  return Exit::ok;
}

Result<Exit> install(const cli::Args& args, const std::string& name)
{
  CONOS_TRY(const auto target, target_named(name));
  CONOS_CHECK(target.transport == target::Transport::local ? need_root() : Result<>{});
  const char* key = std::getenv("CONOS_API_KEY");
  CONOS_CHECK(
    target::install(target, {args["profile"], args["secret"], key == nullptr ? "" : key}, tell));
  print(target.name + " is installed\n");
  return Exit::ok;
}

Result<Exit> start(const std::string& name)
{
  CONOS_TRY(const auto target, target_named(name));
  CONOS_CHECK(target::start(target, tell));
  print(target.name + " is started\n");
  return Exit::ok;
}

Result<Exit> stop(const cli::Args& args, const std::string& name)
{
  CONOS_TRY(const auto target, target_named(name));
  CONOS_CHECK(target::stop(target, args.has("force") ? target::Force::yes : target::Force::no));
  print(target.name + " is stopped\n");
  return Exit::ok;
}

const cli::Option k_json{"json", "print JSON, one object a line"};
const cli::Option k_reason{"reason", "why, for the ledger and for status", "TEXT"};

std::vector<cli::Verb> verbs(const std::string& target)
{
  std::vector<cli::Verb> all{
    {"status", "show the agents, their queues and the machine", "",
      {k_json, {"watch", "draw it anew every two seconds", "", "", 'w'},
        {"lines", "print a line for each agent, as scripts read it"},
        {"names", "print the names of the agents only"}},
      status},
    {"agent", "ask the concierge, or with 'task AGENT' another, and wait for the answer",
      "MESSAGE…",
      {k_json, {"timeout", "give up after this long", "DURATION", "", 't'},
        {"no-wait", "print the id of the task instead"}},
      agent},
    {"ask", "ask this agent's gate for something; alone, say what there is to ask for",
      "[VERB] [KEY=VALUE…]",
      {k_json, {"timeout", "give up after this long", "DURATION", "30m", 't'}}, ask_gate},
    {"responses", "print the newest answers of each agent", "[AGENT]",
      {k_json, {"number", "so many of each", "N", "1", 'n'}}, responses},
    {"logs", "show the journal of the agents' units", "[AGENT]",
      {{"follow", "go on as lines come", "", "", 'f'},
        {"number", "the newest so many lines", "N", "50", 'n'}},
      logs},
    {"hold", "let an agent finish its task and take no other", "AGENT", {k_reason},
      [](const cli::Args& args) {
        return halt(args, Halt::hold);
      }},
    {"kill", "stop an agent at once, and hold it", "AGENT", {k_reason},
      [](const cli::Args& args) {
        return halt(args, Halt::kill);
      }},
    {"resume", "let held agents go on", "[AGENT…]", {k_reason, {"all", "every agent that is held"}},
      resume},
    {"hand-in", "hand in a task, as 'conctl task' does, and print the name of its file",
      "[AGENT] MESSAGE",
      {{"agent", "the agent it is for; then nothing is printed", "AGENT"},
        {"thread-id", "the conversation it belongs to", "ID"}, {"from", "who speaks there", "NAME"},
        {"channel", "where the conversation is held", "NAME"},
        {"transport", "by what it came", "NAME"}, {"source", "where it is from", "NAME"},
        {"parent-run-id", "noted, and means nothing", "ID"}},
      hand_in},
    {"activate", "have an agent work off what waits for it, and wait for that", "AGENT", {},
      activate},
    {"clear-sessions", "let an agent's program, or each of them, forget what was said", "[AGENT]",
      {}, clear},
  };
  all.insert(all.end(),
    {
      {"targets", "list the machines conos reaches, and say which answer", "", {k_json}, targets},
      {"install", "make the target and provision it; $CONOS_API_KEY becomes a secret of it", "",
        {{"profile", "the profile it begins with", "NAME", "default"},
          {"secret", "what the key is called there", "NAME", "anthropic"}},
        [target](const cli::Args& args) {
          return install(args, target);
        }},
      {"start", "start the target, and wait until it answers", "", {},
        [target](const cli::Args&) {
          return start(target);
        }},
      {"stop", "stop the target", "", {{"force", "at once"}},
        [target](const cli::Args& args) {
          return stop(args, target);
        }},
    });
  for (const auto& other : k_others) {
    all.push_back({other.verb, other.purpose, "[…]", {}, [](const cli::Args&) -> Result<Exit> {
                     return Exit::bug; // main never comes here with one of these
                   }});
  }
  return all;
}

int run_other(const Other& other, std::vector<std::string> words)
{
  words.front() = std::string(other.directory) + "/" + other.program;
  if (other.option != nullptr) {
    words.insert(words.begin() + 1, other.option);
  }
  const auto error = become(words, own_environment());
  log::set_name("conos");
  log::error("{}", error.text());
  return static_cast<int>(cli::exit_of(error));
}

// --- the command line ---------------------------------------------------------------------------

struct CommandLine {
  std::string target; // empty: the default one
  std::vector<std::string> words;
};

// Takes --target NAME from the front.
Result<CommandLine> command_line(std::vector<std::string> words)
{
  constexpr std::string_view k_option = "--target";
  CommandLine line;
  while (!words.empty() && words.front().starts_with(k_option)) {
    const auto rest = words.front().substr(k_option.size());
    const bool is_apart = rest.empty();
    if ((!is_apart && rest.front() != '=') || (is_apart && words.size() < 2)) {
      return fail(Kind::usage, "--target needs the name of a target; see 'conos --help'");
    }
    line.target = is_apart ? words[1] : rest.substr(1);
    if (line.target.empty()) {
      return fail(Kind::usage, "--target needs the name of a target; see 'conos --help'");
    }
    words.erase(words.begin(), words.begin() + (is_apart ? 2 : 1));
  }
  line.words = std::move(words);
  return line;
}

// Those that are about targets, and what an agent asks its own gate for.
bool stays_here(const CommandLine& line)
{
  constexpr auto k_here = std::to_array<std::string_view>(
    {"targets", "install", "start", "stop", "ask", "help", "--help", "-h", "--print-completion"});
  return line.words.empty() || line.target == target::k_local ||
         std::find(k_here.begin(), k_here.end(), line.words.front()) != k_here.end() ||
         (line.target.empty() && line.words.front() == "--version");
}

constexpr std::size_t k_max_config_bytes = 1U << 20U;

// config apply FILE: the file is of this machine.
Result<int> apply_there(const target::Target& target, const std::vector<std::string>& words)
{
  const std::string k_usual = ".conos/conos.toml";
  if (words.size() > 3 || (words.size() == 3 && words[2].starts_with("-"))) {
    return fail(Kind::usage,
      "to a target it is 'conos --target NAME config apply [FILE]', FILE "
      "being {} unless it is said",
      k_usual);
  }
  CONOS_TRY(const auto text, read_path(words.size() == 3 ? words[2] : k_usual, k_max_config_bytes));
  CONOS_TRY(const auto agrees, cli::agreement(false));
  return target::apply_config(target, text, false, agrees);
}

bool is_apply(const std::vector<std::string>& words)
{
  const bool is = words.size() > 1 && words[0] == "config" && words[1] == "apply";
  return is && words.back() != "-" && words.back() != "--help"; // those are for the far side
}

// The verb on another machine; its status is ours.
Result<int> run_on(const target::Target& target, const std::vector<std::string>& words)
{
  if (is_apply(words)) {
    return apply_there(target, words);
  }
  const bool is_seen = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  CONOS_TRY(const auto outcome,
    target::run_there(target, words, is_seen ? target::Terminal::yes : target::Terminal::no));
  return outcome.is_there ? Result<int>(outcome.status)
                          : fail(Kind::unavailable, "target '{}' ({}) does not answer", target.name,
                              target::address_text(target));
}

int report(const Error& error)
{
  log::set_name("conos");
  log::error("{}", error.text());
  return static_cast<int>(cli::exit_of(error));
}

// Nothing when the verb is this machine's to do.
std::optional<int> elsewhere(const CommandLine& line)
{
  if (stays_here(line)) {
    return std::nullopt;
  }
  const auto target = target_named(line.target);
  if (!target) {
    return report(target.error());
  }
  if (target->transport == target::Transport::local) {
    return std::nullopt;
  }
  const auto status = run_on(*target, line.words);
  return status ? *status : report(status.error());
}

int run_here(const CommandLine& line)
{
  for (const auto& other : k_others) {
    if (!line.words.empty() && line.words.front() == other.verb) {
      return run_other(other, line.words);
    }
  }
  auto words = line.words;
  words.insert(words.begin(), "conos");
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  const int status = cli::run(static_cast<int>(words.size()), argv.data(),
    {
      .name = "conos",
      .purpose = "see what the agents of this machine do, talk to them, hold and resume them",
      .verbs = verbs(line.target),
    });
  if (words.size() == 2 && (words[1] == "--help" || words[1] == "-h" || words[1] == "help")) {
    print("\n'conos --target NAME VERB…' does it on another machine, of those in targets.toml.\n");
  }
  return status;
}

} // namespace

int main(int argc, char* argv[])
{
  const auto name = front::name_of(argc > 0 ? argv[0] : "conos");
  auto line = command_line({argv + std::min(argc, 1), argv + argc});
  if (!line) {
    return report(line.error());
  }
  if (name == front::Name::conctl && line->target.empty()) {
    line->target = target::k_local; // a script's machine is the one it runs on
  }
  line->words = front::in_our_words(name, std::move(line->words));
  const auto status = elsewhere(*line);
  return status ? *status : run_here(*line);
}
