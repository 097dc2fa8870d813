#include "contract/report/report.hpp"
#include "contract_site.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <chrono>
#include <thread>

using namespace conos;
using namespace conos::contract;

namespace {

using Clock = std::chrono::steady_clock;

// Whether a process whose command line has this text is running.
bool is_running(ContractSite& site, const std::string& pattern)
{
  return site.passes("process: { pattern: '" + pattern + "' }");
}

} // namespace

TEST_CASE("one bad file is a finding, and no more", "[contract][evaluate]")
{
  ContractSite site;
  site.contract("GOOD", "  - name: a\n    path_exists: { path: / }\n");
  (void)site.file("bad.yaml", "id: BAD\nid: BAD\n");
  const auto report = site.run();
  CHECK(row_of(report, "GOOD/a").status == Status::pass);
  REQUIRE(report.rows.size() == 2);
  CHECK(report.rows[0].id() == k_invalid);
  CHECK(report.rows[0].status == Status::error);
  CHECK(report.rows[0].message == "2:1: 'id' is written twice, first in line 1");
  CHECK(report.is_bad());
}

TEST_CASE("an id belongs to one file", "[contract][load]")
{
  ContractSite site;
  site.contract("A", "  - name: a\n    path_exists: { path: / }\n");
  (void)site.file("b.yaml", "id: A\ndescription: x\nchecks:\n  - name: b\n    load: { one: 0 }\n");
  const auto loaded = load({site.path});
  REQUIRE(loaded);
  REQUIRE(loaded->contracts.size() == 1);
  REQUIRE(loaded->invalid.size() == 1);
  CHECK(loaded->invalid[0].problems[0].what.find("already") != std::string::npos);
}

TEST_CASE("only what is a file is read, and not for ever", "[contract][load]")
{
  ContractSite site;
  REQUIRE(::mkfifo((site.path + "/fifo.yaml").c_str(), 0600) == 0);
  (void)site.file(".hidden.yaml", "x");
  (void)site.file("big.yaml", std::string(k_max_contract_bytes + 1, '#'));
  const auto loaded = load({site.path});
  REQUIRE(loaded);
  CHECK(loaded->invalid.size() == 2);
  CHECK_FALSE(load({site.path + "/nowhere"}));
  CHECK(load({}, {site.path + "/nowhere"}));
}

TEST_CASE("depends_on orders, skips and takes in what is needed", "[contract][evaluate]")
{
  ContractSite site;
  site.contract("A",
    "  - name: later\n    depends_on: [first, B]\n    path_exists: { path: / }\n"
    "  - name: first\n    path_exists: { path: / }\n",
    "tags: [one]\n");
  site.contract("B", "  - name: b\n    path_exists: { path: / }\n", "tags: [two]\n");
  site.contract("C", "  - name: bad\n    path_exists: { path: /nowhere }\n"
                     "  - name: after\n    depends_on: [bad]\n    path_exists: { path: / }\n"
                     "  - name: last\n    depends_on: [after]\n    path_exists: { path: / }\n");
  site.contract("D", "  - name: a\n    path_exists: { path: / }\n", "depends_on: [NOWHERE]\n");
  site.contract("E", "  - name: a\n    depends_on: [b]\n    path_exists: { path: / }\n"
                     "  - name: b\n    depends_on: [a]\n    path_exists: { path: / }\n");

  const auto report = site.run();
  CHECK(row_of(report, "A/later").status == Status::pass);
  CHECK(row_of(report, "C/bad").status == Status::fail);
  CHECK(row_of(report, "C/after").status == Status::skip);
  CHECK(row_of(report, "C/last").status == Status::skip);
  CHECK(row_of(report, "C/after").is_blocked);
  CHECK(row_of(report, "D/a").status == Status::error);
  CHECK(row_of(report, "E/a").status == Status::error);
  CHECK(row_of(report, "E/b").message == "its depends_on goes round in a circle");

  EvaluateOptions options;
  options.selection.tags = {"one"};
  const auto tagged = site.run(options);
  CHECK(tagged.rows.size() == 3);
  CHECK(row_of(tagged, "B/b").status == Status::pass);
}

