#include "serve/standing.hpp"

#include <catch2/catch.hpp>

using namespace conos::serve;
using std::chrono::seconds;

namespace {

const Allowance k_small{{"note"}, 4096, {1, 2}};

std::vector<std::string> due(
  Standings& standings, Clock::time_point now, Standings::Due which = Standings::Due::by_time)
{
  std::vector<std::string> texts;
  for (const auto& row : standings.take_due(which, now)) {
    CHECK(row.actor == "root/conos-audit-serve");
    texts.push_back(row.type + " " + row.payload);
  }
  return texts;
}

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("what is suppressed becomes one row when it has ended", "[serve][standing]")
{
  Standings standings;
  const Clock::time_point start{};
  int refused = 0;
  for (int i = 0; i < 10; ++i) {
    refused += standings.take(1000, k_small, start) ? 1 : 0;
  }

  CHECK(refused == 8);
  CHECK(due(standings, start + seconds(1)).empty());
  CHECK(due(standings, start + seconds(2)) == Texts{R"(rows.suppressed {"count":8,"uid":1000})"});
  CHECK(due(standings, start + seconds(9)).empty());
}

TEST_CASE("a flood that goes on is told of once a minute", "[serve][standing]")
{
  Standings standings;
  const Clock::time_point start{};
  std::size_t rows = 0;
  for (int second = 0; second <= 130; ++second) {
    for (int i = 0; i < 10; ++i) {
      (void)standings.take(1000, k_small, start + seconds(second));
    }
    rows += due(standings, start + seconds(second)).size();
  }

  CHECK(rows == 2);
}

TEST_CASE("one who floods costs nobody else", "[serve][standing]")
{
  Standings standings;
  const Clock::time_point start{};
  for (int i = 0; i < 1000; ++i) {
    (void)standings.take(1000, k_small, start);
  }

  CHECK_FALSE(standings.take(1001, k_small, start));
}

TEST_CASE("types that were not one's own are counted, and told at the end", "[serve][standing]")
{
  Standings standings;
  const Clock::time_point start{};
  standings.refuse(1000, k_small, "task.failed", start);
  standings.refuse(1000, k_small, "contract.healed", start);

  CHECK(due(standings, start, Standings::Due::all) ==
        Texts{R"(rows.refused {"count":2,"type":"contract.healed","uid":1000})"});
  CHECK(due(standings, start, Standings::Due::all).empty());
}
