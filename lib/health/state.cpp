#include "health/state.hpp"

#include "audit/sha256.hpp"
#include "contract/report/report.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace conos::health {

namespace {

using Json = nlohmann::json;

constexpr int k_good_runs = 2;
constexpr std::size_t k_max_words = 400;

// Numbers go up and down without anything being news.
std::string without_numbers(std::string_view text)
{
  std::string out;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit) {
      out += c;
    } else if (!out.ends_with('#')) {
      out += '#';
    }
  }
  return out;
}

std::string words(std::string_view text)
{
  return escaped(text, k_max_words);
}

Finding finding_of(const contract::Row& row, Time now)
{
  Finding out;
  out.key = contract::label_of(row);
  out.status = row.status;
  out.severity = contract::name_of(row.severity());
  out.what = words(row.what());
  out.message = words(row.message);
  if (row.check != nullptr) {
    out.verify = words(row.check->verify);
    out.fix = words(row.check->fix.empty() ? row.contract->fix : row.check->fix);
  }
  out.digest = audit::sha256_hex(without_numbers(out.message));
  out.since = now;
  return out;
}

int rank_of(const Change& change)
{
  constexpr std::array<std::string_view, 4> k_order{"critical", "high", "medium", "low"};
  const auto* const found = std::find(k_order.begin(), k_order.end(), change.finding.severity);
  return static_cast<int>(found - k_order.begin());
}

std::set<std::string> all_keys(const contract::Loaded& loaded)
{
  std::set<std::string> keys;
  for (const auto& contract : loaded.contracts) {
    for (const auto& check : contract.checks) {
      contract::Row row;
      row.contract = &contract;
      row.check = &check;
      keys.insert(contract::label_of(row));
    }
  }
  for (const auto& invalid : loaded.invalid) {
    contract::Row row;
    row.invalid = &invalid;
    keys.insert(contract::label_of(row));
  }
  return keys;
}

class Stepping
{
public:
  Stepping(const State& before, Time now)
      : m_now(now)
  {
    m_step.state = before;
    m_step.state.at = now;
  }

  void take(const contract::Row& row)
  {
    remember(row);
    if (row.is_blocked) {
      return; // neither good nor bad
    }
    if (row.status == Status::exempt) {
      m_step.exempt.push_back(finding_of(row, m_now));
    }
    if (is_open(row.status)) {
      bad(row);
    } else {
      good(row);
    }
  }

  void drop_unknown(const contract::Loaded& loaded)
  {
    const auto keys = all_keys(loaded);
    auto& findings = m_step.state.findings;
    for (auto at = findings.begin(); at != findings.end();) {
      if (keys.contains(at->first)) {
        ++at;
        continue;
      }
      heal(at->second, nullptr, nullptr);
      at = findings.erase(at);
    }
    std::erase_if(m_step.state.checks, [&](const auto& check) {
      return !keys.contains(check.first);
    });
  }

  Step done()
  {
    std::stable_sort(
      m_step.changes.begin(), m_step.changes.end(), [](const Change& a, const Change& b) {
        return rank_of(a) < rank_of(b);
      });
    return std::move(m_step);
  }

private:
  void remember(const contract::Row& row)
  {
    m_step.state.checks[contract::label_of(row)] = {row.status,
      std::string(contract::name_of(row.severity())),
      row.contract == nullptr ? "" : words(row.contract->description), m_now, row.took};
  }

  void bad(const contract::Row& row)
  {
    auto seen = finding_of(row, m_now);
    auto& findings = m_step.state.findings;
    const auto found = findings.find(seen.key);
    if (found == findings.end()) {
      std::erase_if(m_step.state.untold, [&](const Finding& healed) {
        return healed.key == seen.key;
      });
      m_step.changes.push_back({News::opened, seen, row.check, row.contract});
      findings.emplace(seen.key, std::move(seen));
      return;
    }
    auto& known = found->second;
    const bool is_news = known.digest != seen.digest || known.status != seen.status;
    seen.since = known.since;
    seen.escalated = known.escalated;
    seen.escalated_digest = known.escalated_digest;
    known = std::move(seen);
    if (is_news) {
      m_step.changes.push_back({News::changed, known, row.check, row.contract});
    }
  }

  void good(const contract::Row& row)
  {
    auto& findings = m_step.state.findings;
    const auto found = findings.find(contract::label_of(row));
    if (found == findings.end() ||
        (++found->second.good_runs < k_good_runs && row.status != Status::exempt)) {
      return;
    }
    heal(found->second, row.check, row.contract);
    findings.erase(found);
  }

  void heal(
    const Finding& finding, const contract::Check* check, const contract::Contract* contract)
  {
    m_step.changes.push_back({News::healed, finding, check, contract});
    if (finding.escalated) {
      auto& untold = m_step.state.untold;
      untold.push_back(finding);
      untold.erase(untold.begin(),
        untold.end() - static_cast<std::ptrdiff_t>(std::min(untold.size(), k_most_untold)));
    }
  }

  Time m_now;
  Step m_step;
};

