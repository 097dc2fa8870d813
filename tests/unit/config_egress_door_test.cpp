#include "config/egress_door.hpp"

#include <catch2/catch.hpp>

using namespace conos;

TEST_CASE("an entry of the allowlist is read as it is written", "[config][egress]")
{
  CHECK(parse_egress_rule("Example.ORG").value() == EgressRule{"example.org", false, 0});
  CHECK(parse_egress_rule("example.org:8443").value() == EgressRule{"example.org", false, 8443});
  CHECK(parse_egress_rule("*.example.org:443").value() == EgressRule{"example.org", true, 443});
  CHECK(parse_egress_rule("*").value() == EgressRule{"", true, 0});
  CHECK(parse_egress_rule("*:443").value() == EgressRule{"", true, 443});
  CHECK(parse_egress_rule("10.1.2.3:8080").value() == EgressRule{"10.1.2.3", false, 8080});
  for (const auto* text : {"example.org", "example.org:8443", "*.example.org:443", "*", "*:443"}) {
    CHECK(to_string(parse_egress_rule(text).value()) == text);
  }
}

TEST_CASE("an entry that is no name, address or port is refused", "[config][egress]")
{
  for (const auto* text :
    {"", ":443", "*.", "*.*.org", "a*.org", "**", "*.10.1.2.3", "a..b", ".a", "a.", "-a.org",
      "a-.org", "a b", "a/b", "http://a.org", "user@a.org", "a:0", "a:65536", "a:080", "a:", "a:b",
      "a:1:2", "[::1]", "::1", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "1.2.3.4.5",
      "b\xc3\xbc"
      "cher.de",
      "@code"}) {
    INFO(text);
    CHECK_FALSE(parse_egress_rule(text));
  }
}

TEST_CASE("a host's name is one that nobody reads as an address", "[config][egress]")
{
  for (const auto* name :
    {"a", "localhost", "xn--bcher-kva.de", "_dmarc.a.org", "1.a", "0x7f.org"}) {
    INFO(name);
    CHECK(is_host_name(name));
  }
  for (const auto* name : {"", ".", "a.", "A.org", "1", "a.1", "0x1", "a.0xff", "0x", "a b", "a\tb",
         "127.0.0.1", "a%00b"}) {
    INFO(name);
    CHECK_FALSE(is_host_name(name));
  }
  CHECK_FALSE(is_host_name(std::string_view("a\0.org", 6)));
  CHECK(is_host_name(std::string(63, 'a')));
  CHECK_FALSE(is_host_name(std::string(64, 'a')));
  std::string longest;
  while (longest.size() < 252) {
    longest += "a.";
  }
  CHECK(is_host_name(longest + "a"));
  CHECK_FALSE(is_host_name(longest + "a.a"));
}

TEST_CASE("a door's settings come back as they were", "[config][egress]")
{
  EgressDoor door;
  door.agent = "writer";
  door.written = {"@all"};
  door.rules = {parse_egress_rule("a.org").value(), parse_egress_rule("*.b.org:8443").value()};
  door.networks = {parse_network("10.0.0.0/8").value()};
  door.max_bytes = 1000;

  const auto back = egress_door_from_json(to_json(door));

  REQUIRE(back);
  CHECK(back->agent == "writer");
  CHECK(back->written == door.written);
  CHECK(back->rules == door.rules);
  CHECK(back->networks == door.networks);
  CHECK(back->max_bytes == 1000);
}

TEST_CASE("settings nobody compiled are refused", "[config][egress]")
{
  for (const auto* text :
    {"", "{}", "[]", R"({"agent":"a","rules":["a:b"],"networks":[],"max_bytes":0})",
      R"({"agent":"a","rules":[],"networks":["10/8"],"max_bytes":0})"}) {
    INFO(text);
    const auto door = egress_door_from_json(text);
    REQUIRE_FALSE(door);
    CHECK(door.error().kind == Kind::config);
  }
}
