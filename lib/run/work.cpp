#include "run/work.hpp"

#include "run/batch.hpp"
#include "sys/file.hpp"
#include "sys/landlock.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace conos {

namespace {

using Clock = std::chrono::steady_clock;

// kill(-1) is the one way that no fork outruns: the kernel walks all processes of this uid at once
// (kill(2)). As their subreaper we then see each of them go.
void end_everything_else()
{
  (void)::kill(-1, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

std::vector<std::string> environment_of(const Batch& batch, const Site& site, const std::string& id)
{
  const auto home = "/home/a-" + batch.agent;
  const auto tree = site.agent(batch.agent);
  std::vector<std::string> environment{
    "PATH=/usr/local/bin:/usr/bin:/bin",
    "LANG=C.UTF-8",
    "HOME=" + home,
    "USER=a-" + batch.agent,
    "LOGNAME=a-" + batch.agent,
    "TMPDIR=/tmp",
    "CONOS_AGENT=" + batch.agent,
    "CONOS_TASK=" + id,
    "CONOS_META=" + tree + "/claimed/" + id + "/meta.json",
    "CONOS_FACTS=" + tree + "/claimed/" + id + "/facts.json",
    "CONOS_DRAFTS=" + tree + "/drafts/" + id,
  };
  environment.insert(environment.end(), batch.environment.begin(), batch.environment.end());
  return environment;
}

std::string_view how_text(Ended::How how)
{
  switch (how) {
  case Ended::How::exited:
    return "exited";
  case Ended::How::signalled:
    return "signalled";
  case Ended::How::timeout:
    return "timeout";
  case Ended::How::output_limit:
    return "output-limit";
  }
  return "exited";
}

// Where the program of this task may write. Of the drafts its own: those of the tasks before and
// after it in the batch have the same owner.
std::vector<std::string> places_of(const Batch& batch, const Site& site, const std::string& id)
{
  const auto tree = site.agent(batch.agent);
  std::vector<std::string> places{tree + "/drafts/" + id, tree + "/workspace",
    "/home/a-" + batch.agent, "/dev", "/proc", "/tmp", "/var/tmp"};
  places.insert(places.end(), batch.writable.begin(), batch.writable.end());
  return places;
}

// A file of the agent's own, for deliver to read; nothing of it is trusted, nothing needs a sync.
Result<UniqueFd> create(const UniqueFd& drafts, const char* name)
{
  UniqueFd file(
    ::openat(drafts.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return os_error("leave '{}'", name);
  }
  return file;
}

Result<> leave(const UniqueFd& drafts, const char* name, std::string_view text)
{
  if (text.empty()) {
    return {};
  }
  CONOS_TRY(const auto file, create(drafts, name));
  return write_all(file, text);
}

class Worker
{
public:
  Worker(const Site& site, Batch batch, UniqueFd top)
      : m_site(site)
      , m_batch(std::move(batch))
      , m_top(std::move(top))
  {
  }

  Result<> run()
  {
    const auto stop_at = Clock::now() + std::chrono::seconds(1);
    for (const auto& id : m_batch.tasks) {
      CONOS_CHECK(run_one(id).map_error(during("work on '" + id + "'")));
      if (Clock::now() >= stop_at || landlock_abi() == 0) {
        break;
      }
    }
    return {};
  }

private:
  Result<> run_one(const std::string& id)
  {
    CONOS_TRY(const auto claimed, open_dir_at(m_top, "claimed"));
    CONOS_TRY(const auto task, open_dir_at(claimed, id));
    CONOS_TRY(const auto drafts, hold_dir(m_site.agent(m_batch.agent) + "/drafts/" + id));
    CONOS_TRY(const auto prompt, open_beneath(task, "prompt"));

    RunRecord record;
    record.started_at = now();
    CONOS_TRY(const auto response, create(drafts, "response")); // there: the attempt has begun
    Bounds bounds;
    bounds.time = m_batch.timeout;
    bounds.out_bytes = m_batch.max_output_bytes;
    bounds.err_bytes = k_max_log_bytes;
    Command command{m_batch.runner, environment_of(m_batch, m_site, id),
      m_site.agent(m_batch.agent) + "/workspace", prompt.get()};
    UniqueFd rules;
    if (landlock_abi() > 0) {
      CONOS_TRY(rules, write_only_in(places_of(m_batch, m_site, id)));
    }
    command.rules = rules.get();
    const auto ran = run_command(command, bounds, end_everything_else);

    record.finished_at = now();
    if (!ran) { // it could not be started: the reason is all the log there is
      record.how = "unstartable";
      CONOS_CHECK(leave(drafts, "log", ran.error().text() + "\n"));
      return leave(drafts, "exit.json", to_json(record));
    }
    record.how = how_text(ran->how);
    record.status = ran->status;
    record.log_cut = ran->err_cut;
    CONOS_CHECK(leave(drafts, "log", ran->err));
    CONOS_CHECK(write_all(response, ran->out));
    return leave(drafts, "exit.json", to_json(record));
  }

  const Site& m_site;
  Batch m_batch;
  UniqueFd m_top;
};

} // namespace

Result<> work(const Site& site, const std::string& agent)
{
  CONOS_TRY(auto top, hold_dir(site.agent(agent))); // its own agent may not list it
  auto batch = read_batch(top);
  if (!batch && batch.error().kind == Kind::not_found) {
    return {}; // claim found nothing
  }
  if (!batch) {
    return tl::unexpected<Error>(batch.error());
  }
  if (::geteuid() == 0 || ::geteuid() != batch->uid || ::getuid() != batch->uid) {
    return fail(Kind::denied,
      "work runs as a-{} (uid {}), and ends every other process of that uid", agent, batch->uid);
  }
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
    return os_error("become the subreaper");
  }
  // what its program, of the same uid, could else read and change in /proc
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
    return os_error("close its memory");
  }
  return Worker(site, std::move(*batch), std::move(top)).run();
}

} // namespace conos
