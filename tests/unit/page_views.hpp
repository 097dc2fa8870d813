#pragma once

#include "page/page.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

// Machines as the page sees them, for its unit tests and for a browser.
namespace conos::page {

inline const Time k_then = parse_rfc3339("2026-11-21T16:45:34Z").value();

inline AgentFacts agent_like(const std::string& name, Tier tier, Mode mode)
{
  AgentFacts agent;
  agent.name = name;
  agent.tier = tier;
  agent.mode = mode;
  agent.runner = "conos-steward";
  agent.units = UnitFacts{"active", "inactive", mode == Mode::cron ? "active" : ""};
  agent.queue = {0, std::nullopt, 0, 0, 0};
  agent.last = LastTask{"a", "answered", std::nullopt, k_then - std::chrono::minutes(7)};
  return agent;
}

inline FoundTask task_like(const std::string& summary, const std::string& agent, Trust trust,
  Outcome outcome, std::chrono::minutes ago)
{
  FoundTask task;
  task.id = "20261121T160000.000000Z-1f2e3d4c";
  task.state = to_string(outcome);
  task.agent = agent;
  task.since = k_then - ago;
  task.summary = summary;
  Receipt receipt;
  receipt.meta.id = task.id;
  receipt.meta.agent = agent;
  receipt.meta.trust = trust;
  receipt.meta.sender.name = "alice";
  receipt.outcome = outcome;
  receipt.started_at = task.since + std::chrono::seconds(1);
  receipt.finished_at = task.since + std::chrono::seconds(42);
  if (outcome == Outcome::failed) {
    receipt.reason = "runner-timeout";
  }
  task.meta = receipt.meta;
  task.receipt = std::move(receipt);
  return task;
}

inline void add_check(View& view, const std::string& key, contract::Status status,
  const std::string& severity, const std::string& description)
{
  view.health->checks[key] = {status, severity, description, k_then - std::chrono::seconds(12),
    std::chrono::microseconds(310)};
}

inline void add_finding(View& view, const health::Finding& finding)
{
  view.health->findings[finding.key] = finding;
  add_check(view, finding.key, finding.status, finding.severity, finding.what);
}

// A machine that was just set up.
inline View empty_view()
{
  View view;
  view.facts.at = k_then;
  view.facts.host = "conos";
  view.facts.version = "0.1.0";
  return view;
}

// Nothing is wrong.
inline View calm_view()
{
  auto view = empty_view();
  view.facts.agents = {agent_like("concierge", Tier::operator_, Mode::on_demand),
    agent_like("strategist", Tier::officer, Mode::cron),
    agent_like("sysadmin", Tier::operator_, Mode::on_demand)};
  view.facts.common = {0, std::nullopt, 0, std::nullopt, std::nullopt};
  constexpr std::uint64_t k_gib = 1U << 30U;
  view.facts.capacity = {.disk_total = 40 * k_gib,
    .disk_free = 29 * k_gib,
    .memory_total = 8 * k_gib,
    .memory_available = 5 * k_gib,
    .load = std::array<double, 3>{0.31, 0.42, 0.36},
    .processors = 2,
    .uptime = std::chrono::hours(77)};
  view.facts.packages = 214;
  view.health.emplace();
  view.health->at = k_then - std::chrono::seconds(12);
  add_check(view, "CON-AGENT-001/inboxes", contract::Status::pass, "high",
    "Only those who may give an agent tasks can write to its inbox");
  add_check(view, "CON-LEDGER-001/chain", contract::Status::pass, "critical",
    "The ledger is whole from its first row to its last");
  add_check(
    view, "CON-SYS-001/disk", contract::Status::pass, "medium", "There is room on the disk");
  add_check(
    view, "CON-SYS-007/audit-rules", contract::Status::skip, "low", "The kernel's audit is on");
  view.ledger = LedgerView{812, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "2026-11-21T16:45:11.204Z", 3, k_then - std::chrono::minutes(4)};
  view.facts.ledger = {{811, "2026-11-21T16:44:58.100Z", "task.claimed", "root/conos-run",
                         "concierge", "disk-free", ""},
    {812, "2026-11-21T16:45:11.204Z", "task.delivered", "root/conos-run", "concierge", "disk-free",
      "answered"}};
  view.tasks = {
    task_like("How much disk is free?", "concierge", Trust::verified, Outcome::answered,
      std::chrono::minutes(2)),
    task_like("Write the daily review.", "strategist", Trust::verified, Outcome::answered,
      std::chrono::minutes(525)),
  };
  for (std::int64_t i = 0; i < 1440; ++i) {
    const auto hour = static_cast<double>(i) / 60.0;
    const auto busy = std::max(0.0, std::sin((hour - 7) / 24 * 6.2832));
    Sample sample;
    sample.minute = minute_of(k_then) - 1439 + i;
    sample.waiting = i % 37 < 9 ? static_cast<std::int64_t>(busy * 4) : 0;
    sample.load_100 = static_cast<std::int64_t>(18 + 70 * busy + static_cast<double>(i * 7 % 23));
    view.samples.push_back(sample);
  }
  return view;
}

// A machine with work, money and trouble.
inline View busy_view()
{
  auto view = calm_view();
  auto researcher = agent_like("researcher", Tier::worker, Mode::continuous);
  researcher.queue = {14, k_then - std::chrono::minutes(47), 1, 2, 3};
  researcher.units->service = "activating";
  auto builder = agent_like("builder", Tier::worker, Mode::on_demand);
  builder.hold = Hold{
    "alice", "the compiler it was given is being looked at", k_then - std::chrono::hours(3), {}};
  builder.queue = {2, k_then - std::chrono::hours(3), 0, 1, 0};
  builder.last = LastTask{"b", "failed", "runner-timeout", k_then - std::chrono::hours(3)};
  view.facts.agents.insert(view.facts.agents.begin(), builder);
  view.facts.agents.insert(view.facts.agents.begin() + 2, researcher);
  view.facts.common.waiting = 1;

  health::Finding disk;
  disk.key = "CON-SYS-001/disk";
  disk.status = contract::Status::fail;
  disk.severity = "high";
  disk.what = "The disk with the agents' files is nearly full";
  disk.message = "/srv/conos: 4 % free, 10 % asked for";
  disk.verify = "df -h /srv/conos";
  disk.fix = "Remove what nobody needs; conos-artifact gc clears what has ended";
  disk.since = k_then - std::chrono::minutes(38);
  add_finding(view, disk);
  health::Finding unit;
  unit.key = "CON-PLANT-001/trusted-owner";
  unit.status = contract::Status::warn;
  unit.severity = "medium";
  unit.what = "A file of root's lies where an agent can rename it";
  unit.message = "/srv/conos/agents/researcher/workspace/notes.txt: owner root";
  unit.verify = "find /srv/conos/agents/*/workspace -user root";
  unit.since = k_then - std::chrono::hours(5);
  add_finding(view, unit);
  view.exemptions = {
    {"CON-SYS-006", "swap", "no swap on this host", "alice", k_then + std::chrono::hours(70)}};

  gate::Request request;
  request.id = "4be2a0c1d2e3f405";
  request.agent = "researcher";
  request.verb = "package.request";
  request.args = {{"name", "jq"}};
  request.requested_at = k_then - std::chrono::minutes(11);
  request.expires_at = k_then + std::chrono::hours(23);
  view.requests = {request};

  budget::Standing researcher_spend;
  researcher_spend.scope = "researcher";
  researcher_spend.limits.usd_day = 4'000'000;
  researcher_spend.used = {912'400, 3'412'000};
  budget::Standing builder_spend;
  builder_spend.scope = "builder";
  builder_spend.used = {40'210, 121'400};
  builder_spend.pause =
    budget::Pause{"builder", std::nullopt, "too many calls that failed", k_then};
  budget::Standing all;
  all.scope = "*";
  all.limits.usd_day = 5'000'000;
  all.used = {952'610, 3'533'400};
  view.spend = {builder_spend, researcher_spend, all};

  view.tasks.insert(view.tasks.begin(),
    {task_like(
       "Compare the three proposals in workspace/ and say which costs least over five years",
       "researcher", Trust::unverified, Outcome::failed, std::chrono::minutes(1)),
      task_like("Build the package and run its tests", "builder", Trust::verified, Outcome::expired,
        std::chrono::minutes(180))});
  for (std::size_t i = 0; i < view.samples.size(); ++i) {
    auto& sample = view.samples[i];
    const auto late = static_cast<std::int64_t>(i) - 1100;
    sample.waiting = *sample.waiting + (late > 0 ? late / 22 : 0);
    const auto minute_of_day = sample.minute % 1440;
    sample.usd_micros = minute_of_day * 3'533'400 / 1006;
    if (i > 300 && i < 360) {
      sample.waiting.reset(); // the machine was off
      sample.load_100.reset();
      sample.usd_micros.reset();
    }
  }
  view.samples = with(view.samples, sample_of(view));
  return view;
}

// A letter with that many accents above each other, which reach into the lines before.
inline std::string piled_up(std::size_t accents)
{
  std::string text = "Z";
  for (std::size_t i = 0; i < accents; ++i) {
    text += "\u0301";
  }
  return text;
}

// What strangers write where they can: each is to be seen as text.
inline std::vector<std::string> hostile_texts()
{
  return {"<script>document.title='owned'</script>", "\"><img src=x onerror=alert(1)>",
    "</title></style></table><h1>owned</h1>", "a\x1b[31mred\x1b[0m\nline\rline\ttab",
    "abc\u202Egnp.exe \u2066x\u2069 \u061Cy", std::string("nul\0nul", 7),
    "bytes \xff\xfe\xc0\xaf \xed\xa0\x80", "&lt;b&gt; &amp; &#60;script&#62;",
    "javascript:alert(1)", "' onmouseover='alert(1)", "<!-- ", "]]>", "\\x3cscript\\x3e",
    piled_up(25), std::string(1U << 20U, 'W')};
}

inline View hostile_view()
{
  auto view = busy_view();
  view.tasks.clear();
  view.requests.clear();
  const auto sample_finding = view.health->findings.begin()->second;
  for (const auto& text : hostile_texts()) {
    auto task = task_like(text, text, Trust::unverified, Outcome::failed, std::chrono::minutes(1));
    task.id = text;
    task.receipt->reason = text;
    task.meta->sender.name = text;
    view.tasks.push_back(std::move(task));

    auto finding = sample_finding;
    finding.key = finding.severity = finding.what = finding.message = finding.verify = finding.fix =
      text;
    add_finding(view, finding);
    view.exemptions.push_back({text, text, text, text, k_then});

    gate::Request request;
    request.id = request.agent = request.verb = text;
    request.args = {{text, text}};
    view.requests.push_back(request);

    auto agent = agent_like(text, Tier::worker, Mode::on_demand);
    agent.hold = Hold{text, text, k_then, {}};
    agent.last = LastTask{text, text, text, k_then};
    view.facts.agents.push_back(agent);

    budget::Standing standing;
    standing.scope = text;
    standing.pause = budget::Pause{text, k_then, text, k_then};
    view.spend.insert(view.spend.begin(), standing);
    view.facts.ledger->push_back({1, text, text, text, text, text, text});
    view.trouble.push_back(text);
  }
  view.facts.host = hostile_texts().front();
  view.facts.version = hostile_texts()[1];
  view.ledger->hash = hostile_texts()[2];
  return view;
}

} // namespace conos::page
