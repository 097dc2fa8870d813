#include "audit/moment.hpp"

#include "audit/chain.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::audit;
using namespace std::chrono_literals;

namespace {

const std::string k_boot(32, 'a');
const std::string k_next_boot(32, 'b');
const Time k_then{1'795'000'000s};

Moment at(const std::string& boot, Duration since_boot, Duration wall)
{
  return {boot, since_boot, k_then + wall};
}

std::vector<std::string> types_of(const std::vector<Row>& rows)
{
  std::vector<std::string> types;
  for (const auto& row : rows) {
    CHECK(check_fields(row.type, row.actor, row.payload));
    CHECK_FALSE(row.key.empty());
    types.push_back(row.type);
  }
  return types;
}

using Types = std::vector<std::string>;

} // namespace

TEST_CASE("a clock that goes on or is steered has nothing to tell", "[audit][moment]")
{
  const auto before = at(k_boot, 10s, 0s);

  CHECK(happened(before, at(k_boot, 70s, 60s), "root").empty());
  CHECK(happened(before, at(k_boot, 70s, 61s), "root").empty());
  CHECK(happened(before, at(k_boot, 24h, 24h + 40s), "root").empty()); // 500 ppm for a day: 43 s
  CHECK(happened(before, at(k_boot, 24h, 24h - 40s), "root").empty());
}

TEST_CASE("a clock that was set has jumped", "[audit][moment]")
{
  const auto before = at(k_boot, 10s, 0s);

  const auto back = happened(before, at(k_boot, 11s, 1s - 24h * 365), "root");
  const auto forth = happened(before, at(k_boot, 11s, 6s), "uid:7");

  CHECK(types_of(back) == Types{"clock.jumped"});
  CHECK(back[0].payload.find(R"("by_ms":-31536000000,)") != std::string::npos);
  CHECK(types_of(forth) == Types{"clock.jumped"});
  CHECK(forth[0].payload.find(R"("by_ms":5000,)") != std::string::npos);
  CHECK(forth[0].actor == "uid:7");
}

TEST_CASE("a boot is told of, and a clock that went back over it", "[audit][moment]")
{
  const auto before = at(k_boot, 500h, 0s);

  CHECK(types_of(happened(before, at(k_next_boot, 5s, 5s), "root")) == Types{"machine.booted"});
  CHECK(types_of(happened(before, at(k_next_boot, 5s, 1000h), "root")) == Types{"machine.booted"});
  CHECK(types_of(happened(before, at(k_next_boot, 5s, -1h), "root")) ==
        Types{"machine.booted", "clock.jumped"});
}

TEST_CASE("a moment survives being written down", "[audit][moment]")
{
  const auto moment = this_moment().value();

  const auto back = moment_in(to_text(moment)).value();

  CHECK(back.boot == moment.boot);
  CHECK(back.since_boot == moment.since_boot);
  CHECK(happened(moment, back, "root").empty());
  CHECK_FALSE(is_outdated(moment, back));
  for (const auto* text : {"", "x", "0 0 0", "\0", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1 x"}) {
    CHECK_FALSE(moment_in(text));
  }
}
