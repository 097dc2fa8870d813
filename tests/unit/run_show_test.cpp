#include "run_site.hpp"

#include "audit/bodies.hpp"
#include "audit/ledger.hpp"
#include "audit/redact.hpp"
#include "budget/store.hpp"
#include "run/compose.hpp"
#include "run/sessions.hpp"
#include "run/show.hpp"
#include "think/transcript.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

using namespace conos;

namespace {

struct Exchanged {
  std::string request;
  std::string answer;
};

// Plays conos-think for the task: it was asked once, and said this.
void think_about(TestSite& t, const std::string& agent, const std::string& id,
  const std::string& answer, std::vector<Exchanged>* exchanged = nullptr)
{
  const auto drafts = t.site.agent(agent) + "/drafts/" + id;
  think::Job job;
  job.prompt = read_path(t.site.agent(agent) + "/claimed/" + id + "/prompt", 1U << 20U).value();
  think::World world;
  world.ask = [&](const std::string& body) {
    think::Answer said;
    said.blocks = {{think::Block::Kind::text, answer}};
    said.usage = {1, 100, 20, 0, 7};
    think::Asked asked;
    asked.answer = said;
    asked.sha256 = audit::sha256_hex(answer);
    if (exchanged != nullptr) {
      exchanged->push_back({body, answer});
    }
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

namespace {

// A run whose calls its door counted, and recorded as `seen`.
std::string replayed_with_door(
  const std::string& answer, const std::function<Exchanged(Exchanged)>& seen, bool* is_same)
{
  TestSite t;
  t.add_agent("a");
  auto settings = t.settings("a");
  settings.has_model = true;
  t.save(settings);
  std::filesystem::create_directories(t.site.lib + "/current");
  std::filesystem::create_directories(t.site.lib + "/model");
  t.drop("a", "x.task", "Say hello.");
  REQUIRE(claim(t.site, "a", ""));
  std::vector<Exchanged> exchanged;
  think_about(t, "a", "x", answer, &exchanged);
  auto store = budget::Store::open(t.site.lib + "/model", budget::Store::Make::yes).value();
  const auto call = store.reserve({"a", "worker", "x"}, {}, 0, {10, 10}, "{}", now()).value();
  REQUIRE(store.settle(std::get<std::int64_t>(call), {1, 1, 1, 1}, "{}"));
  t.play("a", "x", answer + "\n");
  REQUIRE(deliver(t.site, "a", {}));

  const auto kept = seen(exchanged.at(0));
  const auto bodies = audit::Bodies::open(t.site.lib).value();
  const auto payload =
    fmt::format(R"({{"agent":"a","id":"x","request_sha256":"{}","response_sha256":"{}"}})",
      bodies.put(kept.request).value(), bodies.put(kept.answer).value());
  auto ledger = audit::Ledger::open(t.site.lib).value();
  REQUIRE(ledger.append({{"model.called", "conos-model", payload, ""}}));
  const auto again = replay_run(t.site, {"x", ""});
  REQUIRE(again);
  *is_same = again->is_same;
  return again->report;
}

} // namespace

TEST_CASE("a run is what its door knows of it, or not the same", "[run][show]")
{
  bool is_same = false;
  const auto as_it_was = [](Exchanged one) {
    return one;
  };
  CHECK(replayed_with_door("Hello.", as_it_was, &is_same).starts_with("the same"));
  CHECK(is_same);

  const auto other_request = [](Exchanged one) {
    return Exchanged{one.request + " ", one.answer};
  };
  CHECK(replayed_with_door("Hello.", other_request, &is_same) ==
        "step 1: its door knows of no such request\n");
  CHECK_FALSE(is_same);

  const auto other_answer = [](Exchanged one) {
    return Exchanged{one.request, "Goodbye."};
  };
  CHECK(replayed_with_door("Hello.", other_answer, &is_same) ==
        "step 1: its door knows of another answer\n");
  CHECK_FALSE(is_same);
}

TEST_CASE("where keys were taken out of a record, replay says so", "[run][show]")
{
  const std::string key = "sk-ant-api03-abcdefghij0123456789";
  bool is_same = false;
  const auto redacted = [](const Exchanged& one) {
    return Exchanged{one.request, audit::Redactor().redacted(one.answer)};
  };
  const auto report = replayed_with_door("The key is " + key, redacted, &is_same);
  // the transcript has no key either, so the answer cannot be the one that was delivered
  CHECK_FALSE(is_same);
  CHECK(report.find("step 1: its door took keys out of what it kept of the answer") == 0);
  CHECK(report.find("keys were taken out of this record") != std::string::npos);
  CHECK(report.find(key) == std::string::npos);
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
