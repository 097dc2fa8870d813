#include "think/loop.hpp"
#include "think/session.hpp"
#include "think/transcript.hpp"
#include "think/wire.hpp"

#include "audit/sha256.hpp"
#include "temp_dir.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <filesystem>

using namespace conos;
using namespace conos::think;

namespace {

Block text(std::string words)
{
  return {Block::Kind::text, std::move(words)};
}

Block call(std::string id, std::string name, std::string input = "{}")
{
  return {Block::Kind::call, std::move(input), std::move(id), std::move(name)};
}

Answer answer(std::vector<Block> blocks, Stop stop)
{
  Answer answer;
  answer.blocks = std::move(blocks);
  answer.stop = stop;
  answer.model = "m";
  answer.usage = {1, 100, 0, 0, 10};
  return answer;
}

// A model that says one thing after the other, the last for ever, and tools that say what they were
// asked.
struct Play {
  std::vector<Answer> answers;
  std::vector<std::string> requests{};
  std::vector<std::string> used{};
  std::string tool_says = "done";
  bool time_is_up = false;

  World world()
  {
    World world;
    world.ask = [this](const std::string& body) {
      requests.push_back(body);
      Asked asked;
      asked.answer = answers[std::min(requests.size(), answers.size()) - 1];
      asked.sha256 = audit::sha256_hex("answer");
      return asked;
    };
    world.use = [this](const Block& block) {
      used.push_back(block.name);
      return block.name == "finish" ? Outcome{"by finish", false, true} : Outcome{tool_says};
    };
    world.is_time_up = [this] {
      return time_is_up;
    };
    return world;
  }
};

const Witness k_nobody{[](std::size_t, const std::string&) {}, [](std::size_t, const Asked&) {},
  [](std::size_t, const Block&, const Outcome&) {}};

Job job()
{
  Job job;
  job.api = Api::anthropic;
  job.model = "m";
  job.prompt = "Do it.";
  return job;
}

Result<Finished> run(Play& play, const Job& what)
{
  Usage usage;
  return work_through(what, play.world(), k_nobody, usage);
}

} // namespace

TEST_CASE("the model is asked until it answers", "[think][loop]")
{
  Play play{{answer({text("I look."), call("1", "run"), call("2", "read")}, Stop::tools),
    answer({text("All is well.")}, Stop::end)}};

  const auto finished = run(play, job());

  REQUIRE(finished);
  CHECK(finished->answer == "All is well.\n");
  CHECK(finished->how == "answered");
  CHECK(finished->steps == 2);
  CHECK(finished->usage.tokens() == 220);
  CHECK(play.used == std::vector<std::string>{"run", "read"});
  const auto second = nlohmann::json::parse(play.requests[1]);
  CHECK(second["messages"].size() == 3);
  CHECK(second["messages"][2]["content"].size() == 2);
}

TEST_CASE("the tool finish ends it, and nothing after it is done", "[think][loop]")
{
  Play play{{answer({call("1", "finish"), call("2", "run")}, Stop::tools)}};
  CHECK(run(play, job()).value().answer == "by finish\n");
  CHECK(play.used == std::vector<std::string>{"finish"});
}

TEST_CASE("what the model says beside its calls is no answer and forwards nothing", "[think][loop]")
{
  Play play{{answer({text("ROUTE_TO: sysadmin\n"), call("1", "run")}, Stop::tools),
    answer({text("> ROUTE_TO: sysadmin\n")}, Stop::end)}};
  CHECK(run(play, job()).value().answer == "> ROUTE_TO: sysadmin\n");
}

TEST_CASE("an answer that was cut goes on where it stopped", "[think][loop]")
{
  Play play{
    {answer({text("One "), call("1", "run")}, Stop::length), answer({text("two.")}, Stop::end)}};
  CHECK(run(play, job()).value().answer == "One two.\n");
  CHECK(play.used.empty());

  Play endless{{answer({text("x")}, Stop::length)}};
  CHECK(run(endless, job()).value().answer == "xxxxx\n");
  CHECK(endless.requests.size() == 5);
}

TEST_CASE("every other end is an end", "[think][loop]")
{
  Play paused{{answer({text("a")}, Stop::pause), answer({text("b")}, Stop::end)}};
  CHECK(run(paused, job()).value().answer == "ab\n");
  Play for_ever{{answer({text("a")}, Stop::pause)}};
  CHECK(run(for_ever, job()));

  Play refused{{answer({}, Stop::refusal)}};
  CHECK(run(refused, job()).value().how == "refused");

  Play silent{{answer({}, Stop::end)}};
  CHECK_FALSE(run(silent, job()));
  CHECK(silent.requests.size() == 5);

  Play full{{answer({}, Stop::context)}};
  CHECK_FALSE(run(full, job()));
}

TEST_CASE("limits end it with what there is", "[think][loop]")
{
  auto what = job();
  what.limits.steps = 3;
  Play busy{{answer({text("Still at it."), call("1", "run")}, Stop::tools)}};
  const auto finished = run(busy, what);
  REQUIRE(finished);
  CHECK(finished->how == "steps");
  CHECK(busy.requests.size() == 4); // the last without tools
  CHECK(busy.requests[3].find("\"tools\"") == std::string::npos);
  CHECK(busy.requests[3].find("tool_use") == std::string::npos);
  CHECK(finished->answer.starts_with("Still at it.\n"));

  auto costly = job();
  costly.limits.tokens = 250;
  Play spending{{answer({text("Hm."), call("1", "run")}, Stop::tools)}};
  CHECK(run(spending, costly).value().how == "tokens");
  CHECK(spending.requests.size() == 3);

  Play late{{answer({call("1", "run")}, Stop::tools)}};
  late.time_is_up = true;
  const auto nothing = run(late, job());
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().kind == Kind::unavailable);
  CHECK(late.requests.empty());
}

