#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "task/meta.hpp"

#include <string>
#include <string_view>
#include <vector>

// Conversations: threads/KEY/turns.jsonl, written by deliver and read by claim, root only.
namespace conos {

struct Turn {
  bool from_agent = false;
  Time at;
  std::string text;
};

// The directory name of the conversation a task belongs to. Its sender is part of it: nobody can
// enter another's conversation by naming its id.
std::string thread_key(const ThreadRef& thread, const Sender& sender);

// The last turns, oldest first. A conversation that is not there yet has none; a line that cannot
// be read is left out, for a damaged history must not stop the work.
std::vector<Turn> read_turns(const UniqueFd& threads, const std::string& key);

// Adds the task and its answer and forgets the oldest turns. Adding the same answer twice, as a
// repeated deliver does, leaves one.
Result<> add_turns(
  const UniqueFd& threads, const std::string& key, const Turn& task, const Turn& answer);

} // namespace conos
