#include "temp_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace conos;

TEST_CASE("publish leaves an existing file alone", "[sys][file]")
{
  TempDir box;
  REQUIRE(publish(box.fd, "7.task", "first", 0600));

  const auto second = publish(box.fd, "7.task", "second", 0600);

  REQUIRE_FALSE(second);
  CHECK(second.error().kind == Kind::exists);
  CHECK(read_file(box.fd, "7.task", 100).value() == "first");
}

TEST_CASE("publish sets the mode whatever the umask", "[sys][file]")
{
  TempDir box;
  const auto before = ::umask(077);

  REQUIRE(publish(box.fd, "x", "", 0640));
  (void)::umask(before);

  CHECK((stat_at(box.fd, "x").value().st_mode & 07777U) == 0640U);
}

TEST_CASE("replace puts the new text in place and leaves no other name", "[sys][file]")
{
  TempDir box;
  REQUIRE(replace(box.fd, "state", "old", 0600));

  REQUIRE(replace(box.fd, "state", "new", 0600));

  CHECK(read_file(box.fd, "state", 100).value() == "new");
  CHECK(list_names(box.fd, 10).value() == std::vector<std::string>{"state"});
}

TEST_CASE("reading follows no symlink, waits for no FIFO and has a bound", "[sys][file]")
{
  TempDir box;
  REQUIRE(::symlinkat("/etc/passwd", box.fd.get(), "link") == 0);
  REQUIRE(::mkfifoat(box.fd.get(), "fifo", 0600) == 0);
  REQUIRE(publish(box.fd, "big", std::string(101, 'x'), 0600));

  CHECK_FALSE(read_file(box.fd, "link", 100));
  CHECK(read_file(box.fd, "fifo", 100).error().kind == Kind::bad_data);
  CHECK(read_file(box.fd, "big", 100).error().kind == Kind::bad_data);
  CHECK(read_file(box.fd, "big", 101).value().size() == 101);
}

TEST_CASE("a name with a slash is refused everywhere", "[sys][file]")
{
  TempDir box;
  for (const auto* name : {"../x", "a/b", "", ".", ".."}) {
    CHECK_FALSE(publish(box.fd, name, "", 0600));
    CHECK_FALSE(replace(box.fd, name, "", 0600));
    CHECK_FALSE(remove_tree(box.fd, name));
    CHECK_FALSE(move_name(box.fd, name, box.fd, "y"));
  }
}

TEST_CASE("replace_alone takes away what one that was killed left", "[sys][file]")
{
  TempDir box;
  REQUIRE(publish(box.fd, "state", "old", 0600));
  REQUIRE(publish(box.fd, ".new-state", "of one that was killed", 0600));

  REQUIRE(replace_alone(box.fd, "state", "new", 0600));

  CHECK(read_file(box.fd, "state", 100).value() == "new");
  CHECK_FALSE(exists_at(box.fd, ".new-state"));
}

TEST_CASE("move_name never replaces", "[sys][file]")
{
  TempDir box;
  REQUIRE(publish(box.fd, "a", "a", 0600));
  REQUIRE(publish(box.fd, "b", "b", 0600));

  const auto moved = move_name(box.fd, "a", box.fd, "b");

  CHECK(moved.error().kind == Kind::exists);
  CHECK(read_file(box.fd, "b", 10).value() == "b");
}

TEST_CASE("remove_tree removes what is nested and never what a symlink names", "[sys][file]")
{
  TempDir box;
  TempDir other;
  REQUIRE(publish(other.fd, "precious", "x", 0600));
  REQUIRE(make_dir(box.fd, "a", 0700));
  const auto a = open_dir_at(box.fd, "a").value();
  REQUIRE(make_dir(a, "b", 0700));
  REQUIRE(::symlinkat(other.path.c_str(), a.get(), "link") == 0);

  REQUIRE(remove_tree(box.fd, "a"));

  CHECK_FALSE(exists_at(box.fd, "a"));
  CHECK(exists_at(other.fd, "precious"));
  CHECK(remove_tree(box.fd, "a")); // absent is success
}

TEST_CASE("remove_tree comes to an end however deep and full a tree is", "[sys][file]")
{
  TempDir box;
  REQUIRE(make_dir(box.fd, "deep", 0700));
  auto at = open_dir_at(box.fd, "deep").value();
  for (int depth = 0; depth < 3000;
       ++depth) { // more than there are descriptors, or names in a path
    REQUIRE(::mkdirat(at.get(), "down", 0700) == 0);
    at = open_dir_at(at, "down").value();
  }
  REQUIRE(make_dir(box.fd, "full", 0700));
  const auto full = open_dir_at(box.fd, "full").value();
  for (int i = 0; i < 100'010; ++i) {
    REQUIRE(::mknodat(full.get(), std::to_string(i).c_str(), S_IFREG, 0) == 0);
  }

  REQUIRE(remove_tree(box.fd, "deep"));
  CHECK(list_names(box.fd, 10).value() == std::vector<std::string>{"full"});

  REQUIRE(remove_tree(box.fd, "full"));
  CHECK_FALSE(exists_at(box.fd, "full"));
  const auto rest = list_names(box.fd, 10).value();
  REQUIRE(rest.size() == 1);
  CHECK(rest.front().starts_with("."));
  CHECK(list_names(full, 100).value().size() == 10);

  REQUIRE(remove_trash(box.fd));
  CHECK(list_names(box.fd, 10).value().empty());
}

TEST_CASE("list_names stops at its limit", "[sys][file]")
{
  TempDir box;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(publish(box.fd, std::to_string(i), "", 0600));
  }
  CHECK(list_names(box.fd, 7).value().size() == 7);
  CHECK(list_names(box.fd, 100,
          [](std::string_view n) {
            return n.size() == 1;
          })
          .value()
          .size() == 10);
}
