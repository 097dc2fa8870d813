#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "task/meta.hpp"

#include <cstddef>
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

struct Thread {
  std::vector<std::string> summary;    // what the forgotten turns were about, oldest first
  std::vector<std::string> open_items; // what the last answer that named any left to be done
  std::vector<Turn> turns;             // the last ones, oldest first

  bool empty() const { return summary.empty() && turns.empty(); }
};

struct ThreadLimits {
  std::size_t turns = 8;             // kept whole, of at most k_max_turn_bytes each
  std::size_t summary_bytes = 16384; // of what is kept of the turns before them
};

constexpr std::size_t k_max_turn_bytes = 4000;

// The directory name of the conversation a task belongs to. Its sender is part of it: nobody can
// enter another's conversation by naming its id.
std::string thread_key(const ThreadRef& thread, const Sender& sender);

// A conversation that is not there yet is empty; a line that cannot be read is left out, for a
// damaged history must not stop the work.
Thread read_thread(const UniqueFd& threads, const std::string& key);

// Adds the task and its answer; the oldest turns become a line of the summary each, and its oldest
// lines are forgotten. Adding the same answer twice, as a repeated deliver does, leaves one.
Result<> add_turns(const UniqueFd& threads, const std::string& key, const Turn& task,
  const Turn& answer, const ThreadLimits& limits = {});

} // namespace conos
