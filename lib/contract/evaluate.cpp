#include "contract/evaluate.hpp"

#include "contract/checks/command.hpp"
#include "contract/checks/keeper.hpp"
#include "contract/checks/look.hpp"
#include "host/accounts.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

namespace conos::contract {

namespace {

using Micros = std::chrono::microseconds;

constexpr unsigned k_max_workers = 32;
constexpr uid_t k_nobody = 65534;
// What a check gets beyond its time before it is given up.
constexpr Duration k_native_grace = std::chrono::seconds(1);
constexpr Duration k_program_grace = std::chrono::seconds(10);

unsigned processors()
{
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) != 0) {
    return 1;
  }
  return std::clamp(static_cast<unsigned>(CPU_COUNT(&set)), 1U, k_max_workers);
}

// --- what there is to do -----------------------------------------------------------------------

struct Job {
  const Contract* contract = nullptr;
  const Check* check = nullptr;
  std::vector<std::uint32_t> before; // jobs that have to pass first
  std::vector<std::uint32_t> after;
  std::string trouble; // why it cannot be made at all
  std::uint32_t waiting = 0;
  bool runs_program = false;
};

bool is_wanted_id(const Selection& selection, const Contract& contract, const Check& check)
{
  return std::any_of(selection.ids.begin(), selection.ids.end(), [&](const std::string& id) {
    return id == contract.id || id == contract.id + "/" + check.name;
  });
}

bool is_wanted(const Selection& selection, const Contract& contract, const Check& check)
{
  if (!selection.ids.empty()) {
    return is_wanted_id(selection, contract, check);
  }
  if (contract.is_protocol()) {
    return false;
  }
  return selection.tags.empty() || contract.has_tag("always") ||
         std::any_of(selection.tags.begin(), selection.tags.end(), [&](const std::string& tag) {
           return contract.has_tag(tag);
         });
}

// The checks that are wanted and those they depend on, with what goes before what.
class Plan
{
public:
  Plan(const Loaded& loaded, const Selection& selection)
      : m_loaded(loaded)
  {
    for (const auto& contract : loaded.contracts) {
      m_contracts.emplace(contract.id, &contract);
      for (const auto& check : contract.checks) {
        m_wanted.push_back(is_wanted(selection, contract, check));
        m_all.push_back({&contract, &check, {}, {}, {}, 0, needs_program(check)});
        m_number.emplace(
          contract.id + "/" + check.name, static_cast<std::uint32_t>(m_all.size() - 1));
      }
    }
  }

  std::vector<Job> jobs()
  {
    for (std::uint32_t i = 0; i < m_all.size(); ++i) {
      if (m_wanted[i]) {
        m_queue.push_back(i);
      }
    }
    for (std::size_t at = 0; at < m_queue.size(); ++at) { // it grows while we go along
      resolve(m_queue[at]);
    }
    return renumbered();
  }

private:
  void resolve(std::uint32_t number)
  {
    const auto job = m_all[number]; // a copy: m_all stays, its lists change
    for (const auto& dependency : job.contract->depends_on) {
      depend(number, dependency);
    }
    for (const auto& dependency : job.check->depends_on) {
      depend(number, dependency);
    }
  }

  void depend(std::uint32_t number, const Dependency& dependency)
  {
    const auto found = m_contracts.find(dependency.contract);
    if (found == m_contracts.end()) {
      m_all[number].trouble =
        fmt::format("it depends on '{}', which there is not", dependency.contract);
      return;
    }
    bool any = false;
    for (const auto& check : found->second->checks) {
      if (dependency.check.empty() || dependency.check == check.name) {
        any = true;
        add(number, m_number.at(dependency.contract + "/" + check.name));
      }
    }
    if (!any) {
      m_all[number].trouble = fmt::format(
        "it depends on '{}/{}', which there is not", dependency.contract, dependency.check);
    }
  }

