#include "budget/store.hpp"
#include "temp_dir.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>
#include <vector>

using namespace conos;
using budget::Store;

namespace {

const budget::Caller k_caller{"writer", "worker", "t1"};
const Time k_now = std::chrono::sys_days(std::chrono::January / 2 / 2030) + std::chrono::hours(12);

BudgetLimits day(std::int64_t tokens)
{
  BudgetLimits limits;
  limits.tokens_day = tokens;
  return limits;
}

std::int64_t reserved(Store& store, const BudgetLimits& limits, std::int64_t tokens)
{
  const auto answer = store.reserve(k_caller, limits, 0, {tokens, tokens}, "{}", k_now);
  REQUIRE(answer);
  const auto* call = std::get_if<std::int64_t>(&*answer);
  return call == nullptr ? 0 : *call;
}

} // namespace

TEST_CASE("what is left of a reserve comes back, once", "[budget][store]")
{
  TempDir dir;
  auto store = Store::open(dir.path, Store::Make::yes).value();
  const auto call = reserved(store, day(100), 90);
  REQUIRE(call > 0);
  CHECK(reserved(store, day(100), 20) == 0);

  REQUIRE(store.settle(call, {1, 10, 20, 30}, "{}"));
  REQUIRE(store.settle(call, {1, 0, 0, 0}, "{}"));

  CHECK(store.used_today("writer", k_now)->tokens == 30);
  CHECK(reserved(store, day(100), 71) == 0);
  CHECK(reserved(store, day(100), 70) > 0);
  CHECK(store.spent_on("writer", "t1")->calls == 2);
}

TEST_CASE("callers at the same time never spend more than there is", "[budget][store]")
{
  TempDir dir;
  REQUIRE(Store::open(dir.path, Store::Make::yes));
  std::vector<std::thread> threads;
  std::atomic<int> made = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto store = Store::open(dir.path, Store::Make::no).value();
      for (int call = 0; call < 20; ++call) {
        const auto answer = store.reserve(k_caller, day(1000), 0, {10, 1}, "{}", k_now);
        made += answer && std::holds_alternative<std::int64_t>(*answer) ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  auto store = Store::open(dir.path, Store::Make::no).value();
  CHECK(made == 100);
  CHECK(store.used_today("writer", k_now)->tokens == 1000);
}

TEST_CASE("a refusal says when there will be more", "[budget][store]")
{
  TempDir dir;
  auto store = Store::open(dir.path, Store::Make::yes).value();
  BudgetLimits limits;
  limits.tokens_hour = 3600;
  REQUIRE(reserved(store, limits, 3600) > 0);

  const auto answer = store.reserve(k_caller, limits, 0, {60, 0}, "{}", k_now);
  const auto never = store.reserve(k_caller, limits, 0, {3601, 0}, "{}", k_now);

  REQUIRE(answer);
  const auto& refusal = std::get<budget::Refusal>(*answer);
  CHECK(refusal.limit == "tokens_hour");
  REQUIRE(refusal.refill);
  CHECK(*refusal.refill >= k_now + std::chrono::seconds(60));
  CHECK(*refusal.refill <= k_now + std::chrono::seconds(62));
  REQUIRE(never);
  CHECK_FALSE(std::get<budget::Refusal>(*never).refill);
}

TEST_CASE("calls a door died over cost what was reserved", "[budget][store]")
{
  TempDir dir;
  auto store = Store::open(dir.path, Store::Make::yes).value();
  REQUIRE(reserved(store, day(0), 50) > 0);

  CHECK(store.charge_left("writer") == 1);
  CHECK(store.charge_left("writer") == 0);

  CHECK(store.used_today("writer", k_now)->tokens == 50);
  CHECK(store.unrecorded("writer", 10)->size() == 1);
}
