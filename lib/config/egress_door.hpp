#pragma once

#include "sys/address.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Where an agent's programs may go through its egress door: compiled by conos-bootstrap into
// /var/lib/conos/compiled/NAME.egress.json, and given to the door as a credential.
namespace conos {

// The ports of an entry that names none.
constexpr std::uint16_t k_https_port = 443;
constexpr std::uint16_t k_http_port = 80;

// One entry of the allowlist, as conos.toml has it: "example.org", "example.org:8443",
// "*.example.org" (all names below it, not itself), "*" (all names), "10.1.2.3" (that address).
struct EgressRule {
  std::string host;       // in small letters, without "*."
  bool is_suffix = false; // "*.", and "*" with an empty host
  std::uint16_t port = 0; // 0: https and http

  bool operator==(const EgressRule&) const = default;
};

// Kind::bad_data, with what is wrong in words that follow the text.
Result<EgressRule> parse_egress_rule(std::string_view text);

// As it is written in conos.toml.
std::string to_string(const EgressRule& rule);

// A name as DNS knows it, in small letters, that nobody could read as an address: labels of
// letters, digits, hyphens and underscores, the last of which is no number in any base, no dot at
// the end. An international name is written in its ASCII form (xn--).
bool is_host_name(std::string_view text);

struct EgressDoor {
  std::string agent;
  std::vector<std::string> written; // in conos.toml, groups as such
  std::vector<EgressRule> rules;    // what that comes to
  std::vector<Network> networks;    // not public, and allowed nonetheless
  std::int64_t max_bytes = 0;       // to and fro, of one task; 0: no limit
};

std::string to_json(const EgressDoor& door);

// Kind::config when the text is not what to_json writes.
Result<EgressDoor> egress_door_from_json(std::string_view text);

} // namespace conos
