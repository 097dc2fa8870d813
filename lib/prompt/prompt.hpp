#pragma once

#include "config/compiled.hpp"
#include "prompt/thread.hpp"
#include "sys/error.hpp"
#include "task/meta.hpp"
#include "task/site.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace conos {

struct Skill {
  std::string name;
  std::string text;
};

// What every task of an agent is told: read once for a batch.
struct Briefing {
  std::string instructions;
  std::string instructions_sha256;
  std::vector<Skill> skills;
};

// Reads the agent's instructions from /var/lib/conos/instructions and the skills of its roles from
// /etc/conos/roles, never from a copy the agent owns. Kind::config when the instructions are not
// the ones bootstrap compiled. A skill that cannot be read is left out with a warning.
Result<Briefing> read_briefing(const Site& site, const AgentSettings& settings);

// The whole prompt. What others wrote, the conversation and the task, stands between lines that
// carry `nonce`, which its writers could not know: no text can end its own quotation.
std::string assemble_prompt(const Briefing& briefing, const Meta& meta,
  const std::vector<Turn>& turns, std::string_view body, std::string_view nonce);

} // namespace conos
