#include "temp_dir.hpp"

#include "host/credentials.hpp"
#include "sys/text.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace conos;

namespace {

// A machine in a directory, with a program in the place of systemd-creds that hides what it is
// given by turning letters around; `script` runs before.
struct TempStore {
  explicit TempStore(const std::string& script = "")
  {
    REQUIRE(make_dir(dir.fd, "etc", 0755));
    const auto text =
      "#!/bin/sh\n" + script + "\necho \"$@\" >>" + dir.path + "/calls\ntr a-z n-za-m\n";
    REQUIRE(publish(dir.fd, "creds", text, 0755));
    store = {dir.path, "test.", dir.path + "/creds"};
  }

  std::string file(const std::string& name) const
  {
    return read_path(dir.path + "/etc/credstore.encrypted/" + name, 1U << 20U).value_or("(none)");
  }
  std::string calls() const { return read_path(dir.path + "/calls", 1U << 20U).value_or(""); }

  TempDir dir;
  Credstore store;
};

mode_t mode_of(const std::string& path)
{
  struct stat st = {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 07777U;
}

} // namespace

TEST_CASE("a secret's name is held against its grammar", "[host][credentials]")
{
  for (const auto* good : {"a", "anthropic", "env.my_key", "a-1", "a9"}) {
    CHECK(check_credential_name(good));
  }
  CHECK(check_credential_name(std::string(64, 'a')));
  for (const auto* bad : {"", "A", "1a", ".a", "-a", "_a", "a/b", "../a", "a b", "a\n", "ä"}) {
    const auto checked = check_credential_name(bad);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().kind == Kind::usage);
  }
  CHECK_FALSE(check_credential_name(std::string(65, 'a')));
  CHECK_FALSE(check_credential_name(std::string_view("a\0b", 3)));
}

TEST_CASE("what can be a secret is bounded", "[host][credentials]")
{
  CHECK(check_secret(Secret("x")));
  CHECK(check_secret(Secret("x\n")));
  CHECK(check_secret(Secret(std::string(k_max_secret_bytes, 'x') + "\n")));
  for (const auto& bad : {std::string(), std::string("\n"), std::string("a\0b", 3),
         std::string(k_max_secret_bytes + 1, 'x')}) {
    const auto checked = check_secret(Secret(bad));
    REQUIRE_FALSE(checked);
    CHECK(checked.error().kind == Kind::bad_data);
  }
}

TEST_CASE("a secret is stored encrypted, for root alone", "[host][credentials]")
{
  const TempStore t;

  REQUIRE(store_credential(t.store, "one", Secret("key\n")));

  CHECK(t.file("test.one") == "xrl");
  CHECK(t.calls() == "encrypt --name=test.one - -\n");
  CHECK(mode_of(t.dir.path + "/etc/credstore.encrypted") == 0700U);
  CHECK(mode_of(t.dir.path + "/etc/credstore.encrypted/test.one") == 0600U);
}

TEST_CASE("only one newline is taken off a secret", "[host][credentials]")
{
  const TempStore t;
  REQUIRE(store_credential(t.store, "one", Secret("key\n\n")));
  CHECK(t.file("test.one") == "xrl\n");
}

TEST_CASE("when it cannot be encrypted the old secret stays", "[host][credentials]")
{
  TempStore t("[ ! -e \"$0.broken\" ] || { echo 'no way' >&2; exit 1; }");
  REQUIRE(store_credential(t.store, "one", Secret("old")));
  REQUIRE(publish(t.dir.fd, "creds.broken", "", 0600));

  const auto failed = store_credential(t.store, "one", Secret("new"));

  REQUIRE_FALSE(failed);
  CHECK(failed.error().kind == Kind::unavailable);
  CHECK_THAT(failed.error().text(), Catch::Contains("no way"));
  CHECK(t.file("test.one") == "byq");

  t.store.program = "/nonexistent/creds";
  CHECK(store_credential(t.store, "one", Secret("new")).error().kind == Kind::unavailable);
}