Json json_of(const std::optional<Time>& time)
{
  return time ? Json(rfc3339(*time)) : Json(nullptr);
}

std::optional<Time> time_of(const Json& json)
{
  if (json.is_null()) {
    return std::nullopt;
  }
  const auto time = parse_rfc3339(json.get<std::string>());
  return time ? std::optional<Time>(*time) : std::nullopt;
}

Status status_of(const std::string& name)
{
  const auto* const found =
    std::find_if(contract::k_statuses.begin(), contract::k_statuses.end(), [&](Status status) {
      return contract::name_of(status) == name;
    });
  return found == contract::k_statuses.end() ? Status::fail : *found;
}

Json json_of(const Finding& f)
{
  return {{"status", contract::name_of(f.status)}, {"severity", f.severity}, {"what", f.what},
    {"message", f.message}, {"verify", f.verify}, {"fix", f.fix}, {"digest", f.digest},
    {"since", rfc3339(f.since)}, {"good_runs", f.good_runs}, {"escalated", json_of(f.escalated)},
    {"escalated_digest", f.escalated_digest}};
}

Json json_of(const Said& said)
{
  return {{"status", contract::name_of(said.status)}, {"severity", said.severity},
    {"description", said.description}, {"at", rfc3339(said.at)}, {"took_us", said.took.count()}};
}

Said said_from(const Json& json)
{
  return {status_of(json.at("status")), json.at("severity"), json.at("description"),
    time_of(json.at("at")).value_or(Time()),
    std::chrono::microseconds(json.at("took_us").get<std::int64_t>())};
}

Finding finding_from(const std::string& key, const Json& json)
{
  Finding f;
  f.key = key;
  f.status = status_of(json.at("status"));
  f.severity = json.at("severity");
  f.what = json.at("what");
  f.message = json.at("message");
  f.verify = json.at("verify");
  f.fix = json.at("fix");
  f.digest = json.at("digest");
  f.since = time_of(json.at("since")).value_or(Time());
  f.good_runs = json.at("good_runs");
  f.escalated = time_of(json.at("escalated"));
  f.escalated_digest = json.at("escalated_digest");
  return f;
}

} // namespace

bool is_open(Status status)
{
  return contract::is_bad(status) || status == Status::warn;
}

Step step(const State& before, const contract::Report& report, Time now)
{
  Stepping stepping(before, now);
  for (const auto& row : report.rows) {
    stepping.take(row);
  }
  stepping.drop_unknown(*report.loaded);
  return stepping.done();
}

bool is_due(const Finding& finding, Time now)
{
  if (!finding.escalated) {
    return true;
  }
  const auto pause = now - *finding.escalated;
  return pause < Duration(0) || pause >= k_cool_down ||
         (finding.digest != finding.escalated_digest && pause >= k_least_pause);
}

std::string to_json(const State& state)
{
  auto findings = Json::object();
  for (const auto& [key, finding] : state.findings) {
    findings[key] = json_of(finding);
  }
  auto checks = Json::object();
  for (const auto& [key, said] : state.checks) {
    checks[key] = json_of(said);
  }
  auto recent = Json::array();
  for (const auto& one : state.recent) {
    recent.push_back({{"at", rfc3339(one.at)}, {"words", one.words}});
  }
  auto unrecorded = Json::array();
  for (const auto& row : state.unrecorded) {
    unrecorded.push_back({{"type", row.type}, {"payload", row.payload}});
  }
  auto untold = Json::object();
  for (const auto& finding : state.untold) {
    untold[finding.key] = json_of(finding);
  }
  return Json{{"v", 1}, {"at", json_of(state.at)}, {"hourly", json_of(state.hourly)},
           {"evaluation", state.evaluation}, {"findings", findings}, {"checks", checks},
           {"recent", recent}, {"unrecorded", unrecorded}, {"untold", untold},
           {"muted", state.is_muted}}
           .dump(1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

Result<State> state_from_json(std::string_view text)
{
  try {
    const auto json = Json::parse(text);
    State state;
    state.at = time_of(json.at("at"));
    state.hourly = time_of(json.at("hourly"));
    state.evaluation = json.at("evaluation");
    for (const auto& [key, finding] : json.at("findings").items()) {
      state.findings.emplace(key, finding_from(key, finding));
    }
    const auto checks = json.value("checks", Json::object()); // an older one has none
    for (const auto& [key, said] : checks.items()) {
      state.checks.emplace(key, said_from(said));
    }
    for (const auto& one : json.at("recent")) {
      state.recent.push_back({time_of(one.at("at")).value_or(Time()), one.at("words")});
    }
    for (const auto& row : json.at("unrecorded")) {
      state.unrecorded.push_back({row.at("type"), row.at("payload")});
    }
    for (const auto& [key, finding] : json.at("untold").items()) {
      state.untold.push_back(finding_from(key, finding));
    }
    state.is_muted = json.at("muted");
    return state;
  } catch (const Json::exception& e) {
    return fail(Kind::bad_data, "no state of a healthcheck: {}", escaped(e.what()));
  }
}

} // namespace conos::health
