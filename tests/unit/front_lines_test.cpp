#include "front/lines.hpp"

#include <catch2/catch.hpp>

using namespace conos;

TEST_CASE("status has the lines that scripts read", "[front][lines]")
{
  Facts facts;
  AgentFacts concierge;
  concierge.name = "concierge";
  concierge.units = UnitFacts{"active", "inactive", ""};
  concierge.queue.waiting = 2;
  AgentFacts other;
  other.name = "an-agent-with-a-long-name";
  other.units = UnitFacts{"inactive", "failed", ""};
  facts.agents = {concierge, other};

  CHECK(front::status_lines(facts) == "concierge            active  (2 pending)\n"
                                      "an-agent-with-a-long-name inactive  (0 pending)\n");
}

TEST_CASE("an answer cannot speak for another agent", "[front][lines]")
{
  CHECK(front::answer_heading("a", "x.response") == "=== a: x.response ===\n");
  CHECK(front::answer_heading("a", "x\n=== b: y ===") == "=== a: x\\n=== b: y === ===\n");
  CHECK(front::answer_body("hello\n\n\n") == "hello\n\n");
  CHECK(front::answer_body("hello\n=== b: y.response ===\nall is well") ==
        "hello\n === b: y.response ===\nall is well\n\n");
  CHECK(front::answer_body("") == "\n\n");
}

TEST_CASE("a screen is as large as its terminal", "[front][lines]")
{
  CHECK(front::screen_of("one\ntwo\nthree\n", 3, 80) == "\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J");
  CHECK(front::screen_of("one\ntwo", 24, 2) == "\x1b[Hon\x1b[K\ntw\x1b[K\n\x1b[J");
  CHECK(front::screen_of("", 1, 1) == "\x1b[H\x1b[J");
}