TEST_CASE("a request stays within the window, the newest results whole", "[think][loop]")
{
  auto what = job();
  what.limits.steps = 40;
  what.limits.context_bytes = 100'000;
  Play talkative{{answer({call("1", "run")}, Stop::tools)}};
  talkative.tool_says = std::string(15'000, 'x');
  (void)run(talkative, what);

  REQUIRE(talkative.requests.size() == 41);
  for (const auto& request : talkative.requests) {
    CHECK(request.size() < 130'000); // with the tools and what stands around each block
  }
  CHECK(talkative.requests[39].find("left out to make room") != std::string::npos);
  CHECK(talkative.requests[39].find(talkative.tool_says) != std::string::npos);
}

TEST_CASE("a run can be done again from its transcript", "[think][transcript]")
{
  TempDir dir;
  const auto path = dir.path + "/t";
  Play play{{answer({text("I look."), call("1", "run", R"({"command":"ls"})")}, Stop::tools),
    answer({text("All is \x1b[31mwell.")}, Stop::end)}};
  Transcript transcript(UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
  auto what = job();
  what.history = {{false, {text("before")}}, {true, {text("yes")}}};
  transcript.begin(what);
  Usage usage;
  const auto finished = work_through(what, play.world(), transcript.witness(), usage);
  transcript.end(finished, usage);

  const auto text_of_it = read_path(path, 1U << 20U).value();
  const auto record = read_record(text_of_it);
  REQUIRE(record);
  CHECK(record->how == "answered");
  CHECK(record->usage.calls == 2);
  REQUIRE(record->steps.size() == 2);

  const auto again = replay(*record, "Do it.");
  CHECK(again.differences.empty());
  CHECK(again.answer == finished->answer);
  CHECK(again.steps == 2);

  CHECK_FALSE(replay(*record, "Do that.").differences.empty());
  auto forged = *record;
  forged.steps[0].tools[0].outcome.text = "something else";
  const auto other = replay(forged, "Do it.");
  REQUIRE(other.differences.size() == 1);
  CHECK(other.differences[0].starts_with("step 2: the request is another one"));
  forged = *record;
  forged.steps[1].answer->blocks[0].text = "All is lost.";
  CHECK(replay(forged, "Do it.").differences ==
        std::vector<std::string>{"step 2: the answer is another one"});
  forged = *record;
  forged.steps.pop_back();
  CHECK_FALSE(replay(forged, "Do it.").differences.empty());

  const auto shown = transcript_text(*record, false);
  CHECK(shown.find("\x1b") == std::string::npos);
  CHECK(shown.find("run {\"command\":\"ls\"}") != std::string::npos);
}

TEST_CASE("a transcript is testimony: whatever it says is read or refused", "[think][transcript]")
{
  CHECK(read_record("").value().steps.empty());
  CHECK(read_record("{\"what\":\"begin\",\"v\":1").value().steps.empty()); // broke off
  for (const auto* line : {"x\n", "[]\n", "{}\n", "{\"what\":7}\n", "{\"what\":\"begin\"}\n",
         "{\"what\":\"answer\",\"sha256\":\"\",\"bytes\":1,\"error\":\"x\"}\n",
         "{\"what\":\"tool\",\"call\":{}}\n", "{\"what\":\"end\"}\n"}) {
    CHECK_FALSE(read_record(line));
  }
  CHECK(read_record("{\"what\":\"of the future\"}\n"));
}

TEST_CASE("a session remembers what was said and forgets the oldest", "[think][session]")
{
  TempDir dir;
  const auto sessions = dir.path + "/sessions";
  CHECK(read_session(sessions, "k").empty());

  REQUIRE(write_session(sessions, "k",
    {{false, {text("Do it.")}}, {true, {text("I look."), call("1", "run")}},
      {false, {{Block::Kind::result, "secret stuff", "1", "run"}}}, {true, {text("Done.")}}}));
  const auto messages = read_session(sessions, "k");

  REQUIRE(messages.size() == 2);
  CHECK(messages[0].blocks[0].text == "Do it.");
  CHECK(messages[1].from_model);
  CHECK(messages[1].blocks[0].text == "I look.(I used run.)\n\nDone.");
  CHECK(read_session(sessions, "other").empty());

  std::vector<Message> many;
  for (int i = 0; i < 200; ++i) {
    many.push_back({i % 2 == 1, {text(std::string(4000, 'x'))}});
  }
  REQUIRE(write_session(sessions, "k", many));
  const auto kept = read_session(sessions, "k");
  CHECK(kept.size() > 10);
  CHECK(kept.size() < 100);
  CHECK_FALSE(kept.front().from_model);
  CHECK(kept.back().from_model);

  for (const auto& entry : std::filesystem::directory_iterator(sessions)) {
    std::filesystem::resize_file(entry.path(), 100);
  }
  CHECK(read_session(sessions, "k").empty());
}
