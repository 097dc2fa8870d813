#include "run/show.hpp"

#include "audit/bodies.hpp"
#include "audit/place.hpp"
#include "audit/reader.hpp"
#include "audit/redact.hpp"
#include "audit/sha256.hpp"
#include "sys/clock.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"
#include "task/find.hpp"
#include "think/transcript.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace conos {

namespace {

constexpr std::size_t k_max_prompt_bytes = 64U << 20U;

// The task of that name, and where an agent passed it on, what became of it there: in this order.
std::vector<const FoundTask*> way_of(const TaskList& chain, const std::string& id)
{
  std::vector<const FoundTask*> way;
  for (const auto& task : chain.tasks) { // a forward comes after what was forwarded
    const bool is_forward = !way.empty() && task.meta && task.meta->kind == TaskKind::forward &&
                            task.meta->parent == way.back()->id;
    if (task.id == id || is_forward) {
      way.push_back(&task);
    }
  }
  return way;
}

// In the order of the agents it came to; never empty.
Result<std::vector<Receipt>> receipts_of(const Site& site, const RunName& name)
{
  CONOS_TRY(const auto chain, find_chain(site, name.id));
  auto way = way_of(chain, name.id);
  std::erase_if(way, [&](const FoundTask* task) {
    return !name.agent.empty() && task->agent != name.agent;
  });
  if (way.empty()) {
    return fail(Kind::not_found, "there is no task '{}'{}", escaped(name.id),
      name.agent.empty() ? "" : " with " + escaped(name.agent, 64));
  }
  if (!way.back()->receipt) {
    return fail(
      Kind::not_found, "'{}' has not ended: it is {}", escaped(name.id), way.back()->state);
  }
  std::vector<Receipt> receipts;
  for (const auto* task : way) {
    if (task->receipt) {
      receipts.push_back(*task->receipt);
    }
  }
  return receipts;
}

Result<std::string> prompt_of(const Site& site, const Receipt& receipt)
{
  const auto& digest = receipt.meta.sha256.prompt;
  if (!digest) {
    return fail(Kind::not_found, "'{}' never came to a program", receipt.meta.id);
  }
  CONOS_TRY(const auto bodies, audit::Bodies::open(site.lib));
  return bodies.get(*digest, k_max_prompt_bytes);
}

Result<think::Record> record_of(const Site& site, const Receipt& receipt)
{
  if (!receipt.transcript) {
    return fail(Kind::not_found, "'{}' left no transcript: {} keeps none", receipt.meta.id,
      receipt.runner.empty() ? "its program" : escaped(receipt.runner));
  }
  CONOS_TRY(const auto bodies, audit::Bodies::open(site.lib));
  CONOS_TRY(const auto text, bodies.get(receipt.transcript->sha256, think::k_max_transcript_bytes));
  return think::read_record(text);
}

// What is to be said of a step; a note is no difference.
struct Finding {
  std::string what;
  bool is_difference = false;
};

// What the agent's door recorded of the calls of a task. The transcript is testimony, the door's
// rows are not: each request and answer in it must be one the door knows of.
class DoorRecord
{
public:
  static Result<DoorRecord> open(const Site& site, const Receipt& receipt)
  {
    CONOS_TRY(const auto lib, open_dir(site.lib));
    CONOS_TRY(auto redactor, audit::Redactor::load(lib));
    CONOS_TRY(auto bodies, audit::Bodies::open(site.lib));
    DoorRecord record(std::move(redactor), std::move(bodies));
    if (receipt.usage.calls > 0) { // else it has no door
      CONOS_CHECK(record.read(site, receipt.meta));
    }
    if (record.m_answers.size() < static_cast<std::size_t>(receipt.usage.calls)) {
      record.m_answers.clear();
      record.m_is_short = receipt.usage.calls > 0;
    }
    return record;
  }

  // Rows were pruned, or are not written yet: nothing is compared.
  bool is_short() const { return m_is_short; }

  std::optional<Finding> compare(const think::Record::Step& step, const std::string& body) const
  {
    if (m_answers.empty() || !step.answer) { // of what was refused it has no such row
      return std::nullopt;
    }
    const auto [first, last] = m_answers.equal_range(step.request_sha256);
    if (first == last) {
      return m_redactor.redacted(body) == body
               ? Finding{"its door knows of no such request", true}
               : Finding{"its door took keys out of what it kept of the request", false};
    }
    const bool is_known = std::any_of(first, last, [&](const auto& call) {
      return call.second == step.answer_sha256;
    });
    if (is_known) {
      return std::nullopt;
    }
    const bool is_redacted = std::any_of(first, last, [&](const auto& call) {
      const auto kept = m_bodies.get(call.second, k_max_prompt_bytes);
      return kept && kept->find("[redacted: ") != std::string::npos;
    });
    return is_redacted ? Finding{"its door took keys out of what it kept of the answer", false}
                       : Finding{"its door knows of another answer", true};
  }

private:
  DoorRecord(audit::Redactor redactor, audit::Bodies bodies)
      : m_redactor(std::move(redactor))
      , m_bodies(std::move(bodies))
  {
  }

