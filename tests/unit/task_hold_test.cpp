#include "site_tree.hpp"

#include "task/hold.hpp"

using namespace conos;

TEST_CASE("a hold is read back as it was written", "[task][hold]")
{
  const SiteTree tree;
  CHECK_FALSE(is_held(tree.site, "sysadmin"));
  CHECK_FALSE(read_hold(tree.site, "sysadmin").value());

  Hold hold;
  hold.by = "alice";
  hold.reason = "looks \"odd\"\n";
  hold.since = parse_rfc3339("2026-11-20T21:30:00Z").value();
  hold.stopped = {"conos-sysadmin.path"};
  REQUIRE(write_hold(tree.site, "sysadmin", hold));

  CHECK(is_held(tree.site, "sysadmin"));
  const auto back = read_hold(tree.site, "sysadmin").value();
  REQUIRE(back);
  CHECK(back->by == hold.by);
  CHECK(back->reason == hold.reason);
  CHECK(back->since == hold.since);
  CHECK(back->stopped == hold.stopped);

  REQUIRE(remove_hold(tree.site, "sysadmin"));
  CHECK_FALSE(is_held(tree.site, "sysadmin"));
  CHECK(remove_hold(tree.site, "sysadmin"));
}

TEST_CASE("a file somebody made by hand holds an agent too", "[task][hold]")
{
  const SiteTree tree;
  const auto path = tree.site.lib + "/hold/";
  tree.put(path + "a", "");
  tree.put(path + "b", "until Monday\n");
  tree.put(path + "c", R"({"by":7,"stopped":[1,"x.path"]})");
  tree.put(path + "d", std::string(100'000, 'x'));

  for (const auto* name : {"a", "b", "c", "d"}) {
    CHECK(is_held(tree.site, name));
    CHECK(read_hold(tree.site, name).value());
  }
  CHECK(read_hold(tree.site, "b").value()->reason == "until Monday");
  CHECK(read_hold(tree.site, "c").value()->stopped == std::vector<std::string>{"x.path"});
}