TEST_CASE("contracts are chosen by tag and by id; protocols only by id", "[contract][evaluate]")
{
  ContractSite site;
  site.contract("P", "  - name: a\n    path_exists: { path: / }\n", "type: protocol\n");
  site.contract("Q",
    "  - name: a\n    path_exists: { path: / }\n  - name: b\n    load: { one: {at_least: 0} }\n",
    "tags: always\n");
  EvaluateOptions options;
  options.selection.tags = {"whatever"};
  CHECK(site.run(options).rows.size() == 2);
  options.selection = {{}, {"P", "Q/b"}};
  CHECK(site.run(options).rows.size() == 2);
  options.selection.ids = {"R"};
  const auto loaded = load({site.path});
  CHECK_FALSE(evaluate(std::make_shared<const Loaded>(*loaded), options));
}

TEST_CASE("what follows from a check decides its status", "[contract][evaluate]")
{
  CHECK(status_of_failure({}) == Status::fail);
  CHECK(status_of_failure({{Action::alert}, "", ""}) == Status::warn);
  CHECK(status_of_failure({{Action::halt}, "", ""}) == Status::halt);
  CHECK(status_of_failure({{Action::alert, Action::escalate}, "", ""}) == Status::fail);
}

TEST_CASE("an exemption lets a check off until its time", "[contract][evaluate]")
{
  ContractSite site;
  site.contract("A", "  - name: bad\n    path_exists: { path: /nowhere }\n");
  EvaluateOptions options;
  options.exemptions = {{"A", "bad", "we know", "alice", now() + std::chrono::hours(1)}};
  const auto report = site.run(options);
  CHECK(row_of(report, "A/bad").status == Status::exempt);
  CHECK(row_of(report, "A/bad").message.find("we know (by alice") != std::string::npos);
  CHECK_FALSE(report.is_bad());
  options.exemptions[0].until = now() - std::chrono::hours(1);
  CHECK(row_of(site.run(options), "A/bad").status == Status::fail);
}

TEST_CASE("checks are skipped for a reason", "[contract][evaluate]")
{
  ContractSite site;
  const auto status = [&](const std::string& reason) {
    return site.row("skip_if: " + reason + "\n    path_exists: { path: / }").status;
  };
  CHECK(status("{ path_not_exists: /nowhere }") == Status::skip);
  CHECK(status("{ path_exists: / }") == Status::skip);
  CHECK(status("{ env_var_unset: CONOS_NO_SUCH }") == Status::skip);
  CHECK(status("{ command_not_available: no-such-program }") == Status::skip);
  CHECK(status("{ path_not_exists: / }") == Status::pass);
}

TEST_CASE("a command is judged by its status and what it prints", "[contract][command]")
{
  ContractSite site;
  CHECK(site.passes("command: { run: 'true' }"));
  CHECK(site.outcome("command: { run: 'exit 3' }") == "fail: exit code 3 (expected 0)");
  CHECK(site.passes("command: { run: 'exit 3', exit_code: 3 }"));
  CHECK(site.passes("command: { run: 'exit 3', exit_code: { less: 4 } }"));
  CHECK(site.passes("command: { run: [echo, 'a  b'], stdout: 'a  b' }"));
  CHECK(site.fails("command: { run: 'echo x', output_matches: '^y$' }"));
  CHECK(site.passes("command: { run: 'echo active', output_matches: '^active$' }"));
  CHECK(site.fails("command: { run: 'echo x >&2', stderr: { not: { contains: x } } }"));
  CHECK(site.passes("command: { run: 'echo 80', test: '[ \"$RESULT\" -lt 90 ]' }"));
  CHECK(site.fails("command: { run: 'echo 95', test: '[ \"$RESULT\" -lt 90 ]' }"));
  CHECK(site.fails("command: { run: 'kill -9 $$' }"));
  CHECK(site.row("command: { run: [no-such-program] }").status == Status::error);
  CHECK(site.row("command: { run: 'yes' }").message == "it printed more than 1 MiB");
  const auto row = site.row("command: { run: 'echo out; echo err >&2; exit 1' }");
  CHECK(row.evidence == "stdout: out\nstderr: err");
}

