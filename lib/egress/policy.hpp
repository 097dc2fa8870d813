#pragma once

#include "config/egress_door.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace conos::egress {

// Where a request wants to go.
struct Target {
  std::string host; // a name in small letters, or an IPv4 address in its usual form
  std::uint16_t port = 0;

  bool operator==(const Target&) const = default;
};

// "example.org:443", or with the port of `otherwise` where that is meant to be given ("example.org"
// of an http: address). Kind::bad_data for whatever is not a plain name or address: user names,
// brackets, escapes, a dot at the end, addresses in other notations, ports that are none.
Result<Target> parse_target(std::string_view text, std::uint16_t otherwise = 0);

std::string to_string(const Target& target);

// Whether the allowlist has it. An address is allowed where just this address is written.
bool is_allowed(const EgressDoor& door, const Target& target);

// The line of conos.toml that would allow it too.
std::string line_to_add(const EgressDoor& door, const Target& target);

} // namespace conos::egress
