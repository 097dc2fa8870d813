#include "think/wire.hpp"

#include "sys/text.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace conos;
using namespace conos::think;

namespace {

using Json = nlohmann::json;

Block text(std::string words)
{
  return {Block::Kind::text, std::move(words)};
}

Block call(std::string id, std::string name, std::string input)
{
  return {Block::Kind::call, std::move(input), std::move(id), std::move(name)};
}

Request request(const std::vector<ToolSpec>& tools)
{
  Request request;
  request.model = "m";
  request.system = "You are here.";
  request.messages = {{false, {text("Do it.")}},
    {true, {{Block::Kind::opaque, R"({"type":"thinking","thinking":"h","signature":"s"})"},
             text("I look."), call("t1", "run", R"({"command":"ls"})")}},
    {false, {{Block::Kind::result, "a.txt", "t1", "run", true}}}};
  request.tools = &tools;
  return request;
}

const std::vector<ToolSpec> k_tools{{"run", "Run it.", R"({"type":"object"})"}};

// As the documents show them, cut to what matters.
const std::string k_anthropic =
  "event: message_start\r\n"
  "data: "
  "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"c-1\",\"content\":[],"
  "\"usage\":{\"input_tokens\":25,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\r\n\r\n"
  "event: ping\ndata: {\"type\": \"ping\"}\n\n"
  "event: content_block_start\n"
  "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\","
  "\"thinking\":\"\",\"signature\":\"\"}}\n\n"
  "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\","
  "\"thinking\":\"hm\"}}\n\n"
  "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\","
  "\"signature\":\"sig\"}}\n\n"
  "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
  "data: "
  "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":"
  "\"\"}}\n\n"
  ": a comment\n"
  "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":"
  "\"Oh \xc3\xa4\"}}\n\n"
  "data: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\","
  "\"id\":\"toolu_1\",\"name\":\"run\",\"input\":{}}}\n\n"
  "data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
  "\"partial_json\":\"\"}}\n\n"
  "data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
  "\"partial_json\":\"{\\\"command\\\": \\\"l\"}}\n\n"
  "data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\","
  "\"partial_json\":\"s\\\"}\"}}\n\n"
  "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":"
  "{\"output_tokens\":15}}\n\n"
  "data: {\"type\":\"message_stop\"}\n\n";

const std::string k_openai =
  "data: "
  "{\"id\":\"x\",\"model\":\"g-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
  "\"content\":\"\"},\"finish_reason\":null}]}\n\n"
  "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Oh \xc3\xa4\"}}]}\n\n"
  "data: "
  "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":"
  "\"function\",\"function\":{\"name\":\"run\",\"arguments\":\"\"}}]}}]}\n\n"
  "data: "
  "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
  "\"{\\\"command\\\": \\\"l\"}}]}}]}\n\n"
  "data: "
  "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
  "\"s\\\"}\"}}]}}]}\n\n"
  "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
  "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":32,\"completion_tokens\":15,"
  "\"prompt_tokens_details\":{\"cached_tokens\":7}}}\n\n"
  "data: [DONE]\n\n";

Result<Answer> read_in_pieces(Api api, std::string_view stream, std::size_t size)
{
  StreamReader reader(api);
  for (std::size_t at = 0; at < stream.size(); at += size) {
    CONOS_CHECK(reader.feed(stream.substr(at, size)));
  }
  return reader.finish();
}

std::string sse(const std::string& data)
{
  return "data: " + data + "\n\n";
}

} // namespace

TEST_CASE("a request is written as each family wants it", "[think][wire]")
{
  const auto anthropic = Json::parse(body_of(Api::anthropic, request(k_tools)));
  CHECK(anthropic["system"][0]["cache_control"]["type"] == "ephemeral");
  CHECK(anthropic["tools"][0]["input_schema"]["type"] == "object");
  CHECK(anthropic["messages"].size() == 3);
  CHECK(anthropic["messages"][1]["content"][0]["signature"] == "s");
  CHECK(anthropic["messages"][1]["content"][2]["input"]["command"] == "ls");
  CHECK(anthropic["messages"][2]["content"][0]["tool_use_id"] == "t1");
  CHECK(anthropic["messages"][2]["content"][0]["is_error"] == true);
  CHECK(anthropic["messages"][2]["content"][0]["cache_control"]["type"] == "ephemeral");

  const auto openai = Json::parse(body_of(Api::openai, request(k_tools)));
  CHECK(openai["messages"][0]["role"] == "system");
  CHECK(openai["messages"][2]["tool_calls"][0]["function"]["arguments"] == R"({"command":"ls"})");
  CHECK(openai["messages"][3]["role"] == "tool");
  CHECK(openai["messages"][3]["content"] == "error: a.txt");
  CHECK(openai["stream_options"]["include_usage"] == true);
}

