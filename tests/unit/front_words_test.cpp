#include "front/words.hpp"

#include "sys/text.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using front::Name;

namespace {

std::string said(Name name, std::vector<std::string> words)
{
  return join(front::in_our_words(name, std::move(words)), "|");
}

} // namespace

TEST_CASE("the front door knows by which name it was called", "[front][words]")
{
  CHECK(front::name_of("/usr/bin/conctl") == Name::conctl);
  CHECK(front::name_of("conctl") == Name::conctl);
  CHECK(front::name_of("/usr/bin/conos") == Name::conos);
  CHECK(front::name_of("/conctl/conos") == Name::conos);
  CHECK(front::name_of("") == Name::conos);
}

TEST_CASE("command lines of the documents are said in our words", "[front][words]")
{
  CHECK(said(Name::conos, {"agent", "list"}) == "status");
  CHECK(said(Name::conos, {"agent", "kill", "sysadmin"}) == "kill|sysadmin");
  CHECK(said(Name::conos, {"agent", "logs", "-f"}) == "audit|tail|--lines|--number=20|-f");
  CHECK(said(Name::conos, {"agent", "logs", "-n", "5", "sysadmin"}) ==
        R"x(audit|tail|--lines|--number=20|-n|5|--grep="(agent|from|to)":"sysadmin")x");
  CHECK(said(Name::conctl, {"logs", "-n", "5"}) == "audit|tail|--lines|--number=20|-n|5");
  CHECK(said(Name::conctl, {"status"}) == "status|--lines");
  CHECK(said(Name::conctl, {"healthcheck"}) == "healthcheck|--lines");
  CHECK(said(Name::conctl, {"route-inbox"}) == "route");
  CHECK(said(Name::conctl, {"manifest", "show"}) == "bootstrap|--show|--yaml");
  CHECK(said(Name::conctl, {"task-contract", "show", "x"}) == "task-contract|show|x|--json");
  CHECK(said(Name::conctl, {"task-contract", "open", "--id", "x", "--title=T", "--actor=me"}) ==
        "task-contract|open|--title=T|x");
  CHECK(said(Name::conctl, {"task-contract", "claim", "--id=x", "--owner", "me", "--lease",
                             "5m"}) == "task-contract|claim|--lease|5m|x");
  CHECK(said(Name::conctl, {"task-contract", "claim", "--id"}) == "task-contract|claim|");
  CHECK(said(Name::conctl, {"package", "install", "jq", "--agent", "a"}) ==
        "package|install|--yes|jq|--agent|a");
  CHECK(said(Name::conctl, {"run", "concierge"}) == "activate|concierge");
}

TEST_CASE("what is ours stays as it is", "[front][words]")
{
  CHECK(said(Name::conos, {}).empty());
  CHECK(said(Name::conos, {"status"}) == "status");
  CHECK(said(Name::conos, {"logs", "-n", "5"}) == "logs|-n|5");
  CHECK(said(Name::conos, {"run", "show", "7"}) == "run|show|7");
  CHECK(said(Name::conos, {"run", "--help"}) == "run|--help");
  CHECK(said(Name::conos, {"package", "install", "jq"}) == "package|install|jq");
  CHECK(said(Name::conctl, {"package", "list"}) == "package|list");
  CHECK(said(Name::conctl, {"status", "--json"}) == "status|--json");
  CHECK(said(Name::conos, {"manifest"}) == "manifest");
  CHECK(said(Name::conos, {"agent", "kill"}) == "agent|kill"); // a message of one word
  CHECK(said(Name::conos, {"agent", "logs are full"}) == "agent|logs are full");
}

TEST_CASE("what conctl is given for a task is a task, whatever its words are", "[front][words]")
{
  CHECK(said(Name::conctl, {"task", "list"}) == "hand-in|list");
  CHECK(
    said(Name::conctl, {"task", "--agent", "a", "--", "--help"}) == "hand-in|--agent|a|--|--help");
  CHECK(said(Name::conos, {"task", "list"}) == "task|list");
  CHECK(said(Name::conos, {"task", "what is up?"}) == "hand-in|what is up?");
  CHECK(said(Name::conos, {"task", "sysadmin", "run the contracts"}) ==
        "hand-in|sysadmin|run the contracts");
}

TEST_CASE("what cannot be an agent is no part of an expression", "[front][words]")
{
  CHECK(said(Name::conctl, {"logs", ".*\"", "x"}) ==
        R"x(audit|tail|--lines|--number=20|.*"|--grep="(agent|from|to)":"x")x");
  CHECK(said(Name::conctl, {"logs", "-n"}) == "audit|tail|--lines|--number=20|-n");
}
