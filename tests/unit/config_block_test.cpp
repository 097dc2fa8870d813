#include "config/block.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::config;

namespace {

const std::string k_config = R"([base]
gate.deny = ["package.request"]
[[agents]]
name = "concierge"
tier = "operator"
# the end)";

bool is_refused(const std::string& text)
{
  const auto added = config::add_agent(k_config, text);
  return !added || !added->is_good;
}

} // namespace

TEST_CASE("an agent more stands behind all else", "[config][block]")
{
  const auto added = config::add_agent(k_config, R"(
[[agents]]
name = "helper"   # a remark
instructions = """
two
lines"""
gate = { ask = ["package.request:jq"] }
)");

  REQUIRE(added);
  CHECK(added->is_good);
  CHECK(added->findings.empty());
  CHECK(added->text.starts_with(k_config + "\n\n[[agents]]\n"));
  const auto checked = check(added->text);
  REQUIRE(checked.config);
  REQUIRE(checked.config->agents.size() == 2);
  const auto& helper = checked.config->agents.back();
  CHECK(helper.instructions == "two\nlines");
  CHECK(helper.gate.ask == std::vector<std::string>{"package.request:jq"});
  CHECK(helper.gate.deny == std::vector<std::string>{"package.request"});
  CHECK(helper.tier == Tier::worker);
}

TEST_CASE("its header may be left out", "[config][block]")
{
  const auto added = config::add_agent(k_config, "name = \"helper\"\n");
  REQUIRE(added);
  CHECK(added->is_good);
}

TEST_CASE("nothing but one agent comes in", "[config][block]")
{
  for (const auto* text :
    {"", "x = 1", "[base]\ngate.allow = [\"*\"]", "tier = \"operator\"\n[[agents]]\nname = \"a\"",
      "[[agents]]\nname = \"a\"\n[base]\ngate.allow = [\"*\"]",
      "[[agents]]\nname = \"a\"\n[[agents]]\nname = \"b\"",
      "[[agents]]\nname = \"a\"\n[system]\nuid_base = 0", "agents = []", "[agents]\nname = \"a\"",
      "agents = [1]", "[[agents]]\nname = \"a\"\n[[routes]]\nmatch=\".\"",
      "[[agents]]\nname = \"concierge\"", "[[agents]]\nname = \"root\"\nsudo = true",
      "[[agents]]\nname = \"a\"\nuid = 0", "[[agents]]\nname = \"a\"\ntier = \"root\"",
      "[[agents]]\nname = \"a\"\nrunner = \"sh -c id\"",
      "[[agents]]\nname = \"a\"\nscopes=[\"/etc\"]", "[[agents]]\nname = \"../a\"",
      "[[agents]]\nname = \"gate\"", "not toml [", "[[agents]]\nname = \"a\"\nx = \"\"\"",
      "[[agents]]"}) {
    INFO(text);
    CHECK(is_refused(text));
  }
  std::string deep = "[[agents]]\nname = \"a\"\nx = ";
  deep += std::string(100'000, '[');
  CHECK(is_refused(deep));
}

TEST_CASE("a text that would change what stands before it is none", "[config][block]")
{
  // where conos.toml ends in the middle of something
  CHECK_FALSE(
    with_agent("[[agents]]\nname = \"a\"\ninstructions = \"\"\"", "[[agents]]\nname='b'\n"));
  CHECK_FALSE(with_agent("agents = []\n", "[[agents]]\nname='b'\n"));
  CHECK_FALSE(with_agent("agents = 1\n", "[[agents]]\nname='b'\n"));
  CHECK(with_agent("", "[[agents]]\nname='b'\n"));
}

TEST_CASE("what is said of it is what was not said before", "[config][block]")
{
  const auto config = k_config + "\n[[agents]]\nname = \"old\"\npackages = [\"curl\"]\n";
  const auto added = config::add_agent(config, "name = \"helper\"\nteir = \"worker\"\n");
  REQUIRE(added);
  CHECK_FALSE(added->is_good);
  REQUIRE(added->findings.size() == 1);
  CHECK(added->findings[0].text.find("teir") != std::string::npos);
}
