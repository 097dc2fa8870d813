#pragma once

#include "run/step.hpp"
#include "sys/error.hpp"
#include "task/meta.hpp"

#include <optional>
#include <string>
#include <vector>

// The end of a task, in two halves. `decide` writes claimed/ID/outcome.json: from that moment the
// task only moves forward, whoever is killed. `finish` carries decisions out, and may be repeated
// any number of times: each of its steps leaves the same names, and the ledger's unique key keeps
// a second row away.
namespace conos {

// Writes the decision. With Durable::later the caller syncs before it calls finish.
Result<> decide(
  const Step& step, const UniqueFd& claimed_dir, const Receipt& receipt, Durable durable);

// None while nothing is decided.
Result<std::optional<Receipt>> read_decision(const UniqueFd& claimed_dir);

// Ledger row, then response, task, log and receipts under their final names, then claimed/ID and
// drafts/ID go. The receipt in outbox/ appears last: who sees it finds all the rest. One task that
// cannot be finished does not stop the others; the first error is returned and what it concerns
// stays decided, for the next activation.
Result<> finish(Step& step, std::vector<Receipt> decided);

// Where deliver stages a response before the decision, in outbox/.
std::string staged_response(const Meta& meta);

} // namespace conos