TEST_CASE("a program that prints nothing has encrypted nothing", "[host][credentials]")
{
  const TempStore t("exit 0");
  CHECK(store_credential(t.store, "one", Secret("key")).error().kind == Kind::unavailable);
  CHECK(t.file("test.one") == "(none)");
}

TEST_CASE("a symlink in the place of a secret is replaced, not followed", "[host][credentials]")
{
  const TempStore t;
  REQUIRE(store_credential(t.store, "one", Secret("key")));
  REQUIRE(publish(t.dir.fd, "precious", "precious", 0600));
  const auto link = t.dir.path + "/etc/credstore.encrypted/test.two";
  REQUIRE(::symlink((t.dir.path + "/precious").c_str(), link.c_str()) == 0);
  CHECK_FALSE(credential_is(t.store, "two", Secret("cerpvbhf")));

  REQUIRE(store_credential(t.store, "two", Secret("key")));

  CHECK(t.file("test.two") == "xrl");
  CHECK(read_file(t.dir.fd, "precious", 100).value() == "precious");
}

TEST_CASE("a store that others can write to is none", "[host][credentials]")
{
  const TempStore t;
  const auto path = t.dir.path + "/etc/credstore.encrypted";
  SECTION("by its mode")
  {
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    REQUIRE(::chmod(path.c_str(), 0777) == 0);
  }
  SECTION("being a symlink")
  {
    REQUIRE(::symlink(t.dir.path.c_str(), path.c_str()) == 0);
  }
  CHECK_FALSE(store_credential(t.store, "one", Secret("key")));
  CHECK_FALSE(list_credentials(t.store));
  CHECK_FALSE(remove_credential(t.store, "one"));
  CHECK(t.file("test.one") == "(none)");
}

TEST_CASE("secrets are listed by name, and only ours", "[host][credentials]")
{
  const TempStore t;
  CHECK(list_credentials(t.store).value().empty());
  REQUIRE(store_credential(t.store, "two", Secret("key")));
  REQUIRE(store_credential(t.store, "one", Secret("key")));
  const auto dir = open_dir(t.dir.path + "/etc/credstore.encrypted");
  REQUIRE(dir);
  REQUIRE(publish(*dir, "other", "", 0600));
  REQUIRE(publish(*dir, "test.Odd name", "", 0600));
  REQUIRE(make_dir(*dir, "test.directory", 0700));
  REQUIRE(::symlinkat("test.one", dir->get(), "test.link") == 0);

  const auto all = list_credentials(t.store);

  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK((*all)[0].name == "one");
  CHECK((*all)[1].name == "two");
  CHECK((*all)[0].bytes == 3);
}

TEST_CASE("a removed secret is gone, and a missing one is told", "[host][credentials]")
{
  const TempStore t;
  CHECK(remove_credential(t.store, "one").error().kind == Kind::not_found);
  REQUIRE(store_credential(t.store, "one", Secret("key")));

  REQUIRE(remove_credential(t.store, "one"));

  CHECK(t.file("test.one") == "(none)");
  CHECK(remove_credential(t.store, "one").error().kind == Kind::not_found);
}

TEST_CASE("what a killed writer left behind goes with the next", "[host][credentials]")
{
  const TempStore t;
  REQUIRE(store_credential(t.store, "one", Secret("key")));
  const auto dir = open_dir(t.dir.path + "/etc/credstore.encrypted");
  REQUIRE(dir);
  REQUIRE(publish(*dir, ".new-0123456789abcdef", "old", 0600));

  REQUIRE(store_credential(t.store, "one", Secret("new")));

  CHECK(list_names(*dir, 10).value() == std::vector<std::string>{"test.one"});
}

TEST_CASE("whether a secret is the stored one can be asked", "[host][credentials]")
{
  const TempStore t;
  CHECK_FALSE(credential_is(t.store, "one", Secret("key")));
  REQUIRE(store_credential(t.store, "one", Secret("key")));

  CHECK(credential_is(t.store, "one", Secret("key")));
  CHECK(credential_is(t.store, "one", Secret("key\n")));
  CHECK_FALSE(credential_is(t.store, "one", Secret("kez")));
  CHECK_THAT(t.calls(), Catch::EndsWith("decrypt --name=test.one - -\n"));
}
