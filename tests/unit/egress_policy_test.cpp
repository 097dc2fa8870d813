#include "egress/policy.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::egress;

namespace {

EgressDoor door_with(const std::vector<std::string>& rules)
{
  EgressDoor door;
  for (const auto& rule : rules) {
    door.rules.push_back(parse_egress_rule(rule).value());
    door.written.push_back(rule);
  }
  return door;
}

bool allows(const std::vector<std::string>& rules, const std::string& target)
{
  return is_allowed(door_with(rules), parse_target(target).value());
}

} // namespace

TEST_CASE("a name is allowed as it is written, on the ports of the web", "[egress][policy]")
{
  CHECK(allows({"example.org"}, "example.org:443"));
  CHECK(allows({"example.org"}, "EXAMPLE.org:80"));
  CHECK_FALSE(allows({"example.org"}, "example.org:8443"));
  CHECK_FALSE(allows({"example.org"}, "a.example.org:443"));
  CHECK_FALSE(allows({"example.org"}, "notexample.org:443"));
  CHECK_FALSE(allows({"example.org"}, "example.org.evil.com:443"));
  CHECK_FALSE(allows({}, "example.org:443"));
}

TEST_CASE("a port that is named is the only one", "[egress][policy]")
{
  CHECK(allows({"example.org:8443"}, "example.org:8443"));
  CHECK_FALSE(allows({"example.org:8443"}, "example.org:443"));
  CHECK_FALSE(allows({"example.org:443"}, "example.org:80"));
}

TEST_CASE("a domain is the names below it", "[egress][policy]")
{
  CHECK(allows({"*.example.org"}, "a.example.org:443"));
  CHECK(allows({"*.example.org"}, "b.a.example.org:443"));
  CHECK_FALSE(allows({"*.example.org"}, "example.org:443"));
  CHECK_FALSE(allows({"*.example.org"}, "aexample.org:443"));
  CHECK_FALSE(allows({"*.example.org"}, "a.example.org.evil.com:443"));
}

TEST_CASE("everything is every name, and no address", "[egress][policy]")
{
  CHECK(allows({"*"}, "example.org:443"));
  CHECK(allows({"*:443"}, "localhost:443"));
  CHECK_FALSE(allows({"*:443"}, "example.org:80"));
  CHECK_FALSE(allows({"*"}, "1.1.1.1:443"));
  CHECK(allows({"1.1.1.1"}, "1.1.1.1:443"));
  CHECK_FALSE(allows({"1.1.1.1"}, "1.1.1.2:443"));
}

TEST_CASE("a target that could be read in two ways is none", "[egress][policy]")
{
  for (const auto* text :
    {"", "a", ":443", "a:", "a:0", "a:0443", "a:65536", "a:443:80", "a:+443", "a:-1", "a: 443",
      "a:443 ", "a.:443", ".a:443", "a..b:443", "user@a:443", "a@b:443", "a:443@b", "[::1]:443",
      "::1:443", "[::ffff:127.0.0.1]:443", "2130706433:443", "0x7f000001:443", "017700000001:443",
      "127.1:443", "0177.0.0.1:443", "0x7f.0.0.1:443", "127.0.0.1.:443", "a/b:443", "a%2eb:443",
      "a\\b:443", "a\tb:443", "a#b:443", "a?b:443", "*.a:443", "\xef\xbc\x91.1.1.1:443"}) {
    INFO(text);
    CHECK_FALSE(parse_target(text));
  }
  CHECK_FALSE(parse_target(std::string_view("a.org\0.b:443", 12)));
  CHECK(parse_target("a", 80).value() == Target{"a", 80});
  CHECK(parse_target("1.2.3.4:443").value() == Target{"1.2.3.4", 443});
}

TEST_CASE("the line to add allows it and keeps what there is", "[egress][policy]")
{
  const auto door = door_with({"a.org", "*.b.org:8443"});
  CHECK(line_to_add(door, {"c.org", 443}) == R"(egress = ["a.org", "*.b.org:8443", "c.org"])");
  CHECK(line_to_add({}, {"c.org", 22}) == R"(egress = ["c.org:22"])");
}
