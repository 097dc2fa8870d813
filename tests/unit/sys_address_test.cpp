#include "sys/address.hpp"

#include <catch2/catch.hpp>

using namespace conos;

TEST_CASE("an address is read in its usual form only", "[sys][address]")
{
  for (const std::string text : {"127.0.0.1", "255.255.255.255", "::1", "2001:db8::a:1"}) {
    INFO(text);
    REQUIRE(parse_address(text));
    CHECK(to_string(*parse_address(text)) == text);
  }
  for (const std::string text : {"", "127.1", "127.0.0.01", "0177.0.0.1", "0x7f.0.0.1",
         "2130706433", "127.0.0.1.", " 127.0.0.1", "127.0.0.1/8", "[::1]", "fe80::1%eth0", "::1 ",
         "localhost", "1.2.3.4.5", "256.1.1.1"}) {
    INFO(text);
    CHECK_FALSE(parse_address(text));
  }
  CHECK_FALSE(parse_address(std::string_view("127.0.0.1\0", 10)));
}

TEST_CASE("a network contains what begins as it does", "[sys][address]")
{
  const auto network = parse_network("10.20.0.0/15").value();
  CHECK(contains(network, parse_address("10.20.0.0").value()));
  CHECK(contains(network, parse_address("10.21.255.255").value()));
  CHECK_FALSE(contains(network, parse_address("10.22.0.0").value()));
  CHECK_FALSE(contains(network, parse_address("::ffff:10.20.0.1").value()));
  CHECK(contains(parse_network("0.0.0.0/0").value(), parse_address("1.2.3.4").value()));
  CHECK(contains(parse_network("::1").value(), parse_address("::1").value()));
  CHECK(to_string(network) == "10.20.0.0/15");
}

TEST_CASE("a network that could be meant in two ways is none", "[sys][address]")
{
  for (const auto* text : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8",
         "10.0.0.0/ 8", "fd00::/129", "10/8", ""}) {
    INFO(text);
    CHECK_FALSE(parse_network(text));
  }
}

TEST_CASE("an address goes into a socket's and comes out again", "[sys][address]")
{
  for (const auto* text : {"192.0.2.7", "2001:db8::7"}) {
    const auto address = parse_address(text).value();
    CHECK(address_of(*socket_address(address, 443).get()) == address);
  }
  sockaddr other{};
  other.sa_family = AF_UNIX;
  CHECK_FALSE(address_of(other));
}
