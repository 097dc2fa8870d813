#include "facts/facts.hpp"
#include "facts/happening.hpp"

#include "host/provenance.hpp"
#include "host/units.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"
#include "task/find.hpp"
#include "task/id.hpp"

#include <grp.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>

namespace conos {

namespace {

constexpr std::size_t k_most_names_at_claim = 5000; // at half a microsecond each
constexpr std::size_t k_max_dated = 1000;
constexpr std::size_t k_max_agents = 256;
constexpr std::size_t k_max_rows = 20;
constexpr std::size_t k_max_status_bytes = 64U << 20U;
constexpr Duration k_systemd_time = std::chrono::seconds(2);

// What counting may cost: a name is looked at once, however many directories there are.
class Counter
{
public:
  explicit Counter(std::size_t most)
      : m_left(most)
  {
  }

  // Offers each name to `see`. None when the directory is closed to us or not there.
  std::optional<std::size_t> count(
    const std::string& path, const std::function<bool(std::string_view)>& see)
  {
    const auto dir = open_dir(path);
    if (!dir) {
      return std::nullopt;
    }
    std::size_t seen = 0;
    const auto over = list_names(*dir, 1, [&](std::string_view name) {
      if (m_left == 0) {
        return true; // ends the listing
      }
      --m_left;
      seen += see(name) ? 1 : 0;
      return false;
    });
    m_is_cut = m_is_cut || !over || !over->empty();
    return seen;
  }