TEST_CASE("a request begins with what does not change", "[think][wire]")
{
  auto first = request(k_tools);
  auto second = first;
  second.messages[0].blocks[0].text = "Do something else.";
  for (const auto api : {Api::anthropic, Api::openai}) {
    CHECK(body_of(api, first) == body_of(api, first));
    const auto one = body_of(api, first);
    const auto other = body_of(api, second);
    const auto same = std::mismatch(one.begin(), one.end(), other.begin()).first - one.begin();
    CHECK(one.substr(0, static_cast<std::size_t>(same)).find("You are here.") != std::string::npos);
    CHECK(one.substr(0, static_cast<std::size_t>(same)).find("Run it.") != std::string::npos);
  }
}

TEST_CASE("arguments that are no JSON object are sent back as an empty one", "[think][wire]")
{
  auto broken = request(k_tools);
  broken.messages[1].blocks[2].text = "{\"a\":";
  broken.messages[0].blocks[0].text = "\xff not UTF-8";

  CHECK(Json::parse(body_of(Api::anthropic, broken))["messages"][1]["content"][2]["input"] ==
        Json::object());
  CHECK(is_utf8(body_of(Api::openai, broken)));
}

TEST_CASE("a stream is read whatever it is cut into", "[think][wire]")
{
  for (const std::size_t size : {1U, 2U, 3U, 7U, 64U, 100000U}) {
    const auto anthropic = read_in_pieces(Api::anthropic, k_anthropic, size);
    REQUIRE(anthropic);
    REQUIRE(anthropic->blocks.size() == 3);
    CHECK(Json::parse(anthropic->blocks[0].text) ==
          Json::parse(R"({"type":"thinking","thinking":"hm","signature":"sig"})"));
    CHECK(anthropic->text() == "Oh \xc3\xa4");
    CHECK(anthropic->blocks[2].text == R"({"command": "ls"})");
    CHECK(anthropic->blocks[2].id == "toolu_1");
    CHECK(anthropic->stop == Stop::tools);
    CHECK(anthropic->usage.input == 25);
    CHECK(anthropic->usage.cache_read == 7);
    CHECK(anthropic->usage.output == 15);
    CHECK(anthropic->model == "c-1");

    const auto openai = read_in_pieces(Api::openai, k_openai, size);
    REQUIRE(openai);
    REQUIRE(openai->blocks.size() == 2);
    CHECK(openai->text() == "Oh \xc3\xa4");
    CHECK(openai->blocks[1].text == R"({"command": "ls"})");
    CHECK(openai->blocks[1].name == "run");
    CHECK(openai->stop == Stop::tools);
    CHECK(openai->usage.input == 25);
    CHECK(openai->usage.cache_read == 7);
    CHECK(openai->usage.output == 15);
  }
}

TEST_CASE("a stream that breaks off is no answer", "[think][wire]")
{
  for (const auto& [api, stream] :
    {std::pair(Api::anthropic, k_anthropic), std::pair(Api::openai, k_openai)}) {
    const auto stop = stream.find(api == Api::anthropic ? "tool_use\"},\"usage" : "tool_calls\"}");
    for (std::size_t size = 0; size < stop; size += 37) {
      const auto answer = read_in_pieces(api, std::string_view(stream).substr(0, size), 50);
      REQUIRE_FALSE(answer);
      CHECK(answer.error().kind == Kind::unavailable);
    }
  }
}

