#include "temp_dir.hpp"

#include "audit/reader.hpp"
#include "host/provenance.hpp"
#include "plan/secrets.hpp"
#include "plan_sample.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

using namespace conos;
using namespace conos::plan;

namespace {

using Lines = std::vector<std::string>;

// "NAME=value" for each variable, then "LINE: what" for what cannot be read.
Lines parsed(std::string_view text)
{
  const auto file = parse_environment_file(text);
  Lines lines;
  for (const auto& one : file.variables) {
    lines.push_back(one.name + "=" + std::string(one.value.view()));
  }
  for (const auto& one : file.unreadable) {
    lines.push_back(fmt::format("{}: {}", one.line, one.what));
  }
  return lines;
}

// "NAME from VARIABLE" for each, or the error.
Lines secrets(std::string_view config, std::string_view environment)
{
  const auto intakes = secrets_of(config_of(config), parse_environment_file(environment).variables);
  if (!intakes) {
    CHECK(intakes.error().kind == Kind::config);
    return {intakes.error().text()};
  }
  Lines lines;
  for (const auto& one : *intakes) {
    lines.push_back(one.name + " from " + one.variable);
  }
  return lines;
}

constexpr std::string_view k_one = "[[agents]]\nname = \"one\"\n";
const std::string k_not_assignment = "is not KEY=VALUE";
const std::string k_no_name = "does not begin with the name of a variable";

// A machine in a directory, with a program in the place of systemd-creds that keeps what it is
// given; `script` runs before.
struct TempMachine {
  explicit TempMachine(const std::string& script = "")
      : place(dir.path)
      , store(credstore_of(place))
  {
    REQUIRE(::unsetenv("CONOS_API_KEY") == 0); // of whoever runs the tests
    REQUIRE(make_dir(dir.fd, "etc", 0755));
    REQUIRE(make_dir(dir.fd, "var", 0755));
    REQUIRE(make_dir(open_dir(dir.path + "/etc").value(), "conos", 0700));
    REQUIRE(make_dir(open_dir(dir.path + "/var").value(), "lib", 0755));
    REQUIRE(publish(dir.fd, "creds", "#!/bin/sh\n" + script + "\ncat\n", 0755));
    store.program = dir.path + "/creds";
  }

  void write(const std::string& text) const
  {
    REQUIRE(replace(open_dir(place.site.etc).value(), "env", text, 0600));
  }
  std::string env() const
  {
    return read_path(place.site.etc + "/env", 1U << 20U).value_or("(none)");
  }
  std::string secret(const std::string& name) const
  {
    return read_path(dir.path + "/etc/credstore.encrypted/conos." + name, 100).value_or("(none)");
  }
  Result<std::vector<Intake>> take_in(std::string_view config) const
  {
    return take_in_environment(place, store, config_of(config));
  }
  // Its payloads.
  Lines ledger() const
  {
    Lines rows;
    auto reader = audit::Reader::open(place.site.lib + "/audit.db");
    if (reader) {
      const auto events = reader->last(100);
      REQUIRE(events);
      for (const auto& event : *events) {
        rows.push_back(event.type + " " + event.payload);
      }
    }
    return rows;
  }

  TempDir dir;
  Place place;
  Credstore store;
};

} // namespace

TEST_CASE("an environment file is read as systemd reads it", "[plan][secrets]")
{
  CHECK(parsed("A=1\nB = 2 \n\n  C=3") == Lines{"A=1", "B=2", "C=3"});
  CHECK(parsed("# A=1\n; B=2\n  # C=3\nD=4#5\n") == Lines{"D=4#5"});
  CHECK(parsed("A='one two'\nB=\"one  two\"\nC='a''b'\"c\"d\n") ==
        Lines{"A=one two", "B=one  two", "C=abcd"});
  CHECK(parsed("A=\"q\\\"\\\\\\$\\`\\n\"\nB='\\n'\nC=a\\ \\b\n") ==
        Lines{"A=q\"\\$`\\n", "B=\\n", "C=a b"});
  CHECK(parsed("A=one\\\ntwo\nB=\"one\\\ntwo\"\nC='one\ntwo'\n") ==
        Lines{"A=onetwo", "B=onetwo", "C=one\ntwo"});
  CHECK(parsed("A=x'y'\nB=a b  \t\nC=\nD=\"\"\n") == Lines{"A=x'y'", "B=a b", "C=", "D="});
  CHECK(parsed("A=1\r\nB=2\r\n") == Lines{"A=1", "B=2"});
  CHECK(parsed("A=1\nB=2\nA=3\n") == Lines{"B=2", "A=3"});
  CHECK(parsed("A=b=c==\n") == Lines{"A=b=c=="});
  CHECK(parsed("# a comment \\\nA=1\n") == Lines{"A=1"});
  CHECK(parsed("A=1\\").front() == "A=1");
  CHECK(parsed("").empty());
}

