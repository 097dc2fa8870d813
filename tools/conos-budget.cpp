// conos-budget - show and change what agents may spend on language models
#include "audit/ledger.hpp"
#include "budget/manage.hpp"
#include "cli/tool.hpp"
#include "sys/text.hpp"

#include <unistd.h>

#include <cstdio>

namespace {

using namespace conos;
using cli::Exit;

const std::string k_lib = "/var/lib/conos";

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

Result<> need_root()
{
  return ::geteuid() == 0 ? Result<>{} : fail(Kind::denied, "only root may do this");
}

Result<> record(const std::string& type, const std::string& inside)
{
  CONOS_TRY(auto ledger, audit::Ledger::open(k_lib));
  CONOS_CHECK(ledger.append({{type, "root/conos-budget", "{" + inside + "}", ""}}));
  return {};
}

// Those options that were given, as limits.
Result<std::vector<budget::Override>> wanted(const cli::Args& args, const std::string& scope)
{
  std::vector<budget::Override> limits;
  for (const auto* option : {"tokens-task", "tokens-hour", "tokens-day", "usd-task", "usd-day"}) {
    if (!args.has(option)) {
      continue;
    }
    std::string name = option;
    name[name.find('-')] = '_';
    CONOS_TRY(const auto value, name.starts_with("usd") ? budget::parse_usd(args[option])
                                                        : budget::parse_tokens(args[option]));
    limits.push_back({scope, name, value});
  }
  return limits;
}

Result<Exit> show(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto all, budget::standings(k_lib, now()));
  bool found = false;
  for (const auto& one : all) {
    if (args.operands.empty() || args.operands.front() == one.scope) {
      found = true;
      print((args.has("json") ? to_json(one) : for_people(one)) + "\n");
    }
  }
  return found ? Exit::ok : Exit::no;
}

Result<Exit> set(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const auto& scope = args.operands.front();
  CONOS_CHECK(budget::check_scope(k_lib, scope));
  CONOS_TRY(auto limits, wanted(args, scope));
  if (limits.empty() && !args.has("clear")) {
    return fail(Kind::usage, "say which limit: --usd-day 5, for instance");
  }
  CONOS_TRY(auto store, budget::open_for_people(k_lib));
  if (args.has("clear")) {
    CONOS_TRY(const auto all, store.overrides());
    for (const auto& one : all) {
      if (one.scope == scope) {
        CONOS_CHECK(store.set_limit(scope, one.limit, std::nullopt));
      }
    }
    CONOS_CHECK(record("budget.cleared", fmt::format(R"("scope":"{}")", scope)));
  }
  for (const auto& one : limits) {
    CONOS_CHECK(store.set_limit(scope, one.limit, one.value));
    CONOS_CHECK(record("budget.set",
      fmt::format(R"("limit":"{}","scope":"{}","value":{})", one.limit, scope, one.value)));
  }
  CONOS_CHECK(store.resume(scope)); // what waits is looked at again
  return Exit::ok;
}

Result<Exit> add(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const auto& scope = args.operands.front();
  CONOS_CHECK(budget::check_scope(k_lib, scope));
  budget::Amount amount;
  if (args.has("tokens")) {
    CONOS_TRY(amount.tokens, budget::parse_tokens(args["tokens"]));
  }
  if (args.has("usd")) {
    CONOS_TRY(amount.usd, budget::parse_usd(args["usd"]));
  }
  if (amount.tokens == 0 && amount.usd == 0) {
    return fail(Kind::usage, "say how much: --usd 2.50 or --tokens 100000");
  }
  CONOS_TRY(auto store, budget::open_for_people(k_lib));
  if (args.has("task")) {
    CONOS_CHECK(store.add_to_task(scope, args["task"], amount));
  } else {
    CONOS_CHECK(store.add(scope, amount, now()));
  }
  CONOS_CHECK(store.resume(scope));
  CONOS_CHECK(record("budget.added",
    fmt::format(R"("scope":"{}","tokens":{},"usd_micros":{})", scope, amount.tokens, amount.usd)));
  return Exit::ok;
}

Result<Exit> pause_agent(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const auto& agent = args.operands.front();
  CONOS_CHECK(budget::check_scope(k_lib, agent));
  budget::Pause pause;
  pause.agent = agent;
  pause.since = now();
  pause.reason = "by an administrator";
  if (args.has("for")) {
    CONOS_TRY(const auto time, parse_duration(args["for"]));
    pause.until = pause.since + time;
  }
  CONOS_TRY(auto store, budget::open_for_people(k_lib));
  CONOS_CHECK(store.pause(pause));
  CONOS_CHECK(record(
    "budget.paused", fmt::format(R"("agent":"{}","until":{})", agent,
                       pause.until ? "\"" + rfc3339(*pause.until) + "\"" : std::string("null"))));
  return Exit::ok;
}

Result<Exit> resume(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const auto& agent = args.operands.front();
  CONOS_CHECK(budget::check_scope(k_lib, agent));
  CONOS_TRY(auto store, budget::open_for_people(k_lib));
  CONOS_TRY(const bool was_paused, store.resume(agent));
  if (was_paused) {
    CONOS_CHECK(record("budget.resumed", fmt::format(R"("agent":"{}")", agent)));
  }
  return was_paused ? Exit::ok : Exit::no;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-budget",
      .purpose = "show and change what agents may spend on language models",
      .verbs =
        {
          {"show", "what may be spent, and what was today", "[SCOPE]",
            {{"json", "print JSON lines"}}, show},
          {"set", "set limits, over what conos.toml says", "SCOPE",
            {{"tokens-task", "tokens for one task", "N"},
              {"tokens-hour", "tokens in one go, which come back within an hour", "N"},
              {"tokens-day", "tokens for a day", "N"}, {"usd-task", "USD for one task", "USD"},
              {"usd-day", "USD for a day", "USD"}, {"clear", "let conos.toml decide again"}},
            set},
          {"add", "give more for today, or for one task", "SCOPE",
            {{"tokens", "so many tokens", "N"}, {"usd", "so many USD", "USD"},
              {"task", "for this task of the agent only", "ID"}},
            add},
          {"pause", "let an agent call no model", "AGENT",
            {{"for", "for so long, and not until it is resumed", "DURATION"}}, pause_agent},
          {"resume", "let it call models again", "AGENT", {}, resume},
        },
      .section = "8",
    });
}
