#pragma once

#include "ask/wire.hpp"
#include "audit/ledger.hpp"
#include "config/compiled.hpp"
#include "gate/granted.hpp"
#include "task_contract/state.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

// Task contracts, as agents open, claim and close them at their gates: contract.open and so on.
// Who an agent is, its gate knows; nothing it says has anything to do with it.
namespace conos::gate {

// contract.open, claim, renew, release, update and close; not contract.show and list, which only
// look.
bool is_task_contract_deed(std::string_view verb);

// The agent in the task it works on.
task_contract::Actor actor_of(const std::string& agent, const std::string& task);

// The contracts a contract.open names, which the agent has to be allowed to run.
std::vector<std::string> checks_named(const ask::Arguments& args);

// Does it, and gives the contract as it is then, without its history. Of contract.close only what
// cancels.
Result<nlohmann::json> do_task_contract_deed(const Site& site, audit::Ledger& ledger,
  std::string_view verb, const ask::Arguments& args, const task_contract::Actor& actor);

struct Completed {
  bool good = false;
  std::string what;   // why not
  std::string result; // the contract, a JSON object
};

// contract.close: its checks are made with `hands`.
Result<Completed> complete_task_contract(const Site& site, audit::Ledger& ledger,
  const ask::Arguments& args, const task_contract::Actor& actor, const Hands& hands);

// contract.show and contract.list. A worker sees what is open to it, what it opened, and what it
// has claimed; another is answered like one that is not there. A list ends where an answer would
// become too long, and `more` says how many are not in it.
Result<nlohmann::json> look_at_task_contracts(const Site& site, std::string_view verb,
  const ask::Arguments& args, const std::string& account, Tier tier);

} // namespace conos::gate