  bool is_cut() const { return m_is_cut; }

private:
  std::size_t m_left;
  bool m_is_cut = false;
};

bool is_visible(std::string_view name)
{
  return !name.starts_with('.');
}

bool is_receipt(std::string_view name)
{
  return name.ends_with(".json");
}

void count_waiting(const std::string& path, Counter& counter, QueueFacts& queue)
{
  std::vector<std::string> names;
  queue.waiting = counter.count(path, [&](std::string_view name) {
    const bool is_task = !task_stem(name).empty();
    if (is_task && names.size() < k_max_dated) {
      names.emplace_back(name);
    }
    return is_task;
  });
  const auto dir = open_dir(path);
  for (const auto& name : names) {
    const auto st = dir ? stat_at(*dir, name) : tl::unexpected<Error>(dir.error());
    if (st && (!queue.oldest || time_of(st->st_mtim) < *queue.oldest)) {
      queue.oldest = time_of(st->st_mtim);
    }
  }
}

QueueFacts queue_of(const std::string& top, Counter& counter)
{
  QueueFacts queue;
  count_waiting(top + "/inbox", counter, queue);
  queue.working = counter.count(top + "/claimed", is_visible);
  queue.held = counter.count(top + "/held", is_visible);
  queue.failed = counter.count(top + "/failed", is_receipt);
  return queue;
}

// Receipts in an outbox sort by time.
std::optional<LastTask> last_of(const std::string& top, Counter& counter)
{
  std::string newest;
  (void)counter.count(top + "/outbox", [&](std::string_view name) {
    if (!id_in_outbox(name).empty() && name > newest) {
      newest = name;
    }
    return true;
  });
  const auto outbox = open_dir(top + "/outbox");
  if (newest.empty() || !outbox || counter.is_cut()) {
    return std::nullopt;
  }
  const auto text = read_file(*outbox, newest, k_max_meta_bytes);
  const auto receipt = text ? receipt_from_json(*text) : tl::unexpected<Error>(text.error());
  if (!receipt || !is_task_id(receipt->meta.id)) {
    return std::nullopt;
  }
  return LastTask{receipt->meta.id, std::string(to_string(receipt->outcome)), receipt->reason,
    receipt->finished_at};
}

bool is_in_group(const char* group_name, const std::string& account)
{
  const group* entry = ::getgrnam(group_name);
  for (char** member = entry != nullptr ? entry->gr_mem : nullptr;
       member != nullptr && *member != nullptr; ++member) {
    if (account == *member) {
      return true;
    }
  }
  return false;
}

// For a caller who may not read what was compiled: groups are open to everybody.
std::optional<Tier> tier_by_group(const std::string& agent)
{
  const auto account = "a-" + agent;
  if (is_in_group("officers", account)) {
    return Tier::officer;
  }
  if (is_in_group("operators", account)) {
    return Tier::operator_;
  }
  return is_in_group("workers", account) ? std::optional(Tier::worker) : std::nullopt;
}

void take_settings(AgentFacts& agent, const Site& site)
{
  const auto compiled = open_dir(site.compiled());
  const auto settings =
    compiled ? load_agent_settings(*compiled, agent.name) : tl::unexpected<Error>(compiled.error());
  if (!settings) {
    agent.tier = tier_by_group(agent.name);
    return;
  }
  agent.tier = settings->tier;
  agent.mode = settings->mode;
  if (!settings->runner.empty()) {
    agent.runner = std::filesystem::path(settings->runner.front()).filename();
  }
  agent.may_task = settings->may_task;
}

using ActiveStates = std::map<std::string, std::string>;

// In one question for all agents: a unit that is asked for by name and not in memory is read anew.
std::optional<ActiveStates> active_states(bool ask_systemd)
{
  const auto units = ask_systemd ? Units::connect(k_systemd_time)
                                 : Result<Units>(fail(Kind::unavailable, "not wanted"));
  const auto loaded = units
                        ? units->list("conos-*")
                        : Result<std::vector<UnitSummary>>(tl::unexpected<Error>(units.error()));
  if (!loaded) {
    return std::nullopt;
  }
  ActiveStates states;
  for (const auto& unit : *loaded) {
    states[unit.name] = unit.active;
  }
  return states;
}

UnitFacts units_of(const ActiveStates& states, const std::string& agent)
{
  const auto state = [&](const char* end) {
    const auto found = states.find("conos-" + agent + end);
    return found == states.end() ? "" : found->second;
  };
  return {state(".path"), state(".service"), state(".timer")};
}

// A list of all the others is told in one word.
void shorten_may_task(std::vector<AgentFacts>& agents)
{
  for (auto& agent : agents) {
    const bool is_all =
      agents.size() > 1 && std::all_of(agents.begin(), agents.end(), [&](const AgentFacts& other) {
        return other.name == agent.name || std::find(agent.may_task.begin(), agent.may_task.end(),
                                             other.name) != agent.may_task.end();
      });
    if (is_all) {
      agent.may_task = {"*"};
    }
  }
}

std::optional<std::uint64_t> meminfo(std::string_view text, std::string_view key)
{
  const auto at = text.find(key);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const auto line = trimmed(text.substr(at + key.size(), 32));
  std::uint64_t kib = 0;
  if (std::from_chars(line.data(), line.data() + line.size(), kib).ec != std::errc()) {
    return std::nullopt;
  }
  return kib * 1024;
}

Capacity capacity_of(const Site& site)
{
  Capacity capacity;
  struct statvfs disk = {};
  if (::statvfs(site.srv.c_str(), &disk) == 0) {
    capacity.disk_total = disk.f_blocks * disk.f_frsize;
    capacity.disk_free = disk.f_bavail * disk.f_frsize;
  }
  if (const auto text = read_path("/proc/meminfo", 64U << 10U)) {
    capacity.memory_total = meminfo(*text, "MemTotal:");
    capacity.memory_available = meminfo(*text, "MemAvailable:");
  }
  std::array<double, 3> load{};
  if (::getloadavg(load.data(), 3) == 3) {
    capacity.load = load;
  }
  if (const long count = ::sysconf(_SC_NPROCESSORS_ONLN); count > 0) {
    capacity.processors = static_cast<unsigned>(count);
  }
  struct sysinfo info = {};
  if (::sysinfo(&info) == 0) {
    capacity.uptime = std::chrono::seconds(info.uptime);
  }
  return capacity;
}

std::optional<std::size_t> count_packages(const std::string& status)
{
  const auto text = read_path(status, k_max_status_bytes);
  if (!text) {
    return std::nullopt;
  }
  constexpr std::string_view k_installed = "\nStatus: install ok installed\n";
  std::size_t count = 0;
  for (auto at = text->find(k_installed); at != std::string::npos;
       at = text->find(k_installed, at + k_installed.size() - 1)) {
    ++count;
  }
  return count;
}

std::string host_name()
{
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? escaped(name.data()) : "";
}

// As bootstrap compiled it; without the right to read that, as the directories are.
std::vector<std::string> names_of_agents(const Site& site, Facts& facts)
{
  const auto compiled = open_dir(site.compiled());
  const auto routing = compiled ? load_routing(*compiled) : tl::unexpected<Error>(compiled.error());
  if (!routing) {
    return agent_names(site).value_or(std::vector<std::string>());
  }
  facts.concierge = routing->concierge;
  auto names = routing->agents;
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace

Facts collect_facts(const FactSources& sources)
{
  const auto& site = sources.site;
  Facts facts;
  facts.at = now();
  facts.host = host_name();
  facts.version = CONOS_VERSION;

  auto names = sources.agents ? names_of_agents(site, facts) : std::vector<std::string>();
  facts.is_cut = names.size() > k_max_agents;
  names.resize(std::min(names.size(), k_max_agents));
  const auto states = active_states(sources.ask_systemd);
  Counter counter(sources.most_names);
  Counter outboxes(sources.most_names);
  for (const auto& name : names) {
    AgentFacts agent;
    agent.name = name;
    take_settings(agent, site);
    agent.hold = read_hold(site, name).value_or(std::nullopt);
    agent.queue = queue_of(site.agent(name), counter);
    agent.last = last_of(site.agent(name), outboxes);
    if (states) {
      agent.units = units_of(*states, name);
    }
    facts.agents.push_back(std::move(agent));
  }
  shorten_may_task(facts.agents);
  if (sources.agents) {
    count_waiting(site.inbox(), counter, facts.common);
    facts.common.working = counter.count(site.transit(), is_visible);
  }
  facts.is_cut = facts.is_cut || counter.is_cut();
  facts.capacity = capacity_of(site);
  facts.packages = count_packages(sources.packages);
  if (sources.ledger) {
    facts.ledger = recent_happenings(site.lib + "/audit.db", k_max_rows);
  }
  return facts;
}

Facts facts_for(const Site& site, const std::string& agent)
{
  FactSources sources;
  sources.site = site;
  sources.most_names = k_most_names_at_claim;
  auto facts = collect_facts(sources);
  facts.you = agent;
  return facts;
}

} // namespace conos