  void add(std::uint32_t number, std::uint32_t before)
  {
    m_all[number].before.push_back(before);
    if (!m_wanted[before]) {
      m_wanted[before] = true;
      m_queue.push_back(before);
    }
  }

  std::vector<Job> renumbered()
  {
    std::vector<std::uint32_t> place(m_all.size(), 0);
    std::vector<Job> out;
    for (std::uint32_t i = 0; i < m_all.size(); ++i) {
      if (m_wanted[i]) {
        place[i] = static_cast<std::uint32_t>(out.size());
        out.push_back(std::move(m_all[i]));
      }
    }
    for (std::uint32_t i = 0; i < out.size(); ++i) {
      for (auto& before : out[i].before) {
        before = place[before];
        out[before].after.push_back(i);
      }
      out[i].waiting = static_cast<std::uint32_t>(out[i].before.size());
    }
    mark_circles(out);
    return out;
  }

  // What never becomes ready depends on itself.
  static void mark_circles(std::vector<Job>& jobs)
  {
    std::vector<std::uint32_t> waiting;
    std::vector<std::uint32_t> ready;
    for (std::uint32_t i = 0; i < jobs.size(); ++i) {
      waiting.push_back(jobs[i].waiting);
      if (jobs[i].waiting == 0) {
        ready.push_back(i);
      }
    }
    for (std::size_t at = 0; at < ready.size(); ++at) {
      for (const auto next : jobs[ready[at]].after) {
        if (--waiting[next] == 0) {
          ready.push_back(next);
        }
      }
    }
    for (std::uint32_t i = 0; i < jobs.size(); ++i) {
      if (waiting[i] > 0) {
        jobs[i].trouble = "its depends_on goes round in a circle";
        jobs[i].before.clear();
        jobs[i].waiting = 0;
      }
    }
  }

  const Loaded& m_loaded;
  std::vector<Job> m_all;
  std::vector<bool> m_wanted;
  std::vector<std::uint32_t> m_queue;
  std::unordered_map<std::string, const Contract*> m_contracts;
  std::unordered_map<std::string, std::uint32_t> m_number;
};

// --- one check ---------------------------------------------------------------------------------

// As root, what others could have written looks at files with the eyes of nobody, in this thread.
class AsNobody
{
public:
  AsNobody()
      : m_acting(k_nobody, k_nobody)
  {
    std::array<gid_t, 256> groups{};
    const long count = ::syscall(SYS_getgroups, groups.size(), groups.data());
    m_groups.assign(groups.begin(), groups.begin() + std::max(0L, count));
    m_good = count >= 0 && ::syscall(SYS_setgroups, 0, nullptr) == 0; // of this thread alone
  }
  ~AsNobody()
  {
    if (m_good) {
      (void)::syscall(SYS_setgroups, m_groups.size(), m_groups.data());
    }
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

  explicit operator bool() const { return m_good && m_acting; }

private:
  ActingAs m_acting;
  std::vector<gid_t> m_groups;
  bool m_good = false;
};

Outcome make_native(const Look& look)
{
  if (look.contract.source.is_trusted || ::geteuid() != 0) {
    return look_at(look);
  }
  const AsNobody nobody;
  if (!nobody) {
    return Outcome::broken("root could not look at it as nobody");
  }
  return look_at(look);
}

Status status_of(const OnFail& on_fail, Outcome::Verdict verdict)
{
  switch (verdict) {
  case Outcome::Verdict::good:
    return Status::pass;
  case Outcome::Verdict::bad:
    return status_of_failure(on_fail);
  case Outcome::Verdict::skipped:
    return Status::skip;
  case Outcome::Verdict::exempt:
    return Status::exempt;
  case Outcome::Verdict::broken:
    return Status::error;
  case Outcome::Verdict::late:
    return Status::timeout;
  }
  return Status::error;
}

// --- all of them -------------------------------------------------------------------------------

struct JobResult {
  Status status = Status::skip;
  std::string message;
  std::string evidence;
  Micros took{};
  bool is_done = false;
  bool is_blocked = false;
};

// What the threads share. It lives as long as the last of them, and one that hangs may outlive the
// run.
struct Shared {
  std::shared_ptr<const Loaded> loaded;
  std::vector<Job> jobs;
  std::vector<JobResult> results;
  Machine machine;
  std::vector<Keeper> keepers;

