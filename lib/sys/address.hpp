#pragma once

#include "sys/error.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace conos {

// An IPv4 or IPv6 address, in the order of the network.
struct Address {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes{}; // of IPv4 the first four

  bool operator==(const Address&) const = default;
};

// The usual text and nothing else: four decimal numbers without leading zeros, or IPv6 without
// brackets and without a scope.
std::optional<Address> parse_address(std::string_view text);

std::string to_string(const Address& address);

// Nothing of other families.
std::optional<Address> address_of(const sockaddr& from);

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SocketAddress socket_address(const Address& address, std::uint16_t port);

// Addresses that begin alike.
struct Network {
  Address address; // with no bit set behind the prefix
  int bits = 0;    // of the prefix

  bool operator==(const Network&) const = default;
};

// "10.0.0.0/8", "fd00::/8"; an address alone is a network of one. Kind::bad_data otherwise, and
// where a bit behind the prefix is set: it is not known what was meant.
Result<Network> parse_network(std::string_view text);

std::string to_string(const Network& network);

bool contains(const Network& network, const Address& address);

} // namespace conos
