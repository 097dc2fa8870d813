// conos-task - hand in tasks for agents, and see what became of them
#include "cli/tool.hpp"
#include "host/provenance.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"
#include "task/find.hpp"
#include "task/id.hpp"
#include "task/report.hpp"
#include "task/submit.hpp"
#include "task/watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace {

using namespace conos;
using cli::Exit;

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

Result<std::string> text_of(const cli::Args& args)
{
  if (!args.operands.empty()) {
    return args.operands.front();
  }
  const auto& file = args["file"];
  return file == "-" ? read_all(UniqueFd(::dup(STDIN_FILENO)), k_max_task_bytes)
                     : read_path(file, k_max_task_bytes);
}

std::optional<std::string> given(const cli::Args& args, const std::string& option)
{
  return args.has(option) ? std::optional(args[option]) : std::nullopt;
}

Result<std::optional<Time>> time_given(const cli::Args& args, const std::string& option)
{
  if (!args.has(option)) {
    return std::optional<Time>();
  }
  CONOS_TRY(const auto time, parse_when(args[option], now()));
  return std::optional(time);
}

Result<> check_agent(const cli::Args& args, const std::string& option)
{
  if (args.has(option) && !is_agent_name(args[option])) {
    return fail(Kind::usage, "--{}: '{}' cannot be an agent's name", option, escaped(args[option]));
  }
  return {};
}

Result<Envelope> envelope_of(const cli::Args& args)
{
  Envelope envelope;
  envelope.to = given(args, "to");
  envelope.title = given(args, "title");
  envelope.thread = given(args, "thread");
  envelope.channel = given(args, "channel");
  envelope.transport = given(args, "transport");
  envelope.reply = given(args, "reply");
  CONOS_TRY(envelope.deadline, time_given(args, "deadline"));
  CONOS_TRY(envelope.not_before, time_given(args, "not-before"));
  if (args.has("priority")) {
    CONOS_TRY(const auto priority, args.number("priority", 0, 9));
    envelope.priority = static_cast<int>(priority);
  }
  if (envelope.reply && *envelope.reply != "outbox" && *envelope.reply != "inbox") {
    return fail(Kind::usage, "--reply is outbox or inbox, not '{}'", escaped(*envelope.reply));
  }
  CONOS_TRY(envelope.body, text_of(args));
  return envelope;
}

Error only_for_taskers(Error error)
{
  if (error.kind == Kind::denied) {
    error.what = "only root and agents that may task this one can write there (" + error.text() +
                 "); without --direct it goes by the outer inbox";
    error.err = 0;
  }
  return error;
}

Result<Exit> make(const cli::Args& args)
{
  CONOS_CHECK(check_agent(args, "to"));
  CONOS_CHECK(check_agent(args, "direct"));
  CONOS_TRY(const auto envelope, envelope_of(args));
  const Site site;
  CONOS_TRY(const auto id,
    args.has("direct")
      ? submit_task(site.agent(args["direct"]) + "/inbox", envelope).map_error(only_for_taskers)
      : submit_task(site.inbox(), envelope).map_error(only_for_members));
  print(args.has("json") ? fmt::format("{{\"id\":\"{}\"}}\n", id) : id + "\n");
  return Exit::ok;
}

// A line each; one that is no id is nothing to type on a command line.
std::string ids_of(const TaskList& found)
{
  std::string lines;
  for (const auto& task : found.tasks) {
    lines += is_task_id(task.id) ? task.id + "\n" : "";
  }
  return lines;
}

