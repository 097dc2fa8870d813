#pragma once

#include "ask/wire.hpp"
#include "sys/fd.hpp"

#include <string>

// An agent's own program at its gate.
namespace conos::ask {

// "/run/conos/doors/NAME/gate.sock"
std::string gate_of(const std::string& agent);

class Gate
{
public:
  // Kind::unavailable when there is none at that path, Kind::denied when it is another's.
  static Result<Gate> connect(const std::string& path);

  // Asks, and waits for the answer at most so long (Kind::busy). What is asked for may be done all
  // the same. Where the gate is busy it is asked again for as long.
  Result<Answer> ask(const Request& request, Duration patience);

private:
  Gate(std::string path, UniqueFd fd)
      : m_path(std::move(path))
      , m_fd(std::move(fd))
  {
  }
  Result<> send(std::string_view line, Duration patience);
  Result<std::string> receive(Duration patience);

  std::string m_path;
  UniqueFd m_fd;
  std::string m_text;
};

} // namespace conos::ask