TEST_CASE("a script is inline or a file", "[contract][command]")
{
  ContractSite site;
  CHECK(site.passes("script: { inline: 'a=1; [ \"$a\" = 1 ]' }"));
  CHECK(site.fails("script: { inline: 'exit 2' }"));
  CHECK(site.passes("script: { inline: \"#!/usr/bin/env python3\\nprint('ok')\", stdout: ok }"));
  const auto path = site.file("s.sh", "#!/bin/sh\npwd\n");
  REQUIRE(::chmod(path.c_str(), 0755) == 0);
  REQUIRE(::chmod(site.path.c_str(), 0755) == 0); // for nobody
  const auto row = site.row("script: { path: s.sh, stdout: '" + site.path + "', user: nobody }");
  CHECK((row.status == Status::pass || ::geteuid() != 0));
}

TEST_CASE("what a check leaves running dies with it", "[contract][command]")
{
  ContractSite site;
  CHECK(site.passes("command: { run: '(setsid sleep 98765 &) ; true' }"));
  CHECK_FALSE(is_running(site, "^sleep 98765$"));
  CHECK(
    site.row("command: { run: '(setsid sleep 98764 &) ; sleep 98764' }\n    timeout: 1s").status ==
    Status::timeout);
  CHECK_FALSE(is_running(site, "^sleep 98764$"));
}

TEST_CASE("a slow check costs the others nothing, and all have a result", "[contract][evaluate]")
{
  ContractSite site;
  std::string checks = "  - name: slow\n    command: { run: 'sleep 60' }\n    timeout: 1s\n";
  for (int i = 0; i < 20; ++i) {
    checks += fmt::format("  - name: c{}\n    command: {{ run: 'true' }}\n", i);
  }
  site.contract("A", checks);
  const auto began = Clock::now();
  const auto report = site.run();
  CHECK(Clock::now() - began < std::chrono::seconds(10));
  CHECK(report.rows.size() == 21);
  CHECK(report.count(Status::pass) == 20);
  CHECK(report.count(Status::timeout) == 1);
}

TEST_CASE("as root, what others can write runs as nobody", "[contract][command]")
{
  if (::geteuid() != 0) {
    return;
  }
  ContractSite site; // below /tmp, which is sticky and root's
  const auto path = site.path + "/X.yaml";
  const auto own = [&](uid_t uid) {
    return ::chown(path.c_str(), uid, uid) == 0;
  };
  REQUIRE(::chmod(site.path.c_str(), 0755) == 0);
  site.contract("X", "  - name: a\n    command: { run: [id, -un], stdout: root }\n");
  CHECK(row_of(site.run(), "X/a").status == Status::pass);
  REQUIRE(own(1000));
  CHECK(row_of(site.run(), "X/a").evidence == "stdout: nobody");
  site.contract("X", "  - name: a\n    command: { run: 'true', user: root }\n");
  REQUIRE(own(1000));
  CHECK(row_of(site.run(), "X/a").status == Status::error);
  // nor does it see with root's eyes
  site.contract("X", "  - name: a\n    regex_in_file: { path: /etc/shadow, pattern: root }\n");
  REQUIRE(own(1000));
  CHECK(row_of(site.run(), "X/a").status == Status::error);
  REQUIRE(own(0));
  CHECK(row_of(site.run(), "X/a").status == Status::pass);
}

TEST_CASE("hostile text stays text in every report", "[contract][report]")
{
  ContractSite site;
  site.contract("A",
    "  - name: a\n    command: { run: 'printf \"\\033[2J<&\\\"# x\\n\"; exit 1' }\n"
    "    what: \"<script> # \\\"x\\\" \\e[2J\"\n");
  const auto report = site.run();
  for (const auto& name : format_names()) {
    const auto text = render(report, *format_of(name), {});
    CHECK(text.find('\x1b') == std::string::npos);
  }
  CHECK(nlohmann::json::parse(json_report(report))["failed"] == 1);
  CHECK(junit_report(report).find("<script>") == std::string::npos);
}

TEST_CASE("a table fits its terminal, failures first", "[contract][report]")
{
  ContractSite site;
  site.contract("A", "  - name: fine\n    path_exists: { path: / }\n"
                     "  - name: bad\n    path_exists: { path: /nowhere }\n"
                     "    what: " +
                       std::string(30, 'w') + " " + std::string(90, 'x') +
                       "\n"
                       "    verify: ls -l /nowhere\n");
  const auto text =
    text_report(site.run(), {.is_terminal = true, .has_colour = false, .width = 60});
  CHECK(text.find("FAIL") < text.find("PASS"));
  CHECK(text.find("verify   ls -l /nowhere") != std::string::npos);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(line.size() <= 60);
  }
}
