#pragma once

#include "config/compiled.hpp"
#include "facts/facts.hpp"
#include "prompt/prompt.hpp"
#include "sys/error.hpp"
#include "task/meta.hpp"
#include "task/site.hpp"

#include <optional>
#include <string>

// What goes into the prompt of one task, and how it looked.
namespace conos {

// The conversation a task belongs to, unless its runner is to remember nothing, and for operators
// the state of the machine: what contracts wrote of it, else `facts` in words.
Errand errand_of(const Site& site, const AgentSettings& settings, const Meta& meta,
  std::string body, const std::optional<Facts>& facts);

// The prompt of a task of `agent`: the one that was given to its program, or, while the task waits,
// the one it would be given now, under a nonce of its own. Kind::not_found when there is no such
// task, or when its prompt is no longer kept.
Result<std::string> prompt_of_task(
  const Site& site, const std::string& agent, const std::string& id);

// "instructions  4096" for each section and all of it, for people.
std::string sizes_text(std::string_view prompt);

} // namespace conos
