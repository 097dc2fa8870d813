#pragma once

#include "egress/policy.hpp"

#include <string>
#include <string_view>

// What the door says itself.
namespace conos::egress {

// Why a request goes no further, in a word that stands in the ledger and in X-Conos-Reason.
enum class Reason {
  request,     // it is no request, or one that could be read in two ways
  slow,        // its head or its ClientHello did not come in time
  host,        // the allowlist has not got it
  address,     // it is where nobody may go
  server_name, // TLS is begun with another server, or it cannot be seen with which
  task,        // nobody works on a task
  budget,      // the task has moved what it may
  record,      // the ledger could not be told
  unknown,     // there is no such name
  unreachable, // nobody answers there
};

std::string_view to_string(Reason reason);

// Whether somebody asked for what he may not have; the others are how things are.
bool is_denial(Reason reason);

struct Refusal {
  Reason reason = Reason::request;
  std::string what; // a sentence without a full stop, for people; already escaped
};

// The whole answer, for a client that speaks HTTP; for what the allowlist lacks with the line of
// conos.toml that would let it pass.
std::string answer_to(const Refusal& refusal, const EgressDoor& door, const Target& target);

// To a CONNECT that stands.
std::string_view connected();

} // namespace conos::egress
