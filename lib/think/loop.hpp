#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "think/client.hpp"
#include "think/message.hpp"
#include "think/tools.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// A model at work: it is asked, does what it calls for, and is asked again, until it answers. What
// the world has to say comes in through functions, so that the same loop runs from a record.
namespace conos::think {

struct Limits {
  std::size_t steps = 50;              // requests
  std::uint64_t tokens = 0;            // of all requests together; 0: none
  std::size_t answer_tokens = 8192;    // of one answer
  std::size_t context_bytes = 400'000; // of one request: about three bytes are a token
};

struct Job {
  Api api = Api::openai;
  std::string model;
  std::string prompt;
  std::vector<Message> history; // of a session that goes on
  Limits limits;
};

// The world as the loop sees it.
struct World {
  std::function<Asked(const std::string& body)> ask;
  std::function<Outcome(const Block& call)> use;
  std::function<bool()> is_time_up; // asked before each request
};

// What is written down while it runs; see transcript.hpp.
struct Witness {
  std::function<void(std::size_t step, const std::string& body)> request;
  std::function<void(std::size_t step, const Asked& asked)> answer;
  std::function<void(std::size_t step, const Block& call, const Outcome& outcome)> tool;
};

struct Finished {
  std::string answer;
  std::string how; // answered, refused, steps, tokens, time: what ended it
  Usage usage;
  std::size_t steps = 0;
  std::vector<Message> messages; // all that was said, for a session
};

// Kind::unavailable when the model cannot be had, Kind::bad_data when it makes no sense; what was
// used until then is in `usage`, also after an error.
Result<Finished> work_through(
  const Job& job, const World& world, const Witness& witness, Usage& usage);

} // namespace conos::think