  std::mutex lock;
  std::condition_variable changed;
  std::deque<std::uint32_t> native; // ready to be made
  std::deque<std::uint32_t> programs;
  std::size_t left = 0;
  struct Working {
    std::uint32_t job = 0;
    Clock::time_point give_up;
    bool runs_program = false;
    std::size_t keeper = 0;
    bool is_given_up = false;
  };
  std::unordered_map<std::uint64_t, Working> working; // by worker
  std::uint64_t next_worker = 0;
  std::size_t keepers_left = 0;
};

Look look_of(Shared& shared, const Job& job, Clock::time_point now)
{
  return {*job.contract, *job.check, shared.machine, now + job.check->timeout};
}

// With the lock held.
void ready(Shared& shared, std::uint32_t number)
{
  (shared.jobs[number].runs_program ? shared.programs : shared.native).push_back(number);
}

void finish(Shared& shared, std::uint32_t number, JobResult result);

// A check that cannot be made, or need not be: it has its result at once. Nothing: make it.
std::optional<JobResult> result_without(const Shared& shared, const Job& job)
{
  if (!job.trouble.empty()) {
    return JobResult{Status::error, job.trouble, "", {}, true};
  }
  for (const auto before : job.before) {
    const auto& other = shared.jobs[before];
    const auto status = shared.results[before].status;
    if (status != Status::pass && status != Status::exempt) {
      return JobResult{Status::skip,
        fmt::format("it depends on '{}/{}', which came to {}", other.contract->id,
          other.check->name, name_of(status)),
        "", {}, true, true};
    }
  }
  return std::nullopt;
}

// With the lock held. Goes on with those that waited for it, without recursion.
void finish(Shared& shared, std::uint32_t number, JobResult result)
{
  std::vector<std::pair<std::uint32_t, JobResult>> todo;
  todo.emplace_back(number, std::move(result));
  bool is_news = false; // waking others for nothing costs more than most checks
  while (!todo.empty()) {
    auto [done, outcome] = std::move(todo.back());
    todo.pop_back();
    outcome.is_done = true;
    shared.results[done] = std::move(outcome);
    --shared.left;
    for (const auto next : shared.jobs[done].after) {
      auto& job = shared.jobs[next];
      if (!job.trouble.empty() || --job.waiting > 0) {
        continue;
      }
      if (auto at_once = result_without(shared, job)) {
        todo.emplace_back(next, std::move(*at_once));
      } else {
        ready(shared, next);
        is_news = true;
      }
    }
  }
  if (is_news || shared.left == 0) {
    shared.changed.notify_all();
  }
}

JobResult made(Shared& shared, std::uint32_t number, const Keeper* keeper)
{
  const auto& job = shared.jobs[number];
  const auto began = Clock::now();
  auto reason = reason_to_skip(job.contract->skip_if);
  reason = reason.empty() ? reason_to_skip(job.check->skip_if) : reason;
  auto outcome = !reason.empty()     ? Outcome::skipped(std::move(reason))
                 : keeper != nullptr ? keeper->make(number)
                                     : make_native(look_of(shared, job, began));
  return {status_of(job.check->on_fail, outcome.verdict), std::move(outcome.message),
    std::move(outcome.evidence), std::chrono::duration_cast<Micros>(Clock::now() - began), true};
}

// One thread: takes what is ready until nothing is left, or it was given up.
void work(
  const std::shared_ptr<Shared>& shared, std::uint64_t self, std::optional<std::size_t> keeper)
{
  std::unique_lock lock(shared->lock);
  auto& queue = keeper ? shared->programs : shared->native;
  for (;;) {
    shared->changed.wait(lock, [&] {
      return !queue.empty() || shared->left == 0;
    });
    if (queue.empty()) {
      return;
    }
    const auto number = queue.front();
    queue.pop_front();
    const auto& job = shared->jobs[number];
    const auto grace = keeper ? k_program_grace : k_native_grace;
    shared->working[self] = {number, Clock::now() + job.check->timeout + grace, job.runs_program,
      keeper.value_or(0), false};
    const Keeper* own = keeper ? &shared->keepers[*keeper] : nullptr;
    lock.unlock();
    auto result = made(*shared, number, own);
    lock.lock();
    const bool is_given_up = shared->working[self].is_given_up;
    shared->working.erase(self);
    if (is_given_up) {
      return; // it has a result already
    }
    finish(*shared, number, std::move(result));
    if (own != nullptr && !own->is_good()) {
      --shared->keepers_left;
      shared->changed.notify_all();
      return;
    }
  }
}

class Run
{
public:
  Run(std::shared_ptr<const Loaded> loaded, const EvaluateOptions& options)
      : m_shared(std::make_shared<Shared>())
      , m_workers(options.workers == 0 ? processors() : options.workers)
  {
    m_shared->jobs = Plan(*loaded, options.selection).jobs();
    m_shared->loaded = std::move(loaded);
    m_shared->results.resize(m_shared->jobs.size());
    m_shared->left = m_shared->jobs.size();
  }

