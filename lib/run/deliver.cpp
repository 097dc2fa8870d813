#include "run/deliver.hpp"

#include "audit/bodies.hpp"
#include "audit/redact.hpp"
#include "audit/sha256.hpp"
#include "host/acl.hpp"
#include "run/batch.hpp"
#include "run/finish.hpp"
#include "run/money.hpp"
#include "run/pace.hpp"
#include "run/step.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "think/transcript.hpp"

#include <algorithm>
#include <cstdlib>

namespace conos {

namespace {

std::string variable(const char* name)
{
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// What came of one attempt.
struct Verdict {
  bool started = false;
  std::optional<std::string> failure; // reason
  RunRecord record;
  std::string response;
  std::string transcript; // empty when the program left none
};

std::optional<std::string> failure_of(const RunRecord& record)
{
  if (record.how == "exited") {
    return record.status == 0 ? std::nullopt : std::optional<std::string>("runner-exit");
  }
  if (record.how == "timeout") {
    return "runner-timeout";
  }
  if (record.how == "output-limit") {
    return "output-limit";
  }
  return record.how == "unstartable" ? "unstartable" : "runner-signal";
}

std::optional<std::string> failure_of(std::string_view response)
{
  if (trimmed(response).empty()) {
    return "empty-output";
  }
  if (!is_utf8(response) || response.find('\0') != std::string_view::npos) {
    return "output-binary";
  }
  return std::nullopt;
}

// The agent an answer passes its task on to, from its first line "ROUTE_TO: NAME".
std::optional<std::string> forward_target(std::string_view response)
{
  constexpr std::string_view k_directive = "ROUTE_TO:";
  const auto line = trimmed(response.substr(0, response.find('\n')));
  if (!line.starts_with(k_directive)) {
    return std::nullopt;
  }
  return std::string(trimmed(line.substr(k_directive.size())));
}

class Deliver
{
public:
  Deliver(Step& step, Batch batch, ServiceEnd end)
      : m_step(step)
      , m_tree(step.tree())
      , m_batch(std::move(batch))
      , m_end(std::move(end))
      , m_work_failed(!m_end.code.empty() && (m_end.code != "exited" || m_end.status != "0"))
  {
  }

  Result<> run()
  {
    CONOS_TRY(const auto left, read_decisions(m_step));
    for (const auto& receipt : left) { // a deliver before us died over these
      std::erase(m_batch.tasks, receipt.meta.id);
    }
    CONOS_CHECK(forget_current(m_step)); // who still calls does so for nobody
    if (m_step.settings().has_model) {
      CONOS_CHECK(collect_bodies(m_step.site()));
    }
    std::vector<Receipt> decided;
    for (const auto& id : m_batch.tasks) {
      auto receipt = judge(id);
      CONOS_CHECK(receipt.map_error(during("deliver '" + id + "'")));
      if (*receipt) {
        decided.push_back(std::move(**receipt));
      }
    }
    CONOS_CHECK(sync_staged());
    note_the_pace(decided);
    CONOS_CHECK(finish(m_step, decided));
    return remove_batch(m_tree.top);
  }

private:
  // None when the task goes on: held, or back to waiting, or already gone.
  Result<std::optional<Receipt>> judge(const std::string& id)
  {
    auto task = read_claimed(m_step, id);
    if (!task) {
      if (task.error().kind == Kind::not_found) {
        return std::nullopt; // a deliver before us was killed after it had brought it away
      }
      return tl::unexpected<Error>(task.error());
    }
    if (task->meta.invocation != m_batch.invocation) {
      return std::nullopt; // put back by a deliver before us
    }
    CONOS_TRY(auto verdict, examine_drafts(id));
    if (!verdict.started) {
      CONOS_CHECK(m_work_failed ? wait_for_work(std::move(*task)) : put_back(*task));
      return std::nullopt;
    }
    return conclude(std::move(*task), verdict);
  }

  // What the agent left may be anything, and is judged; that we could not look is no judgement.
  Result<Verdict> examine_drafts(const std::string& id) const
  {
    Verdict verdict;
    const auto drafts = open_dir_at(m_tree.drafts, id);
    if (!drafts && is_passing(drafts.error())) {
      return tl::unexpected<Error>(drafts.error());
    }
    if (!drafts) {
      return verdict;
    }
    CONOS_TRY(verdict.started, is_there(*drafts, "response"));
    const auto record = read_draft(m_step, *drafts, "exit.json", 4096);
    if (!record && is_passing(record.error())) {
      return tl::unexpected<Error>(record.error());
    }
    const auto parsed = record ? run_record_from_json(*record)
                               : Result<RunRecord>(tl::unexpected<Error>(record.error()));
    if (!parsed) { // work was killed while this one ran
      verdict.record.started_at = now();
      verdict.failure = m_end.result == "timeout" ? "runner-timeout" : "runner-signal";
      return verdict;
    }
    verdict.started = true;
    verdict.record = *parsed;
    auto transcript =
      read_draft(m_step, *drafts, think::k_transcript, think::k_max_transcript_bytes);
    if (!transcript && is_passing(transcript.error())) {
      return tl::unexpected<Error>(transcript.error());
    }
    verdict.transcript = transcript ? std::move(*transcript) : "";
    verdict.failure = failure_of(verdict.record);
    if (!verdict.failure) {
      auto response = read_draft(m_step, *drafts, "response", m_step.settings().max_output_bytes);
      if (!response && is_passing(response.error())) {
        return tl::unexpected<Error>(response.error());
      }
      verdict.failure =
        response ? failure_of(*response) : std::optional<std::string>("empty-output");
      verdict.response = response ? std::move(*response) : "";
    }
    return verdict;
  }

  // Work did not come to it, so the attempt does not count. Nor does the claim, when others came
  // first: a queue whose tasks are now fast and now slow puts the same one back many times.
  Result<> put_back(ClaimedTask& task)
  {
    task.meta.attempt = std::max(0, task.meta.attempt - 1);
    task.meta.claims = std::max(0, task.meta.claims - (m_work_failed ? 0 : 1));
    task.meta.invocation.reset();
    CONOS_CHECK(remove_tree(m_tree.drafts, task.meta.id));
    CONOS_TRY(const bool has_original, is_there(task.dir, "original")); // then it can be made again
    return write_meta(m_step, task.dir, task.meta, has_original ? Durable::later : Durable::yes);
  }

  // Work could not even be set up: to try again at once would be a loop that nothing stops.
  Result<> wait_for_work(ClaimedTask task)
  {
    CONOS_CHECK(put_back(task));
    const auto pause = brake(task.meta.claims);
    log::error("work on '{}' could not start ({} {}); again in {}", task.meta.id, m_end.code,
      m_end.status, for_people(pause));
    return hold_task(m_step, std::move(task), "retry", now() + pause, "unstartable");
  }

  Result<std::optional<Receipt>> conclude(ClaimedTask task, const Verdict& verdict)
  {
    const auto& settings = m_step.settings();
    auto failure = verdict.failure;
    const auto target = failure ? std::nullopt : forward_target(verdict.response);
    if (target && std::find(settings.may_task.begin(), settings.may_task.end(), *target) ==
                    settings.may_task.end()) {
      failure = "not-allowed";
      log::notice("'{}' may not task '{}'", settings.name, escaped(*target, 64));
    }
    if (failure && is_out_of_budget(m_step, task.meta)) {
      failure = "no-budget"; // to try again would end the same way
    } else if (failure) {
      if (const auto until = budget_hold(m_step)) {
        CONOS_CHECK(wait_for_money(std::move(task), *until));
        return std::nullopt;
      }
    }
    if (failure && failure != "not-allowed" && failure != "no-budget" &&
        task.meta.attempt < settings.attempts) {
      CONOS_CHECK(retry_later(std::move(task), *failure));
      return std::nullopt;
    }
    Receipt receipt = receipt_of(task.meta, verdict);
    receipt.outcome = failure ? Outcome::failed : target ? Outcome::forwarded : Outcome::answered;
    receipt.reason = failure;
    receipt.forwarded_to = failure ? std::nullopt : target;
    receipt.usage = usage_of(m_step, task.meta);
    if (!failure) {
      CONOS_CHECK(stage_response(receipt, verdict.response));
    }
    keep_transcript(receipt, verdict.transcript);
    return receipt;
  }

  // Beside the bodies that rows name. Lost, it is missed and nothing else.
  void keep_transcript(Receipt& receipt, const std::string& text) const
  {
    if (text.empty()) {
      return;
    }
    const auto result = [&]() -> Result<> {
      CONOS_TRY(const auto lib, open_dir(m_step.site().lib));
      CONOS_TRY(const auto redactor, audit::Redactor::load(lib));
      CONOS_TRY(const auto bodies, audit::Bodies::open(m_step.site().lib));
      const auto kept = redactor.redacted(text);
      CONOS_TRY(const auto digest, bodies.put(kept));
      receipt.transcript = TranscriptRef{kept.size(), digest, kept != text};
      return {};
    }();
    if (!result) {
      log::warning("keep the transcript of '{}': {}", receipt.meta.id, result.error().text());
    }
  }

  // It failed for want of it, which is no attempt.
  Result<> wait_for_money(ClaimedTask task, Time until)
  {
    log::notice("'{}' waits for the budget of '{}' until {}", task.meta.id, task.meta.agent,
      rfc3339(until, 0));
    task.meta.attempt = std::max(0, task.meta.attempt - 1);
    CONOS_CHECK(remove_tree(m_tree.drafts, task.meta.id));
    return hold_task(m_step, std::move(task), "budget", until, "budget");
  }

  Result<> retry_later(ClaimedTask task, const std::string& failure)
  {
    const auto& retry = m_step.settings().retry;
    const auto nth = std::min(static_cast<std::size_t>(task.meta.attempt), retry.size());
    const auto pause = nth == 0 ? Duration(0) : retry[nth - 1];
    log::notice("'{}' failed ({}); attempt {} of {}, again in {}", task.meta.id, failure,
      task.meta.attempt, m_step.settings().attempts, for_people(pause));
    CONOS_CHECK(remove_tree(m_tree.drafts, task.meta.id));
    return hold_task(m_step, std::move(task), "retry", now() + pause, failure);
  }

  Receipt receipt_of(const Meta& meta, const Verdict& verdict) const
  {
    Receipt receipt;
    receipt.meta = meta;
    receipt.meta.invocation = m_batch.invocation;
    receipt.started_at = verdict.record.started_at;
    receipt.finished_at = now();
    receipt.exit = {m_end.result.empty() ? "success" : m_end.result,
      verdict.record.how.empty() ? "killed" : verdict.record.how, verdict.record.status};
    receipt.runner = m_batch.runner.empty() ? "" : m_batch.runner.front();
    receipt.runner = receipt.runner.substr(receipt.runner.rfind('/') + 1);
    receipt.batch = static_cast<int>(m_batch.tasks.size());
    return receipt;
  }

  // Under a name of its own, and on disk before a decision says that it is there.
  Result<> stage_response(Receipt& receipt, const std::string& text)
  {
    receipt.response = ResponseRef{
      outbox_stem(receipt.meta) + ".response", text.size(), audit::sha256_hex(text), false};
    CONOS_TRY(auto file, nameless(m_tree.outbox, text, 0440, {0, m_step.settings().gid}));
    if (!m_readers) {
      CONOS_TRY(m_readers, group_id("conos"));
    }
    if (m_readers) {
      CONOS_CHECK(let_group_read(file, *m_readers));
    }
    const auto name = staged_response(receipt.meta);
    CONOS_CHECK(remove_name(m_tree.outbox, name)); // of an attempt whose deliver died
    CONOS_CHECK(give_name(file, m_tree.outbox, name));
    m_staged.push_back(std::move(file));
    return {};
  }

  Result<> sync_staged()
  {
    CONOS_CHECK(sync_files(m_staged));
    return m_staged.empty() ? Result<>{} : sync_file(m_tree.outbox);
  }

  void note_the_pace(const std::vector<Receipt>& decided) const
  {
    if (!decided.empty()) {
      const auto begun = decided.front().started_at.value_or(now());
      note_pace(m_step.site(), m_step.settings().name, decided.size(),
        std::chrono::duration_cast<Duration>(now() - begun));
    }
  }

  Step& m_step;
  const AgentTree& m_tree;
  Batch m_batch;
  ServiceEnd m_end;
  bool m_work_failed;
  std::optional<gid_t> m_readers;
  std::vector<UniqueFd> m_staged; // at most as many as a batch has tasks
};

} // namespace

ServiceEnd service_end_from_environment()
{
  return {variable("INVOCATION_ID"), variable("SERVICE_RESULT"), variable("EXIT_CODE"),
    variable("EXIT_STATUS")};
}

Result<> deliver(const Site& site, const std::string& agent, const ServiceEnd& end)
{
  CONOS_TRY(auto step, Step::open(site, agent));
  auto batch = read_batch(step.tree().top);
  if (!batch && batch.error().kind == Kind::not_found) {
    return {}; // claim found nothing to do, or died before it knew what: the next claim sees
  }
  if (!batch) {
    return tl::unexpected<Error>(batch.error());
  }
  if (!end.invocation.empty() && end.invocation != batch->invocation) {
    return {}; // an old one: claim of this activation did not come so far
  }
  return Deliver(step, std::move(*batch), end).run();
}

} // namespace conos
