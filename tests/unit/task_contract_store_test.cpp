#include "run_site.hpp"

#include "audit/place.hpp"
#include "audit/reader.hpp"
#include "task_contract/record.hpp"
#include "task_contract/store.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

using namespace conos;
using namespace conos::task_contract;

namespace {

const Actor k_alice{"a-alice", false, "t1"};
const Actor k_bob{"a-bob", false, "t2"};
const Actor k_root{"root", true};

struct StoreSite : TestSite {
  StoreSite() { std::filesystem::create_directories(site.srv + "/task-contracts"); }

  Store store() { return Store::open(site, ledger).value(); }

  std::vector<std::string> rows() const
  {
    std::vector<std::string> types;
    auto reader = audit::Reader::open(site.lib + "/" + audit::k_database).value();
    const auto all = reader.last(10'000).value();
    for (const auto& row : all) {
      types.push_back(row.type.substr(row.type.find('.') + 1));
    }
    return types;
  }

  std::string place() const { return site.srv + "/task-contracts"; }

  std::vector<std::string> names() const
  {
    auto all = list_names(open_dir(place()).value(), 100'000).value();
    std::sort(all.begin(), all.end());
    return all;
  }

  audit::Ledger ledger = audit::Ledger::open(site.lib).value();
};

Judge says(bool good)
{
  return [good](const std::vector<std::string>&) -> Result<Verdict> {
    return Verdict{good, good ? "" : "a/n: fail: w"};
  };
}

} // namespace

TEST_CASE(
  "a task contract goes its way, and the ledger knows of each step", "[task_contract][store]")
{
  StoreSite site;
  auto store = site.store();
  REQUIRE(store.open_new({"fix", "Fix it", "", {"a"}}, k_alice, now()));
  REQUIRE(store.change("fix", {Deed::claim}, k_bob, now()));
  REQUIRE(store.change("fix", {Deed::block, "no disk"}, k_bob, now()));
  REQUIRE(store.change("fix", {Deed::go_on}, k_bob, now()));
  const auto closing = store.complete("fix", "done", k_bob, says(true), now);
  REQUIRE(closing);
  CHECK(closing->contract.state == State::completed);
  CHECK(site.rows() ==
        std::vector<std::string>{"opened", "claimed", "blocked", "resumed", "completed"});
  CHECK(site.names() == std::vector<std::string>{"fix.json"});
  const auto st = stat_at(open_dir(site.place()).value(), "fix.json").value();
  CHECK((st.st_mode & 07777U) == 0640);
  CHECK(store.shelf().load("fix")->history.size() == 5);
}

TEST_CASE("it is not completed while a contract fails", "[task_contract][store]")
{
  StoreSite site;
  auto store = site.store();
  REQUIRE(store.open_new({"fix", "Fix it", "", {"a"}}, k_alice, now()));
  REQUIRE(store.change("fix", {Deed::claim}, k_bob, now()));
  const auto closing = store.complete("fix", "", k_bob, says(false), now);
  REQUIRE(closing);
  CHECK_FALSE(closing->verdict.is_good);
  CHECK(store.shelf().load("fix")->state == State::in_progress);
  CHECK(site.rows().back() == "refused");
  const auto cannot = store.complete(
    "fix", "", k_bob,
    [](const auto&) -> Result<Verdict> {
      return fail(Kind::unavailable, "no");
    },
    now);
  CHECK_FALSE(cannot);
  CHECK(store.shelf().load("fix")->state == State::in_progress);
}

TEST_CASE("who may not complete it has nothing checked", "[task_contract][store]")
{
  StoreSite site;
  auto store = site.store();
  REQUIRE(store.open_new({"fix", "Fix it", "", {"a"}}, k_alice, now()));
  bool was_checked = false;
  const auto judge = [&](const auto&) -> Result<Verdict> {
    was_checked = true;
    return Verdict{true, ""};
  };
  CHECK(store.complete("fix", "", k_bob, judge, now).error().kind == Kind::denied);
  REQUIRE(store.change("fix", {Deed::claim}, k_bob, now()));
  CHECK(store.complete("fix", "", k_alice, judge, now).error().kind == Kind::denied);
  CHECK_FALSE(was_checked);
}

TEST_CASE(
  "a lease that runs out while contracts are checked is not completed", "[task_contract][store]")
{
  StoreSite site;
  auto store = site.store();
  REQUIRE(store.open_new({"fix", "Fix it"}, k_alice, now()));
  const auto start = now();
  REQUIRE(store.change("fix", {Deed::claim, "", std::chrono::seconds(10)}, k_bob, start));
  auto time = start;
  const auto closing = store.complete(
    "fix", "", k_bob,
    [&](const auto&) -> Result<Verdict> {
      time += std::chrono::seconds(11);
      return Verdict{true, ""};
    },
    [&] {
      return time;
    });
  CHECK_FALSE(closing);
  CHECK(store.shelf().load("fix")->state == State::open);
  CHECK(site.rows().back() == "lapsed");
}

TEST_CASE("an id is taken once", "[task_contract][store]")
{
  StoreSite site;
  auto store = site.store();
  REQUIRE(store.open_new({"fix", "Fix it"}, k_alice, now()));
  CHECK(store.open_new({"fix", "Other"}, k_bob, now()).error().kind == Kind::exists);
  CHECK(store.shelf().load("fix")->title == "Fix it");
  CHECK(store.change("none", {Deed::claim}, k_bob, now()).error().kind == Kind::not_found);
}

TEST_CASE("many claim at once, and one has it", "[task_contract][store]")
{
  StoreSite site;
  REQUIRE(site.store().open_new({"fix", "Fix it"}, k_alice, now()));
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      auto ledger = audit::Ledger::open(site.site.lib).value();
      auto store = Store::open(site.site, ledger).value();
      const Actor actor{"a-w" + std::to_string(i), false};
      won += store.change("fix", {Deed::claim}, actor, now()) ? 1 : 0;
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  CHECK(won == 1);
  CHECK(site.rows() == std::vector<std::string>{"opened", "claimed"});
}

TEST_CASE("who died before the row has done nothing, who died after it has done it",
  "[task_contract][store]")
{
  StoreSite site;
  auto store = site.store();
  const auto before = store.open_new({"fix", "Fix it"}, k_alice, now()).value();
  const auto after = changed(before, {Deed::claim}, k_bob, now()).value();
  const auto dir = open_dir(site.place()).value();

  REQUIRE(publish(dir, ".next", to_json(after), 0640));
  CHECK(store.shelf().is_unsettled(now()).value());
  REQUIRE(store.settle(now()));
  CHECK(site.names() == std::vector<std::string>{"fix.json"});
  CHECK(store.shelf().load("fix")->state == State::open);

  REQUIRE(store.change("fix", {Deed::claim}, k_bob, now()));
  const auto text = read_file(dir, "fix.json", k_max_record_bytes).value();
  REQUIRE(publish(dir, ".next", text, 0640)); // recorded, and not yet in place
  REQUIRE(replace(dir, "fix.json", to_json(before), 0640));
  REQUIRE(store.settle(now()));
  CHECK(site.names() == std::vector<std::string>{"fix.json"});
  CHECK(store.shelf().load("fix")->state == State::in_progress);

  REQUIRE(publish(dir, ".next", "half of", 0640));
  REQUIRE(store.change("fix", {Deed::renew}, k_bob, now()));
  CHECK(site.names() == std::vector<std::string>{"fix.json"});
}

TEST_CASE("an agent's are bounded, and what ended longest ago makes room", "[task_contract][store]")
{
  StoreSite site;
  auto store = site.store();
  for (std::size_t i = 0; i < k_most_waiting; ++i) {
    REQUIRE(store.open_new({"w" + std::to_string(i), "t"}, k_alice, now()));
  }
  CHECK(store.open_new({"more", "t"}, k_alice, now()).error().kind == Kind::busy);
  CHECK(store.open_new({"others", "t"}, k_bob, now()));
  const auto start = now();
  for (std::size_t i = 0; i < k_most_ended + 5; ++i) {
    const auto id = "e" + std::to_string(i);
    const auto at = start + std::chrono::seconds(i);
    REQUIRE(store.open_new({id, "t"}, k_bob, at));
    REQUIRE(store.change(id, {Deed::cancel}, k_bob, at));
  }
  CHECK(store.shelf().load("e0").error().kind == Kind::not_found);
  CHECK(store.shelf().load("e104"));
  CHECK(store.shelf().load("w0"));
}

TEST_CASE("a file of somebody else's is trouble and not the end", "[task_contract][store]")
{
  StoreSite site;
  auto store = site.store();
  REQUIRE(store.open_new({"fix", "Fix it"}, k_alice, now()));
  const auto dir = open_dir(site.place()).value();
  REQUIRE(publish(dir, "bad.json", "{}", 0640));
  std::filesystem::copy(site.place() + "/fix.json", site.place() + "/copy.json");
  std::filesystem::create_symlink("/etc/passwd", site.place() + "/link.json");
  const auto all = store.shelf().all().value();
  CHECK(all.contracts.size() == 1);
  CHECK(all.trouble.size() == 3);
  CHECK(store.shelf().load("../fix").error().kind == Kind::bad_data);
  CHECK(store.change("fix", {Deed::claim}, k_root, now()));
}
