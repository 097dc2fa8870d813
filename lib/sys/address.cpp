#include "sys/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace conos {

namespace {

constexpr std::size_t k_longest = 45; // INET6_ADDRSTRLEN, without its end

int bits_of(const Address& address)
{
  return address.is_v6 ? 128 : 32;
}

bool bit_at(const Address& address, int bit)
{
  const auto byte = address.bytes[static_cast<std::size_t>(bit / 8)];
  return ((byte >> (7 - bit % 8)) & 1) != 0;
}

} // namespace

std::optional<Address> parse_address(std::string_view text)
{
  if (text.size() > k_longest || text.find('\0') != text.npos) {
    return std::nullopt;
  }
  const std::string copy(text);
  Address address;
  address.is_v6 = text.find(':') != text.npos;
  const int family = address.is_v6 ? AF_INET6 : AF_INET;
  if (::inet_pton(family, copy.c_str(), address.bytes.data()) != 1) {
    return std::nullopt;
  }
  return address;
}

std::string to_string(const Address& address)
{
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.is_v6 ? AF_INET6 : AF_INET;
  (void)::inet_ntop(family, address.bytes.data(), text.data(), text.size()); // there is room
  return text.data();
}

std::optional<Address> address_of(const sockaddr& from)
{
  Address address;
  if (from.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &from, sizeof in);
    std::memcpy(address.bytes.data(), &in.sin_addr, sizeof in.sin_addr);
    return address;
  }
  if (from.sa_family == AF_INET6) {
    sockaddr_in6 in6{};
    std::memcpy(&in6, &from, sizeof in6);
    address.is_v6 = true;
    std::memcpy(address.bytes.data(), &in6.sin6_addr, sizeof in6.sin6_addr);
    return address;
  }
  return std::nullopt;
}

SocketAddress socket_address(const Address& address, std::uint16_t port)
{
  SocketAddress to;
  if (address.is_v6) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    std::memcpy(&in6.sin6_addr, address.bytes.data(), sizeof in6.sin6_addr);
    std::memcpy(&to.storage, &in6, sizeof in6);
    to.size = sizeof in6;
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, address.bytes.data(), sizeof in.sin_addr);
    std::memcpy(&to.storage, &in, sizeof in);
    to.size = sizeof in;
  }
  return to;
}

Result<Network> parse_network(std::string_view text)
{
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) {
    return fail(Kind::bad_data, "is not an address or a network such as 10.0.0.0/8");
  }
  Network network{*address, bits_of(*address)};
  if (slash != text.npos) {
    const auto digits = text.substr(slash + 1);
    const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), network.bits);
    if (error != std::errc() || end != digits.data() + digits.size() || network.bits < 0 ||
        network.bits > bits_of(*address)) {
      return fail(Kind::bad_data, "has no prefix of 0 to {} bits", bits_of(*address));
    }
  }
  for (int bit = network.bits; bit < bits_of(*address); ++bit) {
    if (bit_at(*address, bit)) {
      return fail(Kind::bad_data, "has bits set behind the first {}", network.bits);
    }
  }
  return network;
}

std::string to_string(const Network& network)
{
  return fmt::format("{}/{}", to_string(network.address), network.bits);
}

bool contains(const Network& network, const Address& address)
{
  if (network.address.is_v6 != address.is_v6) {
    return false;
  }
  for (int bit = 0; bit < network.bits; ++bit) {
    if (bit_at(network.address, bit) != bit_at(address, bit)) {
      return false;
    }
  }
  return true;
}

} // namespace conos
