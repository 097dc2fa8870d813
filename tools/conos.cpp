// conos - see what the agents of this machine do, talk to them, hold and resume them
#include "ask/client.hpp"
#include "ask/words.hpp"
#include "audit/ledger.hpp"
#include "cli/spinner.hpp"
#include "cli/tool.hpp"
#include "facts/facts.hpp"
#include "facts/status.hpp"
#include "gate/store.hpp"
#include "host/provenance.hpp"
#include "host/units.hpp"
#include "run/halt.hpp"
#include "run/sessions.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"
#include "task/find.hpp"
#include "task/report.hpp"
#include "task/submit.hpp"
#include "task/watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace conos;
using cli::Exit;

// The other tools, by their verbs here. A compiled list: PATH is somebody else's to set.
struct Other {
  const char* verb;
  const char* program;
  const char* purpose;
  const char* option = nullptr; // put before the others
};
constexpr auto k_others = std::to_array<Other>({
  {"task", "conos-task", "hand in tasks for agents, and see what became of them"},
  {"bootstrap", "conos-bootstrap", "make the machine what conos.toml says"},
  {"config", "conos-config", "check, replace and bring back conos.toml"},
  {"contract", "conos-contract", "check that a machine is as contracts say it is"},
  {"protocol", "conos-contract", "ask a protocol whether a deed may be done, and do it",
    "protocol"},
  {"healthcheck", "conos-healthcheck", "check the machine's contracts, act on findings, record",
    "check"},
  {"doctor", "conos-healthcheck", "say all that is not as contracts and conos.toml say", "doctor"},
  {"brief", "conos-healthcheck", "say what state the machine is in, as agents read it", "brief"},
  {"approve", "conos-approve", "decide what agents ask a person for"},
  {"budget", "conos-budget", "show and change what agents may spend on language models"},
  {"model", "conos-model", "see whether calls to language models go through"},
  {"secret", "conos-secret", "keep the machine's secrets, encrypted and never shown again"},
  {"package", "conos-pkg", "install and remove Debian packages, and say for whom they are there"},
  {"artifact", "conos-artifact", "keep what was made, and let others see it by links that end"},
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

Result<Exit> status(const cli::Args& args)
{
  if (args.has("names")) {
    CONOS_TRY(const auto names, agent_names(Site()));
    print(join(names, "\n") + (names.empty() ? "" : "\n"));
    return Exit::ok;
  }
  FactSources sources;
  sources.ask_systemd = true;
  CONOS_CHECK(agent_names(sources.site));
  const auto facts = collect_facts(sources);
  print(args.has("json") ? to_json(facts) : status_text(facts) + requests_text());
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
    if (form != Form::json) {
      print(fmt::format("=== {}: {} ===\n", agent, escaped(answer.receipt.response->file)));
    }
    print(ending.out);
    print(form == Form::json ? "" : ending.out.ends_with('\n') ? "\n" : "\n\n");
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

const cli::Option k_json{"json", "print JSON, one object a line"};
const cli::Option k_reason{"reason", "why, for the ledger and for status", "TEXT"};

std::vector<cli::Verb> verbs()
{
  std::vector<cli::Verb> all{
    {"status", "show the agents, their queues and the machine", "",
      {k_json, {"names", "print the names of the agents only"}}, status},
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
    {"clear-sessions", "let an agent's program, or each of them, forget what was said", "[AGENT]",
      {}, clear},
  };
  for (const auto& other : k_others) {
    all.push_back({other.verb, other.purpose, "[…]", {}, [](const cli::Args&) -> Result<Exit> {
                     return Exit::bug; // main never comes here with one of these
                   }});
  }
  return all;
}

// "conos agent kill NAME" is "conos kill NAME", as in the documents.
bool is_agent_verb(std::string_view word)
{
  return word == "logs" || word == "kill" || word == "hold" || word == "resume";
}

int run_other(const Other& other, int argc, char* argv[])
{
  std::vector<std::string> words(argv + 1, argv + argc);
  words.front() = std::string(CONOS_BINDIR "/") + other.program;
  if (other.option != nullptr) {
    words.insert(words.begin() + 1, other.option);
  }
  const auto error = become(words, own_environment());
  log::set_name("conos");
  log::error("{}", error.text());
  return static_cast<int>(cli::exit_of(error));
}

} // namespace

int main(int argc, char* argv[])
{
  const std::string_view verb = argc > 1 ? argv[1] : "";
  for (const auto& other : k_others) {
    if (verb == other.verb) {
      return run_other(other, argc, argv);
    }
  }
  if (verb == "agent" && argc == 3 && std::string_view(argv[2]) == "list") {
    argv[1] = const_cast<char*>("status");
    argc = 2;
  } else if (verb == "agent" && argc > 2 && is_agent_verb(argv[2])) {
    ++argv;
    --argc;
  }
  return cli::run(argc, argv,
    {
      .name = "conos",
      .purpose = "see what the agents of this machine do, talk to them, hold and resume them",
      .verbs = verbs(),
    });
}
