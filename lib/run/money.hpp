#pragma once

#include "run/step.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "task/meta.hpp"

#include <optional>
#include <string>

// What the steps of a task have to do with the agent's model door; nothing where it has none.
namespace conos {

// The agent's budget is paused: until when it is held, at most a day, after which it is looked at
// again. A budget that cannot be read holds up nothing here: the door asks it too, for every call.
std::optional<Time> budget_hold(const Step& step);

// A call for this task was refused for good.
bool is_out_of_budget(const Step& step, const Meta& meta);

// What its calls used, by whichever attempt.
Usage usage_of(const Step& step, const Meta& meta);

// Tells the agent's doors what is being worked on.
Result<> show_current(const Step& step, const Meta& meta);
Result<> forget_current(const Step& step);

// Carries the bodies of calls from where doors leave them to the ledger's.
Result<> collect_bodies(const Site& site);

} // namespace conos