  // Whether a thread had to be left behind.
  bool run()
  {
    start_what_is_ready();
    start_keepers();
    start_threads();
    wait_for_all();
    join();
    if (!m_is_stuck) {
      m_shared->keepers.clear();
    }
    return m_is_stuck;
  }

  const std::vector<Job>& jobs() const { return m_shared->jobs; }
  std::vector<JobResult>& results() { return m_shared->results; }

private:
  void start_what_is_ready()
  {
    auto& shared = *m_shared;
    std::vector<std::uint32_t> at_once;
    for (std::uint32_t i = 0; i < shared.jobs.size(); ++i) {
      if (!shared.jobs[i].trouble.empty()) {
        at_once.push_back(i);
      } else if (shared.jobs[i].waiting == 0) {
        ready(shared, i);
      }
    }
    for (const auto number : at_once) {
      finish(shared, number, *result_without(shared, shared.jobs[number]));
    }
  }

  // Before the first thread: a process of several must not fork.
  void start_keepers()
  {
    auto& shared = *m_shared;
    std::size_t programs = 0;
    bool asks_systemd = false;
    for (const auto& job : shared.jobs) {
      programs += job.runs_program ? 1U : 0U;
      asks_systemd = asks_systemd ||
                     (!job.contract->source.is_trusted && (job.check->module->name == "unit" ||
                                                            job.check->module->name == "enforced"));
    }
    const auto make = [&shared](std::uint32_t number) {
      return run_program(look_of(shared, shared.jobs[number], Clock::now()));
    };
    const auto count = std::min<std::size_t>(m_workers, programs);
    shared.keepers.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      auto keeper = Keeper::start(make, shared.keepers);
      if (!keeper) {
        break;
      }
      shared.keepers.push_back(std::move(*keeper));
    }
    shared.keepers_left = shared.keepers.size();
    if (asks_systemd) {
      (void)shared.machine.units(); // as ourselves, before a thread asks as nobody
    }
  }

  void start_thread(std::optional<std::size_t> keeper)
  {
    m_threads.emplace(
      m_shared->next_worker, std::thread(work, m_shared, m_shared->next_worker, keeper));
    ++m_shared->next_worker;
  }

  void start_threads()
  {
    const std::lock_guard guard(m_shared->lock);
    std::size_t native = 0;
    for (const auto& job : m_shared->jobs) {
      native += job.runs_program ? 0U : 1U;
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(m_workers, native); ++i) {
      start_thread(std::nullopt);
    }
    for (std::size_t i = 0; i < m_shared->keepers.size(); ++i) {
      start_thread(i);
    }
  }

