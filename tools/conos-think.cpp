// conos-think - answer an agent's task with a language model
#include "ask/client.hpp"
#include "cli/tool.hpp"
#include "sys/fd.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "think/client.hpp"
#include "think/loop.hpp"
#include "think/session.hpp"
#include "think/tools.hpp"
#include "think/transcript.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace conos;
using Clock = std::chrono::steady_clock;

constexpr std::size_t k_max_prompt_bytes = 16U << 20U;

std::string variable(const char* name)
{
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// Where the model is asked: the agent's own door, unless told otherwise.
think::Door door_of(const cli::Args& args)
{
  if (args.has("base")) {
    return {"", args["base"]};
  }
  return {args.has("socket") ? args["socket"]
                             : "/run/conos/doors/" + variable("CONOS_AGENT") + "/model.sock",
    ""};
}

// Whether there is no model to be had at all, which another program can do without; a model that is
// there and fails is a failure.
bool is_nobody_there(const think::Asked& first)
{
  return !first.answer &&
         (first.refusal.status == 0 ? first.bytes == 0 : first.refusal.type == "no_provider");
}

// Turns into the steward, which reads the same prompt.
Result<cli::Exit> pass_on(const std::string& steward, const std::string& prompt, const Error& why)
{
  log::warning("{}; {} answers instead. To connect one: echo KEY | conos secret set anthropic && "
               "conos-bootstrap",
    why.text(), steward.substr(steward.rfind('/') + 1));
  CONOS_TRY(const auto file, memory_file(prompt));
  if (::dup2(file.get(), STDIN_FILENO) < 0) {
    return os_error("pass the prompt on");
  }
  return tl::unexpected<Error>(become({steward}, own_environment()));
}

// In the place of this task; by hand there is none, and nothing is written down.
think::Transcript open_transcript()
{
  const auto drafts = variable("CONOS_DRAFTS");
  if (drafts.empty()) {
    return think::Transcript(UniqueFd());
  }
  UniqueFd file(::open((drafts + "/" + think::k_transcript).c_str(),
    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    log::warning("go on without a transcript: {}", os_error("make it").value().text());
  }
  return think::Transcript(std::move(file));
}

think::Workplace workplace()
{
  think::Workplace place;
  char* here = ::get_current_dir_name();
  place.directory = here != nullptr ? here : "/";
  std::free(here);
  place.environment = own_environment();
  const auto meta = variable("CONOS_META");
  place.skills = meta.substr(0, meta.rfind('/') + 1) + "skills.json";
  place.task = variable("CONOS_TASK");
  const auto gate = ask::gate_of(variable("CONOS_AGENT"));
  if (::access(gate.c_str(), F_OK) == 0) {
    place.gate = gate;
  }
  return place;
}

Result<think::Job> job_of(const cli::Args& args, std::string prompt)
{
  think::Job job;
  CONOS_TRY(job.api, think::api_called(args["api"]));
  CONOS_TRY(const auto steps, args.number("steps", 1, 1000));
  CONOS_TRY(const auto tokens, args.number("tokens", 0, 1'000'000'000));
  CONOS_TRY(const auto answer_tokens, args.number("answer-tokens", 1, 1'000'000));
  CONOS_TRY(const auto window, args.number("window", 1000, 100'000'000));
  job.model = args["model"];
  job.limits.steps = static_cast<std::size_t>(steps);
  job.limits.tokens = static_cast<std::uint64_t>(tokens);
  job.limits.answer_tokens = static_cast<std::size_t>(answer_tokens);
  job.limits.context_bytes = static_cast<std::size_t>(window) * 2; // some of it is for answers
  job.prompt = std::move(prompt);
  return job;
}

Result<cli::Exit> answer(const cli::Args& args)
{
  CONOS_TRY(const auto time, parse_duration(args["time"]));
  const auto stop_at = Clock::now() + time;
  CONOS_TRY(auto prompt, read_all(UniqueFd(::dup(STDIN_FILENO)), k_max_prompt_bytes));
  CONOS_TRY(auto job, job_of(args, std::move(prompt)));
  const auto place = workplace();
  const auto session = args.has("session") ? args["session"] : variable("CONOS_SESSION");
  const auto sessions = place.directory + "/sessions";
  if (!session.empty()) {
    job.history = think::read_session(sessions, session);
  }

  CONOS_TRY(auto client, think::Client::open(door_of(args), job.api));
  const auto left = [&] {
    return std::chrono::duration_cast<Duration>(stop_at - Clock::now());
  };
  bool is_first = true;
  bool is_alone = false;
  think::World world;
  world.ask = [&](const std::string& body) {
    auto asked = client.ask(body, left());
    is_alone = is_first && is_nobody_there(asked);
    is_first = false;
    return asked;
  };
  world.use = [&](const think::Block& call) {
    return think::use_tool(call, place, std::max(left(), Duration(1000)));
  };
  world.is_time_up = [&] {
    return left() <= Duration(0);
  };

  auto transcript = open_transcript();
  transcript.begin(job);
  think::Usage usage;
  const auto finished = think::work_through(job, world, transcript.witness(), usage);
  transcript.end(finished, usage);
  if (!finished && is_alone && args.has("steward")) {
    return pass_on(args["steward"], job.prompt, finished.error());
  }
  if (!finished) {
    return tl::unexpected<Error>(finished.error());
  }
  if (!session.empty()) {
    if (const auto kept = think::write_session(sessions, session, finished->messages); !kept) {
      log::warning("forget what was said: {}", kept.error().text());
    }
  }
  (void)std::fwrite(finished->answer.data(), 1, finished->answer.size(), stdout); // as in cli::run
  return cli::Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return conos::cli::run(argc, argv,
    {
      .name = "conos-think",
      .purpose = "answer an agent's task with a language model",
      .verbs = {{"", "", "",
        {{"api", "the protocol to speak: anthropic or openai", "API", "openai"},
          {"model", "the model to ask for", "MODEL", "default"},
          {"socket", "the model door", "PATH"},
          {"base", "the model door by address", "http://127.0.0.1:PORT"},
          {"steward", "the program that answers when no model can be had", "PATH"},
          {"session", "go on with this session, kept in the workspace", "KEY"},
          {"steps", "ask the model at most so often", "N", "50"},
          {"tokens", "use at most so many tokens, 0 for no limit", "N", "0"},
          {"answer-tokens", "tokens of one answer", "N", "8192"},
          {"window", "tokens the model can look at together", "N", "180000"},
          {"time", "answer before this long", "DURATION", "28m"}},
        answer}},
      .section = "8",
    });
}
