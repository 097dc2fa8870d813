#include "task/route.hpp"

#include <catch2/catch.hpp>

using namespace conos;

namespace {

Routing sample()
{
  Routing routing;
  routing.concierge = "concierge";
  routing.agents = {"concierge", "sysadmin", "mail"};
  routing.rules = {{"(?i)^from: .*@example", "mail"}, {"disk", "sysadmin"}};
  return routing;
}

Envelope with_body(std::string body)
{
  Envelope envelope;
  envelope.body = std::move(body);
  return envelope;
}

} // namespace

TEST_CASE("To: wins, then the first rule that is found, then the concierge", "[task][route]")
{
  auto addressed = with_body("the disk");
  addressed.to = "mail";

  CHECK(decide_route(sample(), addressed).value().to == "mail");
  CHECK(decide_route(sample(), with_body("my disk is full")).value().to == "sysadmin");
  CHECK(
    decide_route(sample(), with_body("From: bob@example.org, disk")).value().rule == "routes[0]");
  CHECK(decide_route(sample(), with_body("hello")).value().to == "concierge");
}

TEST_CASE("a task for nobody is told so", "[task][route]")
{
  auto addressed = with_body("x");
  addressed.to = "../root";

  CHECK(decide_route(sample(), addressed).error().kind == Kind::not_found);
}