  void wait_for_all()
  {
    auto& shared = *m_shared;
    std::unique_lock lock(shared.lock);
    while (shared.left > 0) {
      (void)shared.changed.wait_until(lock, next_deadline());
      give_up_the_late(Clock::now());
      if (shared.keepers_left == 0) {
        refuse_programs();
      }
    }
    shared.changed.notify_all();
  }

  Clock::time_point next_deadline() const
  {
    auto first = Clock::now() + std::chrono::seconds(60);
    for (const auto& [worker, working] : m_shared->working) {
      first = working.is_given_up ? first : std::min(first, working.give_up);
    }
    return first;
  }

  void give_up_the_late(Clock::time_point now)
  {
    auto& shared = *m_shared;
    std::vector<std::uint64_t> late;
    for (const auto& [worker, working] : shared.working) {
      if (!working.is_given_up && now >= working.give_up) {
        late.push_back(worker);
      }
    }
    for (const auto worker : late) {
      auto& working = shared.working[worker];
      working.is_given_up = true;
      m_is_stuck = true;
      const auto number = working.job;
      const auto took = shared.jobs[number].check->timeout;
      if (working.runs_program) {
        --shared.keepers_left;
      } else {
        start_thread(std::nullopt);
      }
      finish(shared, number, {Status::timeout, "its time was up", "", took, true});
    }
  }

  void refuse_programs()
  {
    auto& shared = *m_shared;
    while (!shared.programs.empty()) {
      const auto number = shared.programs.front();
      shared.programs.pop_front();
      finish(shared, number,
        {Status::error, "there is no process left that could run it", "", {}, true});
    }
  }

  // One that was given up may hang in the kernel for ever.
  void join()
  {
    for (auto& [worker, thread] : m_threads) {
      std::unique_lock lock(m_shared->lock);
      const auto found = m_shared->working.find(worker);
      const bool hangs = found != m_shared->working.end() && found->second.is_given_up;
      lock.unlock();
      hangs ? thread.detach() : thread.join();
    }
  }

  std::shared_ptr<Shared> m_shared;
  unsigned m_workers;
  std::map<std::uint64_t, std::thread> m_threads;
  bool m_is_stuck = false;
};

// --- the report --------------------------------------------------------------------------------

const Exemption* exemption_of(const std::vector<Exemption>& exemptions, const Row& row, Time now)
{
  for (const auto& one : exemptions) {
    if (one.contract == row.contract->id && (one.check.empty() || one.check == row.check->name) &&
        (!one.until || *one.until > now)) {
      return &one;
    }
  }
  return nullptr;
}

void let_off(Row& row, const Exemption& exemption)
{
  if (row.status == Status::pass || row.status == Status::skip) {
    return;
  }
  row.status = Status::exempt;
  row.message = fmt::format("exempt: {} (by {}{}); {}", escaped(exemption.reason, 200),
    escaped(exemption.by, 64), exemption.until ? ", until " + rfc3339(*exemption.until, 0) : "",
    row.message);
}

Row row_of(const Invalid& invalid)
{
  Row row;
  row.invalid = &invalid;
  row.status = Status::error;
  for (const auto& problem : invalid.problems) {
    const auto line = problem.mark.line == 0 ? problem.what
                                             : fmt::format("{}:{}: {}", problem.mark.line,
                                                 problem.mark.column, problem.what);
    row.message = row.message.empty() ? line : row.message;
    if (row.evidence.size() < k_max_evidence) {
      row.evidence += (row.evidence.empty() ? "" : "\n") + line;
    }
  }
  return row;
}

Result<> need_ids(const Loaded& loaded, const Selection& selection)
{
  for (const auto& id : selection.ids) {
    const auto slash = id.find('/');
    const auto found =
      std::find_if(loaded.contracts.begin(), loaded.contracts.end(), [&](const Contract& contract) {
        return contract.id == id.substr(0, slash);
      });
    const bool is_there = found != loaded.contracts.end() &&
                          (slash == id.npos || std::any_of(found->checks.begin(),
                                                 found->checks.end(), [&](const Check& check) {
                                                   return check.name == id.substr(slash + 1);
                                                 }));
    if (!is_there) {
      return fail(Kind::not_found, "there is no contract '{}'", escaped(id, 100));
    }
  }
  return {};
}

} // namespace

