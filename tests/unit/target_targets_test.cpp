#include "target/targets.hpp"

#include "temp_dir.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>

using namespace conos;
using namespace conos::target;

namespace {

std::string findings_of(const std::string& text)
{
  std::string out;
  for (const auto& finding : parse(text).findings) {
    out += fmt::format("{}:{}: {}\n", finding.line, finding.column, finding.text);
  }
  return out;
}

void write(const std::string& path, const std::string& text)
{
  std::ofstream(path) << text;
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
}

} // namespace

TEST_CASE("targets are read", "[target][targets]")
{
  const auto parsed = parse(R"([[targets]]
name = "dev"
transport = "podman"
default = true

[[targets]]
name = "far"
transport = "ssh"
host = "2001:db8::1"
user = "alice"
port = 2222
program = ["/usr/bin/sudo", "-n", "/usr/bin/conos"]
)");
  REQUIRE(parsed.findings.empty());
  REQUIRE(parsed.targets.size() == 2);
  CHECK(parsed.targets[0].address == "dev");
  CHECK(parsed.targets[0].is_default);
  CHECK(parsed.targets[1].address == "2001:db8::1");
  CHECK(parsed.targets[1].port == 2222);
  CHECK(parsed.targets[1].program.size() == 3);
}

TEST_CASE("everything that is wrong is said, with its place", "[target][targets]")
{
  CHECK(findings_of("x = 1\n") == "1:1: there is no key 'x', only [[targets]]\n");
  CHECK(
    findings_of("[[targets]]\nname = \"a\"\ntransport = \"ssh\"\nhots = \"b\"\nport = 0\n") ==
    "4:1: there is no key 'hots', did you mean 'host'?\n5:8: 'port' is a number from 1 to 65535\n");
  CHECK(findings_of("[[targets]]\nname = \"a\"\ntransport = \"shh\"\n") ==
        "3:13: 'transport' is local, machine, podman, docker, ssh, command, did you mean 'ssh'?\n");
  CHECK(findings_of("[[targets]]\nname = \"a\"\ntransport = \"podman\"\nport = 1\n") ==
        "4:1: 'port' means nothing to transport 'podman'\n");
  CHECK(findings_of("[[targets]]\nname = \"a\"\ntransport = \"command\"\n") ==
        "1:1: a target by command needs 'command'\n");
  CHECK(findings_of("[[targets]\n").starts_with("1:"));
}

TEST_CASE("no value can be taken for an option or a token of ssh", "[target][targets]")
{
  const auto with = [](const std::string& line) {
    return findings_of("[[targets]]\nname = \"a\"\ntransport = \"ssh\"\n" + line + "\n");
  };
  for (const auto* bad : {R"(host = "-oProxyCommand=id")", R"(host = "a b")", R"(host = "")",
         R"(host = "a@b")", R"(host = "a%h")", R"(user = "-l")", R"(user = "a b")",
         R"(identity = "key")", R"(identity = "/a b")", R"(identity = "/%d")",
         R"(known_hosts = "/a /b")", R"(program = ["conos"])", R"(program = [])",
         R"(program = [1])", "port = 70000", "port = \"22\"", "host = 7"}) {
    CAPTURE(bad);
    CHECK_FALSE(with(bad).empty());
  }
  CHECK(with(R"(host = "host.example.org")").empty());
  CHECK_FALSE(findings_of("[[targets]]\nname = \"-x\"\ntransport = \"ssh\"\n").empty());
  CHECK_FALSE(findings_of("[[targets]]\nname = \"local\"\ntransport = \"ssh\"\n").empty());
  CHECK_FALSE(
    findings_of("[[targets]]\nname = \"a\"\ntransport = \"docker\"\ncontainer = \"-v\"\n").empty());
}

TEST_CASE("names are there once, and so is the default", "[target][targets]")
{
  const std::string one = "[[targets]]\nname = \"a\"\ntransport = \"ssh\"\ndefault = true\n";
  CHECK(findings_of(one + one).find("6:8: there is a target 'a' above") != std::string::npos);
  CHECK(findings_of(one + one).find("8:11: 'a' is the default already") != std::string::npos);
}

TEST_CASE("a later file wins", "[target][targets]")
{
  TempDir dir;
  write(dir.path + "/etc",
    "[[targets]]\nname = \"a\"\ntransport = \"ssh\"\nhost = \"one\"\ndefault = true\n");
  write(dir.path + "/home", "[[targets]]\nname = \"a\"\ntransport = \"ssh\"\nhost = \"two\"\n"
                            "[[targets]]\nname = \"b\"\ntransport = \"ssh\"\ndefault = true\n");
  const auto all = load({dir.path + "/etc", dir.path + "/none", dir.path + "/home"});
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->front().address == "two");
  CHECK(choose(*all, "")->name == "b");
  CHECK(choose(*all, "local")->transport == Transport::local);
  CHECK(choose({}, "")->name == "local");
  CHECK(choose(*all, "c").error().kind == Kind::usage);
}

TEST_CASE("a file that others can write to runs nothing", "[target][targets]")
{
  TempDir dir;
  const auto path = dir.path + "/targets.toml";
  write(path, "");
  CHECK(load({path}));
  REQUIRE(::chmod(path.c_str(), 0664) == 0);
  CHECK(load({path}).error().kind == Kind::denied);
  REQUIRE(::chmod(path.c_str(), 0646) == 0);
  CHECK(load({path}).error().kind == Kind::denied);
  CHECK(load({dir.path}).error().kind == Kind::denied);
}

TEST_CASE("what is wrong with a file names the file", "[target][targets]")
{
  TempDir dir;
  write(dir.path + "/t", "[[targets]]\nname = 1\ntransport = \"ssh\"\n");
  const auto all = load({dir.path + "/t"});
  REQUIRE_FALSE(all);
  CHECK(all.error().kind == Kind::config);
  CHECK(all.error().text().starts_with(dir.path + "/t:2:8: 'name' is"));
}
