#include "contract/report/label.hpp"
#include "page/page.hpp"

#include <fmt/format.h>

#include <functional>
#include <map>

namespace conos::page {

namespace {

double seconds_of(Time time)
{
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

std::string label(std::string_view name, std::string_view value)
{
  return fmt::format("{}=\"{}\"", name, contract::quoted_label(value));
}

class Metrics
{
public:
  explicit Metrics(const View& view)
      : m_view(view)
  {
  }

  std::string text()
  {
    head("conos_build_info", "1, with the version of conos as a label.");
    value("conos_build_info", label("version", m_view.facts.version), 1);
    single("conos_page_timestamp_seconds", "When the page and these metrics were made.",
      seconds_of(m_view.facts.at));
    single("conos_page_unreadable", "Parts of the machine's state that could not be read.",
      static_cast<double>(m_view.trouble.size()));
    agents();
    queues();
    contracts();
    ledger();
    spend();
    single("conos_approvals_pending", "Requests of agents that wait for a person.",
      static_cast<double>(m_view.requests.size()));
    capacity();
    return std::move(m_text);
  }

private:
  void head(std::string_view name, std::string_view help)
  {
    m_text += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n", name, help);
  }

  void value(std::string_view name, const std::string& labels, double value)
  {
    m_text += labels.empty() ? fmt::format("{} {}\n", name, value)
                             : fmt::format("{}{{{}}} {}\n", name, labels, value);
  }

  void single(std::string_view name, std::string_view help, double number)
  {
    head(name, help);
    value(name, "", number);
  }

  template<class T>
  void optional(std::string_view name, std::string_view help, const std::optional<T>& number)
  {
    if (number) {
      single(name, help, static_cast<double>(*number));
    }
  }

  void agents()
  {
    head("conos_agent_state", "1 for the state the agent is in.");
    for (const auto& agent : m_view.facts.agents) {
      value(
        "conos_agent_state", label("agent", agent.name) + "," + label("state", agent.state()), 1);
    }
    head("conos_agent_held", "1 when the agent is on hold.");
    for (const auto& agent : m_view.facts.agents) {
      value("conos_agent_held", label("agent", agent.name), agent.hold ? 1 : 0);
    }
  }

  void queue(std::string_view name, std::string_view help,
    const std::function<std::optional<double>(const QueueFacts&)>& number)
  {
    head(name, help);
    for (const auto& agent : m_view.facts.agents) {
      if (const auto number_now = number(agent.queue)) {
        value(name, label("agent", agent.name), *number_now);
      }
    }
  }

  void queues()
  {
    const auto count = [](const std::optional<std::size_t>& n) {
      return n ? std::optional(static_cast<double>(*n)) : std::nullopt;
    };
    queue("conos_queue_waiting", "Tasks in the agent's inbox.", [&](const QueueFacts& q) {
      return count(q.waiting);
    });
    queue("conos_queue_oldest_seconds", "How long the oldest of them has waited; 0 without one.",
      [&](const QueueFacts& q) {
        return std::optional(age_of(q));
      });
    queue("conos_queue_working", "Tasks the agent has begun.", [&](const QueueFacts& q) {
      return count(q.working);
    });
    queue("conos_queue_held", "Tasks that wait for a time or a person.", [&](const QueueFacts& q) {
      return count(q.held);
    });
    queue("conos_queue_failed", "Tasks that failed and are kept.", [&](const QueueFacts& q) {
      return count(q.failed);
    });
    const auto& common = m_view.facts.common;
    optional("conos_outer_inbox_waiting", "Tasks in the outer inbox.", common.waiting);
    optional("conos_transit_tasks", "Tasks on the way between agents.", common.working);
  }

  double age_of(const QueueFacts& queue) const
  {
    return queue.oldest ? std::chrono::duration<double>(std::chrono::floor<std::chrono::seconds>(
                                                          m_view.facts.at - *queue.oldest))
                            .count()
                        : 0;
  }

  // The names of conos-contract(8)'s own report.
  void contracts()
  {
    if (!m_view.health) {
      return;
    }
    const auto& checks = m_view.health->checks;
    std::map<std::string_view, int> counts;
    for (const auto status : contract::k_statuses) {
      counts[contract::name_of(status)] = 0;
    }
    for (const auto& [key, said] : checks) {
      ++counts[contract::name_of(said.status)];
    }
    head("conos_contract_checks", "How many checks have a status.");
    for (const auto& [status, count] : counts) {
      value("conos_contract_checks", label("status", status), count);
    }
    if (m_view.health->at) {
      single("conos_contract_last_run_timestamp_seconds", "When the checks were last made.",
        seconds_of(*m_view.health->at));
    }
    single("conos_contract_findings", "Findings that are open.",
      static_cast<double>(m_view.health->findings.size()));
    head("conos_contract_check_good", "1 when the check is not bad, 0 when it is.");
    for (const auto& [key, said] : checks) {
      value("conos_contract_check_good", labels_of(key) + "," + label("severity", said.severity),
        contract::is_bad(said.status) ? 0 : 1);
    }
    head("conos_contract_check_status", "1 for the status the check has.");
    for (const auto& [key, said] : checks) {
      value("conos_contract_check_status",
        labels_of(key) + "," + label("status", contract::name_of(said.status)), 1);
    }
    head("conos_contract_check_seconds", "How long the check took.");
    for (const auto& [key, said] : checks) {
      value("conos_contract_check_seconds", labels_of(key) + "," + label("severity", said.severity),
        static_cast<double>(said.took.count()) / 1e6);
    }
  }

  static std::string labels_of(std::string_view key)
  {
    const auto slash = key.find('/');
    return label("contract", key.substr(0, slash)) + "," +
           label("check", slash == std::string_view::npos ? "" : key.substr(slash + 1));
  }

  void ledger()
  {
    if (!m_view.ledger) {
      return;
    }
    const auto& ledger = *m_view.ledger;
    single("conos_ledger_rows", "Rows of the ledger.", static_cast<double>(ledger.rows));
    single("conos_ledger_rows_not_signed", "Of these, rows after the last checkpoint.",
      static_cast<double>(ledger.rows_not_signed));
    if (ledger.signed_at) {
      single("conos_checkpoint_timestamp_seconds", "When the last checkpoint was made.",
        seconds_of(*ledger.signed_at));
    }
  }

  void spend()
  {
    if (m_view.spend.empty()) {
      return;
    }
    head("conos_spent_today_usd", "What was spent on language models since midnight, UTC.");
    for (const auto& one : m_view.spend) {
      value("conos_spent_today_usd", label("scope", one.scope),
        static_cast<double>(one.used.usd) / 1e6);
    }
    head("conos_spent_today_tokens", "The same in tokens.");
    for (const auto& one : m_view.spend) {
      value("conos_spent_today_tokens", label("scope", one.scope),
        static_cast<double>(one.used.tokens));
    }
    head("conos_budget_day_usd", "What may be spent today, where there is a limit.");
    for (const auto& one : m_view.spend) {
      if (one.limits.usd_day > 0) {
        value("conos_budget_day_usd", label("scope", one.scope),
          static_cast<double>(one.limits.usd_day + one.added.usd) / 1e6);
      }
    }
  }

  void capacity()
  {
    const auto& now = m_view.facts.capacity;
    optional("conos_disk_bytes", "Of the file system of /srv/conos.", now.disk_total);
    optional("conos_disk_free_bytes", "Of it free.", now.disk_free);
    optional("conos_memory_bytes", "Of the machine.", now.memory_total);
    optional("conos_memory_available_bytes", "Of it available.", now.memory_available);
    optional("conos_processors", "Processors of the machine.", now.processors);
    if (now.load) {
      single("conos_load1", "Load average of a minute.", now.load->front());
    }
  }

  const View& m_view;
  std::string m_text;
};

} // namespace

std::string metrics_of(const View& view)
{
  return Metrics(view).text();
}

} // namespace conos::page