TEST_CASE("what cannot be read is told by its line, without its text", "[plan][secrets]")
{
  CHECK(parsed("A=1\nsk-secret\nB=2\n") == Lines{"A=1", "B=2", "2: " + k_not_assignment});
  CHECK(parsed("\n\nsk-secret") == Lines{"3: " + k_not_assignment});
  CHECK(parsed("export A=1\n1A=2\n=3\nA-B=4\n") ==
        Lines{"1: " + k_no_name, "2: " + k_no_name, "3: " + k_no_name, "4: " + k_no_name});
  CHECK(parsed("A='x\nB=2\n") == Lines{"1: has a quote that is not closed"});
  CHECK(parsed("A='x\ny'\nB=\"2\n") == Lines{"A=x\ny", "3: has a quote that is not closed"});
  CHECK(parsed("A=\"x\\") == Lines{"1: has a quote that is not closed"});
  CHECK(parsed("A=\xff\n") == Lines{"1: is not text"});
  CHECK(parsed(std::string_view("A=1\nB=a\0b\n", 10)) == Lines{"A=1", "2: is not text"});
}

TEST_CASE("random text never crashes the reading of an environment file", "[plan][secrets]")
{
  const std::string_view letters = "AB=\"'\\\n\r #;\t$";
  unsigned dice = 1;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (int n = 0; n < 12; ++n) {
      dice = dice * 1664525U + 1013904223U;
      text += letters[(dice >> 8U) % letters.size()];
    }
    const auto file = parse_environment_file(text);
    for (const auto& one : file.variables) {
      CHECK(one.line >= 1);
    }
  }
}

TEST_CASE("an agent's key becomes the secret of its provider", "[plan][secrets]")
{
  CHECK(secrets(k_one, "CONOS_API_KEY=k") == Lines{"openrouter from CONOS_API_KEY"});
  CHECK(secrets("[base]\nprovider = \"anthropic\"\n" + std::string(k_one), "CONOS_API_KEY=k") ==
        Lines{"anthropic from CONOS_API_KEY"});
  const std::string two = "[base]\nprovider = \"anthropic\"\napi_key_env = \"BASE\"\n"
                          "[[agents]]\nname = \"one\"\n"
                          "[[agents]]\nname = \"two\"\nprovider = \"mine\"\napi_key_env = \"TWO\"\n"
                          "[providers.mine]\napi = \"openai\"\n";
  CHECK(secrets(two, "TWO=2\nBASE=1\n") == Lines{"mine from TWO", "anthropic from BASE"});
  CHECK(secrets("[base]\nprovider = \"openai\"\napi_key_env = \"BASE\"\n", "BASE=1\n") ==
        Lines{"openai from BASE"});
}

TEST_CASE("one key of agents with different providers is the secret of each", "[plan][secrets]")
{
  CHECK(secrets("[[agents]]\nname = \"one\"\nprovider = \"openai\"\n"
                "[[agents]]\nname = \"two\"\nprovider = \"anthropic\"\n",
          "CONOS_API_KEY=k") == Lines{"anthropic from CONOS_API_KEY", "openai from CONOS_API_KEY"});
}

TEST_CASE("base speaks for no provider an agent has spoken for", "[plan][secrets]")
{
  CHECK(secrets("[[agents]]\nname = \"one\"\nprovider = \"anthropic\"\n", "CONOS_API_KEY=k") ==
        Lines{"anthropic from CONOS_API_KEY"});
  CHECK(
    secrets("[[agents]]\nname = \"one\"\napi_key_env = \"MINE\"\n", "MINE=1\nCONOS_API_KEY=2") ==
    Lines{"openrouter from MINE", "env.conos_api_key from CONOS_API_KEY"});
}