  Result<> read(const Site& site, const Meta& meta)
  {
    CONOS_TRY(auto ledger, audit::Reader::open(site.lib + "/" + audit::k_database));
    audit::Filter filter;
    filter.type = "model.called";
    filter.actor = "conos-model";
    return ledger.each_after(0, filter, [&](const audit::Event& event) {
      const auto row = nlohmann::json::parse(event.payload, nullptr, false);
      const auto text = [&](const char* key) {
        const auto found = row.find(key);
        return found != row.end() && found->is_string() ? found->get<std::string>() : "";
      };
      if (row.is_object() && text("id") == meta.id && text("agent") == meta.agent) {
        m_answers.emplace(text("request_sha256"), text("response_sha256"));
      }
      return true;
    });
  }

  audit::Redactor m_redactor;
  audit::Bodies m_bodies;
  std::multimap<std::string, std::string> m_answers; // by what was asked, by their digests
  bool m_is_short = false;
};

std::string row(std::string_view name, std::string_view value)
{
  return fmt::format("{:<12}{}\n", name, value);
}

std::string summary_of(const std::vector<Receipt>& receipts)
{
  const auto& receipt = receipts.back();
  const auto& meta = receipt.meta;
  auto text =
    row("task", meta.id) + row("agent", meta.agent) + row("program", escaped(receipt.runner));
  text += row("outcome", to_string(receipt.outcome));
  text += receipt.reason ? row("reason", escaped(*receipt.reason)) : "";
  text += row("trust", to_string(meta.trust));
  for (auto before = receipts.begin(); before != receipts.end() - 1; ++before) {
    text += row("before", fmt::format("{} {}", before->meta.agent, to_string(before->outcome)));
  }
  if (receipt.started_at) {
    text += row("started", rfc3339(*receipt.started_at));
    text += row("took",
      for_people(std::chrono::duration_cast<Duration>(receipt.finished_at - *receipt.started_at)));
  }
  text += meta.sha256.prompt ? row("prompt", *meta.sha256.prompt) : "";
  text += receipt.transcript ? row("transcript", receipt.transcript->sha256) : "";
  text += receipt.response ? row("response", receipt.response->sha256) : "";
  for (const auto& file : meta.policy) {
    text += row("policy", escaped(file));
  }
  return text;
}

std::string cost_of(const Receipt& receipt)
{
  const auto& usage = receipt.usage;
  return row("calls", std::to_string(usage.calls)) +
         row("tokens in", std::to_string(usage.input_tokens)) +
         row("tokens out", std::to_string(usage.output_tokens)) +
         row("cost", fmt::format("{}.{:06} USD", usage.usd / 1'000'000, usage.usd % 1'000'000));
}

} // namespace

Result<std::string> show_run(const Site& site, const RunName& name, RunPart part)
{
  CONOS_TRY(const auto receipts, receipts_of(site, name));
  const auto& receipt = receipts.back();
  switch (part) {
  case RunPart::summary:
    return summary_of(receipts) + cost_of(receipt);
  case RunPart::cost:
    return cost_of(receipt);
  case RunPart::prompt:
    return prompt_of(site, receipt);
  case RunPart::transcript:
  case RunPart::tools:
    break;
  }
  CONOS_TRY(const auto record, record_of(site, receipt));
  return think::transcript_text(record, part == RunPart::tools);
}

Result<ReplayedRun> replay_run(const Site& site, const RunName& name)
{
  CONOS_TRY(const auto receipts, receipts_of(site, name));
  const auto& receipt = receipts.back();
  CONOS_TRY(const auto record, record_of(site, receipt));
  CONOS_TRY(const auto prompt, prompt_of(site, receipt));
  if (record.is_cut) {
    return fail(Kind::bad_data, "the transcript of '{}' was too long to be whole", receipt.meta.id);
  }
  CONOS_TRY(const auto door, DoorRecord::open(site, receipt));
  std::vector<Finding> findings;
  auto again = think::replay(record, prompt, [&](std::size_t step, const std::string& body) {
    if (auto finding = door.compare(record.steps[step - 1], body)) {
      finding->what = fmt::format("step {}: {}", step, finding->what);
      findings.push_back(std::move(*finding));
    }
  });
  if (receipt.response && audit::sha256_hex(again.answer) != receipt.response->sha256) {
    again.differences.emplace_back("the answer is not the one that was delivered");
  }
  ReplayedRun result;
  if (door.is_short()) {
    result.report += "the rows of its door are not all there: only the record itself is compared\n";
  }
  for (const auto& finding : findings) {
    result.report += finding.what + "\n";
    result.is_same = result.is_same && !finding.is_difference;
  }
  if (!again.differences.empty() && receipt.transcript->redacted) {
    result.report += "keys were taken out of this record when it was kept, and it cannot be done "
                     "again where they were:\n";
  }
  for (const auto& difference : again.differences) {
    result.is_same = false;
    result.report += difference + "\n";
  }
  if (result.is_same) {
    result.report += fmt::format("the same, to the byte: {} {}, {} bytes of answer\n", again.steps,
      again.steps == 1 ? "step" : "steps", again.answer.size());
  }
  return result;
}

} // namespace conos
