#pragma once

#include "ask/wire.hpp"
#include "config/gate.hpp"
#include "sys/error.hpp"

#include <string>
#include <string_view>

// What each verb of the gate takes: pure. Nothing that gets through can be an option, a path or a
// pattern to whoever is handed it.
namespace conos::gate {

constexpr std::size_t k_max_note_bytes = 3U << 10U;
constexpr std::size_t k_max_title_bytes = 256;

// Kind::bad_data when an argument is missing, is not one of the verb's, or cannot be right.
Result<> check_arguments(const GateVerb& verb, const ask::Arguments& args);

// What a policy looks at; empty: nothing.
std::string argument_of(const GateVerb& verb, const ask::Arguments& args);

// Whether it is carried out by a unit of its own, outside of the gate.
bool is_carried_out_apart(std::string_view verb);

// A service, and no path: "nginx.service".
bool is_service_name(std::string_view name);

// The id of a contract.
bool is_contract_id(std::string_view id);

// The key whose text is a proposal, and the end of the name of the file it is kept in; empty where
// the verb proposes nothing.
struct Proposal {
  std::string_view key;
  std::string_view end;
};
Proposal proposal_of(std::string_view verb);

// The usage of a verb in a line: "to=AGENT body=TEXT [title=TEXT]".
std::string usage_of(std::string_view verb);

} // namespace conos::gate
