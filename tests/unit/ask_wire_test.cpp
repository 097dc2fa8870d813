#include "ask/wire.hpp"
#include "ask/words.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace conos;
using namespace conos::ask;

TEST_CASE("a request is read to the letter", "[ask][wire]")
{
  const auto request = parse_request(
    R"({"verb":"query","args":{"what":"ledger","count":7,"all":true},"id":"a1","task":"t"})");

  REQUIRE(request);
  CHECK(request->verb == "query");
  CHECK(request->args == Arguments{{"what", "ledger"}, {"count", "7"}, {"all", "true"}});
  CHECK(request->id == "\"a1\"");
  CHECK(request->task == "t");
  CHECK(parse_request(R"({"verb":"x","id":12})")->id == "12");
}

TEST_CASE("what is no request is none", "[ask][wire]")
{
  for (const std::string line :
    {"", "{}", "[]", "\"x\"", "7", "null", "{", "{\"verb\":\"x\"", "{\"verb\":\"x\"} {}",
      R"({"verb":"x","verb":"y"})", R"({"verb":"x","args":{"a":"1","a":"2"}})",
      R"({"verb":"x","args":{},"args":{}})", R"({"verb":"x","other":1})",
      R"({"verb":"x","args":{"a":[]}})", R"({"verb":"x","args":{"a":{}}})",
      R"({"verb":"x","args":{"a":null}})", R"({"verb":"x","args":{"a":1.5}})",
      R"({"verb":"x","args":"a"})", R"({"verb":"x","args":[]})", R"({"verb":["x"]})",
      R"({"verb":1})", R"({"verb":{}})", R"({"verb":"x","id":{}})", R"({"verb":"x","id":true})",
      R"({"verb":"x","task":1})", R"({"verb":""})", "{\"verb\":\"\\u0000\"}", "{\"verb\":\"\xff\"}",
      "{\"verb\":\"\\ud800\"}", R"({"verb":"x","args":{"a":NaN}})",
      R"({"verb":"x","args":{"a":1e400}})", R"({verb:"x"})", R"({"verb":"x",})",
      R"({"verb":"x"/**/})"}) {
    INFO(line);
    const auto request = parse_request(line);
    REQUIRE_FALSE(request);
    CHECK(request.error().kind == Kind::bad_data);
  }
}

TEST_CASE("what is nested deep, or is long, costs nothing", "[ask][wire]")
{
  std::string deep;
  for (int i = 0; i < 100'000; ++i) {
    deep += "{\"args\":";
  }
  CHECK_FALSE(parse_request(deep));
  CHECK_FALSE(parse_request(std::string(1'000'000, '[')));
  CHECK_FALSE(parse_request(R"({"verb":"x","id":")" + std::string(65, 'x') + "\"}"));
  std::string many = R"({"verb":"x","args":{)";
  for (int i = 0; i < 100; ++i) {
    many += (i > 0 ? "," : "") + std::string("\"a") + std::to_string(i) + "\":1";
  }
  CHECK_FALSE(parse_request(many + "}}"));
}

TEST_CASE("what is asked is what is read", "[ask][wire]")
{
  Request request;
  request.verb = "note";
  request.args = {{"name", "x"}, {"text", "line\n\"quoted\" \\ ünïcode \x01"}};
  request.id = "7";
  request.task = "t.1";

  const auto line = request_line(request);

  CHECK(line.find('\n') == line.size() - 1);
  const auto read = parse_request(line);
  REQUIRE(read);
  CHECK(read->args == request.args);
  CHECK(read->id == "7");
  CHECK(read->task == "t.1");
}

TEST_CASE("answers come back as they were given", "[ask][wire]")
{
  Answer answer{Status::refused};
  answer.id = "\"a\"";
  answer.reason = "policy";
  answer.what = "no";
  answer.line = "gate = { allow = [\"x\"] }";
  const auto read = parse_answer(answer_line(answer));
  REQUIRE(read);
  CHECK(read->status == Status::refused);
  CHECK(read->id == "\"a\"");
  CHECK(read->line == answer.line);

  Answer busy{Status::busy};
  busy.retry = Duration(20);
  CHECK(parse_answer(answer_line(busy))->retry == Duration(20));
  CHECK_FALSE(parse_answer("{}"));
  CHECK_FALSE(parse_answer("[]"));
  CHECK_FALSE(parse_answer(R"({"status":"granted"})"));
}

TEST_CASE("words of a command line are a request", "[ask][words]")
{
  const auto read = [](const std::string& file) -> Result<std::string> {
    return file == "-" ? Result<std::string>("typed\n") : fail(Kind::not_found, "open '{}'", file);
  };
  const auto request = request_of({"contract.propose", "yaml@-", "title=a=b@c"}, read);
  REQUIRE(request);
  CHECK(request->args == Arguments{{"yaml", "typed\n"}, {"title", "a=b@c"}});
  CHECK(request_of({}, read)->args == Arguments{{"what", "verbs"}});
  CHECK(request_of({"x", "what"}, read).error().kind == Kind::usage);
  CHECK(request_of({"x", "=y"}, read).error().kind == Kind::usage);
  CHECK(request_of({"x", "a=1", "a=2"}, read).error().kind == Kind::usage);
  CHECK(request_of({"x", "a@nowhere"}, read).error().kind == Kind::not_found);
}

TEST_CASE("an answer is text that is safe to print", "[ask][words]")
{
  Answer answer{Status::done};
  answer.result = R"({"text":"\u001b[2J gone","list":["a\u0007",{"b":1}]})";
  const auto text = text_of(answer);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\a') == std::string::npos);
  CHECK(text.find("{\"b\":1}") != std::string::npos);

  Answer pending{Status::pending};
  pending.approval = "0123456789abcdef";
  CHECK(text_of(pending) == "0123456789abcdef\n");
  CHECK(complaint_of(Answer{Status::done}).empty());
  Answer refused{Status::refused};
  refused.what = "no\x1b[31m";
  CHECK(complaint_of(refused) == "refused: no\\x1b[31m");
}