Result<Exit> list(const cli::Args& args)
{
  CONOS_TRY(const auto most, args.number("number", 1, 100'000));
  ListWish wish;
  wish.most = static_cast<std::size_t>(most);
  if (!args.operands.empty()) {
    wish.agent = args.operands.front();
  }
  CONOS_TRY(const auto found, list_tasks(Site(), wish));
  if (args.has("ids")) {
    print(ids_of(found));
    return Exit::ok;
  }
  print(args.has("json") ? json_lines_of(found) : table_of(found, now()));
  return Exit::ok;
}

Result<Exit> show(const cli::Args& args)
{
  const auto& id = args.operands.front();
  const Site site;
  CONOS_TRY(const auto chain, find_chain(site, id));
  const auto self = std::find_if(chain.tasks.begin(), chain.tasks.end(), [&](const auto& task) {
    return task.id == id;
  });
  if (self == chain.tasks.end()) {
    return fail(Kind::not_found, "no task '{}' is to be seen{}", escaped(id),
      chain.has_hidden_parts ? " (only root sees those that wait in an agent's inbox, are worked "
                               "on or held)"
                             : "");
  }
  const auto response = self->receipt ? read_response(site, *self->receipt)
                                      : fail(Kind::not_found, "there is no response yet");
  if (args.has("json")) {
    print(json_of(*self, response));
    return Exit::ok;
  }
  print(describe(*self, response, now()));
  if (chain.tasks.size() > 1) {
    print("\nThe whole chain, first to last:\n" + table_of(chain, now()));
  }
  return Exit::ok;
}

Result<std::optional<EndedTask>> await_end(const std::string& id, Duration patience)
{
  CONOS_TRY(auto watch, ReceiptWatch::open(Site(), id));
  CONOS_TRY(const auto chain, find_chain(Site(), id));
  if (chain.tasks.empty() && !chain.has_hidden_parts) {
    log::warning("there is no task '{}' yet; wait for it all the same", escaped(id));
  }
  return watch.next(patience);
}

Result<Exit> wait(const cli::Args& args)
{
  const auto& id = args.operands.front();
  CONOS_TRY(const auto patience,
    args.has("timeout") ? parse_duration(args["timeout"]) : Result<Duration>(Duration::max()));
  CONOS_TRY(const auto ended, await_end(id, patience));
  if (!ended) {
    log::error("no answer to '{}' after {}", escaped(id), for_people(patience));
    return Exit::later;
  }
  const auto form = args.has("json")               ? Form::json
                    : ::isatty(STDOUT_FILENO) == 1 ? Form::terminal
                                                   : Form::text;
  const auto ending = ending_of(*ended, read_response(Site(), ended->receipt), form);
  print(ending.out);
  if (ending.complaint.empty()) {
    return Exit::ok;
  }
  log::error("{}", ending.complaint);
  return Exit::no;
}

// Its own program: what hands tasks in need not know the ledger.
Result<Exit> contract(const cli::Args& args)
{
  std::vector<std::string> argv{CONOS_BINDIR "/conos-task-contract"};
  argv.insert(argv.end(), args.operands.begin(), args.operands.end());
  return tl::unexpected<Error>(become(argv, own_environment()));
}

const cli::Option k_json{"json", "print JSON, one object a line"};

} // namespace

int main(int argc, char* argv[])
{
  return conos::cli::run(argc, argv,
    {
      .name = "conos-task",
      .purpose = "hand in tasks for agents, and see what became of them",
      .verbs =
        {
          {
            .name = "new",
            .purpose = "hand in a task and print its id",
            .operands = "[TEXT]",
            .options =
              {
                k_json,
                {"to", "the agent it is for; else the rules decide", "AGENT"},
                {"direct", "straight into this agent's inbox", "AGENT"},
                {"title", "a line for lists", "TEXT"},
                {"thread", "the conversation it belongs to", "ID"},
                {"channel", "where the conversation is held", "NAME"},
                {"transport", "by what it came", "NAME"},
                {"reply", "where the answer goes: outbox or inbox", "WHERE"},
                {"priority", "0 to 9, 9 first", "N"},
                {"deadline", "after this it is not begun", "TIME"},
                {"not-before", "before this it is not begun", "TIME"},
                {"file", "read the text from here; -: standard input", "FILE", "-", 'f'},
              },
            .body = make,
          },
          {
            .name = "list",
            .purpose = "list the tasks in all states",
            .operands = "[AGENT]",
            .options = {k_json, {"ids", "print their ids only"},
              {"number", "the newest so many in each state", "N", "1000", 'n'}},
            .body = list,
          },
          {
            .name = "show",
            .purpose = "show one task: where it is, its record, its answer",
            .operands = "ID",
            .options = {k_json},
            .body = show,
          },
          {
            .name = "wait",
            .purpose = "wait for a task's answer and print it",
            .operands = "ID",
            .options = {k_json, {"timeout", "give up after this long", "DURATION", "", 't'}},
            .body = wait,
          },
          {
            .name = "contract",
            .purpose = "work that is complete when contracts say so: open, claim, …, list",
            .operands = "VERB […]",
            .options = {},
            .body = contract,
            .stays_raw = true,
          },
        },
    });
}
