#include "egress/address.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::egress;

namespace {

std::string objection_to(const std::string& address, const std::vector<std::string>& named = {})
{
  std::vector<Network> networks;
  for (const auto& network : named) {
    networks.push_back(parse_network(network).value());
  }
  return objection(parse_address(address).value(), networks);
}

} // namespace

TEST_CASE("public addresses are connected to", "[egress][address]")
{
  for (const auto* address :
    {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255",
      "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
      "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"}) {
    INFO(address);
    CHECK(objection_to(address).empty());
  }
}

TEST_CASE("what is not public is not connected to", "[egress][address]")
{
  for (const auto* address : {"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1",
         "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1",
         "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
         "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
         "240.0.0.1", "255.255.255.255", "::", "::1", "::2", "::127.0.0.1", "::ffff:127.0.0.1",
         "::ffff:10.0.0.1", "::ffff:1.1.1.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
         "64:ff9b::101:101", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:10::1",
         "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "2002:101:101::1", "3fff::1", "4000::1",
         "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"}) {
    INFO(address);
    CHECK_FALSE(objection_to(address).empty());
  }
}

TEST_CASE("a network that is named is reached, and nothing else", "[egress][address]")
{
  CHECK(objection_to("10.1.2.3", {"10.1.0.0/16"}).empty());
  CHECK_FALSE(objection_to("10.2.2.3", {"10.1.0.0/16"}).empty());
  CHECK(objection_to("fd12::1", {"fd12::/16"}).empty());
  CHECK(objection_to("::1", {"::1"}).empty());
}

TEST_CASE("an address within another must be allowed too", "[egress][address]")
{
  // a network of translators is named: what is behind them is judged all the same
  CHECK(objection_to("64:ff9b::101:101", {"64:ff9b::/96"}).empty());
  CHECK_FALSE(objection_to("64:ff9b::7f00:1", {"64:ff9b::/96"}).empty());
  CHECK_FALSE(objection_to("64:ff9b::a9fe:a9fe", {"64:ff9b::/96"}).empty());
  CHECK_FALSE(objection_to("2002:a00:1::", {"2002::/16"}).empty());
  CHECK_FALSE(objection_to("::ffff:10.0.0.1", {"::ffff:0:0/96"}).empty());
  CHECK(objection_to("::ffff:10.0.0.1", {"::ffff:0:0/96", "10.0.0.0/8"}).empty());
  // Teredo keeps its client's turned over: f5ff:fffe is 10.0.0.1
  CHECK_FALSE(objection_to("2001::f5ff:fffe", {"2001::/32"}).empty());
}

TEST_CASE("the machine's own addresses are known", "[egress][address]")
{
  CHECK(is_our_own(parse_address("127.0.0.1").value()));
  CHECK_FALSE(is_our_own(parse_address("192.0.2.1").value()));
}
