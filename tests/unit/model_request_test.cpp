#include "model/request.hpp"
#include "model/retry.hpp"
#include "model/scrub.hpp"
#include "model/usage.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::model;

namespace {

Kind kind_of_refusal(Family family, std::string_view body)
{
  const auto asked = examine(family, body);
  REQUIRE_FALSE(asked);
  return asked.error().kind;
}

} // namespace

TEST_CASE("a request is read for what it can cost", "[model][request]")
{
  const auto asked =
    examine(Family::messages, R"({"model":"m","max_tokens":7,"stream":true,"messages":[]})");
  REQUIRE(asked);
  CHECK(asked->model == "m");
  CHECK(asked->max_tokens == 7);
  CHECK(asked->stream);
}

TEST_CASE("a request that can be read in two ways is refused", "[model][request]")
{
  CHECK(kind_of_refusal(Family::messages, R"({"model":"a","model":"b","max_tokens":1})") ==
        Kind::bad_data);
  CHECK(kind_of_refusal(Family::messages, R"({"model":"a","max_tokens":-1})") == Kind::bad_data);
  CHECK(kind_of_refusal(Family::messages, R"([{"model":"a"}])") == Kind::bad_data);
  CHECK(kind_of_refusal(Family::messages, R"({"model":"a")") == Kind::bad_data);
}

TEST_CASE("what makes the provider do more than answer is refused", "[model][request]")
{
  for (const std::string_view more :
    {R"("mcp_servers":[{}])", R"("tools":[{"type":"web_search_20250305","name":"x"}])",
      R"("messages":[{"role":"user","content":[{"type":"image","source":{"type":"url"}}]}])"}) {
    const auto body = R"({"model":"a","max_tokens":1,)" + std::string(more) + "}";
    INFO(body);
    CHECK(kind_of_refusal(Family::messages, body) == Kind::denied);
  }
  CHECK(kind_of_refusal(Family::responses, R"({"model":"a","background":true})") == Kind::denied);
  CHECK(kind_of_refusal(Family::responses, R"({"model":"a","previous_response_id":"r"})") ==
        Kind::denied);
}

TEST_CASE("the arguments of a tool may say anything", "[model][request]")
{
  CHECK(examine(Family::messages,
    R"({"model":"a","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use",)"
    R"("id":"1","name":"f","input":{"source":{"type":"url"},"url":"http://x"}}]}]})"));
}

TEST_CASE("usage is read from a stream however it is cut", "[model][usage]")
{
  const std::string text =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
    "{\"input_tokens\":100,\"output_tokens\":1}}}\n\n"
    "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":20}}\n\n"
    "data: {\"type\":\"message_stop\"}\n\n";
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, text.size()}) {
    UsageReader reader(Family::messages, true);
    for (std::size_t at = 0; at < text.size(); at += size) {
      reader.feed(std::string_view(text).substr(at, size));
    }
    REQUIRE(reader.tokens());
    CHECK(reader.tokens()->input == 100);
    CHECK(reader.tokens()->output == 20);
    CHECK(reader.is_whole());
  }
}

TEST_CASE("a cost is rounded up", "[model][usage]")
{
  Price price;
  price.input = 1;
  CHECK(cost_of({1, 0, 0, 0, 0}, price) == 1);
  CHECK(cost_of({1'000'000, 0, 0, 0, 0}, price) == 1);
  CHECK(cost_of({}, price) == 0);
}

TEST_CASE("a key is taken out wherever it is cut", "[model][scrub]")
{
  std::vector<Secret> keys;
  keys.emplace_back("sk-0123456789");
  const std::string text = "a sk-0123456789 sk-012 b";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    Scrubber scrubber(keys);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size) {
      out += scrubber.feed(std::string_view(text).substr(at, size));
    }
    out += scrubber.finish();
    CHECK(out == "a xxxxxxxxxxxxx sk-012 b");
  }
}

TEST_CASE("attempts are repeated as the providers' libraries do it", "[model][retry]")
{
  CHECK(pause_before_retry({0, 529, {}, ""}, 0) == Duration(500));
  CHECK(pause_before_retry({1, 0, {}, ""}, 1) == Duration(750));
  CHECK(pause_before_retry({0, 429, {{"retry-after", "2"}}, ""}, 0) == Duration(2000));
  CHECK_FALSE(pause_before_retry({2, 529, {}, ""}, 0));
  CHECK_FALSE(pause_before_retry({0, 400, {}, ""}, 0));
  CHECK_FALSE(pause_before_retry({0, 529, {{"x-should-retry", "false"}}, ""}, 0));
  CHECK_FALSE(pause_before_retry(
    {0, 429, {}, R"({"error":{"details":{"error_code":"enforced_spend_limit_reached"}}})"}, 0));
}
