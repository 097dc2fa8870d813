#include "config/edit.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace conos;
using namespace conos::config;

namespace {

std::string with(std::string_view text, std::string_view item, std::string_view agent = "a")
{
  return with_item(text, agent, "packages", item).value();
}

std::string without(std::string_view text, std::string_view item, std::string_view agent = "a")
{
  return without_item(text, agent, "packages", item).value();
}

} // namespace

TEST_CASE("a list gets an item, and all else stays to the byte", "[config][edit]")
{
  CHECK(with("[[agents]]\nname = \"a\" # me\n", "jq") ==
        "[[agents]]\nname = \"a\" # me\npackages = [\"jq\"]\n");
  CHECK(with("[[agents]]\n  name = \"a\"", "jq") ==
        "[[agents]]\n  name = \"a\"\n  packages = [\"jq\"]\n");
  CHECK(with("[[agents]]\nname=\"a\"\npackages=[]#x\n", "jq") ==
        "[[agents]]\nname=\"a\"\npackages=[\"jq\"]#x\n");
  CHECK(with("[[agents]]\nname='a'\npackages = ['x', 'y'] # both\n", "jq") ==
        "[[agents]]\nname='a'\npackages = ['x', 'y', \"jq\"] # both\n");
  CHECK(with("[[agents]]\npackages = [\"x\",]\nname='a'\n", "jq") ==
        "[[agents]]\npackages = [\"x\", \"jq\",]\nname='a'\n");
}

TEST_CASE("a list with a line for each item goes on so", "[config][edit]")
{
  CHECK(with("[[agents]]\nname='a'\npackages = [\n  'x', # ä one\n  'y', # two\n  # end\n]\nz=1\n",
          "jq") == "[[agents]]\nname='a'\npackages = [\n  'x', # ä one\n  'y', # two\n  # end\n  "
                   "\"jq\",\n]\nz=1\n");
  CHECK(with("[[agents]]\nname='a'\npackages = [\n  'x' # one\n]\n", "jq") ==
        "[[agents]]\nname='a'\npackages = [\n  'x', # one\n  \"jq\",\n]\n");
}

TEST_CASE("an item goes, and its line with it if there is nothing else", "[config][edit]")
{
  CHECK(without("[[agents]]\nname='a'\npackages = ['x', 'jq', 'y'] # c\n", "jq") ==
        "[[agents]]\nname='a'\npackages = ['x', 'y'] # c\n");
  CHECK(without("[[agents]]\nname='a'\npackages = ['x', 'jq']\n", "jq") ==
        "[[agents]]\nname='a'\npackages = ['x']\n");
  CHECK(without("[[agents]]\nname='a'\npackages = ['jq']\n", "jq") ==
        "[[agents]]\nname='a'\npackages = []\n");
  CHECK(without("[[agents]]\nname='a'\npackages = [\n  'x', # one\n  'jq',\n]\n", "jq") ==
        "[[agents]]\nname='a'\npackages = [\n  'x', # one\n]\n");
  CHECK(without("[[agents]]\nname='a'\npackages = [\n  'x',\n  'jq'\n]\n", "jq") ==
        "[[agents]]\nname='a'\npackages = [\n  'x',\n]\n");
}

TEST_CASE("what is so already is not touched", "[config][edit]")
{
  const std::string text = "[[agents]]\nname='a'\npackages=['jq']\n";
  CHECK(with(text, "jq") == text);
  CHECK(without(text, "curl") == text);
  CHECK(without("[[agents]]\nname='a'\n", "curl") == "[[agents]]\nname='a'\n");
}

TEST_CASE("only the agent that is meant", "[config][edit]")
{
  const std::string text =
    "# name = \"b\"\n[[agents]]\nname='a'\ninstructions = '''\nname = \"b\"\n"
    "packages = [\"no\"]\n'''\n[[agents]]\nname='b'\n";
  CHECK(with(text, "jq", "b") == text + "packages = [\"jq\"]\n");
  CHECK(with_item(text, "c", "packages", "jq").error().kind == Kind::not_found);
  CHECK(with_item("[", "c", "packages", "jq").error().kind == Kind::bad_data);
  CHECK(with_item("[[agents]]\nname='a'\npackages='x'\n", "a", "packages", "jq").error().kind ==
        Kind::bad_data);
}

TEST_CASE("a table on one line is a person's to change, or right", "[config][edit]")
{
  const auto made = with_item("agents = [{name = 'a'}]\n", "a", "packages", "jq");
  CHECK((!made || *made != "agents = [{name = 'a'}]\n"));
  CHECK(with("agents = [{name = 'a', packages = ['x']}]\n", "jq") ==
        "agents = [{name = 'a', packages = ['x', \"jq\"]}]\n");
}

TEST_CASE("what is put in and taken out leaves a text that means the same", "[config][edit]")
{
  std::mt19937 random(1);
  const std::vector<std::string> layouts{
    "[{}]", "[ {} ]", "[\n{}\n]", "[\n  {},\n]", "[ # c\n {}]"};
  for (int round = 0; round < 300; ++round) {
    std::string items;
    const auto count = random() % 4;
    for (unsigned i = 0; i < count; ++i) {
      items += (i == 0               ? ""
                 : random() % 2 == 0 ? ", "
                                     : ",\n  # ü\n  ") +
               std::string("\"p") + std::to_string(i) + "\"";
    }
    auto layout = layouts[random() % layouts.size()];
    if (items.empty() && layout.find(',') != std::string::npos) {
      continue;
    }
    layout.replace(layout.find("{}"), 2, items);
    const auto text = "[[agents]]\nname = \"a\"\npackages = " + layout + " # end\n[base]\n";
    const auto more = with_item(text, "a", "packages", "new");
    REQUIRE(more); // it checks itself that it means what it should
    const auto less = without_item(*more, "a", "packages", "new");
    REQUIRE(less);
    CHECK(less->find("new") == std::string::npos);
  }
}
