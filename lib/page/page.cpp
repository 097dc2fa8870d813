#include "page/page.hpp"

#include "audit/sha256.hpp"
#include "budget/store.hpp"
#include "facts/status.hpp"
#include "page/chart.hpp"
#include "page/html.hpp"
#include "page/style.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <tuple>

namespace conos::page {

namespace {

// "12 s", "38 min", "3 h 5 min", "5 d 2 h"
std::string span_text(Duration duration)
{
  struct Unit {
    std::int64_t seconds;
    std::string_view name;
  };
  constexpr std::array<Unit, 4> k_units{{{86'400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
  const auto all =
    std::max<std::int64_t>(0, std::chrono::floor<std::chrono::seconds>(duration).count());
  const auto* const unit = std::find_if(k_units.begin(), k_units.end() - 1, [&](const Unit& one) {
    return all >= one.seconds;
  });
  auto text = fmt::format("{} {}", all / unit->seconds, unit->name);
  if (const auto rest = all % unit->seconds; rest > 0) {
    const auto& next = *(unit + 1);
    const auto count = rest / next.seconds;
    text += count > 0 ? fmt::format(" {} {}", count, next.name) : "";
  }
  return text;
}

std::string ago(Time then, Time now)
{
  return span_text(std::chrono::floor<Duration>(now - then));
}

// "1.25 USD"; what is less than a cent is not nothing.
std::string money(std::int64_t micros)
{
  constexpr std::int64_t k_cent = 10'000;
  return micros > 0 && micros < k_cent
           ? "< 0.01 USD"
           : fmt::format("{:.2f} USD", static_cast<double>(micros) / (100.0 * k_cent));
}

std::string counted(std::size_t count, std::string_view one, std::string_view many)
{
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// Nothing runs, nothing is fetched, nothing is sent; one style sheet is applied: ours.
std::string policy()
{
  return fmt::format("default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; "
                     "form-action 'none'",
    audit::base64(audit::sha256(k_css)));
}

Html time_of(Time at, std::string_view words)
{
  return element("time", {{"datetime", rfc3339(at, 0)}}, {words});
}

Html time_ago(Time at, Time now)
{
  return time_of(at, ago(at, now) + " ago");
}

Html code(std::string_view text)
{
  return element("code", {}, {Html(text)});
}

Html paragraph(const std::vector<Html>& inner)
{
  return element("p", {}, inner);
}

// How good something is: a class and a word, for colour alone tells nothing to many.
struct Mark {
  const char* kind; // good, warn, bad, quiet
  std::string word;
};

Html marked(const Mark& mark)
{
  return element("span", {{"class", fmt::format("state {}", mark.kind)}}, {mark.word});
}

// --- tables --------------------------------------------------------------------------------------

struct Column {
  std::string title;
  std::string kind{}; // num, said, nowrap
};

using Row = std::vector<Html>;

// The first cell is what the row is about. The roles say what it is where a narrow screen shows it
// as a list.
Html table_of(
  const std::string& caption, const std::vector<Column>& columns, const std::vector<Row>& rows)
{
  Html head;
  for (const auto& column : columns) {
    head += element(
      "th", {{"scope", "col"}, {"role", "columnheader"}, {"class", column.kind}}, {column.title});
  }
  Html body;
  for (const auto& row : rows) {
    Html cells;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto& kind = columns[i].kind;
      cells +=
        i == 0 ? element("th", {{"scope", "row"}, {"role", "rowheader"}, {"class", kind}}, {row[i]})
               : element("td",
                   {{"role", "cell"}, {"class", row[i].empty() ? kind + " none" : kind},
                     {"data-label", columns[i].title}},
                   {row[i]});
    }
    body += element("tr", {{"role", "row"}}, {cells});
  }
  return element("div",
    {{"class", "wide"}, {"role", "region"}, {"aria-label", caption}, {"tabindex", "0"}},
    {element("table", {{"role", "table"}},
      {element("caption", {}, {caption}),
        element("thead", {{"role", "rowgroup"}}, {element("tr", {{"role", "row"}}, {head})}),
        element("tbody", {{"role", "rowgroup"}}, {body})})});
}

Html section(Name id, const std::string& title, const std::string& count, const Html& inner)
{
  const auto name = std::string(id.text) + "-title";
  Html heading = title;
  if (!count.empty()) {
    heading += " ";
    heading += element("span", {{"class", "count"}}, {count});
  }
  return element("section", {{"id", std::string(id.text)}, {"aria-labelledby", name}},
    {element("h2", {{"id", name}}, {heading}), inner});
}

// Beyond a bound, what is left out is said.
Html left_out(std::size_t all, std::size_t shown, std::string_view how)
{
  return all > shown ? element("p", {{"class", "quiet"}},
                         {fmt::format("{} more are not shown: {}", all - shown, how)})
                     : Html();
}

class Page
{
public:
  explicit Page(const View& view)
      : m_view(view)
      , m_now(view.facts.at)
  {
  }

  std::string text() const
  {
    Html head = element("meta", {{"charset", "utf-8"}});
    head += element("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy()}});
    head +=
      element("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
    head += element("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
    head += element("meta", {{"name", "referrer"}, {"content", "no-referrer"}});
    head += element("meta", {{"http-equiv", "refresh"}, {"content", "60"}});
    head += element("title", {}, {title_of(m_view)});
    head += element("link", {{"rel", "icon"}, {"href", "data:,"}});
    head += style_sheet(k_css);
    const auto page = element("html", {{"lang", "en"}, {"dir", "ltr"}},
      {element("head", {}, {head}),
        element("body", {},
          {element("a", {{"class", "skip"}, {"href", "#main"}}, {"To the content"}), header(),
            element("main", {{"id", "main"}, {"tabindex", "-1"}}, {content()}), footer()})});
    return "<!doctype html>\n" + page.markup() + "\n";
  }

  std::string headline() const
  {
    std::vector<std::string> parts;
    if (const auto count = findings_of(m_view); count > 0) {
      parts.push_back(counted(count, "finding", "findings"));
    }
    if (is_unchecked(m_view)) {
      parts.emplace_back("not checked");
    }
    if (const auto held = held_agents(); held > 0) {
      parts.push_back(counted(held, "agent on hold", "agents on hold"));
    }
    if (!m_view.requests.empty()) {
      parts.push_back(counted(m_view.requests.size(), "request waits", "requests wait"));
    }
    if (!m_view.trouble.empty()) {
      parts.emplace_back("not all could be read");
    }
    return parts.empty() ? "all is well" : join(parts, ", ");
  }

private:
  const char* headline_kind() const
  {
    const bool is_bad = m_view.health && std::any_of(m_view.health->findings.begin(),
                                           m_view.health->findings.end(), [](const auto& item) {
                                             return contract::is_bad(item.second.status);
                                           });
    return is_bad || is_unchecked(m_view) || !m_view.trouble.empty()                  ? "bad"
           : findings_of(m_view) > 0 || held_agents() > 0 || !m_view.requests.empty() ? "warn"
                                                                                      : "good";
  }

  std::size_t held_agents() const
  {
    const auto& agents = m_view.facts.agents;
    return static_cast<std::size_t>(
      std::count_if(agents.begin(), agents.end(), [](const AgentFacts& agent) {
        return agent.hold.has_value();
      }));
  }

  Html header() const
  {
    auto headline_now = headline();
    headline_now.front() =
      static_cast<char>(std::toupper(static_cast<unsigned char>(headline_now.front())));
    Html links;
    for (const auto& [id, title] : std::array<std::pair<const char*, const char*>, 6>{
           {{"findings", "Findings"}, {"requests", "Requests"}, {"agents", "Agents"},
             {"tasks", "Tasks"}, {"spend", "Spend"}, {"ledger", "Ledger"}}}) {
      links += element("li", {}, {element("a", {{"href", std::string("#") + id}}, {title})});
    }
    return element("header", {},
      {element("h1", {},
         {element("span", {{"class", "host"}}, {foreign(m_view.facts.host, 253)}), ": ",
           element("span", {{"class", headline_kind()}}, {headline_now})}),
        element("p", {{"class", "quiet"}},
          {"conos ", Html(m_view.facts.version), ". Made ",
            time_of(m_now,
              rfc3339(m_now, 0).substr(0, 10) + " " + rfc3339(m_now, 0).substr(11, 8) + " UTC"),
            ". ", age_rule()}),
        element("nav", {{"aria-label", "Sections"}}, {element("ul", {}, {links})})});
  }

  // A page cannot say how old it is where nothing runs in it, but how old it may be.
  std::string age_rule() const
  {
    return fmt::format("A new one is made after each healthcheck, every {}: when this is more than "
                       "{} ago, nobody checks the machine.",
      span_text(m_view.interval), span_text(3 * m_view.interval));
  }

  Html content() const
  {
    Html out = glance();
    out += charts();
    out += trouble();
    out += findings();
    out += requests();
    out += agents();
    out += tasks();
    out += spend();
    out += ledger();
    out += contracts();
    return out;
  }

  // --- at a glance ---

  static Html tile(
    std::string_view what, std::string_view value, std::string_view more, const char* kind = "")
  {
    Html inner = element("dt", {}, {what});
    inner += element("dd", {{"class", std::string("big ") + kind}}, {value});
    inner += element("dd", {{"class", "small"}}, {more});
    return element("div", {}, {inner});
  }

  Html glance() const
  {
    const auto& facts = m_view.facts;
    const auto queue = all_waiting(facts);
    Html tiles = tile("Findings", m_view.health ? std::to_string(findings_of(m_view)) : "?",
      checked_words(), findings_of(m_view) > 0 ? headline_kind() : "");
    tiles += tile("Agents", std::to_string(facts.agents.size()), agents_words());
    tiles += tile("Tasks waiting", queue.waiting ? std::to_string(*queue.waiting) : "?",
      queue.oldest ? "the oldest for " + ago(*queue.oldest, m_now) : "none is old");
    tiles += spend_tile();
    tiles += tile("Requests", std::to_string(m_view.requests.size()),
      m_view.requests.empty() ? "nobody waits for a person" : "wait for a person");
    tiles += share_tile("Disk free", facts.capacity.disk_free, facts.capacity.disk_total);
    tiles +=
      share_tile("Memory available", facts.capacity.memory_available, facts.capacity.memory_total);
    tiles += tile("Up", facts.capacity.uptime ? span_text(*facts.capacity.uptime) : "?",
      facts.packages ? fmt::format("{} packages", *facts.packages) : "");
    return element("dl", {{"class", "glance"}}, {tiles});
  }

  std::string checked_words() const
  {
    if (!m_view.health || !m_view.health->at) {
      return "never checked";
    }
    return "checked " + ago(*m_view.health->at, m_now) + " ago";
  }

  std::string agents_words() const
  {
    std::map<std::string_view, std::size_t> states;
    for (const auto& agent : m_view.facts.agents) {
      ++states[agent.state()];
    }
    std::vector<std::string> words;
    for (const auto& [state, count] : states) {
      words.push_back(fmt::format("{} {}", count, state));
    }
    return join(words, ", ");
  }

  Html spend_tile() const
  {
    const auto* all = everybody(m_view);
    if (all == nullptr) {
      return tile("Spent today", "-", "no model was called");
    }
    const auto limit = all->limits.usd_day > 0 ? all->limits.usd_day + all->added.usd : 0;
    return tile("Spent today", money(all->used.usd),
      limit > 0 ? "of " + money(limit) : "no limit for all together",
      limit > 0 && all->used.usd >= limit ? "bad" : "");
  }

  static Html share_tile(std::string_view what, const std::optional<std::uint64_t>& part,
    const std::optional<std::uint64_t>& total)
  {
    if (!part || !total || *total == 0) {
      return tile(what, "?", "");
    }
    constexpr double k_gib = 1024.0 * 1024.0 * 1024.0;
    const auto share = 100.0 * static_cast<double>(*part) / static_cast<double>(*total);
    return tile(what, fmt::format("{:.0f} %", share),
      fmt::format("{:.1f} of {:.1f} GiB", static_cast<double>(*part) / k_gib,
        static_cast<double>(*total) / k_gib));
  }

  Html charts() const
  {
    const auto sampled = [](std::optional<std::int64_t> Sample::*member, double unit) {
      return [member, unit](const Sample& sample) {
        return sample.*member ? std::optional(static_cast<double>(*(sample.*member)) / unit)
                              : std::nullopt;
      };
    };
    const auto& samples = m_view.samples;
    const auto queue = all_waiting(m_view.facts);
    const auto* all = everybody(m_view);
    const auto& load = m_view.facts.capacity.load;
    Html out = figure_of({"Tasks waiting", queue.waiting ? std::to_string(*queue.waiting) : "?",
                           largest_of(samples, m_now, sampled(&Sample::waiting, 1)),
                           [](double value) {
                             return fmt::format("{:.0f}", value);
                           }},
      m_now);
    out += figure_of({"Spent each hour", all != nullptr ? money(all->used.usd) + " today" : "-",
                       spent_of(samples, m_now),
                       [](double value) {
                         return money(std::llround(value * 1e6));
                       },
                       true},
      m_now);
    out += figure_of({"Load", load ? fmt::format("{:.2f}{}", load->front(), processors()) : "?",
                       largest_of(samples, m_now, sampled(&Sample::load_100, 100)),
                       [](double value) {
                         return fmt::format("{:.2f}", value);
                       }},
      m_now);
    return element("div", {{"class", "charts"}}, {out});
  }

  std::string processors() const
  {
    const auto& count = m_view.facts.capacity.processors;
    return count ? " on " + counted(*count, "processor", "processors") : "";
  }

  Html trouble() const
  {
    if (m_view.trouble.empty()) {
      return {};
    }
    Html items;
    for (const auto& line : m_view.trouble) {
      items += element("li", {}, {foreign(line)});
    }
    return section(
      "trouble", "What could not be read", "", element("ul", {{"class", "trouble bad"}}, {items}));
  }

  // --- findings ---

  static Mark mark_of(contract::Status status)
  {
    using contract::Status;
    const std::string word(contract::name_of(status));
    switch (status) {
    case Status::pass:
      return {"good", word};
    case Status::skip:
    case Status::exempt:
      return {"quiet", word};
    case Status::warn:
      return {"warn", word};
    case Status::fail:
    case Status::halt:
    case Status::error:
    case Status::timeout:
      break;
    }
    return {"bad", word};
  }

  static int rank_of(std::string_view severity)
  {
    constexpr std::array<std::string_view, 5> k_order{"critical", "high", "medium", "low", "info"};
    return static_cast<int>(std::find(k_order.begin(), k_order.end(), severity) - k_order.begin());
  }

  // What is bad before what is a warning, then by severity, then the newest.
  std::vector<const health::Finding*> ordered() const
  {
    std::vector<const health::Finding*> findings;
    for (const auto& [key, finding] : m_view.health->findings) {
      findings.push_back(&finding);
    }
    std::stable_sort(findings.begin(), findings.end(), [](const auto* a, const auto* b) {
      const auto order = [](const health::Finding& finding) {
        return std::tuple(!contract::is_bad(finding.status), rank_of(finding.severity),
          -finding.since.time_since_epoch());
      };
      return order(*a) < order(*b);
    });
    return findings;
  }

  static void fact(Html& list, std::string_view name, const Html& value)
  {
    list += element("dt", {}, {name});
    list += element("dd", {}, {value});
  }

  Html finding_of(const health::Finding& finding) const
  {
    const auto mark = mark_of(finding.status);
    Html facts;
    if (!finding.message.empty()) {
      fact(facts, "Seen", foreign(finding.message));
    }
    fact(facts, "Since", time_ago(finding.since, m_now));
    if (!finding.verify.empty()) {
      fact(facts, "Look again", code(finding.verify));
    }
    if (!finding.fix.empty()) {
      fact(facts, "Mend", foreign(finding.fix));
    }
    return element("li", {{"class", mark.kind}},
      {element("div", {{"class", "inner"}},
        {element("div", {{"class", "top"}},
           {element("h3", {}, {foreign(finding.key)}), marked(mark),
             element("span", {{"class", "quiet"}}, {Html(finding.severity)})}),
          paragraph({foreign(finding.what)}), element("dl", {{"class", "facts"}}, {facts})})});
  }

  Html findings() const
  {
    if (!m_view.health || !m_view.health->at) {
      return section("findings", "Findings", "",
        paragraph(
          {"The contracts were not checked yet: ", code("conos healthcheck"), " does so."}));
    }
    Html inner;
    if (is_unchecked(m_view)) {
      inner += element("p", {{"class", "bad"}},
        {"The last healthcheck was ", time_ago(*m_view.health->at, m_now), ": see ",
          code("systemctl status conos-healthcheck.timer conos-healthcheck.service")});
    }
    const auto findings = ordered();
    Html items;
    for (std::size_t i = 0; i < std::min(findings.size(), k_most_findings); ++i) {
      items += finding_of(*findings[i]);
    }
    inner += findings.empty() ? paragraph({"Every contract that was checked holds."})
                              : element("ol", {{"class", "findings"}}, {items});
    inner += left_out(findings.size(), k_most_findings, "conos healthcheck");
    inner += exemptions();
    return section(
      "findings", "Findings", findings.empty() ? "none" : std::to_string(findings.size()), inner);
  }

  Html exemptions() const
  {
    Html out;
    const auto& all = m_view.exemptions;
    for (std::size_t i = 0; i < std::min(all.size(), k_most_findings); ++i) {
      const auto& one = all[i];
      out += element("p", {{"class", "quiet"}},
        {"Let off: ", foreign(one.contract + (one.check.empty() ? "" : "/" + one.check)), " by ",
          foreign(one.by, 64), one.until ? " until " + rfc3339(*one.until, 0) : Html(), ": ",
          foreign(one.reason)});
    }
    return out;
  }

  // --- requests ---

  Html requests() const
  {
    if (m_view.requests.empty()) {
      return section("requests", "Requests", "none", paragraph({"No agent waits for a person."}));
    }
    std::vector<Row> rows;
    for (std::size_t i = 0; i < std::min(m_view.requests.size(), k_most_requests); ++i) {
      const auto& one = m_view.requests[i];
      rows.push_back(
        {code(one.id), Html(one.agent), foreign(one.verb + " " + gate::canonical(one.args), 200),
          trust_of(one.task.trust), time_ago(one.requested_at, m_now),
          time_of(one.expires_at, rfc3339(one.expires_at, 0).substr(0, 16))});
    }
    auto inner = table_of("Requests of agents that wait for a person, oldest first",
      {{"Request", "nowrap"}, {"Agent", "nowrap"}, {"What", "said"}, {"Task"}, {"Asked", "nowrap"},
        {"Ends (UTC)", "nowrap"}},
      rows);
    inner += left_out(m_view.requests.size(), k_most_requests, "conos approve list");
    inner += element("p", {{"class", "quiet"}},
      {code("conos approve show ID"), " has all of it; ", code("conos approve allow ID"), " or ",
        code("deny ID"), " decides."});
    return section("requests", "Requests", std::to_string(m_view.requests.size()), inner);
  }

  // --- agents ---

  static Mark mark_of_state(std::string_view state)
  {
    const char* kind = state == "failed"                       ? "bad"
                       : state == "held" || state == "stopped" ? "warn"
                       : state == "working"                    ? "good"
                                                               : "quiet";
    return {kind, std::string(state)};
  }

  static Html number(const std::optional<std::size_t>& count)
  {
    return count ? Html(std::to_string(*count)) : Html();
  }

  Row row_of(const AgentFacts& agent) const
  {
    const auto& queue = agent.queue;
    Html state = marked(mark_of_state(agent.state()));
    if (agent.hold) {
      const auto& hold = *agent.hold;
      state += element("div", {{"class", "quiet"}},
        {hold.by.empty() ? Html("on hold") : Html("by "), foreign(hold.by, 64),
          hold.since ? " " + ago(*hold.since, m_now) + " ago" : Html(),
          hold.reason.empty() ? "" : ": ", foreign(hold.reason, 200)});
    }
    Html last;
    if (agent.last) {
      last += Html(
        agent.last->outcome + (agent.last->reason ? " (" + *agent.last->reason + ")" : "") + ", ");
      last += time_ago(agent.last->finished_at, m_now);
    }
    return {foreign(agent.name, 64), state, agent.tier ? to_string(*agent.tier) : "",
      agent.mode ? to_string(*agent.mode) : "", number(queue.waiting),
      queue.oldest ? time_of(*queue.oldest, ago(*queue.oldest, m_now)) : Html(), number(queue.held),
      number(queue.failed), last};
  }

  Html agents() const
  {
    const auto& facts = m_view.facts;
    if (facts.agents.empty()) {
      return section("agents", "Agents", "none",
        paragraph(
          {"There are no agents: ", code("conos-bootstrap"), " makes those of conos.toml."}));
    }
    std::vector<Row> rows;
    for (std::size_t i = 0; i < std::min(facts.agents.size(), k_most_agents); ++i) {
      rows.push_back(row_of(facts.agents[i]));
    }
    auto inner = table_of("Agents and what waits for them",
      {{"Agent", "nowrap"}, {"State", "said"}, {"Tier"}, {"Mode", "nowrap"}, {"Waiting", "num"},
        {"Oldest", "num"}, {"Held", "num"}, {"Failed", "num"}, {"Last task"}},
      rows);
    inner += common();
    return section("agents", "Agents", std::to_string(facts.agents.size()), inner);
  }

  Html common() const
  {
    const auto& queue = m_view.facts.common;
    std::vector<std::string> words;
    if (queue.waiting.value_or(0) > 0) {
      words.push_back(counted(*queue.waiting, "task waits", "tasks wait") + " in the outer inbox");
    }
    if (queue.working.value_or(0) > 0) {
      words.push_back(fmt::format("{} on the way between agents", *queue.working));
    }
    if (m_view.facts.is_cut) {
      words.emplace_back("there is more than was counted");
    }
    return words.empty() ? Html() : element("p", {{"class", "quiet"}}, {join(words, ", ")});
  }

  // --- tasks ---

  static Html trust_of(Trust trust)
  {
    return marked({trust == Trust::verified ? "good" : "quiet", std::string(to_string(trust))});
  }

  static Mark mark_of_task(std::string_view state)
  {
    const char* kind = state == "answered" || state == "forwarded"                        ? "good"
                       : state == "failed" || state == "expired" || state == "unreadable" ? "bad"
                       : state == "held" || state == "cancelled"                          ? "warn"
                                                                                          : "quiet";
    return {kind, std::string(state)};
  }

  Row row_of(const FoundTask& task) const
  {
    Html became = marked(mark_of_task(task.state));
    if (task.receipt && task.receipt->reason) {
      became += " ";
      became += element("span", {{"class", "quiet"}}, {*task.receipt->reason});
    }
    Html sender;
    if (task.meta && task.meta->sender.name) {
      sender = foreign(*task.meta->sender.name, 64);
    }
    Html took;
    if (task.receipt && task.receipt->started_at) {
      took = ago(*task.receipt->started_at, task.receipt->finished_at);
    }
    return {task.summary.empty() ? foreign(task.id, 130) : foreign(task.summary, 200), became,
      task.meta ? trust_of(task.meta->trust) : Html(), Html(task.agent.value_or("")), sender,
      time_ago(task.since, m_now), took};
  }

  Html tasks() const
  {
    if (m_view.tasks.empty()) {
      return section("tasks", "Tasks", "none",
        paragraph({code("conos agent \"How much disk is free?\""), " asks the front desk."}));
    }
    std::vector<Row> rows;
    for (std::size_t i = 0; i < std::min(m_view.tasks.size(), k_most_tasks); ++i) {
      rows.push_back(row_of(m_view.tasks[i]));
    }
    return section("tasks", "Tasks", "the newest",
      table_of("The newest tasks: the first line of each, what became of it, how far it is trusted",
        {{"Task", "said"}, {"Became"}, {"Trust"}, {"Agent", "nowrap"}, {"From"},
          {"Handed in", "nowrap"}, {"Took", "num"}},
        rows));
  }

  // --- spend ---

  static Html of_limit(std::int64_t limit, const std::string& text)
  {
    return limit > 0 ? Html(text) : element("span", {{"class", "quiet"}}, {"none"});
  }

  Html spend() const
  {
    if (m_view.spend.empty()) {
      return section("spend", "Spend", "", paragraph({"No language model was called."}));
    }
    std::vector<Row> rows;
    for (std::size_t i = 0; i < std::min(m_view.spend.size(), k_most_agents); ++i) {
      const auto& one = m_view.spend[i];
      const auto usd = one.limits.usd_day + one.added.usd;
      const auto tokens = one.limits.tokens_day + one.added.tokens;
      Html pause;
      if (one.pause) {
        pause =
          marked({"warn", one.pause->until ? "until " + rfc3339(*one.pause->until, 0) : "yes"});
        pause += " ";
        pause += foreign(one.pause->reason, 120);
      }
      rows.push_back(
        {one.scope == budget::k_everybody ? Html("all agents") : foreign(one.scope, 64),
          money(one.used.usd), of_limit(one.limits.usd_day, money(usd)),
          std::to_string(one.used.tokens), of_limit(one.limits.tokens_day, std::to_string(tokens)),
          pause});
    }
    return section("spend", "Spend", "today, in UTC",
      table_of("What was spent on language models today, and what may be",
        {{"Who", "nowrap"}, {"Spent", "num"}, {"Limit", "num"}, {"Tokens", "num"},
          {"Limit of tokens", "num"}, {"Paused"}},
        rows));
  }

  // --- ledger ---

  Html ledger() const
  {
    Html inner;
    if (m_view.ledger) {
      const auto& ledger = *m_view.ledger;
      Html facts;
      fact(facts, "Rows", fmt::format("{}, the last one of {}", ledger.rows, ledger.at));
      fact(facts, "Head", code(ledger.hash));
      if (ledger.signed_at) {
        Html words = time_ago(*ledger.signed_at, m_now);
        words += fmt::format(
          ", {} since", counted(static_cast<std::size_t>(ledger.rows_not_signed), "row", "rows"));
        fact(facts, "Checkpoint", words);
      } else {
        fact(facts, "Checkpoint", marked({"warn", "none yet"}));
      }
      fact(facts, "Look again", code("conos-audit verify"));
      inner += element("dl", {{"class", "facts"}}, {facts});
    } else {
      inner += paragraph({"There is no ledger that could be read."});
    }
    inner += events();
    return section("ledger", "Ledger", "", inner);
  }

  Html events() const
  {
    const auto& ledger = m_view.facts.ledger;
    if (!ledger || ledger->empty()) {
      return {};
    }
    std::vector<Row> rows;
    for (auto row = ledger->rbegin(); row != ledger->rend() && rows.size() < k_most_events; ++row) {
      rows.push_back({std::to_string(row->id), Html(row->type), Html(row->agent), Html(row->task),
        Html(row->detail), Html(row->actor), Html(row->at)});
    }
    return element("details", {},
      {element("summary", {}, {"Its last rows"}),
        table_of("The last rows of the ledger, newest first",
          {{"Row"}, {"Type", "nowrap"}, {"Agent"}, {"Task", "said"}, {"Detail"}, {"By"},
            {"At", "nowrap"}},
          rows)});
  }

  // --- contracts ---

  Html contracts() const
  {
    if (!m_view.health || m_view.health->checks.empty()) {
      return {};
    }
    const auto& checks = m_view.health->checks;
    std::vector<const std::pair<const std::string, health::Said>*> order;
    for (const auto& check : checks) {
      order.push_back(&check);
    }
    std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
      return contract::is_bad(a->second.status) > contract::is_bad(b->second.status);
    });
    std::vector<Row> rows;
    std::size_t good = 0;
    for (const auto* check : order) {
      const auto& said = check->second;
      good += contract::is_bad(said.status) || said.status == contract::Status::warn ? 0 : 1;
      if (rows.size() < k_most_checks) {
        rows.push_back({foreign(check->first), marked(mark_of(said.status)), Html(said.severity),
          foreign(said.description), time_ago(said.at, m_now)});
      }
    }
    auto inner = element("details", {},
      {element("summary", {}, {"All checks and what each said last"}),
        table_of("All checks, those that are bad first",
          {{"Check", "said"}, {"Said"}, {"Severity"}, {"Contract", "said"}, {"Checked", "nowrap"}},
          rows)});
    inner += left_out(checks.size(), k_most_checks, "conos healthcheck");
    return section("contracts", "Contracts",
      fmt::format("{} of {} checks are good", good, checks.size()), inner);
  }

  Html footer() const
  {
    return element("footer", {},
      {paragraph(
        {"Times are in UTC, ages as of when the page was made. It reloads each minute. The same "
         "as numbers, for Prometheus, is ",
          element("a", {{"href", "metrics"}}, {"metrics"}),
          ". What this is: ", code("man conos-page"), "."})});
  }

  const View& m_view;
  Time m_now;
};

} // namespace

std::string title_of(const View& view)
{
  return Page(view).headline() + " - conos on " + visible(view.facts.host, 253);
}

std::string page_of(const View& view)
{
  return Page(view).text();
}

} // namespace conos::page
