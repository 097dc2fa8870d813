#include "health/healthcheck.hpp"

#include "config/compiled.hpp"
#include "contract/exemption.hpp"
#include "contract/load.hpp"
#include "facts/facts.hpp"
#include "health/act.hpp"
#include "health/brief.hpp"
#include "health/escalation.hpp"
#include "health/journal.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/file.h>

#include <algorithm>

namespace conos::health {

namespace {

using Json = nlohmann::json;

constexpr auto k_actor = "root/conos-healthcheck";
constexpr auto k_hour = std::chrono::hours(1);
constexpr Duration k_stop_time = std::chrono::seconds(90); // a service has its last step to do
constexpr std::string_view k_state = "state.json";
constexpr std::size_t k_most_recent = 20;
constexpr std::size_t k_most_rows = 200; // in the ledger, of one run
constexpr std::size_t k_max_brief = 1U << 20U;

std::string directory_of(const Site& site)
{
  return site.lib + "/contracts";
}

Result<UniqueFd> open_locked(const Site& site)
{
  CONOS_TRY(auto dir, open_dir(directory_of(site)));
  while (::flock(dir.get(), LOCK_EX) < 0) {
    if (errno != EINTR) {
      return os_error("lock '{}'", directory_of(site));
    }
  }
  return dir;
}

Result<State> read_state(const UniqueFd& dir)
{
  const auto text = read_file(dir, std::string(k_state), k_max_state_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found
             ? State()
             : Result<State>(tl::unexpected<Error>(text.error()));
  }
  return state_from_json(*text);
}

Result<contract::Report> evaluate(
  std::vector<std::string> tags, std::vector<contract::Exemption> exemptions)
{
  CONOS_TRY(auto loaded, contract::load({}, contract::usual_directories()));
  if (loaded.contracts.empty() && loaded.invalid.empty()) {
    return fail(Kind::not_found, "there is no contract: conos-bootstrap puts them there");
  }
  contract::EvaluateOptions options;
  options.selection.tags = std::move(tags);
  options.exemptions = std::move(exemptions);
  return contract::evaluate(std::make_shared<const contract::Loaded>(std::move(loaded)), options);
}

std::string words_of(const Change& change)
{
  const auto& finding = change.finding;
  switch (change.news) {
  case News::opened:
    return fmt::format("{} [{}] {}: {}", contract::name_of(finding.status), finding.severity,
      finding.key, finding.what);
  case News::changed:
    return fmt::format("{} [{}] {} in another way", contract::name_of(finding.status),
      finding.severity, finding.key);
  case News::healed:
    break;
  }
  return "healed " + finding.key;
}

audit::Row row_of(const Change& change, const std::string& evaluation)
{
  const auto& finding = change.finding;
  const auto slash = finding.key.find('/');
  const bool is_invalid = finding.key.starts_with(contract::k_invalid);
  const Json payload{
    {"contract", finding.key.substr(0, slash)},
    {"check", slash == finding.key.npos ? "" : finding.key.substr(slash + 1)},
    {"status", change.news == News::healed ? "pass" : contract::name_of(finding.status)},
    {"severity", finding.severity},
    {"what", finding.what},
    {"seen", finding.message},
    {"evidence_sha256", finding.digest},
    {"evaluation", evaluation},
  };
  audit::Row row;
  row.type = change.news == News::healed ? "contract.healed"
             : is_invalid                ? "contract.invalid"
                                         : "contract.failed";
  row.actor = k_actor;
  row.payload = payload.dump(-1, ' ', true, Json::error_handler_t::replace);
  return row;
}

audit::Row suppressed(std::size_t count, std::string_view what, const std::string& evaluation)
{
  audit::Row row;
  row.type = "rows.suppressed";
  row.actor = k_actor;
  row.payload = Json{{"count", count}, {"what", what}, {"evaluation", evaluation}}.dump();
  return row;
}

class Healthcheck
{
public:
  Healthcheck(const Site& site, const Wish& wish)
      : m_site(site)
      , m_wish(wish)
  {
  }