TEST_CASE("an error in the middle of a stream is told", "[think][wire]")
{
  StreamReader reader(Api::anthropic);
  REQUIRE(reader.feed(k_anthropic.substr(0, 400)));
  const auto fed = reader.feed(
    "\n\nevent: error\n" +
    sse(R"({"type":"error","error":{"type":"overloaded_error","message":"Over\u001b[31m"}})"));
  REQUIRE_FALSE(fed);
  CHECK(fed.error().text() == "the provider says: overloaded_error: Over\\x1b[31m");

  StreamReader other(Api::openai);
  CHECK_FALSE(other.feed(sse(R"({"error":{"message":"no","code":"server_error"}})")));
}

TEST_CASE("every reason to stop is known in both families", "[think][wire]")
{
  const auto stop_of_answer = [](Api api, const std::string& reason) {
    const auto body =
      api == Api::anthropic
        ? R"({"content":[{"type":"text","text":"x"}],"stop_reason":")" + reason + "\"}"
        : R"({"choices":[{"message":{"content":"x"},"finish_reason":")" + reason + "\"}]}";
    return answer_of(api, body).value().stop;
  };
  CHECK(stop_of_answer(Api::anthropic, "end_turn") == Stop::end);
  CHECK(stop_of_answer(Api::anthropic, "stop_sequence") == Stop::end);
  CHECK(stop_of_answer(Api::anthropic, "tool_use") == Stop::tools);
  CHECK(stop_of_answer(Api::anthropic, "max_tokens") == Stop::length);
  CHECK(stop_of_answer(Api::anthropic, "pause_turn") == Stop::pause);
  CHECK(stop_of_answer(Api::anthropic, "refusal") == Stop::refusal);
  CHECK(stop_of_answer(Api::anthropic, "model_context_window_exceeded") == Stop::context);
  CHECK(stop_of_answer(Api::anthropic, "of_the_future") == Stop::end);
  CHECK(stop_of_answer(Api::openai, "stop") == Stop::end);
  CHECK(stop_of_answer(Api::openai, "tool_calls") == Stop::tools);
  CHECK(stop_of_answer(Api::openai, "length") == Stop::length);
  CHECK(stop_of_answer(Api::openai, "content_filter") == Stop::refusal);
}

TEST_CASE("what is no answer is an error", "[think][wire]")
{
  for (const auto* body : {"", "{", "[]", "null", "{}", "<html>", R"({"content":1,"choices":1})",
         R"({"error":"no"})", R"({"error":{"type":"x"}})", R"({"choices":[]})"}) {
    CHECK_FALSE(answer_of(Api::anthropic, body));
    CHECK_FALSE(answer_of(Api::openai, body));
  }
  for (const auto* data :
    {"{", "[]", "null", "7", R"({"type":7})", R"({"type":"content_block_delta"})",
      R"({"choices":{}})", R"({"choices":[7]})", R"({"choices":[{"delta":{"tool_calls":7}}]})",
      R"({"choices":[{"delta":{"tool_calls":[7]}}]})", R"({"usage":[]})"}) {
    for (const auto api : {Api::anthropic, Api::openai}) {
      CHECK_FALSE(read_in_pieces(api, sse(data), 5));
    }
  }
}

TEST_CASE("of ten thousand calls the first are kept, and the rest are counted", "[think][wire]")
{
  StreamReader reader(Api::anthropic);
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(reader.feed(sse(fmt::format(
      R"({{"type":"content_block_start","index":{0},"content_block":{{"type":"tool_use","id":"t{0}","name":"run","input":{{}}}}}})",
      i))));
  }
  REQUIRE(reader.feed(sse(R"({"type":"message_delta","delta":{"stop_reason":"tool_use"}})")));
  const auto answer = reader.finish();
  REQUIRE(answer);
  CHECK(answer->blocks.size() == k_max_calls);
  CHECK(answer->dropped_calls == 10'000 - k_max_calls);
}

TEST_CASE("a stream has a size it may not pass", "[think][wire]")
{
  StreamReader line(Api::openai);
  Result<> fed;
  std::size_t sent = 0;
  const std::string much(1U << 20U, 'x');
  while (fed && sent < 4 * k_max_answer_bytes) {
    fed = line.feed(sent == 0 ? "data: " + much : much);
    sent += much.size();
  }
  CHECK_FALSE(fed);
}

TEST_CASE("a complaint is found in what came, and is safe to print", "[think][wire]")
{
  const auto usual =
    complaint_of(R"({"type":"error","error":{"type":"rate_limit_error","message":"slow"}})");
  CHECK(usual.type == "rate_limit_error");
  CHECK(usual.message == "slow");
  CHECK(complaint_of("<h1>\x1b[2J 502").message == "<h1>\\x1b[2J 502");
  CHECK(complaint_of("").message.empty());
}
