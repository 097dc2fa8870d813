#pragma once

#include "audit/ledger.hpp"
#include "gate/record.hpp"

#include <optional>
#include <string>

// What the ledger is told of requests.
namespace conos::gate {

// What a row is about; what is empty is null there.
struct About {
  std::string agent;
  std::string task;
  std::string root;
  std::string verb;
  std::string argument;
  std::string args_sha256;
};

About about(const Request& request);

// "granted": outcome is done, failed, started or unknown; `by` the pattern or whoever allowed it.
audit::Row granted_row(const std::string& actor, const About& about, const std::string& outcome,
  const std::string& by, const std::string& what);

// `suppressed` refusals before this one have no row of their own.
audit::Row refused_row(const std::string& actor, const About& about, const std::string& reason,
  const std::string& what, std::size_t suppressed);

audit::Row requested_row(const std::string& actor, const Request& request);
audit::Row decided_row(const std::string& actor, const Request& request);
audit::Row used_row(const std::string& actor, const Request& request);
audit::Row ended_row(const std::string& actor, const Request& request);

// The keys of the rows that are there once.
std::string requested_key(const std::string& id);
std::string decided_key(const std::string& id);
std::string used_key(const std::string& id);
std::string ended_key(const std::string& id);

// What such rows say; nothing when the payload is none of theirs, or of another request.
struct Decided {
  bool is_allowed = false;
  Decision decision;
};
std::optional<Decided> decided_in(const Request& request, const std::string& payload);

struct Ended {
  State state = State::unknown;
  Ending ending;
};
std::optional<Ended> ended_in(const Request& request, const std::string& payload);

} // namespace conos::gate
