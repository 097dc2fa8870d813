#pragma once

#include "egress/chunks.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Bytes from one socket to another, by splice(2): they pass through a pipe and never through our
// memory.
namespace conos::egress {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

// Empty pipes. A flow has one only while something is in it, so a thousand idle ones have none.
class Pipes
{
public:
  // Kind::os when there are no descriptors left.
  Result<Pipe> lend();
  void give_back(Pipe pipe); // with nothing in it

private:
  std::vector<Pipe> m_idle;
};

// One direction of a connection. The descriptors are the connection's; they do not block.
struct Flow {
  int from = -1;
  int to = -1;
  std::string first;                 // to be sent before what comes
  std::optional<std::uint64_t> left; // bytes to be taken; nothing: whatever comes
  std::optional<ChunkReader> chunks; // instead: a chunked body
  bool closes = true;                // at the end `to` is told that nothing more comes

  // --- how it stands
  std::optional<Pipe> pipe;
  std::size_t held = 0;    // in the pipe
  bool has_ended = false;  // nothing more comes
  bool is_over = false;    // and all of it is out
  std::uint64_t taken = 0; // from `from`
};

enum class Moved {
  waits,  // for one of the sockets
  more,   // there is more to do, and others wait too
  over,   // nothing more will ever come
  failed, // a socket is broken
  bad,    // a chunked body is not as it should be
};

// Moves what can be moved now, and takes at most `most` bytes.
Moved move(Flow& flow, Pipes& pipes, std::uint64_t most);

} // namespace conos::egress
