#pragma once

#include "facts/facts.hpp"
#include "steward/words.hpp"

#include <string>
#include <vector>

// The facts one can ask for, and how each is told.
namespace conos::steward {

// How a question is meant decides how much is told.
enum class Width {
  best, // a person's question: what it asks for most plainly
  all,  // a step of a skill: agents and queues too, where it names them
};

// The answers to what `words` ask for, in paragraphs; empty when that is no fact we know.
std::string tell(const Words& words, const Facts& facts, Width width);

// The agents whose names are among the words.
std::vector<const AgentFacts*> agents_named(const Words& words, const Facts& facts);

} // namespace conos::steward
