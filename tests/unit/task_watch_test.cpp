#include "site_tree.hpp"

#include "task/watch.hpp"

#include <chrono>
#include <thread>

using namespace conos;

namespace {

constexpr Duration k_moment(50);
constexpr Duration k_long(4000); // less than the time between two looks: only an event is so quick

Receipt receipt_of(
  const std::string& id, const std::string& root, const std::string& agent, Outcome outcome)
{
  return receipt_like(meta_like(id, root, agent), outcome);
}

} // namespace

TEST_CASE("an answer that is there already is found at once", "[task][watch]")
{
  const SiteTree tree;
  tree.add_agent("concierge");
  tree.put_ended(receipt_of("t", "t", "concierge", Outcome::answered), "fine\n");
  auto watch = ReceiptWatch::open(tree.site, "t");
  REQUIRE(watch);

  const auto arrival = watch->next(Duration(0));

  REQUIRE(arrival);
  REQUIRE(*arrival);
  CHECK((*arrival)->receipt.outcome == Outcome::answered);
}

TEST_CASE("an answer that comes while we wait wakes us", "[task][watch]")
{
  const SiteTree tree;
  tree.add_agent("concierge");
  auto watch = ReceiptWatch::open(tree.site, "t");
  CHECK_FALSE(*watch->next(k_moment));

  std::thread later([&] {
    std::this_thread::sleep_for(k_moment);
    tree.put_ended(receipt_of("other", "other", "concierge", Outcome::answered), "no\n");
    tree.put_ended(receipt_of("t", "t", "concierge", Outcome::failed), "");
  });
  const auto arrival = watch->next(k_long);
  later.join();

  REQUIRE(*arrival);
  CHECK((*arrival)->receipt.meta.id == "t");
  CHECK((*arrival)->receipt.reason == "runner-exit");
}

TEST_CASE("a forward is not an answer: the agent it went to gives it", "[task][watch]")
{
  const SiteTree tree;
  tree.add_agent("concierge");
  tree.put_ended(receipt_of("t", "t", "concierge", Outcome::forwarded), "");
  auto watch = ReceiptWatch::open(tree.site, "t");
  CHECK_FALSE(*watch->next(k_moment));

  tree.add_agent("sysadmin"); // made while we wait
  tree.put_ended(receipt_of("t.1", "t", "sysadmin", Outcome::answered), "done\n");
  const auto arrival = watch->next(k_long);

  REQUIRE(*arrival);
  CHECK((*arrival)->receipt.meta.agent == "sysadmin");
}

TEST_CASE("half a receipt is no receipt", "[task][watch]")
{
  const SiteTree tree;
  tree.add_agent("concierge");
  tree.put(tree.site.agent("concierge") + "/failed/t.json", R"({"v":1,)");
  auto watch = ReceiptWatch::open(tree.site, "t");

  CHECK_FALSE(*watch->next(k_moment));
}

TEST_CASE("without agents to look at there is nothing to wait for", "[task][watch]")
{
  CHECK(ReceiptWatch::open(Site("/nonexistent"), "t").error().kind == Kind::not_found);
}