TEST_CASE("any other variable is kept by its name, but for an empty one", "[plan][secrets]")
{
  CHECK(secrets(k_one, "GITHUB_TOKEN=t\nEMPTY=\n_x=1\n") ==
        Lines{"env.github_token from GITHUB_TOKEN", "env._x from _x"});
}

TEST_CASE("two values for one secret are told, and both variables named", "[plan][secrets]")
{
  const std::string both = "[[agents]]\nname = \"one\"\napi_key_env = \"A_KEY\"\n"
                           "[[agents]]\nname = \"two\"\napi_key_env = \"B_KEY\"\n";
  CHECK(secrets(both, "A_KEY=same\nB_KEY=same\n") == Lines{"openrouter from A_KEY"});
  CHECK(secrets(both, "A_KEY=1-one\n\nB_KEY=2-two\n") ==
        Lines{"A_KEY in /etc/conos/env and B_KEY in /etc/conos/env would both be the secret "
              "'openrouter' and differ: take out the one that is not used"});
  CHECK(secrets(k_one, "Tok=1-one\nTOK=2-two\n").front().starts_with("Tok in "));
}

TEST_CASE("what cannot be kept is told before anything is done", "[plan][secrets]")
{
  CHECK_THAT(secrets(k_one, std::string(61, 'A') + "=1").front(),
    Catch::Contains("cannot be a secret's name"));
  CHECK_THAT(secrets(k_one, "BIG=" + std::string(k_max_secret_bytes + 1, 'x')).front(),
    Catch::Contains("BIG in /etc/conos/env: the secret is larger"));
  CHECK_THAT(secrets("[[agents]]\nname = \"one\"\nprovider = \"My.Own\"\n[providers.\"My.Own\"]\n"
                     "api = \"openai\"\n",
               "CONOS_API_KEY=k")
               .front(),
    Catch::Contains("'My.Own' cannot be a secret's name"));
}

TEST_CASE("an environment file is taken in once, and a comment is left", "[plan][secrets]")
{
  const TempMachine t;
  t.write("# mine\nCONOS_API_KEY='sk-value-1'\nTOKEN=value-2\nEMPTY=\n");
  CHECK(find_environment(t.place, t.store, config_of(k_one)).value().size() == 2);
  CHECK(t.secret("openrouter") == "(none)");

  const auto taken = t.take_in(k_one);

  REQUIRE(taken);
  REQUIRE(taken->size() == 2);
  CHECK(line_of(taken->front()) == "secret 'openrouter' from CONOS_API_KEY in /etc/conos/env");
  CHECK(t.secret("openrouter") == "sk-value-1");
  CHECK(t.secret("env.token") == "value-2");
  const auto left = t.env();
  CHECK_THAT(left, !Catch::Contains("value-"));
  CHECK_THAT(left, Catch::Contains("CONOS_API_KEY is now the secret openrouter"));
  CHECK_THAT(left, Catch::Contains("conos secret set"));
  CHECK(parsed(left).empty());
  const auto by = acting_account();
  const Lines rows{
    "secret.set {\"by\":\"" + by +
      "\",\"from\":\"CONOS_API_KEY in /etc/conos/env\",\"name\":\"openrouter\"}",
    "secret.set {\"by\":\"" + by +
      "\",\"from\":\"TOKEN in /etc/conos/env\",\"name\":\"env.token\"}",
  };
  CHECK(t.ledger() == rows);

  CHECK(t.take_in(k_one).value().empty());
  CHECK(t.env() == left);
  CHECK(t.ledger() == rows);
}

TEST_CASE("where there is nothing to take in, nothing is made", "[plan][secrets]")
{
  const TempMachine t;
  CHECK(t.take_in(k_one).value().empty());
  t.write("# nothing\nEMPTY=\n");
  CHECK(t.take_in(k_one).value().empty());
  CHECK(t.env() == "# nothing\nEMPTY=\n");
  CHECK(t.ledger().empty());
}

