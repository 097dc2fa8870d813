#include "run_site.hpp"

#include "audit/bodies.hpp"
#include "run/compose.hpp"
#include "run/sessions.hpp"
#include "run/show.hpp"
#include "think/transcript.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

using namespace conos;

namespace {

// Plays conos-think for the task: it was asked once, and said this.
void think_about(
  TestSite& t, const std::string& agent, const std::string& id, const std::string& answer)
{
  const auto drafts = t.site.agent(agent) + "/drafts/" + id;
  think::Job job;
  job.prompt = read_path(t.site.agent(agent) + "/claimed/" + id + "/prompt", 1U << 20U).value();
  think::World world;
  world.ask = [&](const std::string&) {
    think::Answer said;
    said.blocks = {{think::Block::Kind::text, answer}};
    said.usage = {1, 100, 20, 0, 7};
    think::Asked asked;
    asked.answer = said;
    return asked;
  };
  world.use = [](const think::Block&) {
    return think::Outcome{};
  };
  world.is_time_up = [] {
    return false;
  };
  think::Transcript transcript(UniqueFd(
    ::open((drafts + "/transcript.jsonl").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)));
  transcript.begin(job);
  think::Usage usage;
  const auto finished = think::work_through(job, world, transcript.witness(), usage);
  transcript.end(finished, usage);
}

} // namespace

TEST_CASE("a run is kept so that it can be shown and done again", "[run][show]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "Say hello.");
  const auto before = prompt_of_task(t.site, "a", "x");
  REQUIRE(claim(t.site, "a", ""));
  const auto given = prompt_of_task(t.site, "a", "x");
  think_about(t, "a", "x", "Hello.");
  t.play("a", "x", "Hello.\n");
  REQUIRE(deliver(t.site, "a", {}));

  const auto receipt = t.receipt("a", "x");
  CHECK(receipt.usage.calls == 0); // whatever its program says: the door counts
  REQUIRE(receipt.transcript);

  const auto again = replay_run(t.site, {"x", ""});
  REQUIRE(again);
  CHECK(again->report == "the same, to the byte: 1 step, 7 bytes of answer\n");
  CHECK(again->is_same);
  REQUIRE(before);
  REQUIRE(given);
  CHECK(before->size() == given->size()); // but for the nonce they are one
  CHECK(prompt_of_task(t.site, "a", "x").value() == *given);
  CHECK(show_run(t.site, {"x", ""}, RunPart::prompt).value() == *given);
  CHECK(show_run(t.site, {"x", ""}, RunPart::cost).value().find("tokens in   0\n") !=
        std::string::npos);
  CHECK(
    show_run(t.site, {"x", ""}, RunPart::transcript).value().find("Hello.") != std::string::npos);
  CHECK(sizes_text(*given).find("instructions") == 0);

  CHECK(show_run(t.site, {"none", ""}, RunPart::summary).error().kind == Kind::not_found);
  CHECK(prompt_of_task(t.site, "a", "none").error().kind == Kind::not_found);
}

TEST_CASE("an answer that is not what the transcript says is found out", "[run][show]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "Say hello.");
  REQUIRE(claim(t.site, "a", ""));
  think_about(t, "a", "x", "Hello.");
  t.play("a", "x", "Goodbye.\n");
  REQUIRE(deliver(t.site, "a", {}));

  const auto again = replay_run(t.site, {"x", ""});

  REQUIRE(again);
  CHECK_FALSE(again->is_same);
  CHECK(again->report == "the answer is not the one that was delivered\n");
}

TEST_CASE("a program without a transcript can be shown and not done again", "[run][show]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "Say hello.");
  t.activate("a", "Hello.");

  CHECK(show_run(t.site, {"x", ""}, RunPart::summary));
  CHECK(replay_run(t.site, {"x", ""}).error().kind == Kind::not_found);
  CHECK(t.receipt("a", "x").usage.calls == 0);
}

TEST_CASE("whatever lies where a transcript should is no trouble", "[run][show]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "Say hello.");
  REQUIRE(claim(t.site, "a", ""));
  const auto path = t.site.agent("a") + "/drafts/x/transcript.jsonl";
  SECTION("a symlink")
  {
    REQUIRE(::symlink("/etc/shadow", path.c_str()) == 0);
  }
  SECTION("a FIFO")
  {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  }
  SECTION("something large")
  {
    std::ofstream(path) << "x";
    std::filesystem::resize_file(path, think::k_max_transcript_bytes + 1);
  }
  t.play("a", "x", "Hello.");
  REQUIRE(deliver(t.site, "a", {}));

  CHECK(t.receipt("a", "x").outcome == Outcome::answered);
  CHECK_FALSE(t.receipt("a", "x").transcript);
}

TEST_CASE("sessions are cleared, and nothing else", "[run][sessions]")
{
  namespace fs = std::filesystem;
  TestSite t;
  t.add_agent("a");
  CHECK(clear_sessions(t.site, "a").value() == 0);
  CHECK(clear_sessions(t.site, "b").error().kind == Kind::not_found);
  const auto sessions = t.site.agent("a") + "/workspace/sessions";
  fs::create_directories(sessions + "/dir.json");
  for (const auto* name : {"/1.json", "/2.json", "/notes.txt"}) {
    std::ofstream(sessions + name) << "x";
  }

  CHECK(clear_sessions(t.site, "a").value() == 2);
  CHECK(fs::exists(sessions + "/notes.txt"));
  CHECK(fs::exists(sessions + "/dir.json"));

  fs::remove_all(sessions);
  fs::create_directory_symlink(t.site.etc, sessions);
  std::ofstream(t.site.etc + "/keep.json") << "x";
  CHECK_FALSE(clear_sessions(t.site, "a"));
  CHECK(fs::exists(t.site.etc + "/keep.json"));
}
