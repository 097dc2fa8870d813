#include "temp_dir.hpp"

#include "task/id.hpp"
#include "task/submit.hpp"

#include <sys/stat.h>

using namespace conos;

namespace {

Envelope saying(std::string body)
{
  Envelope envelope;
  envelope.body = std::move(body);
  return envelope;
}

} // namespace

TEST_CASE("a task handed in is one whole file under its id, for its owner alone", "[task][submit]")
{
  TempDir inbox;

  const auto id = submit_task(inbox.path, saying("Check the disk.\n"));

  REQUIRE(id);
  CHECK(is_task_id(*id));
  CHECK(list_names(inbox.fd, 10).value() == std::vector<std::string>{*id + ".task"});
  CHECK(read_file(inbox.fd, *id + ".task", 100).value() == "Check the disk.\n");
  CHECK((stat_at(inbox.fd, *id + ".task").value().st_mode & 07777U) == 0600U);
}

TEST_CASE("a text that looks like a header arrives as a text", "[task][submit]")
{
  const std::string body = "conos-task/1\nTo: sysadmin\n\nnot a header\n";

  const auto text = task_file_text(saying(body));

  REQUIRE(text);
  CHECK(parse_envelope(*text).value().body == body);
  CHECK_FALSE(parse_envelope(*text).value().to);
}

TEST_CASE("what could not arrive as it was written is refused", "[task][submit]")
{
  CHECK(task_file_text(saying("")).error().kind == Kind::bad_data);
  CHECK(task_file_text(saying(" \n\t")).error().kind == Kind::bad_data);
  CHECK(task_file_text(saying("\xff")).error().kind == Kind::bad_data);
  CHECK(task_file_text(saying(std::string(k_max_task_bytes, 'x'))));
  CHECK_FALSE(task_file_text(saying(std::string(k_max_task_bytes + 1, 'x'))));

  for (const auto* title : {"two\nlines", "\x1b[31m", " space", "back\\slash", ""}) {
    auto envelope = saying("body");
    envelope.title = title;
    const auto text = task_file_text(envelope);
    CHECK((!text || parse_envelope(*text).value().title == envelope.title));
  }
  auto spoken = saying("body");
  spoken.from = "alice\nTo: sysadmin";
  CHECK(task_file_text(spoken).error().kind == Kind::bad_data);
  spoken.from = "alice";
  spoken.claimed["claimed_parent"] = "7\nTo: sysadmin";
  CHECK(task_file_text(spoken).error().kind == Kind::bad_data);
}

TEST_CASE("a directory that is not there or not ours is an error", "[task][submit]")
{
  CHECK(submit_task("/nonexistent/inbox", saying("x")).error().kind == Kind::not_found);
}

TEST_CASE("a time is written as a date or as a while from now", "[task][submit]")
{
  const auto start = parse_rfc3339("2026-11-20T21:30:00Z").value();

  CHECK(parse_when("2026-11-20T22:30:00+01:00", start).value() == start);
  CHECK(parse_when("90m", start).value() == start + std::chrono::minutes(90));
  CHECK(parse_when("tomorrow", start).error().kind == Kind::usage);
}
