#include "run/show.hpp"

#include "audit/bodies.hpp"
#include "audit/sha256.hpp"
#include "sys/clock.hpp"
#include "sys/text.hpp"
#include "task/find.hpp"
#include "think/transcript.hpp"

namespace conos {

namespace {

constexpr std::size_t k_max_prompt_bytes = 64U << 20U;

// In the order of the agents it came to; never empty.
Result<std::vector<Receipt>> receipts_of(const Site& site, const RunName& name)
{
  CONOS_TRY(const auto chain, find_chain(site, name.id));
  std::vector<Receipt> receipts;
  std::string state;
  for (const auto& task : chain.tasks) {
    if (task.id != name.id || (!name.agent.empty() && task.agent != name.agent)) {
      continue;
    }
    if (task.receipt) {
      receipts.push_back(*task.receipt);
    } else {
      state = task.state;
    }
  }
  if (!receipts.empty()) {
    return receipts;
  }
  if (!state.empty()) {
    return fail(Kind::not_found, "'{}' has not ended: it is {}", escaped(name.id), state);
  }
  return fail(Kind::not_found, "there is no task '{}'{}", escaped(name.id),
    name.agent.empty() ? "" : " with " + escaped(name.agent, 64));
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
  auto again = think::replay(record, prompt);
  if (receipt.response && audit::sha256_hex(again.answer) != receipt.response->sha256) {
    again.differences.emplace_back("the answer is not the one that was delivered");
  }
  ReplayedRun result;
  result.is_same = again.differences.empty();
  for (const auto& difference : again.differences) {
    result.report += difference + "\n";
  }
  if (result.is_same) {
    result.report = fmt::format("the same, to the byte: {} {}, {} bytes of answer\n", again.steps,
      again.steps == 1 ? "step" : "steps", again.answer.size());
  }
  return result;
}

} // namespace conos
