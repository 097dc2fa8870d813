#include "target/run.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"
#include "temp_dir.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

using namespace conos;
using namespace conos::target;

namespace {

Target by_script(const std::string& script)
{
  Target target;
  target.name = "script";
  target.transport = Transport::command;
  target.command = {"/bin/sh", "-c", script, "sh"};
  return target;
}

constexpr Duration k_time = std::chrono::seconds(10);

} // namespace

TEST_CASE("a verb has its words, its input and its status", "[target][run]")
{
  TempDir dir;
  const auto input = memory_file("hello");
  REQUIRE(input);
  const auto target =
    by_script(fmt::format("cat >{0}/in; printf '%s|' \"$@\" >{0}/words; exit 7", dir.path));

  const auto outcome = run_there(target, {"a b", "$HOME", ""}, Terminal::no, &*input);

  REQUIRE(outcome);
  CHECK(outcome->status == 7);
  CHECK(outcome->is_there);
  CHECK(*read_path(fmt::format("{}/in", dir.path), 100) == "hello");
  CHECK(*read_path(fmt::format("{}/words", dir.path), 100) ==
        "/usr/bin/conos|--target=local|a b|$HOME||");
}

TEST_CASE("a status of the transport is told from one of the verb", "[target][run]")
{
  const auto there = run_there(
    by_script("[ \"$3\" = --version ] && { echo conos; exit 0; }; exit 1"), {"x"}, Terminal::no);
  REQUIRE(there);
  CHECK(there->is_there);
  CHECK(there->status == 1);

  const auto gone = run_there(by_script("exit 255"), {"x"}, Terminal::no);
  REQUIRE(gone);
  CHECK_FALSE(gone->is_there);
}

TEST_CASE("a status that is none of ssh's own is not looked into", "[target][run]")
{
  TempDir dir;
  {
    std::ofstream(dir.path + "/ssh") << "#!/bin/sh\necho call >>" << dir.path << "/calls\nexit "
                                     << "$(cat " << dir.path << "/status)\n";
  }
  REQUIRE(::chmod((dir.path + "/ssh").c_str(), 0755) == 0);
  const std::string path = std::getenv("PATH");
  REQUIRE(::setenv("PATH", (dir.path + ":" + path).c_str(), 1) == 0);
  Target target;
  target.transport = Transport::ssh;
  target.address = "there";
  const auto calls_of = [&](int status) {
    std::ofstream(dir.path + "/status") << status;
    std::ofstream(dir.path + "/calls") << "";
    const auto outcome = run_there(target, {"doctor"}, Terminal::yes);
    REQUIRE(outcome);
    CHECK(outcome->status == status);
    CHECK(outcome->is_there == (status != 255));
    return split(*read_path(dir.path + "/calls", 100), '\n').size() - 1;
  };

  CHECK(calls_of(1) == 1);
  CHECK(calls_of(255) == 2);

  REQUIRE(::setenv("PATH", path.c_str(), 1) == 0);
}

TEST_CASE("a signal is a status", "[target][run]")
{
  CHECK(run_attached({"/bin/sh", "-c", "kill -TERM $$"}).value_or(0) == 143);
}

TEST_CASE("a program that is not there is said to be so", "[target][run]")
{
  CHECK(run_attached({"/nowhere/x"}).error().kind == Kind::not_found);
}

TEST_CASE("the key is passed on to nobody", "[target][run]")
{
  REQUIRE(::setenv("CONOS_API_KEY", "sk-secret", 1) == 0);
  TempDir dir;
  CHECK(run_attached({"/bin/sh", "-c", fmt::format("env >{}/env", dir.path)}).value_or(1) == 0);
  CHECK(
    read_path(fmt::format("{}/env", dir.path), 1U << 20U)->find("sk-secret") == std::string::npos);
  REQUIRE(::unsetenv("CONOS_API_KEY") == 0);
}

TEST_CASE("who does not answer is not waited for", "[target][run]")
{
  const auto slow = version_there(by_script("sleep 60"), std::chrono::milliseconds(200));
  REQUIRE_FALSE(slow);
  CHECK(slow.error().kind == Kind::unavailable);
  CHECK(version_there(by_script("echo conos 1"), k_time).value_or("") == "conos 1");
  const auto wrong = version_there(by_script("echo first >&2; echo why >&2; exit 3"), k_time);
  CHECK(wrong.error().what == "why");
}
