#pragma once

#include "config/compiled.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "task/hold.hpp"
#include "task/site.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What is true of this machine now: for `conos status`, and for agents as facts.json. What cannot
// be known, because it is not there or the caller may not look, is absent and no error. Nothing a
// stranger wrote is in here: no title, no text, no note of an agent's, only names that fit a
// grammar and numbers.
namespace conos {

// Of one agent's directories, or the common ones.
struct QueueFacts {
  std::optional<std::size_t> waiting;
  std::optional<Time> oldest; // of those that wait
  std::optional<std::size_t> working;
  std::optional<std::size_t> held;
  std::optional<std::size_t> failed;
};

struct LastTask {
  std::string id;
  std::string outcome;
  std::optional<std::string> reason;
  Time finished_at;
};

// ActiveState of each, empty for one that systemd does not have in memory: stopped, or not there.
struct UnitFacts {
  std::string path;
  std::string service;
  std::string timer;
};

struct AgentFacts {
  std::string name;
  std::optional<Tier> tier;
  std::optional<Mode> mode;
  std::optional<std::string> runner; // the program's bare name
  std::vector<std::string> may_task; // "*" for everybody
  std::optional<Hold> hold;
  std::optional<UnitFacts> units;
  QueueFacts queue;
  std::optional<LastTask> last;

  // held, stopped, failed, working, waiting or idle
  std::string_view state() const;
};

struct Capacity {                          // bytes
  std::optional<std::uint64_t> disk_total; // of the file system /srv/conos is on
  std::optional<std::uint64_t> disk_free;
  std::optional<std::uint64_t> memory_total;
  std::optional<std::uint64_t> memory_available;
  std::optional<std::array<double, 3>> load; // 1, 5, 15 minutes
  std::optional<unsigned> processors;
  std::optional<Duration> uptime;
};

// A row of the ledger, as far as its words are of the ledger's own grammar.
struct Happening {
  std::int64_t id = 0;
  std::string at;
  std::string type;
  std::string actor;
  std::string agent;
  std::string task;
  std::string detail; // outcome or reason
};

struct Facts {
  Time at;
  std::string host;
  std::string version;
  std::optional<std::string> you; // the agent they are for
  std::optional<std::string> concierge;
  std::vector<AgentFacts> agents;
  QueueFacts common; // the outer inbox waits, transit is working
  Capacity capacity;
  std::optional<std::size_t> packages;
  std::optional<std::vector<Happening>> ledger; // newest last
  bool is_cut = false;                          // there is more than was counted or listed
};

struct FactSources {
  Site site;
  std::string packages = "/var/lib/dpkg/status"; // empty: they are not counted
  bool agents = true;                            // them and their queues, and the common ones
  bool ledger = true;                            // its last rows
  bool ask_systemd = false;        // a few milliseconds more, and not from inside a cage
  std::size_t most_names = 50'000; // to be counted in all queues together; as many to find each
                                   // agent's last task
};

// At most 256 agents; a few milliseconds.
Facts collect_facts(const FactSources& sources);

// What facts.json tells an agent: of the whole machine, without asking systemd.
Facts facts_for(const Site& site, const std::string& agent);

std::string to_json(const Facts& facts);

// Kind::bad_data when the text is not what to_json writes.
Result<Facts> facts_from_json(std::string_view text);

constexpr std::size_t k_max_facts_bytes = 1U << 20U;

} // namespace conos
