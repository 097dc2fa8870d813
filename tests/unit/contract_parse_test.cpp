#include "contract/load.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>

using namespace conos;
using namespace conos::contract;

namespace {

std::string with(const std::string& check)
{
  return "id: CON-X\ndescription: x\nchecks:\n  - name: a\n" + check;
}

Contract good(const std::string& text)
{
  auto contract = parse_contract(text, {});
  if (!contract) {
    FAIL(contract.error().front().mark.line << ": " << contract.error().front().what);
  }
  return std::move(*contract);
}

// "LINE:COLUMN: WHAT" of the first mistake.
std::string mistake(const std::string& text)
{
  const auto contract = parse_contract(text, {});
  if (contract) {
    return "none";
  }
  const auto& first = contract.error().front();
  return fmt::format("{}:{}: {}", first.mark.line, first.mark.column, first.what);
}

} // namespace

TEST_CASE("the documents' own contract is read", "[contract][parse]")
{
  const auto contract = good(R"(id: CON-SEC-001
description: Skill files must be owned by root
type: detective
tags: [schedule]
scope: global
checks:
  - name: skills_root_owned
    script:
      inline: |
        found=$(find /etc/conos/roles -name '*.md' ! -user root)
        [ -z "$found" ]
    on_fail: escalate
    severity: critical
    category: security
    what: "Skill files not owned by root"
    verify: "find /etc/conos/roles -name '*.md' ! -user root"
    affects: ["/etc/conos/roles"]
)");

  CHECK(contract.id == "CON-SEC-001");
  CHECK(contract.has_tag("schedule"));
  REQUIRE(contract.checks.size() == 1);
  CHECK(contract.checks[0].module->name == "script");
  CHECK(contract.checks[0].on_fail.has(Action::escalate));
  CHECK(contract.checks[0].severity == Severity::critical);
}

TEST_CASE("the older schema is read", "[contract][parse]")
{
  const auto contract = good(R"(id: CON-OLD
description: disk
type: detective
frequency: 60s
scope: system
checks:
  - name: disk
    command:
      run: "df --output=pcent / | tail -1"
      test: '[ "${RESULT%\%}" -lt 90 ]'
    on_fail:
      action: halt_agents
      escalate: sysadmin
      message: "Disk is full"
)");

  CHECK(contract.has_tag("schedule"));
  const auto& check = contract.checks[0];
  CHECK(check.on_fail.has(Action::halt_agents));
  CHECK(check.on_fail.has(Action::escalate));
  CHECK(check.what == "Disk is full");
  CHECK(check.severity == Severity::critical);
}

TEST_CASE("severity follows from on_fail", "[contract][parse]")
{
  const auto severity = [](const std::string& on_fail) {
    return good(with("    memory: { available: 1% }\n    on_fail: " + on_fail + "\n"))
      .checks[0]
      .severity;
  };
  CHECK(severity("halt") == Severity::critical);
  CHECK(severity("escalate") == Severity::high);
  CHECK(severity("alert") == Severity::medium);
  CHECK(severity("require_exemption") == Severity::low);
  CHECK(severity("[alert, halt_agents]") == Severity::critical);
}

TEST_CASE("a mistake is told with its place and the nearest name", "[contract][parse]")
{
  CHECK(mistake(with("    path_exsts: { path: /x }\n")) ==
        "5:5: a check has no key 'path_exsts' (did you mean 'path_exists'?)");
  CHECK(mistake(with("    file: { path: /x, mod: '0644' }\n")) ==
        "5:23: 'file' has no key 'mod' (did you mean 'mode'?)");
  CHECK(mistake(with("    file: { path: /x, mode: 'rw' }\n")) ==
        "5:29: this has to be a mode in octal such as \"0640\"");
  CHECK(mistake(with("    file: { path: /x }\n    on_fail: escalat\n")) ==
        "6:14: there is no action 'escalat' (did you mean 'escalate'?)");
}

TEST_CASE("what would silently assert nothing is a mistake", "[contract][parse]")
{
  CHECK(mistake(with("    file: { path: /x, mode: }\n")) == "5:29: nothing is asserted here");
  CHECK(mistake(with("    file: { path: /x, mode: {} }\n")) == "5:29: nothing is asserted here");
  CHECK(mistake(with("    memory: {}\n")) == "5:5: 'memory' asserts nothing");
  CHECK(mistake(with("    regex_in_file: { path: /x, pattern: '' }\n"))
          .find("an empty one asserts nothing") != std::string::npos);
  CHECK(
    mistake(with("    file: { path: /x, owner: { one_of: [] } }\n")).find("with something in it") !=
    std::string::npos);
  CHECK(mistake(with("    file: { path: '' }\n")) == "5:19: 'path' is empty, which says nothing");
  CHECK(mistake("id: X\ndescription: x\nchecks: []\n") ==
        "3:9: 'checks' is a list with something in it");
  CHECK(mistake("").find("a contract is a mapping") != std::string::npos);
}

TEST_CASE("a key that is written twice is a mistake", "[contract][parse]")
{
  CHECK(mistake("id: X\nid: Y\ndescription: x\nchecks: [{}]\n") ==
        "2:1: 'id' is written twice, first in line 1");
  CHECK(mistake(with("    file: { path: /x, path: /y }\n")) ==
        "5:23: 'path' is written twice, first in line 5");
}

TEST_CASE("a check has one module, and names of its own", "[contract][parse]")
{
  CHECK(mistake(with("    file: { path: /x }\n    user: { name: root }\n")) ==
        "6:5: a check has one of these: 'file', and 'user' too");
  CHECK(mistake(with("    what: nothing\n")).find("nothing is checked") != std::string::npos);
  CHECK(mistake(with("    file: { path: /x }\n  - name: a\n    user: { name: root }\n")) ==
        "6:5: there is a check 'a' already");
  CHECK(mistake(with("    file: { path: /x }\n    depends_on: [CON-X/b]\n"))
          .find("there is no check 'b' here") != std::string::npos);
}

TEST_CASE("all mistakes are told at once", "[contract][parse]")
{
  const auto contract = parse_contract(with("    fil: { path: /x }\n    sevrity: high\n"), {});
  REQUIRE_FALSE(contract);
  CHECK(contract.error().size() == 2);
}

TEST_CASE("a hostile file costs little", "[contract][parse]")
{
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'z'; ++c) {
    bomb += fmt::format(
      "{0}: &{0} [*{1},*{1},*{1},*{1},*{1},*{1},*{1},*{1}]\n", c, static_cast<char>(c - 1));
  }
  CHECK(mistake(bomb).find("anchors and aliases") != std::string::npos);
  const auto copied = parse_yaml(bomb, {.nodes = 10'000, .depth = 64, .aliases = true});
  REQUIRE_FALSE(copied);
  CHECK(copied.error().what == "there are more than 10000 things in it");

  CHECK_FALSE(parse_contract(std::string(1U << 20U, '['), {}));
  CHECK_FALSE(parse_contract("id: " + std::string(1U << 20U, 'x') + "\n", {}));
  CHECK(mistake(with("    regex_in_file: { path: /x, pattern: '((a{900}){900}){900}' }\n"))
          .find("the pattern") != std::string::npos);
  CHECK_FALSE(parse_contract(std::string("id: \0x", 6), {}));
  CHECK_FALSE(parse_contract("id: \xff\xfe", {}));
}

TEST_CASE("a second document is a mistake", "[contract][parse]")
{
  CHECK(mistake("id: X\n---\nid: Y\n").find("a second document") != std::string::npos);
}