std::string_view Row::id() const
{
  return contract != nullptr ? std::string_view(contract->id) : k_invalid;
}

std::string_view Row::name() const
{
  return check != nullptr ? check->name : invalid->file;
}

std::string_view Row::what() const
{
  if (check == nullptr) {
    return "a file is no valid contract";
  }
  return check->what.empty() ? contract->description : check->what;
}

Severity Row::severity() const
{
  return check != nullptr ? check->severity : Severity::high;
}

const std::string& Row::file() const
{
  return contract != nullptr ? contract->source.file : invalid->file;
}

bool Report::is_bad() const
{
  return std::any_of(counts.begin(), counts.end(), [](const auto& entry) {
    return entry.second > 0 && contract::is_bad(entry.first);
  });
}

Status status_of_failure(const OnFail& on_fail)
{
  if (on_fail.has(Action::halt)) {
    return Status::halt;
  }
  const bool only_warns =
    !on_fail.actions.empty() &&
    std::all_of(on_fail.actions.begin(), on_fail.actions.end(), [](Action action) {
      return action == Action::alert || action == Action::warn;
    });
  return only_warns ? Status::warn : Status::fail;
}

std::string reason_to_skip(const SkipIf& skip_if)
{
  const auto is_there = [](const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
  };
  if (!skip_if.env_var_unset.empty() && std::getenv(skip_if.env_var_unset.c_str()) == nullptr) {
    return "'" + escaped(skip_if.env_var_unset, 100) + "' is not set";
  }
  if (!skip_if.path_exists.empty() && is_there(skip_if.path_exists)) {
    return "'" + escaped(skip_if.path_exists, 200) + "' is there";
  }
  if (!skip_if.path_not_exists.empty() && !is_there(skip_if.path_not_exists)) {
    return "there is no '" + escaped(skip_if.path_not_exists, 200) + "'";
  }
  if (!skip_if.command_not_available.empty() && !is_program(skip_if.command_not_available)) {
    return "there is no program '" + escaped(skip_if.command_not_available, 100) + "'";
  }
  if (skip_if.not_in_ci && std::getenv("CI") == nullptr) {
    return "'CI' is not set";
  }
  if (skip_if.not_root && ::geteuid() != 0) {
    return "only root can see it";
  }
  return skip_if.no_systemd && !is_there("/run/systemd/system") ? "systemd is not running" : "";
}

Result<Report> evaluate(std::shared_ptr<const Loaded> loaded, const EvaluateOptions& options)
{
  CONOS_CHECK(need_ids(*loaded, options.selection));
  Report report;
  report.started = now();
  const auto began = Clock::now();
  for (const auto& invalid : loaded->invalid) {
    report.rows.push_back(row_of(invalid));
  }
  report.loaded = loaded;
  Run run(std::move(loaded), options);
  report.is_stuck = run.run();
  for (std::size_t i = 0; i < run.jobs().size(); ++i) {
    const auto& job = run.jobs()[i];
    auto& result = run.results()[i];
    Row row{job.contract, job.check, nullptr, result.status, std::move(result.message),
      std::move(result.evidence), result.took, result.is_blocked};
    if (const auto* exemption = exemption_of(options.exemptions, row, report.started)) {
      let_off(row, *exemption);
    }
    report.rows.push_back(std::move(row));
  }
  for (const auto status : k_statuses) {
    report.counts[status] = 0;
  }
  for (const auto& row : report.rows) {
    ++report.counts[row.status];
  }
  report.took = std::chrono::duration_cast<Micros>(Clock::now() - began);
  return report;
}

} // namespace conos::contract
