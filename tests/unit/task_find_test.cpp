#include "site_tree.hpp"

#include "task/find.hpp"
#include "task/report.hpp"

#include <map>

using namespace conos;

namespace {

const Time k_later = parse_rfc3339("2026-11-20T21:31:00Z").value();

// One task in each state.
void fill(const SiteTree& tree)
{
  tree.add_agent("concierge");
  tree.add_agent("sysadmin");
  tree.put(tree.site.inbox() + "/new.task", "Check the disk.\n");
  tree.put(tree.site.inbox() + "/.hidden", "being written\n");
  tree.put(tree.site.transit() + "/root-1.1/meta.json",
    to_json(meta_like("root-1.1", "root-1", "sysadmin")));
  const auto sysadmin = tree.site.agent("sysadmin");
  tree.put(sysadmin + "/inbox/next.task", "conos-task/1\nTitle: A title\n\nThe text\n");
  tree.put(sysadmin + "/claimed/now/meta.json", to_json(meta_like("now", "now", "sysadmin")));
  tree.put(sysadmin + "/claimed/now/task", "\n\n  What is going on?\nmore\n");
  auto held = meta_like("later", "later", "sysadmin");
  held.hold = "retry";
  tree.put(sysadmin + "/held/later/meta.json", to_json(held));
  tree.put_ended(receipt_like(meta_like("root-1", "root-1", "concierge"), Outcome::forwarded), "");
  tree.put_ended(receipt_like(meta_like("done", "done", "concierge"), Outcome::answered), "fine\n");
  tree.put_ended(receipt_like(meta_like("bad", "bad", "sysadmin"), Outcome::failed), "");
}

} // namespace

TEST_CASE("each task is found in its state", "[task][find]")
{
  const SiteTree tree;
  fill(tree);

  const auto list = list_tasks(tree.site, {});

  REQUIRE(list);
  std::map<std::string, std::string> states;
  for (const auto& task : list->tasks) {
    states[task.id] = task.state + "|" + task.summary;
  }
  CHECK(states == std::map<std::string, std::string>{
                    {"new", "waiting|Check the disk."},
                    {"root-1.1", "transit|"},
                    {"next", "waiting|A title"},
                    {"now", "working|What is going on?"},
                    {"later", "held|"},
                    {"root-1", "forwarded|the text"},
                    {"done", "answered|the text"},
                    {"bad", "failed|the text"},
                  });
  CHECK_FALSE(list->has_hidden_parts);
  CHECK(list_tasks(tree.site, {.agent = "concierge"})->tasks.size() == 2);
  CHECK(list_tasks(tree.site, {.agent = "conciege"}).error().kind == Kind::not_found);
}

TEST_CASE("a list is cut at its limit and says so", "[task][find]")
{
  const SiteTree tree;
  tree.add_agent("sysadmin");
  for (int i = 0; i < 5; ++i) {
    tree.put(tree.site.inbox() + "/" + std::to_string(i) + ".task", "x");
  }

  const auto list = list_tasks(tree.site, {.agent = {}, .most = 3});

  CHECK(list->tasks.size() == 3);
  CHECK(list->is_cut);
}

TEST_CASE(
  "a chain is found from any of its links, strangers of a like name are not", "[task][find]")
{
  const SiteTree tree;
  fill(tree);
  tree.put_ended(
    receipt_like(meta_like("root-1.x", "root-1.x", "concierge"), Outcome::answered), "");

  for (const auto* id : {"root-1", "root-1.1"}) {
    const auto chain = find_chain(tree.site, id);
    REQUIRE(chain);
    REQUIRE(chain->tasks.size() == 2);
    CHECK(chain->tasks[0].id == "root-1");
    CHECK(chain->tasks[1].id == "root-1.1");
  }
  CHECK(find_chain(tree.site, "new")->tasks.front().state == "waiting");
  CHECK(find_chain(tree.site, "nobody")->tasks.empty());
  CHECK(find_chain(tree.site, "../../etc/passwd")->tasks.empty());
}

TEST_CASE(
  "the answer of a task is read, a receipt that points elsewhere is not followed", "[task][find]")
{
  const SiteTree tree;
  fill(tree);
  auto receipt = receipt_like(meta_like("done", "done", "concierge"), Outcome::answered);
  CHECK(read_response(tree.site, receipt).value() == "fine\n");

  receipt.response->file = "../processed/done.json";
  CHECK_FALSE(read_response(tree.site, receipt));
  receipt.meta.agent = "../concierge";
  CHECK_FALSE(read_response(tree.site, receipt));
  receipt.response.reset();
  CHECK(read_response(tree.site, receipt).error().kind == Kind::not_found);
}

TEST_CASE("a record that cannot be read is listed as such", "[task][find]")
{
  const SiteTree tree;
  tree.add_agent("sysadmin");
  tree.put(tree.site.agent("sysadmin") + "/failed/odd.json", "{}");

  const auto list = list_tasks(tree.site, {});

  REQUIRE(list->tasks.size() == 1);
  CHECK(list->tasks[0].state == "unreadable");
}

TEST_CASE("what others wrote is escaped in the table and harmless in JSON", "[task][report]")
{
  const SiteTree tree;
  tree.add_agent("sysadmin");
  tree.put(tree.site.inbox() + "/a\x1b[2Jb.task", "red \x1b[31m \xc2\x9b \xff text\n");

  const auto list = list_tasks(tree.site, {}).value();

  for (const auto& text : {table_of(list, k_later), json_lines_of(list)}) {
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x9b') == std::string::npos);
    CHECK(text.find('\xff') == std::string::npos);
    CHECK(text.find("a\x1b") == std::string::npos);
  }
}

TEST_CASE("one task is described with its record and its answer", "[task][report]")
{
  const SiteTree tree;
  fill(tree);
  const auto task = find_chain(tree.site, "done")->tasks.front();

  const auto text = describe(task, read_response(tree.site, *task.receipt), k_later);

  CHECK(text.find("state       answered\n") != std::string::npos);
  CHECK(text.find("from        alice [trust:unverified]\n") != std::string::npos);
  CHECK(text.find("took        2.0 s\n") != std::string::npos);
  CHECK(text.find("\n\nfine\n") != std::string::npos);
  const auto json = json_of(task, read_response(tree.site, *task.receipt));
  CHECK(json.find(R"("answer":"fine\n")") != std::string::npos);
  CHECK(json.find(R"("outcome":"answered")") != std::string::npos);
}

TEST_CASE("the id is read off a receipt's name", "[task][find]")
{
  CHECK(id_in_outbox("20261120T213001Z-fix-disk.json") == "fix-disk");
  CHECK(id_in_outbox("20261120T213001Z-fix-disk.response").empty());
  CHECK(id_in_outbox("short.json").empty());
  CHECK(id_in_outbox("20261120T213001Z-.json").empty());
}