  Result<Outcome> run()
  {
    CONOS_TRY(const auto dir, open_locked(m_site));
    CONOS_TRY(const auto compiled, open_dir(m_site.compiled()));
    const auto settings = or_nothing(load_health_settings(compiled));
    const auto before = or_nothing(read_state(dir));
    const bool with_hourly = is_hourly_due(before);
    CONOS_TRY(m_out.report, evaluate(tags(with_hourly), or_nothing(exemptions_of(m_site))));
    m_out.step = step(before, m_out.report, m_out.report.started);
    auto& state = m_out.step.state;
    if (with_hourly) {
      state.hourly = m_out.report.started;
    }
    CONOS_TRY(const auto id, random_hex(16));
    state.evaluation = "eval-" + id;
    remember_changes();

    // first what keeps worse from happening: a full disk takes no rows
    act();
    record();
    escalate(settings.escalate_to, id);
    noted(write_journal(m_site.srv + "/logs/audit", m_out.report, m_out.step,
      {state.evaluation, fmt::format("hc-{}", seconds_of(m_out.report.started)), m_wish.actor}));
    noted(write_brief(settings.brief));
    // last: a run that was killed before is made again, and what it did not record it records then
    noted(replace_alone(dir, std::string(k_state), to_json(state), 0600, {},
      m_out.step.changes.empty() ? Durable::later : Durable::yes));
    return std::move(m_out);
  }

private:
  // What cannot be read is said, and is no reason to look away: nothing is let off then, nobody is
  // told, or everything is found anew.
  template<class T>
  T or_nothing(Result<T> result)
  {
    if (!result) {
      m_out.trouble.push_back(result.error().text());
      return T();
    }
    return *std::move(result);
  }

  static std::int64_t seconds_of(Time time)
  {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  }

  bool is_hourly_due(const State& before) const
  {
    const auto at = now();
    return m_wish.scope == Scope::all || !before.hourly || at - *before.hourly >= k_hour ||
           *before.hourly > at;
  }

  std::vector<std::string> tags(bool with_hourly) const
  {
    if (m_wish.scope == Scope::all) {
      return {};
    }
    return with_hourly ? std::vector<std::string>{"schedule", "hourly"}
                       : std::vector<std::string>{"schedule"};
  }

  void remember_changes()
  {
    auto& recent = m_out.step.state.recent;
    for (const auto& change : m_out.step.changes) {
      recent.push_back({m_out.report.started, words_of(change)});
    }
    if (recent.size() > k_most_recent) {
      recent.erase(recent.begin(), recent.end() - k_most_recent);
    }
  }

  void noted(const Result<>& result)
  {
    if (!result) {
      m_out.trouble.push_back(result.error().text());
    }
  }

  audit::Ledger* ledger()
  {
    if (!m_ledger) {
      m_ledger.emplace(audit::Ledger::open(m_site.lib));
      noted(m_ledger->map([](const auto&) {}));
    }
    return *m_ledger ? &**m_ledger : nullptr;
  }

  bool asks_for_deeds() const
  {
    for (const auto& change : m_out.step.changes) {
      if (change.news == News::opened && change.check != nullptr &&
          !change.check->on_fail.actions.empty()) {
        return true;
      }
    }
    return false;
  }

  void act()
  {
    if (!asks_for_deeds()) {
      return;
    }
    const auto units = Units::connect(k_stop_time);
    auto* const rows = ledger();
    if (!units) {
      noted(units.map([](const auto&) {}));
      return;
    }
    const auto unit_switch = switch_of(*units);
    for (const auto& change : m_out.step.changes) {
      auto deeds = act_on(change, {m_site, unit_switch, rows});
      std::move(deeds.done.begin(), deeds.done.end(), std::back_inserter(m_out.done));
      std::move(deeds.trouble.begin(), deeds.trouble.end(), std::back_inserter(m_out.trouble));
    }
  }

