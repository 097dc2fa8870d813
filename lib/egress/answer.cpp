#include "egress/answer.hpp"

#include <fmt/format.h>

namespace conos::egress {

namespace {

std::string_view status_of(Reason reason)
{
  switch (reason) {
  case Reason::request:
    return "400 Bad Request";
  case Reason::slow:
    return "408 Request Timeout";
  case Reason::host:
  case Reason::address:
  case Reason::server_name:
  case Reason::task:
  case Reason::budget:
    return "403 Forbidden";
  case Reason::record:
    return "503 Service Unavailable";
  case Reason::unknown:
  case Reason::unreachable:
    return "502 Bad Gateway";
  }
  return "500 Internal Server Error";
}

std::string help_for(const Refusal& refusal, const EgressDoor& door, const Target& target)
{
  switch (refusal.reason) {
  case Reason::host:
    return fmt::format("To let it, this line belongs to agent \"{}\" in /etc/conos/conos.toml, and "
                       "conos-bootstrap is to be run:\n\n    {}\n",
      door.agent, line_to_add(door, target));
  case Reason::address:
    return "A network that is not public is reached where egress_networks of conos.toml(5) names "
           "it.\n";
  case Reason::budget:
    return "How much a task may move is egress_max_bytes of conos.toml(5).\n";
  case Reason::request:
  case Reason::slow:
  case Reason::server_name:
  case Reason::task:
  case Reason::record:
  case Reason::unknown:
  case Reason::unreachable:
    break;
  }
  return "";
}

} // namespace

std::string_view to_string(Reason reason)
{
  switch (reason) {
  case Reason::request:
    return "request";
  case Reason::slow:
    return "slow";
  case Reason::host:
    return "host";
  case Reason::address:
    return "address";
  case Reason::server_name:
    return "server-name";
  case Reason::task:
    return "task";
  case Reason::budget:
    return "budget";
  case Reason::record:
    return "record";
  case Reason::unknown:
    return "unknown";
  case Reason::unreachable:
    return "unreachable";
  }
  return "";
}

bool is_denial(Reason reason)
{
  return reason != Reason::unknown && reason != Reason::unreachable;
}

std::string answer_to(const Refusal& refusal, const EgressDoor& door, const Target& target)
{
  const auto body = fmt::format("conos: {}.\n{}", refusal.what, help_for(refusal, door, target));
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Content-Length: {}\r\nX-Conos-Reason: {}\r\nConnection: close\r\n\r\n{}",
    status_of(refusal.reason), body.size(), to_string(refusal.reason), body);
}

std::string_view connected()
{
  return "HTTP/1.1 200 Connection established\r\n\r\n";
}

} // namespace conos::egress
