#include "page/view.hpp"

#include "audit/checkpoint.hpp"
#include "audit/place.hpp"
#include "audit/reader.hpp"
#include "audit/seal.hpp"
#include "budget/store.hpp"
#include "config/page.hpp"
#include "gate/store.hpp"
#include "health/healthcheck.hpp"
#include "sys/file.hpp"

#include <algorithm>
#include <cmath>

namespace conos::page {

namespace {

constexpr int k_missed = 3; // healthchecks

class Collector
{
public:
  explicit Collector(const Site& site)
      : m_site(site)
  {
  }

  View collect()
  {
    FactSources sources;
    sources.site = m_site;
    sources.ask_systemd = true;
    m_view.facts = collect_facts(sources);
    settings();
    health();
    tasks();
    ledger();
    spend();
    requests();
    return std::move(m_view);
  }

private:
  // What is not there yet is no trouble.
  template<class T>
  std::optional<T> noted(const char* what, Result<T> result)
  {
    if (result) {
      return *std::move(result);
    }
    if (result.error().kind != Kind::not_found) {
      m_view.trouble.push_back(during(what)(result.error()).text());
    }
    return std::nullopt;
  }

  void settings()
  {
    const auto compiled = open_dir(m_site.compiled());
    const auto settings = noted(
      "the settings", compiled ? load_page_settings(*compiled)
                               : Result<PageSettings>(tl::unexpected<Error>(compiled.error())));
    if (settings) {
      m_view.interval = settings->interval;
    }
  }

  void health()
  {
    m_view.health = noted("the state of the contracts", health::load_state(m_site));
    m_view.exemptions = noted("what contracts let off", health::exemptions_of(m_site))
                          .value_or(std::vector<contract::Exemption>());
  }

  void tasks()
  {
    auto list = noted("the tasks", list_tasks(m_site, {std::nullopt, k_most_tasks}));
    if (list) {
      m_view.tasks = std::move(list->tasks);
      m_view.tasks.resize(std::min(m_view.tasks.size(), k_most_tasks));
    }
  }

  Result<LedgerView> read_ledger() const
  {
    CONOS_TRY(auto reader, audit::Reader::open(m_site.lib + "/" + audit::k_database));
    CONOS_TRY(const auto last, reader.last(1));
    LedgerView view;
    CONOS_TRY(view.rows, reader.last_id());
    if (!last.empty()) {
      view.hash = last.front().hash;
      view.at = last.front().ts;
    }
    CONOS_TRY(view.rows_not_signed, audit::rows_not_signed(m_site.lib));
    CONOS_TRY(const auto dir, open_dir(m_site.lib));
    if (const auto notes = stat_at(dir, audit::k_checkpoints)) {
      view.signed_at = Time(std::chrono::seconds(notes->st_mtim.tv_sec));
    }
    return view;
  }

  void ledger() { m_view.ledger = noted("the ledger", read_ledger()); }

  // Without a database there was no call yet, and none is made for us to look into.
  void spend()
  {
    const auto dir = open_dir(m_site.lib + "/" + budget::k_directory);
    if (!dir || !exists_at(*dir, budget::k_database)) {
      return;
    }
    m_view.spend = noted("what was spent", budget::standings(m_site.lib, m_view.facts.at))
                     .value_or(std::vector<budget::Standing>());
  }

  void requests()
  {
    const auto store = noted("the requests of agents", gate::Requests::open(m_site));
    auto all = store ? noted("the requests of agents", store->all()) : std::nullopt;
    if (!all) {
      return;
    }
    for (const auto& [id, error] : all->trouble) {
      m_view.trouble.push_back(during("request " + id)(error).text());
    }
    std::erase_if(all->requests, [&](const gate::Request& request) {
      return request.state != gate::State::pending || request.expires_at <= m_view.facts.at;
    });
    m_view.requests = std::move(all->requests);
  }

  const Site& m_site;
  View m_view;
};

} // namespace

View collect_view(const Site& site)
{
  return Collector(site).collect();
}

QueueFacts all_waiting(const Facts& facts)
{
  auto all = facts.common;
  for (const auto& agent : facts.agents) {
    if (agent.queue.waiting) {
      all.waiting = all.waiting.value_or(0) + *agent.queue.waiting;
    }
    if (agent.queue.oldest && (!all.oldest || *agent.queue.oldest < *all.oldest)) {
      all.oldest = agent.queue.oldest;
    }
  }
  return all;
}

const budget::Standing* everybody(const View& view)
{
  const auto found =
    std::find_if(view.spend.begin(), view.spend.end(), [](const budget::Standing& standing) {
      return standing.scope == budget::k_everybody;
    });
  return found == view.spend.end() ? nullptr : &*found;
}

Sample sample_of(const View& view)
{
  Sample sample;
  sample.minute = minute_of(view.facts.at);
  const auto queue = all_waiting(view.facts);
  if (queue.waiting) {
    sample.waiting = static_cast<std::int64_t>(*queue.waiting);
  }
  if (queue.oldest) {
    const auto waits = std::chrono::floor<std::chrono::seconds>(view.facts.at - *queue.oldest);
    sample.oldest_s = std::max<std::int64_t>(0, waits.count());
  }
  if (const auto* all = everybody(view)) {
    sample.usd_micros = std::max<std::int64_t>(0, all->used.usd);
  }
  if (const auto& load = view.facts.capacity.load) {
    sample.load_100 = std::llround(load->front() * 100);
  }
  return sample;
}

std::size_t findings_of(const View& view)
{
  return view.health ? view.health->findings.size() : 0;
}

bool is_unchecked(const View& view)
{
  return !view.health || !view.health->at ||
         view.facts.at - *view.health->at > k_missed * view.interval;
}

} // namespace conos::page
