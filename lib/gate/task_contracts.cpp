#include "gate/task_contracts.hpp"

#include "sys/text.hpp"
#include "task_contract/record.hpp"
#include "task_contract/store.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace conos::gate {

namespace {

using Json = nlohmann::json;
using task_contract::Deed;
using task_contract::TaskContract;
using task_contract::Wish;

// Anybody may open long ones: the answer has to be one that the others' clients still take.
constexpr std::size_t k_most_listed_bytes = ask::k_max_answer_bytes / 2;

std::string given(const ask::Arguments& args, std::string_view name)
{
  const auto found = args.find(name);
  return found == args.end() ? std::string() : found->second;
}

Result<Duration> lease_in(const ask::Arguments& args)
{
  const auto text = given(args, "lease");
  return text.empty() ? Result<Duration>(task_contract::k_usual_lease) : parse_duration(text);
}

Result<Wish> wish_of(std::string_view verb, const ask::Arguments& args)
{
  Wish wish;
  wish.message = given(args, "message");
  if (verb == "contract.claim" || verb == "contract.renew") {
    wish.deed = verb == "contract.claim" ? Deed::claim : Deed::renew;
    CONOS_TRY(wish.lease, lease_in(args));
  } else if (verb == "contract.release") {
    wish.deed = Deed::release;
  } else if (verb == "contract.close") {
    wish.deed = Deed::cancel;
  } else {
    CONOS_TRY(wish.deed, task_contract::deed_of_status(given(args, "status")));
  }
  return wish;
}

Json summary(const TaskContract& contract)
{
  return Json::parse(task_contract::summary_json(contract));
}

bool is_seen(const TaskContract& contract, const std::string& account, Tier tier, Time now)
{
  const bool is_open =
    contract.state == task_contract::State::open || task_contract::has_lapsed(contract, now);
  return tier != Tier::worker || is_open || contract.opened_by == account ||
         (contract.lease && contract.lease->owner == account);
}

} // namespace

bool is_task_contract_deed(std::string_view verb)
{
  constexpr std::array<std::string_view, 6> k_verbs{"contract.claim", "contract.close",
    "contract.open", "contract.release", "contract.renew", "contract.update"};
  return std::find(k_verbs.begin(), k_verbs.end(), verb) != k_verbs.end();
}

task_contract::Actor actor_of(const std::string& agent, const std::string& task)
{
  return {"a-" + agent, false, task};
}

std::vector<std::string> checks_named(const ask::Arguments& args)
{
  return task_contract::checks_in(given(args, "checks"));
}

Result<Json> do_task_contract_deed(const Site& site, audit::Ledger& ledger, std::string_view verb,
  const ask::Arguments& args, const task_contract::Actor& actor)
{
  CONOS_TRY(auto store, task_contract::Store::open(site, ledger));
  if (verb == "contract.open") {
    CONOS_TRY(const auto draft, task_contract::draft_of(args));
    return store.open_new(draft, actor, now()).map(summary);
  }
  CONOS_TRY(const auto wish, wish_of(verb, args));
  return store.change(given(args, "id"), wish, actor, now()).map(summary);
}

Result<Completed> complete_task_contract(const Site& site, audit::Ledger& ledger,
  const ask::Arguments& args, const task_contract::Actor& actor, const Hands& hands)
{
  CONOS_TRY(auto store, task_contract::Store::open(site, ledger));
  CONOS_TRY(const auto closing, store.complete(given(args, "id"), given(args, "message"), actor,
                                  task_contract::by_conos_contract(hands.run), now));
  const auto& verdict = closing.verdict;
  return Completed{verdict.is_good,
    verdict.is_good ? closing.contract.id + " is completed"
                    : closing.contract.id + " is not complete:\n" + verdict.findings,
    verdict.is_good ? task_contract::summary_json(closing.contract) : ""};
}

Result<Json> look_at_task_contracts(const Site& site, std::string_view verb,
  const ask::Arguments& args, const std::string& account, Tier tier)
{
  CONOS_TRY(const auto shelf, task_contract::Shelf::open(site));
  const auto time = now();
  if (verb == "contract.show") {
    const auto id = given(args, "id");
    CONOS_TRY(const auto contract, shelf.load(id));
    return is_seen(contract, account, tier, time)
             ? Result<Json>(Json::parse(task_contract::to_json(contract)))
             : fail(Kind::not_found, "there is no task contract '{}'", id);
  }
  CONOS_TRY(const auto all, shelf.all());
  const bool with_ended = given(args, "all") == "true";
  auto seen = Json::array();
  std::size_t bytes = 0;
  std::size_t more = 0;
  for (const auto& contract : all.contracts) {
    const bool is_wanted = with_ended || !task_contract::has_ended(contract.state);
    if (!is_wanted || !is_seen(contract, account, tier, time)) {
      continue;
    }
    const auto text = task_contract::summary_json(contract);
    bytes += text.size();
    if (bytes <= k_most_listed_bytes) {
      seen.push_back(Json::parse(text));
    } else {
      ++more;
    }
  }
  return Json{{"contracts", std::move(seen)}, {"more", more}};
}

} // namespace conos::gate
