#include "host/units.hpp"

#include <catch2/catch.hpp>

#include <csignal>

using namespace conos;

TEST_CASE("a systemd that is not there is unavailable, at once", "[host][units]")
{
  const auto units =
    Units::connect_to("unix:path=/nonexistent/conos-test", std::chrono::seconds(1));

  REQUIRE_FALSE(units);
  CHECK(units.error().kind == Kind::unavailable);
}

TEST_CASE("a service that could not start shows it in its first step alone", "[host][units]")
{
  UnitState state;
  StepEnd good;
  good.ended = Time();
  good.code = CLD_EXITED;
  state.start_pre.push_back(good);
  CHECK(failed_start_pre(state) == nullptr);

  StepEnd running; // has not ended: nothing can be said
  state.start_pre.push_back(running);
  CHECK(failed_start_pre(state) == nullptr);

  StepEnd bad = good;
  bad.status = 217;
  state.start_pre.push_back(bad);
  REQUIRE(failed_start_pre(state) != nullptr);
  CHECK(failed_start_pre(state)->status == 217);

  state.start_pre.back().code = CLD_KILLED;
  state.start_pre.back().status = 9;
  CHECK(failed_start_pre(state)->status == 9);
}
