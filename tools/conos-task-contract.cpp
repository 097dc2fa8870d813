// conos-task-contract - open, claim and close work that is complete when contracts say so
#include "ask/client.hpp"
#include "ask/words.hpp"
#include "audit/ledger.hpp"
#include "cli/tool.hpp"
#include "host/provenance.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task_contract/record.hpp"
#include "task_contract/store.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace conos;
using namespace conos::task_contract;
using cli::Exit;

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

// --- an agent, at its gate -----------------------------------------------------------------------

// Who it is, its gate sees for itself.
Result<std::optional<std::string>> agent_here()
{
  if (::geteuid() == 0) {
    return std::nullopt;
  }
  CONOS_TRY(const auto account, account_name(::geteuid()));
  return agent_of_account(account);
}

Exit exit_of(const ask::Answer& answer)
{
  switch (answer.status) {
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

Result<Exit> ask_gate(const std::string& agent, const cli::Args& args, ask::Request request)
{
  constexpr Duration k_patience = std::chrono::minutes(30);
  std::erase_if(request.args, [](const auto& one) {
    return one.second.empty();
  });
  if (const char* task = std::getenv("CONOS_TASK"); task != nullptr) {
    request.task = task;
  }
  CONOS_TRY(auto gate, ask::Gate::connect(ask::gate_of(agent)));
  CONOS_TRY(const auto answer, gate.ask(request, k_patience));
  print(
    args.has("json") ? answer.result + (answer.result.empty() ? "" : "\n") : ask::text_of(answer));
  if (const auto complaint = ask::complaint_of(answer); !complaint.empty()) {
    log::error("{}", complaint);
  }
  return exit_of(answer);
}

// --- root, itself --------------------------------------------------------------------------------

struct Hands {
  audit::Ledger ledger;
  Site site;

  Result<Store> store() { return Store::open(site, ledger); }
};

Result<Hands> roots_hands()
{
  if (::geteuid() != 0) {
    return fail(Kind::denied, "only root may do this, and agents at their gates");
  }
  Site site;
  CONOS_TRY(auto ledger, audit::Ledger::open(site.lib));
  return Hands{std::move(ledger), std::move(site)};
}

Actor root_here()
{
  return {acting_account(), true};
}

void show_one(const cli::Args& args, const TaskContract& contract)
{
  print(args.has("json") ? summary_json(contract) + "\n"
                         : fmt::format("{} is {}{}\n", contract.id, to_string(contract.state),
                             contract.lease ? ", until " + rfc3339(contract.lease->until, 0) : ""));
}

Result<Exit> change(const cli::Args& args, const Wish& wish, ask::Request request)
{
  const auto& id = args.operands.front();
  CONOS_TRY(const auto agent, agent_here());
  if (agent) {
    request.args["id"] = id;
    return ask_gate(*agent, args, std::move(request));
  }
  CONOS_TRY(auto hands, roots_hands());
  CONOS_TRY(auto store, hands.store());
  CONOS_TRY(const auto contract, store.change(id, wish, root_here(), now()));
  show_one(args, contract);
  return Exit::ok;
}

// --- the verbs -----------------------------------------------------------------------------------

Result<std::string> description_of(const cli::Args& args)
{
  const auto& given = args["description"];
  return given == "-" ? read_all(UniqueFd(::dup(STDIN_FILENO)), k_max_description)
                      : Result<std::string>(given);
}

Result<Exit> open_one(const cli::Args& args)
{
  const auto& id = args.operands.front();
  CONOS_TRY(const auto description, description_of(args));
  CONOS_TRY(const auto agent, agent_here());
  if (agent) {
    return ask_gate(*agent, args,
      {"contract.open", {{"id", id}, {"title", args["title"]}, {"description", description},
                          {"checks", args["completion-checks"]}, {"due", args["due"]}}});
  }
  CONOS_TRY(
    const auto draft, draft_of({{"id", id}, {"title", args["title"]}, {"description", description},
                        {"checks", args["completion-checks"]}, {"due", args["due"]}}));
  CONOS_TRY(auto hands, roots_hands());
  CONOS_TRY(auto store, hands.store());
  CONOS_TRY(const auto contract, store.open_new(draft, root_here(), now()));
  show_one(args, contract);
  return Exit::ok;
}

Result<Exit> claim(const cli::Args& args)
{
  CONOS_TRY(const auto lease, parse_duration(args["lease"]));
  return change(args, {Deed::claim, "", lease}, {"contract.claim", {{"lease", args["lease"]}}});
}

Result<Exit> renew(const cli::Args& args)
{
  CONOS_TRY(const auto lease, parse_duration(args["lease"]));
  return change(args, {Deed::renew, "", lease}, {"contract.renew", {{"lease", args["lease"]}}});
}

Result<Exit> release(const cli::Args& args)
{
  return change(
    args, {Deed::release, args["message"]}, {"contract.release", {{"message", args["message"]}}});
}

Result<Exit> update(const cli::Args& args)
{
  CONOS_TRY(const auto deed, deed_of_status(args["status"]));
  if (deed == Deed::note && args["message"].empty()) {
    return fail(Kind::usage, "say --status or --message, or both");
  }
  return change(args, {deed, args["message"]},
    {"contract.update", {{"status", args["status"]}, {"message", args["message"]}}});
}

Result<Exit> complete(const cli::Args& args)
{
  CONOS_TRY(auto hands, roots_hands());
  CONOS_TRY(auto store, hands.store());
  const auto judge = by_conos_contract([](const Command& command, const Bounds& bounds) {
    return run_command(command, bounds);
  });
  CONOS_TRY(const auto closing,
    store.complete(args.operands.front(), args["message"], root_here(), judge, now));
  if (!closing.verdict.is_good) {
    log::error("'{}' is not complete:\n{}", closing.contract.id, closing.verdict.findings);
    return Exit::no;
  }
  show_one(args, closing.contract);
  return Exit::ok;
}

Result<Exit> close_one(const cli::Args& args)
{
  const auto& message = args["message"];
  if (args.has("cancel")) {
    return change(args, {Deed::cancel, message},
      {"contract.close", {{"message", message}, {"cancel", "true"}}});
  }
  CONOS_TRY(const auto agent, agent_here());
  return agent ? ask_gate(*agent, args,
                   {"contract.close", {{"id", args.operands.front()}, {"message", message}}})
               : complete(args);
}

// Whoever looks as root sees what somebody died over mended.
Result<Shelf> shelf_to_look_at()
{
  if (::geteuid() == 0) {
    CONOS_TRY(auto hands, roots_hands());
    CONOS_TRY(auto store, hands.store());
    if (const auto settled = store.settle(now()); !settled) {
      log::warning("{}", settled.error().text());
    }
  }
  return Shelf::open(Site()).map_error(only_for_members);
}

Result<Exit> show(const cli::Args& args)
{
  const auto& id = args.operands.front();
  CONOS_TRY(const auto agent, agent_here());
  if (agent) {
    return ask_gate(*agent, args, {"contract.show", {{"id", id}}});
  }
  CONOS_TRY(const auto shelf, shelf_to_look_at());
  CONOS_TRY(const auto contract, shelf.load(id));
  print(args.has("json") ? to_json(contract) : describe(contract, now()));
  return Exit::ok;
}

Result<Exit> list(const cli::Args& args)
{
  CONOS_TRY(const auto agent, agent_here());
  if (agent) {
    return ask_gate(*agent, args, {"contract.list", {{"all", args.has("all") ? "true" : ""}}});
  }
  CONOS_TRY(const auto shelf, shelf_to_look_at());
  CONOS_TRY(auto all, shelf.all());
  for (const auto& [id, error] : all.trouble) {
    log::error("{}", escaped(error.text()));
  }
  std::erase_if(all.contracts, [&](const TaskContract& one) {
    return !args.has("all") && has_ended(one.state);
  });
  if (args.has("json")) {
    for (const auto& contract : all.contracts) {
      print(summary_json(contract) + "\n");
    }
  } else {
    print(table_of(all.contracts, now()));
  }
  return all.trouble.empty() ? Exit::ok : Exit::bad_data;
}

const cli::Option k_json{"json", "print JSON, one object a line"};
const cli::Option k_lease{"lease", "for so long, 1s to 24h", "DURATION", "5m"};
const cli::Option k_message{"message", "what is to be said of it", "TEXT", "", 'm'};

} // namespace

int main(int argc, char* argv[])
{
  return conos::cli::run(argc, argv,
    {
      .name = "conos-task-contract",
      .purpose = "open, claim and close work that is complete when contracts say so",
      .verbs =
        {
          {"open", "open one", "ID",
            {{"title", "what is to be done, in a line", "TEXT"},
              {"description", "more about it; -: standard input", "TEXT"},
              {"completion-checks", "the contracts that have to pass, with commas", "IDS"},
              {"due", "until when, as a time", "TIME"}, k_json},
            open_one},
          {"claim", "take one that is open, for a while", "ID", {k_lease, k_json}, claim},
          {"renew", "keep it for longer", "ID", {k_lease, k_json}, renew},
          {"release", "give it back", "ID", {k_message, k_json}, release},
          {"update", "say how it goes", "ID",
            {{"status", "in_progress or blocked", "STATUS"}, k_message, k_json}, update},
          {"close", "complete it, if its contracts pass", "ID",
            {{"cancel", "or give it up"}, k_message, k_json}, close_one},
          {"show", "show one, with its history", "ID", {k_json}, show},
          {"list", "list those that have not ended", "",
            {k_json, {"all", "and those that have", "", "", 'a'}}, list},
        },
    });
}