  // What the ledger does not take now it is given with the next run.
  void record()
  {
    auto& state = m_out.step.state;
    auto rows = rows_of(m_out.step.changes, state);
    if (rows.empty()) {
      return;
    }
    state.unrecorded.clear();
    auto* const into = ledger();
    const auto taken = into == nullptr ? Result<>(tl::unexpected(m_ledger->error()))
                                       : into->append(rows).map([](const auto&) {});
    if (taken) {
      return;
    }
    noted(taken);
    rows.resize(std::min(rows.size(), k_most_rows));
    for (auto& row : rows) {
      state.unrecorded.push_back({std::move(row.type), std::move(row.payload)});
    }
  }

  static std::vector<audit::Row> rows_of(const std::vector<Change>& changes, const State& state)
  {
    std::vector<audit::Row> rows;
    for (const auto& row : state.unrecorded) {
      rows.push_back({row.type, k_actor, row.payload, ""});
    }
    for (std::size_t i = 0; i < changes.size() && i < k_most_rows; ++i) {
      rows.push_back(row_of(changes[i], state.evaluation));
    }
    if (changes.size() > k_most_rows) {
      rows.push_back(
        suppressed(changes.size() - k_most_rows, "changes of contracts", state.evaluation));
    }
    return rows;
  }

  void escalate(const std::string& agent, const std::string& id)
  {
    auto& state = m_out.step.state;
    if (agent.empty()) {
      state.untold.clear();
      return;
    }
    auto told = state;
    const auto digest = digest_of(*m_out.report.loaded, told, m_out.report.started);
    if (digest.empty()) {
      state.is_muted = false;
      return;
    }
    const auto sent = send(m_site, agent, digest, id);
    if (!sent) {
      noted(tl::unexpected(sent.error()));
      return; // and the next run tries again
    }
    if (*sent) {
      told.is_muted = false;
      state = std::move(told);
      m_out.done.push_back("told " + agent);
      return;
    }
    // once, not with every run that has more to say than the agent takes up
    if (!state.is_muted && ledger() != nullptr) {
      noted(ledger()
              ->append({suppressed(digest.bad.size() + digest.healed.size(),
                "escalations: too many wait for the agent", state.evaluation)})
              .map([](const auto&) {}));
    }
    state.is_muted = true;
    m_out.trouble.push_back("not told " + agent + ": too many such tasks wait for it already");
  }

  Result<> write_brief(const std::string& path)
  {
    if (path.empty()) {
      return {};
    }
    FactSources sources;
    sources.site = m_site;
    const auto exemptions = exemptions_of(m_site).value_or(std::vector<contract::Exemption>());
    const auto text = brief_text(m_out.step.state, exemptions, collect_facts(sources));
    const auto there = read_path(path, k_max_brief);
    if (there && *there == text) {
      return {};
    }
    const auto slash = path.rfind('/');
    CONOS_TRY(const auto dir, open_dir(path.substr(0, slash)).map_error(during("write the brief")));
    return replace(dir, path.substr(slash + 1), text, 0644, {}, Durable::later);
  }

  const Site& m_site;
  const Wish& m_wish;
  Outcome m_out;
  std::optional<Result<audit::Ledger>> m_ledger;
};

} // namespace

Result<Outcome> healthcheck(const Site& site, const Wish& wish)
{
  return Healthcheck(site, wish).run();
}

Result<contract::Report> look(const Site& site)
{
  return evaluate({}, exemptions_of(site).value_or(std::vector<contract::Exemption>()));
}

Result<std::vector<contract::Exemption>> exemptions_of(const Site& site)
{
  contract::ExemptionPlaces places;
  places.file = directory_of(site) + "/exemptions.json";
  return contract::load_exemptions(places, now());
}

Result<State> load_state(const Site& site)
{
  CONOS_TRY(const auto dir, open_dir(directory_of(site)));
  return read_state(dir);
}

Result<std::string> brief(const Site& site)
{
  FactSources sources;
  sources.site = site;
  CONOS_TRY(const auto state, load_state(site));
  const auto exemptions = exemptions_of(site).value_or(std::vector<contract::Exemption>());
  return brief_text(state, exemptions, collect_facts(sources));
}

} // namespace conos::health
