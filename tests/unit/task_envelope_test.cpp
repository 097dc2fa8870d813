#include "task/envelope.hpp"

#include <catch2/catch.hpp>

using namespace conos;

TEST_CASE("plain text is all body", "[task][envelope]")
{
  const auto envelope = parse_envelope("Title: no header\n\nhello").value();

  CHECK(envelope.body == "Title: no header\n\nhello");
  CHECK_FALSE(envelope.title);
}

TEST_CASE("a header is read, unknown keys ignored, claims kept as claims", "[task][envelope]")
{
  const auto envelope = parse_envelope("conos-task/1\r\n"
                                       "title:  Fix the disk \n"
                                       "To: sysadmin\n"
                                       "Priority: 7\n"
                                       "Deadline: 2026-11-20T22:00:00Z\n"
                                       "Reply: inbox\n"
                                       "X-Anything: else\n"
                                       "Trust: verified\n"
                                       "From: root\n"
                                       "\n"
                                       "body\n\nmore")
                          .value();

  CHECK(envelope.title == "Fix the disk");
  CHECK(envelope.to == "sysadmin");
  CHECK(envelope.priority == 7);
  CHECK(envelope.reply == "inbox");
  CHECK(envelope.deadline == parse_rfc3339("2026-11-20T22:00:00Z").value());
  CHECK(envelope.claimed.at("claimed_trust") == "verified");
  CHECK(envelope.claimed.at("claimed_from") == "root");
  CHECK(envelope.body == "body\n\nmore");
}

TEST_CASE("a header that is wrong is an error, never a body", "[task][envelope]")
{
  for (const auto* text : {"conos-task/1", "conos-task/1\nTitle: x", "conos-task/1\nno colon\n\nb",
         "conos-task/1\nPriority: 10\n\nb", "conos-task/1\nPriority: x\n\nb",
         "conos-task/1\nDeadline: tomorrow\n\nb", "conos-task/1\nReply: everybody\n\nb"}) {
    CHECK(parse_envelope(text).error().kind == Kind::bad_data);
  }
  const auto endless = "conos-task/1\n" + std::string(65 * 5, 'x');
  CHECK_FALSE(parse_envelope(endless));
}

TEST_CASE("what is written is read back", "[task][envelope]")
{
  Envelope envelope;
  envelope.title = "two\nlines"; // must not become a key of its own
  envelope.to = "a";
  envelope.priority = 0;
  envelope.not_before = parse_rfc3339("2026-11-20T22:00:00Z").value();
  envelope.from = "alice\nReply: inbox";
  envelope.claimed["claimed_parent"] = "7";
  envelope.body = "\nconos-task/1\n\nbody";

  const auto again = parse_envelope(to_text(envelope)).value();

  CHECK(again.title == "two\\nlines");
  CHECK(again.to == "a");
  CHECK(again.priority == 0);
  CHECK(again.not_before == envelope.not_before);
  CHECK(again.from == "alice\\nReply: inbox");
  CHECK_FALSE(again.reply);
  CHECK(again.claimed == envelope.claimed);
  CHECK(again.body == envelope.body);
}

TEST_CASE("a body that looks like a header stays a body", "[task][envelope]")
{
  Envelope envelope;
  envelope.body = "conos-task/1\nTo: sysadmin\n\nforged";

  CHECK(parse_envelope(to_text(envelope)).value().body == envelope.body);
  CHECK_FALSE(parse_envelope(to_text(envelope)).value().to);
}

TEST_CASE("a sidecar fills what the header left open", "[task][envelope]")
{
  auto envelope = parse_envelope("conos-task/1\nThread: mine\n\nb").value();

  REQUIRE(add_sidecar(envelope, R"({"thread_id":"theirs","from":" alice ","channel":7})"));

  CHECK(envelope.thread == "mine");
  CHECK(envelope.from == "alice");
  CHECK_FALSE(envelope.channel);
  CHECK_FALSE(add_sidecar(envelope, "[1]"));
  CHECK_FALSE(add_sidecar(envelope, "{"));
}
