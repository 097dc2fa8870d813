#pragma once

#include "config/door.hpp"
#include "model/usage.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <optional>
#include <string>
#include <vector>

// A small call through an agent's own door, made by a person to see that everything is in place:
// socket, settings, key, budget, provider.
namespace conos::model {

struct Trial {
  std::string agent;
  std::string asked;    // the model
  std::string model;    // that answered, another one when a substitute did
  std::string provider; // of that one
  int status = 0;       // of HTTP; 0: nobody there
  Duration first_byte{};
  Duration total{};
  std::optional<Tokens> tokens; // nothing: the provider did not say, or it came to no answer
  std::int64_t usd = 0;         // in micro-USD, of these
  std::string trouble;          // escaped; empty: it went well
  std::string cure;             // what a person does about it
};

// The door to try: of `agent`, or where none is named of `preferred` if that has one, else of the
// first. Kind::config, with what is to be done, when there is none.
Result<const ModelDoor*> door_to_try(
  const std::vector<ModelDoor>& doors, const std::string& agent, const std::string& preferred);

// Calls `model`, or the agent's own where it is empty, by the door's Unix socket. As root: a call
// that is nobody's task, and counts in the agent's budget. What goes wrong on the way is no error
// but what the trial found. Kind::usage when the agent may not call that model.
Result<Trial> try_door(const ModelDoor& door, const std::string& model, const std::string& socket);

// On one line; the payload of `model.tested` too.
std::string to_json(const Trial& trial);
std::string for_people(const Trial& trial);

} // namespace conos::model
