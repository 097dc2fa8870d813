#pragma once

#include "sys/error.hpp"
#include "think/message.hpp"

#include <cstddef>
#include <string>
#include <vector>

// A session that goes on from task to task: workspace/sessions/KEY.json, the agent's own.
namespace conos::think {

constexpr std::size_t k_max_session_bytes = 256U << 10U;

// What was said before; nothing where there is no session or it cannot be read.
std::vector<Message> read_session(const std::string& directory, const std::string& key);

// Keeps what was said, of tools only that they were used; the oldest is forgotten when all of it is
// larger than k_max_session_bytes.
Result<> write_session(
  const std::string& directory, const std::string& key, const std::vector<Message>& messages);

} // namespace conos::think