TEST_CASE("a file that is not root's own is not read", "[plan][secrets]")
{
  const TempMachine t;
  const auto path = t.place.site.etc + "/env";
  t.write("TOKEN=value\n");
  SECTION("others can write it")
  {
    REQUIRE(::chmod(path.c_str(), 0620) == 0);
  }
  SECTION("it has another name")
  {
    REQUIRE(::link(path.c_str(), (path + ".old").c_str()) == 0);
  }
  SECTION("it is a symlink")
  {
    REQUIRE(::rename(path.c_str(), (path + ".old").c_str()) == 0);
    REQUIRE(::symlink("env.old", path.c_str()) == 0);
  }
  SECTION("it is a FIFO")
  {
    REQUIRE(::unlink(path.c_str()) == 0);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  }
  if (::geteuid() == 0) {
    SECTION("it is another's")
    {
      REQUIRE(::chown(path.c_str(), 65534, 0) == 0);
    }
  }
  CHECK_FALSE(t.take_in(k_one));
  CHECK(t.secret("env.token") == "(none)");
}

TEST_CASE("a line that cannot be read stops the intake before it begins", "[plan][secrets]")
{
  const TempMachine t;
  t.write("TOKEN=value\nsk-secret\n");

  const auto taken = t.take_in(k_one);

  REQUIRE_FALSE(taken);
  CHECK(taken.error().kind == Kind::config);
  CHECK(taken.error().text() == "/etc/conos/env: line 2 is not KEY=VALUE");
  CHECK(t.secret("env.token") == "(none)");
  CHECK(t.env() == "TOKEN=value\nsk-secret\n");
}

TEST_CASE("an intake killed at any point is made up for", "[plan][secrets]")
{
  const std::string text = "CONOS_API_KEY=value-1\nB=value-2\nC=value-3\n";
  for (const auto* at : {"1", "2", "3"}) {
    // the program kills whoever started it, at its n-th start
    const TempMachine t(fmt::format("echo >>$0.n\n"
                                    "[ \"$(wc -l <$0.n)\" != {} ] || kill -9 $PPID",
      at));
    t.write(text);
    const pid_t child = ::fork();
    if (child == 0) {
      (void)t.take_in(k_one);
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(t.env() == text);

    REQUIRE(t.take_in(k_one));
    CHECK(t.secret("openrouter") == "value-1");
    CHECK(t.secret("env.b") == "value-2");
    CHECK(t.secret("env.c") == "value-3");
    CHECK_THAT(t.env(), !Catch::Contains("value-"));
  }
}

TEST_CASE(
  "a key in our own environment is taken in when it is not what is stored", "[plan][secrets]")
{
  const TempMachine t;
  const std::string config = "[[agents]]\nname = \"one\"\napi_key_env = \"CONOS_TEST_KEY\"\n";
  REQUIRE(::setenv("CONOS_TEST_KEY", "value-1", 1) == 0);

  REQUIRE(t.take_in(config).value().size() == 1);

  CHECK(t.secret("openrouter") == "value-1");
  CHECK(t.env() == "(none)");
  CHECK(t.take_in(config).value().empty());
  CHECK(t.ledger().size() == 1);

  t.write("CONOS_TEST_KEY=value-2\n");
  CHECK_THAT(t.take_in(config).error().text(),
    Catch::Contains("CONOS_TEST_KEY in /etc/conos/env and CONOS_TEST_KEY in the environment"));
  REQUIRE(::unsetenv("CONOS_TEST_KEY") == 0);
  REQUIRE(t.take_in(config));
  CHECK(t.secret("openrouter") == "value-2");
}

TEST_CASE("after the key of a provider it is said what to do next", "[plan][secrets]")
{
  const auto step = [](const std::string& text, const std::string& name) {
    return next_step(config_of(text), name);
  };
  const std::string with_model = std::string(k_one) + "provider = \"anthropic\"\nmodel = \"m\"\n";

  CHECK(step(with_model, "anthropic") == "conos model test makes a first call");
  CHECK(step(with_model, "openai").starts_with("no agent has a model of 'openai' yet"));
  CHECK(step(std::string(k_one), "anthropic").find("/etc/conos/conos.toml") != std::string::npos);
  CHECK(step("[providers.mine]\napi = \"openai\"\nbase_url = \"http://127.0.0.1:1\"\n", "mine")
          .starts_with("no agent"));
  CHECK(step(with_model, "github-token").empty());
}
