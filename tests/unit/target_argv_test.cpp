#include "target/argv.hpp"

#include "sys/process.hpp"
#include "sys/text.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::target;

namespace {

Target a_target(Transport transport)
{
  Target target;
  target.name = "far";
  target.address = "there";
  target.transport = transport;
  return target;
}

std::string line(const Argv& argv)
{
  return join(argv, "|");
}

const std::string k_ssh =
  "ssh|-o|StrictHostKeyChecking=yes|-o|NoHostAuthenticationForLocalhost=no|-o|"
  "ClearAllForwardings=yes|-o|ForwardAgent=no|-o|ForwardX11=no|-o|PermitLocalCommand=no|-o|"
  "RemoteCommand=none|-o|EscapeChar=none|-o|ConnectTimeout=15|-o|ServerAliveInterval=15";

const std::vector<std::string> k_hostile{"", " ", "'", "''", "\\", "\\\\", "a\\", "a'b", "'; id; '",
  "$(id)", "`id`", "$HOME", "${HOME}", "*", "~", "~root", "!!", "a\nb", "\n", "\t", "\"", "#x", "&",
  "|", ">x", "<x", "(", "{a,b}", "[a-z]", "-n", "--", "--target=x", "%n", "\x01", "\x7f", "grüße",
  "\xff\xfe", "a=b", "?", ";", "\r", "\x1b[2J"};

std::string read_by(const std::string& shell, const std::string& word)
{
  Command command;
  command.argv = {shell, "-c", "printf '%s|' " + quoted_for_shell(word)};
  command.environment = plain_environment();
  const auto ended = run_command(command, {});
  REQUIRE(ended);
  return ended->out;
}

} // namespace

TEST_CASE("a shell reads a quoted word as it is", "[target][argv]")
{
  for (const auto& word : k_hostile) {
    CAPTURE(escaped(word));
    CHECK(read_by("/bin/sh", word) == word + "|");
    CHECK(read_by("/bin/bash", word) == word + "|");
  }
}

TEST_CASE("what needs no quotes has none", "[target][argv]")
{
  CHECK(quoted_for_shell("/usr/bin/conos") == "/usr/bin/conos");
  CHECK(quoted_for_shell("a b") == "'a b'");
  CHECK(quoted_for_shell("--timeout=5m") == "'--timeout=5m'");
  CHECK(quoted_for_shell("it's") == "'it'\\''s'");
  CHECK(quoted_for_shell("a\\") == "'a'\\\\''");
}

TEST_CASE("ssh checks the host's key, forwards nothing and asks nobody", "[target][argv]")
{
  auto target = a_target(Transport::ssh);
  CHECK(line(argv_of(target, {"agent", "How's it?"}, Terminal::no)) ==
        k_ssh + "|-o|"
                "BatchMode=yes|-T|--|there|/usr/bin/conos '--target=local' agent 'How'\\''s it?'");
  target.user = "alice";
  target.port = 2222;
  target.identity = "/home/alice/.ssh/key";
  target.known_hosts = "/etc/conos/known_hosts";
  CHECK(line(argv_of(target, {"status"}, Terminal::yes)) ==
        k_ssh +
          "|-o|"
          "UserKnownHostsFile=/etc/conos/known_hosts|-o|IdentitiesOnly=yes|-i|/home/alice/.ssh/key|"
          "-p|2222|-l|alice|-t|--|there|/usr/bin/conos '--target=local' status");
}

TEST_CASE("containers get words, and no shell", "[target][argv]")
{
  CHECK(line(argv_of(a_target(Transport::podman), {"agent", "$(id) 'x'"}, Terminal::no)) ==
        "podman|exec|--interactive|there|/usr/bin/conos|--target=local|agent|$(id) 'x'");
  CHECK(line(argv_of(a_target(Transport::docker), {"status"}, Terminal::yes)) ==
        "docker|exec|--interactive|--tty|there|/usr/bin/conos|--target=local|status");
}

TEST_CASE("systemd puts no variable into the words of a machine", "[target][argv]")
{
  CHECK(line(argv_of(a_target(Transport::machine), {"agent", "$HOME ${x} 5$"}, Terminal::no)) ==
        "systemd-run|--machine=there|--quiet|--collect|--wait|--service-type=exec|--pipe|--|"
        "/usr/bin/conos|--target=local|agent|$$HOME $${x} 5$$");
}

TEST_CASE("a command of one's own has the words behind its own", "[target][argv]")
{
  auto target = a_target(Transport::command);
  target.command = {"/srv/machine", "exec", "dev"};
  target.program = {"sudo", "-n", "/usr/bin/conos"};
  CHECK(line(argv_of(target, {"status"}, Terminal::no)) ==
        "/srv/machine|exec|dev|sudo|-n|/usr/bin/conos|--target=local|status");
}

TEST_CASE("a container is made without privileges and without a port", "[target][argv]")
{
  auto target = a_target(Transport::podman);
  CHECK_FALSE(install_argv(target));
  target.image = "localhost/conos";
  const auto argv = install_argv(target);
  REQUIRE(argv);
  CHECK(line(*argv) ==
        "podman|run|--detach|--name=there|--hostname=far|--restart=unless-stopped|"
        "--stop-signal=SIGRTMIN+3|--cap-add=LINUX_IMMUTABLE|--cap-add=NET_ADMIN|--systemd=always|"
        "localhost/conos|/sbin/init");
  CHECK(line(stop_argv(target, Force::no).value_or(Argv())) == "podman|stop|there");
  CHECK(line(stop_argv(target, Force::yes).value_or(Argv())) == "podman|kill|there");
  CHECK(line(start_argv(target).value_or(Argv())) == "podman|start|there");
}

TEST_CASE("what cannot be started or stopped from here has no way to", "[target][argv]")
{
  for (const auto transport : {Transport::ssh, Transport::local, Transport::command}) {
    CHECK_FALSE(install_argv(a_target(transport)));
    CHECK_FALSE(start_argv(a_target(transport)));
    CHECK_FALSE(stop_argv(a_target(transport), Force::yes));
  }
  CHECK(line(stop_argv(a_target(Transport::machine), Force::no).value_or(Argv())) ==
        "machinectl|poweroff|there");
  CHECK(line(stop_argv(a_target(Transport::machine), Force::yes).value_or(Argv())) ==
        "machinectl|terminate|there");
}

TEST_CASE("the machine we are on is not started and not stopped", "[target][argv]")
{
  auto target = a_target(Transport::machine);
  target.address = k_this_machine;
  CHECK_FALSE(install_argv(target));
  CHECK_FALSE(start_argv(target));
  CHECK_FALSE(stop_argv(target, Force::no));
  CHECK_FALSE(stop_argv(target, Force::yes));
}
