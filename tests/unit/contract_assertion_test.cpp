#include "contract/assertion.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::contract;

namespace {

Assertion assertion(Type kind, const std::string& yaml)
{
  const auto node = parse_yaml(yaml, {});
  REQUIRE(node);
  std::vector<Problem> problems;
  auto made = parse_assertion(kind, *node, problems);
  if (!made) {
    FAIL(problems.front().what);
  }
  return std::move(*made);
}

bool is_mistake(Type kind, const std::string& yaml)
{
  const auto node = parse_yaml(yaml, {});
  std::vector<Problem> problems;
  return !node || !parse_assertion(kind, *node, problems);
}

bool holds_for(Type kind, const std::string& yaml, const Value& seen)
{
  return holds(assertion(kind, yaml), seen);
}

const std::int64_t k_mib = 1 << 20;

} // namespace

TEST_CASE("numbers are compared as numbers", "[contract][assertion]")
{
  CHECK(holds_for(Type::integer, "9", std::int64_t{9}));
  CHECK(holds_for(Type::integer, "{ less: 10 }", std::int64_t{9}));
  CHECK_FALSE(holds_for(Type::integer, "{ less: 9 }", std::int64_t{9}));
  CHECK(holds_for(Type::integer, "{ at_least: 9, at_most: 9 }", std::int64_t{9}));
  CHECK(holds_for(Type::integer, "{ one_of: [1, 9] }", std::int64_t{9}));
  CHECK(holds_for(Type::integer, "{ not: 8 }", std::int64_t{9}));
  CHECK(holds_for(Type::percent, "{ at_least: 15% }", 15.0));
  CHECK_FALSE(holds_for(Type::percent, "{ at_least: 15% }", 14.9));
  CHECK(holds_for(Type::size, "{ less: 1M }", k_mib - 1));
  CHECK_FALSE(holds_for(Type::size, "{ less: 1M }", k_mib));
  CHECK(holds_for(Type::duration, "{ less: 30m }", std::int64_t{29 * 60'000}));
}

TEST_CASE("a mode is compared bit by bit", "[contract][assertion]")
{
  CHECK(holds_for(Type::mode, "'0640'", std::int64_t{0640}));
  CHECK(holds_for(Type::mode, "0640", std::int64_t{0640})); // octal without quotes too
  CHECK(holds_for(Type::mode, "{ at_most: '0750' }", std::int64_t{0640}));
  CHECK_FALSE(holds_for(Type::mode, "{ at_most: '0740' }", std::int64_t{0602}));
  CHECK(holds_for(Type::mode, "{ at_least: '0400' }", std::int64_t{0640}));
}

TEST_CASE("texts and lists", "[contract][assertion]")
{
  using Texts = std::vector<std::string>;
  CHECK(holds_for(Type::text, "{ matches: '^/usr' }", std::string("/usr/bin")));
  CHECK(
    holds_for(Type::text, "{ contains: bin, not: { contains: local } }", std::string("/usr/bin")));
  CHECK(holds_for(Type::texts, "[b, a]", Texts{"a", "b"}));
  CHECK_FALSE(holds_for(Type::texts, "[a]", Texts{"a", "b"}));
  CHECK(holds_for(Type::texts, "{ contains: [a, b] }", Texts{"a", "b", "c"}));
  CHECK_FALSE(holds_for(Type::texts, "{ contains: d }", Texts{"a", "b", "c"}));
  CHECK(holds_for(Type::texts, "{ one_of: [a, b] }", Texts{"a"}));
  CHECK_FALSE(holds_for(Type::texts, "{ one_of: [a, b] }", Texts{"a", "x"}));
}

TEST_CASE("what has no type is compared by what it looks like", "[contract][assertion]")
{
  CHECK(holds_for(Type::any, "true", true));
  CHECK(holds_for(Type::any, "yes", true));
  CHECK(holds_for(Type::any, "\"yes\"", true));
  CHECK(holds_for(Type::any, "512M", 512 * k_mib));
  CHECK(holds_for(Type::any, "{ at_most: 512M }", 511 * k_mib));
  CHECK(holds_for(Type::any, "1", std::int64_t{1}));
  CHECK_FALSE(holds_for(Type::any, "1", std::string("01")));
  CHECK(holds_for(Type::any, "{ matches: '^4' }", std::int64_t{443}));
}

TEST_CASE("what is not there holds for nothing but not", "[contract][assertion]")
{
  CHECK_FALSE(holds_for(Type::text, "x", Value()));
  CHECK_FALSE(holds_for(Type::integer, "{ less: 9 }", Value()));
  CHECK(holds_for(Type::text, "{ not: x }", Value()));
}

TEST_CASE("an operator that says nothing of its kind is a mistake", "[contract][assertion]")
{
  CHECK(is_mistake(Type::text, "{ less: 3 }"));
  CHECK(is_mistake(Type::boolean, "{ matches: x }"));
  CHECK(is_mistake(Type::integer, "abc"));
  CHECK(is_mistake(Type::integer, "[1, 2]"));
  CHECK(is_mistake(Type::any, "{ less: soon }"));
  CHECK(is_mistake(Type::text, "{ lss: 3 }"));
  CHECK(is_mistake(Type::text, "{ matches: '(' }"));
}

TEST_CASE("versions are ordered as dpkg orders them", "[contract][value]")
{
  CHECK(compare_versions("1.0.6-2+deb12u2", "1.0.6-2") > 0);
  CHECK(compare_versions("1.0~rc1", "1.0") < 0);
  CHECK(compare_versions("1:0.9", "2.0") > 0);
  CHECK(compare_versions("1.10", "1.9") > 0);
  CHECK(compare_versions("1.0", "1.00") == 0);
  CHECK(compare_versions("1.0a", "1.0+") < 0);
  CHECK(compare_versions("2.36-9+deb12u10", "2.36-9+deb12u9") > 0);
}

TEST_CASE("a finding is told in words", "[contract][assertion]")
{
  CHECK(wanted(assertion(Type::mode, "'0640'")) == "0640");
  CHECK(wanted(assertion(Type::percent, "{ at_least: 15% }")) == "at least 15 %");
  CHECK(wanted(assertion(Type::text, "{ not: bash }")) == "not 'bash'");
  CHECK(shown(Type::size, std::int64_t{3 * k_mib / 2}) == "1.5 MiB");
}

TEST_CASE("a key leads through lists", "[contract][node]")
{
  const auto document =
    parse_json(R"({"servers":[{"port":443},{"port":80}],"a.b":{"c":1}})", NodeBounds{});
  REQUIRE(document);
  CHECK(select(*document, "servers[*].port").size() == 2);
  REQUIRE(select(*document, "servers[1].port").size() == 1);
  CHECK(select(*document, "servers[1].port")[0]->text == "80");
  CHECK(select(*document, "\"a.b\".c").size() == 1);
  CHECK(select(*document, "servers[9].port").empty());
  CHECK_FALSE(is_key("a[x]"));
  CHECK_FALSE(is_key(""));
}

TEST_CASE("documents have bounds and no key twice", "[contract][node]")
{
  CHECK_FALSE(parse_json(R"({"a":1,"a":2})", NodeBounds{}));
  CHECK_FALSE(parse_json(std::string(100'000, '['), NodeBounds{}));
  CHECK_FALSE(parse_toml("a = 1\na = 2\n", NodeBounds{}));
  const auto bad = parse_json("{\"a\":\n x}", NodeBounds{});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().mark.line == 2);
}
