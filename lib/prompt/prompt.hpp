#pragma once

#include "config/compiled.hpp"
#include "prompt/policy.hpp"
#include "prompt/skill.hpp"
#include "prompt/thread.hpp"
#include "sys/error.hpp"
#include "task/meta.hpp"
#include "task/site.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace conos {

// What every task of an agent is told: read once for a batch.
struct Briefing {
  std::string instructions;
  std::string instructions_sha256;
  std::vector<Skill> skills;
  Policy policy;
};

// Reads the agent's instructions from /var/lib/conos/instructions, the skills of its roles and the
// standing policy from /etc/conos, never from a copy the agent owns. Kind::config when the
// instructions are not the ones bootstrap compiled. A skill or a policy that cannot be read is left
// out with a warning.
Result<Briefing> read_briefing(const Site& site, const AgentSettings& settings);

// What this task adds. All of it but `meta` was written by others.
struct Errand {
  std::string state; // of the machine, for operators
  Thread thread;     // the conversation it belongs to
  std::string body;  // of the task
};

struct Section {
  std::string name; // instructions, skills, policy, state, conversation, task
  std::size_t bytes = 0;
};

struct Prompt {
  std::string text;
  std::vector<Section> sections; // in the text's order; those that are empty are not there
};

// Bounds of what a prompt shows.
constexpr std::size_t k_max_body_shown_bytes = 32768;
constexpr std::size_t k_max_turn_shown_bytes = 1200;
constexpr std::size_t k_max_state_bytes = 16384;
constexpr std::size_t k_max_skills_shown_bytes = 64U << 10U; // of texts; all are named

// The whole prompt: first what does not change from task to task, so that a model's cache can keep
// it. What others wrote stands between lines that carry `nonce`, which they could not know: no text
// can end its own quotation, nor begin a section.
Prompt assemble_prompt(
  const Briefing& briefing, const Meta& meta, const Errand& errand, std::string_view nonce);

// The sections of a prompt as assemble_prompt made it. None of a text of another form.
std::vector<Section> sections_of(std::string_view prompt);

// Where the part ends that is the same for every task of an agent: before the state, the
// conversation and the task. The whole text where it is of another form.
std::size_t stable_part(std::string_view prompt);

} // namespace conos
