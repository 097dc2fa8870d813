#pragma once

#include "run/step.hpp"
#include "sys/error.hpp"
#include "task/meta.hpp"

#include <string>
#include <vector>

// The end of tasks, in two halves. First all that is decided is written down, in one file,
// agents/NAME/decided.json: from that moment these tasks only move forward, whoever is killed. Then
// it is carried out, which may be repeated any number of times: each step leaves the same names,
// and the ledger's unique key keeps a second row away.
namespace conos {

// Writes decisions down, durably, beside those that are there already.
Result<> decide(const Step& step, const std::vector<Receipt>& decided);

// What is decided and not all carried out yet.
Result<std::vector<Receipt>> read_decisions(const Step& step);

// Decides, and carries out: also what an activation before this one decided and left. Ledger row,
// then response, task, log and receipts under their final names, then claimed/ID and drafts/ID go.
// The receipt in outbox/ appears last: who sees it finds all the rest. One task that cannot be
// finished does not stop the others; the first error is returned and what it concerns stays
// decided, for the next activation.
Result<> finish(Step& step, const std::vector<Receipt>& decided);

// Where deliver stages a response before the decision, in outbox/.
std::string staged_response(const Meta& meta);

} // namespace conos
