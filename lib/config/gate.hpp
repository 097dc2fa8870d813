#pragma once

#include "config/compiled.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What an agent may ask for at its gate, resolved: compiled by conos-bootstrap into
// /var/lib/conos/compiled/NAME.gate.json, and read by the agent's gate door at every request.
namespace conos {

enum class GateRule { allow, ask, deny }; // done at once, when a person says so, never

std::string_view to_string(GateRule rule);

// Something that can be asked for.
struct GateVerb {
  std::string_view name;
  std::string_view argument;     // the one a policy may look at; empty: none
  bool is_free = false;          // allowed where no pattern says otherwise
  bool is_proposal = false;      // a person decides whatever a pattern says
  std::string_view characters{}; // of the argument, in a pattern, beside letters, digits, '*'
  std::string_view help;         // a sentence without a full stop
};

std::span<const GateVerb> gate_verbs();

// nullptr when there is none of that name.
const GateVerb* find_gate_verb(std::string_view name);

// A pattern is "VERB" or "VERB:ARGUMENT", where the verb may be "*" or end in ".*", and the
// argument may have "*" for any run of characters; of task.send it may be "@TIER".
struct GatePolicy {
  std::vector<std::string> allow;
  std::vector<std::string> ask;
  std::vector<std::string> deny;

  bool operator==(const GatePolicy&) const = default;
};

// What is wrong with a pattern, empty when nothing is.
std::string gate_pattern_complaint(std::string_view pattern);

struct GateDoor {
  std::string agent;
  Tier tier = Tier::worker;
  uid_t uid = 0;
  GatePolicy policy;
  std::vector<std::string> packages_allow; // patterns of fnmatch(3), for every agent
  std::vector<std::string> packages_deny;
  Duration approval_timeout = std::chrono::hours(24);
  std::size_t approvals_max = 16; // requests of its own that may wait for a person
};

struct GateQuestion {
  std::string_view verb;
  std::string_view argument;
  std::string_view tier{}; // of the agent the argument names
};

struct GateDecision {
  GateRule rule = GateRule::deny;
  std::string pattern; // that decided; empty: none did, and it is as usual
};

// The pattern that says most decides, the verb counting before the argument; where two say as much,
// a denial wins over asking, and that over a permission.
//
// A package that [packages] denies nobody gets; one that it allows is allowed where no pattern of
// the agent's speaks of it.
//
// What permits is read narrowly: in the name of a unit "*" stands for no '@', so that no instance
// of a template is meant that was not thought of, and a unit of conos's own is meant only where its
// first six characters are written. What denies is read widely.
GateDecision decide(const GateDoor& door, const GateQuestion& question);

// Whether the verb could be permitted or asked for with some argument.
GateRule best_rule(const GateDoor& door, std::string_view verb);

// Whether there is anything at all it may ask for: without, it has no gate.
bool is_open(const GateDoor& door);

std::string to_json(const GateDoor& door);

// Kind::config when the text is not what to_json writes.
Result<GateDoor> gate_door_from_json(std::string_view text);

// From an open /var/lib/conos/compiled. Kind::not_found when the agent has no gate.
Result<GateDoor> load_gate_door(const UniqueFd& compiled, const std::string& agent);

} // namespace conos
