#include "sys/file.hpp"
#include "sys/landlock.hpp"
#include "sys/process.hpp"
#include "temp_dir.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <fstream>

using namespace conos;

namespace {

Ended run_shell(const std::string& script, Bounds bounds = {})
{
  Command command{{"/bin/sh", "-c", script}, plain_environment(), "", -1};
  auto ended = run_command(command, bounds);
  REQUIRE(ended);
  return *ended;
}

} // namespace

TEST_CASE("a program's output and status are collected", "[sys][process]")
{
  const auto ended = run_shell("echo out; echo err >&2; exit 3");

  CHECK(ended.how == Ended::How::exited);
  CHECK(ended.status == 3);
  CHECK(ended.out == "out\n");
  CHECK(ended.err == "err\n");
}

TEST_CASE("a program that is killed says by what", "[sys][process]")
{
  const auto ended = run_shell("kill -9 $$");

  CHECK(ended.how == Ended::How::signalled);
  CHECK(ended.status == 9);
}

TEST_CASE("a program that ignores SIGTERM is killed after the grace", "[sys][process]")
{
  Bounds bounds;
  bounds.time = Duration(100);
  bounds.grace = Duration(100);

  const auto ended = run_shell("trap '' TERM; while :; do sleep 0.05; done", bounds);

  CHECK(ended.how == Ended::How::timeout);
}

TEST_CASE("an endless printer is ended at the limit", "[sys][process]")
{
  Bounds bounds;
  bounds.out_bytes = 1000;

  const auto ended = run_shell("yes", bounds);

  CHECK(ended.how == Ended::How::output_limit);
  CHECK(ended.out.size() == 1000);
}

TEST_CASE("endless complaints do not end a program", "[sys][process]")
{
  Bounds bounds;
  bounds.err_bytes = 10;

  const auto ended =
    run_shell("for i in 1 2 3 4 5 6 7 8 9; do echo complaint >&2; done; echo done", bounds);

  CHECK(ended.how == Ended::How::exited);
  CHECK(ended.out == "done\n");
  CHECK(ended.err.size() == 10);
  CHECK(ended.err_cut);
}

TEST_CASE("a child left in the group with the pipe open does not hold us up", "[sys][process]")
{
  const auto ended = run_shell("sleep 60 & echo done");

  CHECK(ended.how == Ended::How::exited);
  CHECK(ended.out == "done\n");
}

TEST_CASE("a missing program is an error of its own kind", "[sys][process]")
{
  Command command{{"no-such-program"}, plain_environment(), "", -1};
  const auto ended = run_command(command, {});
  REQUIRE_FALSE(ended);
  CHECK(ended.error().kind == Kind::not_found);
}

TEST_CASE("a program can be somebody else, without groups and without a way back", "[sys][process]")
{
  if (::geteuid() != 0) {
    return;
  }
  Command command{
    {"/bin/sh", "-c", "id -u; id -G; grep NoNewPrivs /proc/self/status"}, plain_environment(), "/"};
  command.identity = Identity{65534, 65534};

  const auto ended = run_command(command, Bounds());

  REQUIRE(ended);
  CHECK(ended->out == "65534\n65534\nNoNewPrivs:\t1\n");
}

TEST_CASE("a program that cannot be started apart says why", "[sys][process]")
{
  Command command{{"/nowhere/program"}, plain_environment(), ""};
  command.dies_with_us = true;
  const auto ended = run_command(command, Bounds());
  REQUIRE_FALSE(ended);
  CHECK(ended.error().kind == Kind::not_found);

  command.argv = {"/bin/true"};
  command.directory = "/nowhere";
  CHECK_FALSE(run_command(command, Bounds()));
}

TEST_CASE("a script is descriptor 3", "[sys][process]")
{
  const auto script = memory_file("echo from a script");
  REQUIRE(script);
  Command command{{"/bin/sh", "/proc/self/fd/3"}, plain_environment(), "/"};
  command.script = script->get();

  const auto ended = run_command(command, Bounds());

  REQUIRE(ended);
  CHECK(ended->out == "from a script\n");
}

TEST_CASE(
  "a program with rules of Landlock writes where they say, and only there", "[sys][process]")
{
  if (landlock_abi() == 0) {
    return;
  }
  TempDir mine;
  TempDir others;
  std::ofstream(others.path + "/there") << "kept";
  const auto rules = write_only_in({mine.path, "/dev", "/not/there"});
  REQUIRE(rules);
  Command command{{"/bin/sh", "-c",
                    "echo x >$1/new; mkdir $1/dir; mv $1/new $1/dir/new; "
                    "echo y >$2/new; echo z >>$2/there; rm $2/there; mkdir $2/dir; "
                    "mv $2/there $1/there; echo done >/dev/null && echo ended",
                    "-", mine.path, others.path},
    plain_environment(), "/"};
  command.rules = rules->get();

  const auto ended = run_command(command, Bounds());

  REQUIRE(ended);
  CHECK(ended->out == "ended\n");
  CHECK(read_path(mine.path + "/dir/new", 10).value_or("") == "x\n");
  CHECK(read_path(others.path + "/there", 10).value_or("") == "kept");
  CHECK_FALSE(exists_at(others.fd, "new"));
  CHECK_FALSE(exists_at(others.fd, "dir"));
  CHECK_FALSE(exists_at(mine.fd, "there"));
  std::ofstream(others.path + "/new") << "we ourselves still may"; // the rules are the child's
  CHECK(exists_at(others.fd, "new"));
}

TEST_CASE("the memory of a program can be bounded", "[sys][process]")
{
  Command command{{"/bin/sh", "-c", "ulimit -d"}, plain_environment(), "/"};
  command.data_bytes = 64U << 20U;
  const auto ended = run_command(command, Bounds());
  REQUIRE(ended);
  CHECK(ended->out == "65536\n");
}
