#include "egress/address.hpp"

#include "sys/fd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace conos::egress {

namespace {

struct Special {
  std::string_view network;
  std::string_view what;
};

// IANA's registries of addresses for special purposes (RFC 6890), as far as they are not reachable
// from everywhere.
constexpr std::array<Special, 15> k_special_v4{{
  {"0.0.0.0/8", "this network"},
  {"10.0.0.0/8", "private"},
  {"100.64.0.0/10", "of a carrier's own network"},
  {"127.0.0.0/8", "loopback"},
  {"169.254.0.0/16", "link-local"},
  {"172.16.0.0/12", "private"},
  {"192.0.0.0/24", "reserved for protocols"},
  {"192.0.2.0/24", "for documentation"},
  {"192.88.99.0/24", "a 6to4 relay"},
  {"192.168.0.0/16", "private"},
  {"198.18.0.0/15", "for measurements"},
  {"198.51.100.0/24", "for documentation"},
  {"203.0.113.0/24", "for documentation"},
  {"224.0.0.0/4", "multicast"},
  {"240.0.0.0/4", "reserved"},
}};

// The first that fits says it; what fits none and is not of 2000::/3 is not public either.
constexpr std::array<Special, 13> k_special_v6{{
  {"::/128", "unspecified"},
  {"::1/128", "loopback"},
  {"::ffff:0:0/96", "mapped from IPv4"},
  {"64:ff9b::/96", "translated to IPv4"},
  {"64:ff9b:1::/48", "translated to IPv4"},
  {"2001::/32", "a Teredo tunnel"},
  {"2001::/23", "reserved for protocols"},
  {"2001:db8::/32", "for documentation"},
  {"2002::/16", "a 6to4 tunnel"},
  {"3fff::/20", "for documentation"},
  {"fc00::/7", "private"},
  {"fe80::/10", "link-local"},
  {"ff00::/8", "multicast"},
}};
constexpr std::string_view k_public_v6 = "2000::/3";

bool is_in(std::string_view network, const Address& address)
{
  return contains(parse_network(network).value(), address);
}

std::string_view special(const Address& address)
{
  const auto search = [&](const auto& table) -> std::string_view {
    const auto found = std::find_if(table.begin(), table.end(), [&](const Special& one) {
      return is_in(one.network, address);
    });
    return found == table.end() ? "" : found->what;
  };
  if (!address.is_v6) {
    return search(k_special_v4);
  }
  const auto what = search(k_special_v6);
  return what.empty() && !is_in(k_public_v6, address) ? "not public" : what;
}

Address v4_at(const Address& address, std::size_t place, std::uint8_t mask = 0)
{
  Address inner;
  for (std::size_t i = 0; i < 4; ++i) {
    inner.bytes[i] = address.bytes[place + i] ^ mask;
  }
  return inner;
}

// The IPv4 address a packet to this one ends up at.
std::optional<Address> inner_of(const Address& address)
{
  if (!address.is_v6) {
    return std::nullopt;
  }
  constexpr std::uint8_t k_flipped = 0xff;
  if (is_in("2002::/16", address)) {
    return v4_at(address, 2);
  }
  if (is_in("2001::/32", address)) { // the client's, each bit turned over
    return v4_at(address, 12, k_flipped);
  }
  // ::/96 holds what was once "compatible"; 64:ff9b:1::/48 is taken as it is mostly used, with /96
  for (const auto* network : {"::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "::/96"}) {
    if (is_in(network, address)) {
      return v4_at(address, 12);
    }
  }
  return std::nullopt;
}

bool is_named(const Address& address, const std::vector<Network>& named)
{
  return std::any_of(named.begin(), named.end(), [&](const Network& network) {
    return contains(network, address);
  });
}

} // namespace

std::string objection(const Address& address, const std::vector<Network>& named)
{
  const auto what = special(address);
  const auto inner = inner_of(address);
  // ::1 and :: are themselves, not 0.0.0.1 in disguise
  const bool is_itself = what == "loopback" || what == "unspecified";
  if (!what.empty() && !is_named(address, named)) {
    return fmt::format("{} is {}", to_string(address), what);
  }
  return inner && !is_itself ? objection(*inner, named) : "";
}

bool is_our_own(const Address& address)
{
  constexpr std::uint16_t k_discard = 9;
  const UniqueFd probe(::socket(address.is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto to = socket_address(address, k_discard);
  // connecting a datagram socket looks up the route and sends nothing; to oneself one comes from
  // the address one goes to
  SocketAddress from;
  from.size = sizeof from.storage;
  if (!probe || ::connect(probe.get(), to.get(), to.size) < 0 ||
      ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&from.storage), &from.size) < 0) {
    return false; // and no connection will come of it
  }
  return address_of(*from.get()) == address;
}

} // namespace conos::egress
