#include "audit/wire.hpp"

#include "audit/chain.hpp"
#include "audit/present.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::audit;

namespace {

Kind kind_of(std::string_view line)
{
  const auto row = parse_request(line);
  REQUIRE_FALSE(row);
  return row.error().kind;
}

} // namespace

TEST_CASE("a request's payload stays as it was written", "[audit][wire]")
{
  const std::string payload = R"({"b": 1.50, "a":{"x":"}, \"]"} ,"é":[{},[]]})";

  const auto row =
    parse_request(R"( {"payload":)" + payload + R"( , "type":"note.made","key":"k"} )");

  REQUIRE(row);
  CHECK(row->payload == payload);
  CHECK(row->type == "note.made");
  CHECK(row->key == "k");
  CHECK(row->actor.empty());
}

TEST_CASE("a request that is written is read as it was", "[audit][wire]")
{
  const Row row{"note.made", "", R"({"a":"b"})", "k\"\\1"};

  const auto read = parse_request(request_line(row));

  REQUIRE(read);
  CHECK(read->type == row.type);
  CHECK(read->payload == row.payload);
  CHECK(read->key == row.key);
  CHECK(parse_request(R"({"type":"note.made"})")->payload == "{}");
}

TEST_CASE("nobody says who they are", "[audit][wire]")
{
  const auto row = parse_request(R"({"actor":"root","type":"note.made"})");

  REQUIRE_FALSE(row);
  CHECK(row.error().what == "'actor' means nothing here");
}

TEST_CASE("what is no request is refused", "[audit][wire]")
{
  CHECK(kind_of("") == Kind::bad_data);
  CHECK(kind_of("[]") == Kind::bad_data);
  CHECK(kind_of("null") == Kind::bad_data);
  CHECK(kind_of(R"({"type":"note.made")") == Kind::bad_data);
  CHECK(kind_of(R"({"type":7})") == Kind::bad_data);
  CHECK(kind_of(R"({"type":"note.made","type":"task.failed"})") == Kind::bad_data);
  CHECK(kind_of(R"({"type":"note.made","\u0074ype":"task.failed"})") == Kind::bad_data);
  CHECK(kind_of("{\"type\":\"note.\xff\"}") == Kind::bad_data);
  CHECK(kind_of(std::string_view("{\"type\":\"a.b\"}\0", 15)) == Kind::bad_data);
  CHECK(kind_of(R"({"type":"note.made"} {"type":"note.made"})") == Kind::bad_data);
}

TEST_CASE("neither depth nor many members cost more than a look", "[audit][wire]")
{
  const std::string deep(40'000, '[');
  std::string wide = "{";
  for (int i = 0; i < 10'000; ++i) {
    wide += "\"" + std::to_string(i) + "\":1,";
  }
  wide += "\"type\":\"note.made\"}";

  CHECK(kind_of(R"({"payload":)" + deep) == Kind::bad_data);
  CHECK(kind_of(R"({"payload":)" + deep + std::string(40'000, ']') + "}") == Kind::bad_data);
  CHECK(kind_of(wide) == Kind::bad_data);
}

TEST_CASE("receipts and refusals come back as they went", "[audit][wire]")
{
  Recorded recorded;
  recorded.id = 7;
  recorded.hash = std::string(64, 'a');
  recorded.ts = "2026-11-20T21:30:00.000Z";
  recorded.already = true;
  const Refusal refusal{{Kind::busy, 0, "too \"many\""}, Duration(20), true};

  const auto receipt = std::get<Recorded>(parse_answer(receipt_line(recorded)).value());
  const auto refused = std::get<Refusal>(parse_answer(refusal_line(refusal)).value());
  const auto plain =
    std::get<Refusal>(parse_answer(refusal_line({{Kind::denied, 0, "no"}})).value());

  CHECK(receipt.id == 7);
  CHECK(receipt.hash == recorded.hash);
  CHECK(receipt.ts == recorded.ts);
  CHECK(receipt.already);
  CHECK(refused.error.kind == Kind::busy);
  CHECK(refused.error.what == "too \"many\"");
  CHECK(refused.retry == Duration(20));
  CHECK(refused.is_last);
  CHECK(plain.error.kind == Kind::denied);
  CHECK_FALSE(plain.retry);
  CHECK_FALSE(plain.is_last);
  CHECK_FALSE(parse_answer("{}"));
}

TEST_CASE("a question comes back as it went", "[audit][wire]")
{
  Query query;
  query.count = 5;
  query.after = 3;
  query.filter = {"*.failed", "alice", parse_rfc3339("2026-11-20T21:30:00Z").value(), {}, "a.*b"};

  const auto read = parse_query(query_line(query)).value();

  CHECK(read.count == 5);
  CHECK(read.after == 3);
  CHECK(read.filter.type == "*.failed");
  CHECK(read.filter.actor == "alice");
  CHECK(read.filter.since == query.filter.since);
  CHECK_FALSE(read.filter.until);
  CHECK(read.filter.grep == "a.*b");
}

TEST_CASE("questions that would cost too much are refused", "[audit][wire]")
{
  CHECK_FALSE(parse_query(R"({"type":"*a*b*c*d"})"));
  CHECK_FALSE(parse_query(R"({"type":"[a-z]"})"));
  CHECK_FALSE(parse_query(R"({"grep":"("})"));
  CHECK_FALSE(parse_query(R"({"grep":"a{600}"})"));
  CHECK_FALSE(parse_query(R"({"grep":"((a{1,100}){1,100}){1,100}"})"));
  CHECK_FALSE(parse_query(R"({"grep":")" + std::string(2000, 'a') + R"("})"));
  CHECK_FALSE(parse_query(R"({"n":-1})"));
  CHECK_FALSE(parse_query(R"({"n":1e3})"));
  CHECK_FALSE(parse_query(R"({"after":18446744073709551615})"));
  CHECK_FALSE(parse_query(R"({"sql":"DROP TABLE events"})"));
  CHECK(parse_query("{}"));
}

TEST_CASE("a row comes back as it went, and so does the end", "[audit][wire]")
{
  const Event event{812, "2026-11-20T21:30:00.000Z", "note.made", "alice", R"({"a": 1})",
    std::string(64, '0'), std::string(64, 'f')};
  End end;
  end.rows = 3;
  end.last = 812;
  end.cut = "bytes";
  end.is_shallow = true;

  const auto read = std::get<Event>(parse_row(json_line(event)).value());
  const auto ended = std::get<End>(parse_row(end_line(end)).value());

  CHECK(json_line(read) == json_line(event));
  CHECK(ended.rows == 3);
  CHECK(ended.last == 812);
  CHECK(ended.cut == "bytes");
  CHECK(ended.is_shallow);
  CHECK(std::get<End>(parse_row(end_line({})).value()).cut.empty());
}
