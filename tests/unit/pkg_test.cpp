#include "pkg/apt.hpp"
#include "pkg/book.hpp"
#include "pkg/manage.hpp"
#include "pkg/package.hpp"

#include "temp_dir.hpp"

#include <catch2/catch.hpp>

#include <thread>

using namespace conos;
using namespace conos::pkg;

TEST_CASE("packages are told from what apt would take for something else", "[pkg]")
{
  CHECK(parse_wanted("jq").value().name == "jq");
  CHECK(parse_wanted("libstdc++6").value().name == "libstdc++6");
  CHECK(parse_wanted("g++").value().name == "g++");
  const auto versioned = parse_wanted("jq=1:1.6-2.1+deb12u1~x").value();
  CHECK(to_string(versioned) == "jq=1:1.6-2.1+deb12u1~x");
  for (const auto* text : {"", "j", "-y", "--purge", "jq-", "jq+", "JQ", "jq curl", "jq\n",
         "./jq.deb", "/tmp/x.deb", "jq/stable", "jq:i386", "jq=", "jq=-1", "jq=1 2", "jq=1=2",
         "^lamp", "lamp-server^", "jq*", "jq;id", "j\xc3\xa4"}) {
    INFO(text);
    CHECK(parse_wanted(text).error().kind == Kind::usage);
  }
  CHECK(matches_one({"python3-*", "jq"}, "python3-yaml"));
  CHECK(matches_one({"python3-*", "jq"}, "jq"));
  CHECK_FALSE(matches_one({"python3-*", "jq"}, "jqq"));
  CHECK_FALSE(matches_one({}, "jq"));
}

TEST_CASE("apt's plan is read", "[pkg]")
{
  auto plan = plan_in("Reading package lists...\n"
                      "Inst libjq1 (1.6-2.1 Debian:12.15/oldstable [amd64])\n"
                      "Inst curl [7.88.1-9] (7.88.1-10 Debian:12.15/oldstable [amd64]) []\n"
                      "Remv yq [3.1.0-3]\n"
                      "Conf libjq1 (1.6-2.1 Debian:12.15/oldstable [amd64])\n")
                .value();
  REQUIRE(plan.changes.size() == 3);
  CHECK(plan.changes[0].what == Change::What::install);
  CHECK(plan.changes[0].version == "1.6-2.1");
  CHECK(plan.changes[1].what == Change::What::upgrade);
  CHECK(plan.changes[1].former == "7.88.1-9");
  CHECK(plan.changes[1].version == "7.88.1-10");
  CHECK(plan.changes[2].what == Change::What::remove);
  CHECK(plan.changes[2].version == "3.1.0-3");

  add_sizes(plan,
    "Package: libjq1\nVersion: 1.6-2.1\nInstalled-Size: 374\nDescription: a\n Size: 9\n"
    "Size: 135000\n\nPackage: curl\nVersion: 1\nSize: 7\n");
  CHECK(plan.download() == 135000);
  CHECK(plan.disk() == 374 * 1024);

  CHECK(plan_in("").value().changes.empty());
  CHECK(plan_in("Inst \n").error().kind == Kind::bad_data);
  CHECK(plan_in("Inst x\n").error().kind == Kind::bad_data);
  CHECK(plan_in("Remv x [\n").error().kind == Kind::bad_data);
}

TEST_CASE("the book says what was asked for, by whom, and what was begun", "[pkg]")
{
  Contents contents;
  contents.entries["jq"] = {true, false, {"a", "b"}, "2026-01-01T00:00:00Z", "t1"};
  Deed deed;
  deed.id = "1";
  deed.verb = Verb::remove;
  deed.wanted = {{"jq", "1.6"}};
  deed.before = {"jq"};
  deed.untouched = {"jq"};
  deed.also = {"libjq1"};
  deed.agent = "a";
  deed.task = "t2";
  deed.by = "root";
  contents.begun = deed;

  const auto read = contents_from_json(to_json(contents)).value();

  CHECK(to_json(read) == to_json(contents));
  CHECK(read.begun->verb == Verb::remove);
  CHECK(contents_from_json("{}").error().kind == Kind::bad_data);
  CHECK(contents_from_json("").error().kind == Kind::bad_data);
}

TEST_CASE("the book is held by one at a time", "[pkg]")
{
  TempDir dir;
  auto book = Book::open(dir.path, [] {
    FAIL("nobody holds it");
  });
  REQUIRE(book);
  book->contents.entries["jq"].by_hand = true;
  REQUIRE(book->save());
  std::optional<Result<Book>> holder(std::move(book));
  bool waited = false;
  std::thread other([&] {
    const auto second = Book::open(dir.path, [&] {
      waited = true;
    });
    CHECK(second.value().contents.entries.contains("jq"));
  });
  while (!waited) {
    std::this_thread::yield();
  }
  holder.reset();
  other.join();
  CHECK(Book::read(dir.path).value().entries.at("jq").by_hand);
  CHECK(Book::read(dir.path + "/none").value().entries.empty());
}

TEST_CASE("what this machine works with stays", "[pkg]")
{
  for (const auto* name : {"apt", "systemd", "conos", "conos-common", "nftables"}) {
    CHECK(is_ours_to_keep(name));
  }
  CHECK_FALSE(is_ours_to_keep("jq"));
  CHECK_FALSE(is_ours_to_keep("conosx"));
}
