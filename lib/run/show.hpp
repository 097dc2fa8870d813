#pragma once

#include "sys/error.hpp"
#include "task/site.hpp"

#include <string>

// A run that has ended, from its receipt and what is kept by digest.
namespace conos {

enum class RunPart { summary, prompt, transcript, tools, cost };

// A task that was passed on has a run with each agent it came to.
struct RunName {
  std::string id;
  std::string agent; // empty: the last one
};

// Kind::not_found when there is no such task, it has not ended, or what is asked for was not kept.
// All but the prompt, which is to the byte what it was, is escaped.
Result<std::string> show_run(const Site& site, const RunName& name, RunPart part);

struct ReplayedRun {
  bool is_same = true;
  std::string report; // for people; what differs, with its step, and where keys were taken out
};

// The same run from its record, without a model and without doing anything: the prompt as it was,
// the model's answers and what the tools gave back from the transcript. It must ask the same at
// each step, to the byte, and answer the same; and where the agent's door has rows of the run, each
// request and answer must be one the door knows of. Where keys were taken out of what the door kept
// that is said and is no difference; where they were taken out of the transcript it differs.
Result<ReplayedRun> replay_run(const Site& site, const RunName& name);

} // namespace conos
