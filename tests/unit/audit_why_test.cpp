#include "audit/why.hpp"

#include "audit_samples.hpp"

using namespace conos;
using namespace conos::audit;

namespace {

std::vector<std::int64_t> ids_of(const Trace& trace)
{
  std::vector<std::int64_t> ids;
  for (const auto& event : trace.events) {
    ids.push_back(event.id);
  }
  return ids;
}

using Ids = std::vector<std::int64_t>;

// Two requests: the first is handed on, and has a package installed; the second has nothing to do
// with it.
struct Story {
  Story()
  {
    const std::string run = "root/conos-run";
    (void)Ledger::open(dir.path)
      .value()
      .append({
        {"task.routed", "root/conos-route", R"({"name":"slow.task","sender":"alice","to":"c"})",
          ""},
        {"task.routed", "root/conos-route", R"({"name":"mail.task","sender":"bob","to":"c"})", ""},
        {"task.claimed", run,
          R"({"agent":"c","id":"slow","root":"slow","sender":"alice","sha256":"ab","trust":"verified"})",
          ""},
        {"task.claimed", run, R"({"agent":"c","id":"mail","root":"mail","sender":"bob"})", ""},
        {"task.forwarded", run, R"({"agent":"c","id":"slow","root":"slow","to":"ops"})", ""},
        {"task.claimed", run,
          R"({"agent":"ops","id":"slow.1","root":"slow","sender":"c","trust":"agent"})", ""},
        {"package.installed", "root/conos-pkg",
          R"({"packages":["htop","libncurses6"],"why":"slow.1"})", ""},
        {"drift.repaired", "root/conos-bootstrap", R"({"path":"\/etc\/htop\/r\u00e9"})", ""},
        {"task.delivered", run, R"({"agent":"ops","id":"slow.1","root":"slow"})", ""},
      })
      .value();
  }
  Trace trace_of(const std::string& subject)
  {
    auto reader = Reader::open(database_in(dir)).value();
    return trace(reader, {subject}).value();
  }
  TempDir dir;
};

} // namespace

TEST_CASE("a package leads to the request it was installed for", "[audit][why]")
{
  Story story;

  const auto trace = story.trace_of("htop");

  CHECK(ids_of(trace) == Ids{1, 3, 5, 6, 7, 9});
  REQUIRE(trace.request);
  CHECK(trace.request->task == "slow");
  CHECK(trace.request->sender == "alice");
  CHECK(trace.request->trust == "verified");
  CHECK(trace.request->agent == "c");
  CHECK(trace.request->sha256 == "ab");
}

TEST_CASE("a task leads to its chain and no other", "[audit][why]")
{
  Story story;

  CHECK(ids_of(story.trace_of("slow.1")) == Ids{1, 3, 5, 6, 7, 9});
  CHECK(ids_of(story.trace_of("mail")) == Ids{2, 4});
  CHECK(ids_of(story.trace_of("mail.task")) == Ids{2, 4});
}

TEST_CASE("a path stands for what is below it, however it was written", "[audit][why]")
{
  Story story;

  CHECK(ids_of(story.trace_of("/etc/htop")) == Ids{8});
  CHECK(ids_of(story.trace_of("/etc/htop/r\u00e9")) == Ids{8});
  CHECK(ids_of(story.trace_of("/etc/hto")) == Ids{});
  CHECK_FALSE(story.trace_of("/etc/htop").request);
}

TEST_CASE("nothing is about nothing", "[audit][why]")
{
  Story story;

  CHECK(story.trace_of("").events.empty());
  CHECK(story.trace_of("no-such-package").events.empty());
}
