#include "health/act.hpp"

#include "config/compiled.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"
#include "task/find.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::health {

namespace {

using contract::Action;

constexpr auto k_actor = "root/conos-healthcheck";

class Acting
{
public:
  Acting(const Change& change, const Means& means)
      : m_change(change)
      , m_means(means)
  {
  }

  Deeds act()
  {
    auto names = agent_names(m_means.site);
    if (!names) {
      m_deeds.trouble.push_back(names.error().text());
      names = std::vector<std::string>();
    }
    m_all = std::move(*names);
    for (const auto action : m_change.check->on_fail.actions) {
      carry_out(action);
    }
    return std::move(m_deeds);
  }

private:
  void carry_out(Action action)
  {
    switch (action) {
    case Action::halt:
    case Action::halt_agents:
      halt(m_all);
      return;
    case Action::halt_workers:
      halt(workers());
      return;
    case Action::quarantine:
      halt(concerned());
      return;
    case Action::kill_session:
      for (const auto& agent : concerned()) {
        told(m_means.units.stop("conos-" + agent + ".service"), "stopped " + agent);
      }
      return;
    case Action::run:
      told(m_means.units.start(m_change.check->on_fail.unit),
        "started " + m_change.check->on_fail.unit);
      return;
    case Action::none:
    case Action::alert:
    case Action::warn:
    case Action::escalate:
    case Action::require_exemption:
      return;
    }
  }

  void halt(const std::vector<std::string>& agents)
  {
    for (const auto& agent : agents) {
      const HaltWish wish{
        agent, Halt::kill, k_actor, m_change.finding.key + ": " + m_change.finding.what};
      const auto halted = m_means.ledger != nullptr
                            ? halt_agent(m_means.site, m_means.units, *m_means.ledger, wish)
                            : halt_unrecorded(m_means.site, m_means.units, wish);
      told(halted.map([](const auto&) {}), "halted " + agent);
    }
  }

  std::vector<std::string> workers()
  {
    std::vector<std::string> out;
    const auto compiled = open_dir(m_means.site.compiled());
    for (const auto& agent : m_all) {
      const auto settings = compiled ? load_agent_settings(*compiled, agent)
                                     : Result<AgentSettings>(tl::unexpected(compiled.error()));
      // whoever is unknown is halted too: too much is mended by a word, too little is not
      if (!settings || settings->tier == Tier::worker) {
        out.push_back(agent);
      }
    }
    return out;
  }

  std::vector<std::string> concerned()
  {
    auto agents = agents_of(m_change, m_all);
    if (agents.empty()) {
      m_deeds.trouble.push_back(m_change.finding.key + " names no agent of this machine");
    }
    return agents;
  }

  void told(const Result<>& done, std::string words)
  {
    if (done) {
      m_deeds.done.push_back(std::move(words));
    } else {
      m_deeds.trouble.push_back("not " + words + ": " + done.error().text());
    }
  }

  const Change& m_change;
  const Means& m_means;
  std::vector<std::string> m_all;
  Deeds m_deeds;
};

} // namespace

std::vector<std::string> agents_of(const Change& change, const std::vector<std::string>& all)
{
  std::vector<std::string> named = change.check->affects;
  named.push_back(change.contract->agent);
  std::vector<std::string> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out), [&](const std::string& agent) {
    return std::find(named.begin(), named.end(), agent) != named.end() ||
           std::find(named.begin(), named.end(), "a-" + agent) != named.end();
  });
  return out;
}

Deeds act_on(const Change& change, const Means& means)
{
  if (change.check == nullptr || change.news != News::opened) {
    return {};
  }
  return Acting(change, means).act();
}

} // namespace conos::health
