#pragma once

#include "audit/reader.hpp"

#include <optional>
#include <string>
#include <vector>

// Everything that touched a thing, back to the request.
namespace conos::audit {

// The task somebody gave that all of it goes back to.
struct Request {
  std::string task;   // its id
  std::string agent;  // who took it
  std::string sender; // a user name
  std::string trust;
  std::string sha256; // of its text, which may be among the bodies
};

struct Trace {
  std::vector<Event> events; // in order
  std::optional<Request> request;
};

// The rows that name one of `subjects` as a value of their payload, and those of the tasks these
// rows belong to, up to the first of each chain. A subject that begins with '/' also stands for
// what lies below it; a task's id also for its file's name.
//
// Reads the whole ledger, twice or more often: until no further task is found.
Result<Trace> trace(Reader& reader, const std::vector<std::string>& subjects);

// For people: which task it goes back to, and the words of whoever asked, when they are still among
// the bodies in `directory` and we may read them. Several lines, fit for a terminal.
std::string request_text(const std::string& directory, const Request& request);

} // namespace conos::audit
