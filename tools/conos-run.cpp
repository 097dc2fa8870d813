// conos-run - the steps of an agent's activation: claim, work, deliver; and the sweep
#include "cli/tool.hpp"
#include "gate/desk.hpp"
#include "run/claim.hpp"
#include "run/compose.hpp"
#include "run/days.hpp"
#include "run/deliver.hpp"
#include "run/route.hpp"
#include "run/show.hpp"
#include "run/sweep.hpp"
#include "run/work.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task_contract/store.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

using namespace conos;

bool in_a_unit()
{
  return std::getenv("INVOCATION_ID") != nullptr;
}

// What fails is started again by its path unit at once and for ever, for its input is still there:
// a full disk must not become a busy loop.
Result<cli::Exit> ended(Result<> result)
{
  if (!result) {
    if (in_a_unit()) {
      log::error("{}; the next try waits two seconds", result.error().text());
      std::this_thread::sleep_for(std::chrono::seconds(2));
    }
    return tl::unexpected<Error>(result.error());
  }
  return cli::Exit::ok;
}

Result<cli::Exit> run_claim(const cli::Args& args)
{
  log::use_journal(); // the unit has no stderr
  return ended(claim(Site(), args.operands[0], service_end_from_environment().invocation));
}

Result<cli::Exit> run_work(const cli::Args& args)
{
  const auto result = work(Site(), args.operands[0]);
  if (!result) {
    return tl::unexpected<Error>(result.error());
  }
  return cli::Exit::ok;
}

Result<cli::Exit> run_deliver(const cli::Args& args)
{
  log::use_journal();
  auto delivered = deliver(Site(), args.operands[0], service_end_from_environment());
  copy_to_days(Site()); // when the answer is out
  return ended(std::move(delivered));
}

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

// On a terminal nothing of it may act; anywhere else it is what it is, to the byte.
void print_foreign(const std::string& text)
{
  print(::isatty(STDOUT_FILENO) == 1 ? escaped_lines(text) : text);
}

Result<cli::Exit> run_prompt(const cli::Args& args)
{
  if (args.operands[0] != "show") {
    return fail(Kind::usage, "'{}' is not 'show'", escaped(args.operands[0]));
  }
  CONOS_TRY(const auto prompt, prompt_of_task(Site(), args.operands[1], args.operands[2]));
  if (args.has("sizes")) {
    print(sizes_text(prompt));
    return cli::Exit::ok;
  }
  print_foreign(prompt);
  return cli::Exit::ok;
}

RunName name_of(const cli::Args& args)
{
  return {args.operands[0], args.has("agent") ? args["agent"] : ""};
}

Result<cli::Exit> run_show(const cli::Args& args)
{
  auto part = RunPart::summary;
  for (const auto& [name, value] :
    {std::pair("prompt", RunPart::prompt), std::pair("transcript", RunPart::transcript),
      std::pair("tools", RunPart::tools), std::pair("cost", RunPart::cost)}) {
    part = args.has(name) ? value : part;
  }
  CONOS_TRY(const auto text, show_run(Site(), name_of(args), part));
  print_foreign(text);
  return cli::Exit::ok;
}

Result<cli::Exit> run_replay(const cli::Args& args)
{
  CONOS_TRY(const auto replayed, replay_run(Site(), name_of(args)));
  print(replayed.report);
  return replayed.is_same ? cli::Exit::ok : cli::Exit::no;
}

Result<cli::Exit> run_cron(const cli::Args& args)
{
  return ended(put_scheduled_task(Site(), args.operands[0]));
}

Result<> mend_requests()
{
  auto desk = gate::Desk::open(Site(), "root/conos-run");
  if (!desk && desk.error().kind == Kind::not_found) {
    return {}; // conos-bootstrap is at it
  }
  if (!desk) {
    return tl::unexpected<Error>(desk.error());
  }
  return gate::mend(*desk, gate::start_unit, now());
}

Result<> settle_task_contracts()
{
  const Site site;
  const auto shelf = task_contract::Shelf::open(site);
  if (!shelf) { // conos-bootstrap is at it
    return shelf.error().kind == Kind::not_found ? Result<>{}
                                                 : tl::unexpected<Error>(shelf.error());
  }
  CONOS_TRY(const bool is_unsettled, shelf->is_unsettled(now()));
  if (!is_unsettled) {
    return {};
  }
  CONOS_TRY(auto ledger, audit::Ledger::open(site.lib));
  CONOS_TRY(auto store, task_contract::Store::open(site, ledger));
  return store.settle(now());
}

Result<cli::Exit> run_sweep(const cli::Args&)
{
  auto swept = sweep(Site());
  if (const auto settled = settle_task_contracts(); !settled) {
    log::error("sweep task contracts: {}", escaped(settled.error().text()));
    swept = swept ? settled : swept;
  }
  if (const auto mended = mend_requests(); !mended) {
    log::error("sweep requests: {}", escaped(mended.error().text()));
    swept = swept ? mended : swept;
  }
  copy_to_days(Site());
  return ended(std::move(swept));
}

const cli::Option k_agent{
  "agent", "the run with this agent, of a task that was passed on; else the last", "NAME"};

} // namespace

int main(int argc, char* argv[])
{
  return conos::cli::run(argc, argv,
    {
      .name = "conos-run",
      .purpose = "the steps of an agent's activation: claim, work, deliver; and the sweep",
      .verbs =
        {
          {"claim", "take what waits for an agent into claimed/ (root)", "AGENT", {}, run_claim},
          {"work", "run the agent's program on its batch (the agent)", "AGENT", {}, run_work},
          {"deliver", "judge and publish what work left (root)", "AGENT", {}, run_deliver},
          {"cron", "put an agent's scheduled task into transit (root)", "AGENT", {}, run_cron},
          {"show", "show a run that has ended (root)", "ID",
            {{"prompt", "what the program was told"},
              {"transcript", "what was said and done, step by step"},
              {"tools", "what was done only"}, {"cost", "calls and tokens"}, k_agent},
            run_show},
          {"replay", "do a run again from its record and say where it differs (root)", "ID",
            {k_agent}, run_replay},
          {"prompt", "print the prompt of a task as its program gets it (root)", "show AGENT TASK",
            {{"sizes", "print how large each of its sections is instead"}}, run_prompt},
          {"sweep", "mend what units and crashes left behind (root)", "", {}, run_sweep},
        },
      .section = "8",
    });
}
