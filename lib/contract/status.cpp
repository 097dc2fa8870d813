#include "contract/status.hpp"

namespace conos::contract {

std::string_view name_of(Status status)
{
  switch (status) {
  case Status::pass:
    return "pass";
  case Status::fail:
    return "fail";
  case Status::warn:
    return "warn";
  case Status::skip:
    return "skip";
  case Status::exempt:
    return "exempt";
  case Status::halt:
    return "halt";
  case Status::error:
    return "error";
  case Status::timeout:
    return "timeout";
  }
  return "?";
}

std::string_view name_of(Severity severity)
{
  switch (severity) {
  case Severity::critical:
    return "critical";
  case Severity::high:
    return "high";
  case Severity::medium:
    return "medium";
  case Severity::low:
    return "low";
  case Severity::info:
    return "info";
  }
  return "?";
}

bool is_bad(Status status)
{
  return status == Status::fail || status == Status::halt || status == Status::error ||
         status == Status::timeout;
}

} // namespace conos::contract
