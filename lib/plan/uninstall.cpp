#include "plan/uninstall.hpp"

#include "audit/ledger.hpp"
#include "host/accounts.hpp"
#include "host/provenance.hpp"
#include "host/units.hpp"
#include "plan/bootstrap.hpp"
#include "plan/files.hpp"
#include "plan/record.hpp"
#include "plan/retire.hpp"
#include "plan/secrets.hpp"
#include "plan/sources.hpp"
#include "plan/tables.hpp"
#include "plan/tools.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

namespace conos::plan {

namespace {

constexpr std::size_t k_max_record_bytes = 16U << 20U;
constexpr std::size_t k_max_manifest_bytes = 1U << 20U;
constexpr std::size_t k_max_names = 10'000;
constexpr Duration k_stop_time = std::chrono::seconds(90); // deliver has its 60 s
constexpr Duration k_nft_time = std::chrono::seconds(30);
constexpr Duration k_remove_time = std::chrono::hours(1); // data may be much
constexpr std::string_view k_hold = "/var/lib/conos/hold/";

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at the stream's end
}

// --- looking -------------------------------------------------------------------------------------

// Where nothing was ever applied there is no record.
Result<Record> read_record(const Place& place)
{
  const auto text = read_path(place.root + k_record, k_max_record_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found ? Result<Record>(Record())
                                                : tl::unexpected<Error>(text.error());
  }
  return record_from_json(*text).map_error(during("read '" + k_record + "'"));
}

Result<std::vector<std::string>> names_in(
  const Place& place, const std::string& path, const std::function<bool(std::string_view)>& wants)
{
  const auto dir = open_dir(place.root + path);
  if (!dir) {
    return dir.error().kind == Kind::not_found ? Result<std::vector<std::string>>({})
                                               : tl::unexpected<Error>(dir.error());
  }
  CONOS_TRY(auto names, list_names(*dir, k_max_names, wants).map_error(during("list " + path)));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> enabled_units(const Place& place)
{
  std::vector<std::string> units;
  for (const auto* target :
    {"multi-user.target", "paths.target", "sockets.target", "timers.target"}) {
    CONOS_TRY(const auto names,
      names_in(place, fmt::format("{}/{}.wants", k_units, target), [](std::string_view name) {
        return name.starts_with("conos-");
      }));
    units.insert(units.end(), names.begin(), names.end());
  }
  return units;
}

bool is_there_to_stop(const UnitSummary& unit)
{
  return unit.active == "active" || unit.active == "activating" || unit.active == "reloading" ||
         unit.active == "deactivating";
}

bool is_failed(const UnitSummary& unit)
{
  return unit.active == "failed";
}

Result<std::vector<std::string>> units_that(
  const Units& systemd, const std::function<bool(const UnitSummary&)>& are_so)
{
  std::vector<std::string> units;
  for (const auto* pattern : {"conos-*", "run-conos-*"}) {
    CONOS_TRY(const auto all, systemd.list(pattern));
    for (const auto& unit : all) {
      if (are_so(unit)) {
        units.push_back(unit.name);
      }
    }
  }
  return units;
}

Result<std::vector<std::string>> running_units()
{
  CONOS_TRY(const auto systemd, Units::connect());
  CONOS_TRY(auto units, units_that(systemd, is_there_to_stop));
  std::stable_sort(units.begin(), units.end(), [](const auto& one, const auto& other) {
    return stop_rank(one) < stop_rank(other);
  });
  return units;
}

// False too where nft is not there to be asked: then nothing of ours loaded a table.
bool has_table()
{
  const std::vector<std::string> list{"/usr/sbin/nft", "list", "table", "inet", "conos"};
  const auto ended = run_command({list, plain_environment(), "", -1}, {.time = k_nft_time});
  return ended && ended->how == Ended::How::exited && ended->status == 0;
}

// What is data goes and stays with it: trees, and whether an agent is held.
void leave_data_out(std::vector<Retired>& agents)
{
  for (auto& agent : agents) {
    agent.trees.clear();
    std::erase_if(agent.files, [](const std::string& file) {
      return file.starts_with(k_hold);
    });
  }
  std::erase_if(agents, [](const Retired& agent) {
    return !agent.has_user && agent.files.empty();
  });
}

// Those of the record that are there, without those of agents, which go with them.
Result<std::vector<std::string>> shared_files(
  const Place& place, const Record& record, const std::vector<Retired>& agents)
{
  std::set<std::string> of_agents;
  for (const auto& agent : agents) {
    of_agents.insert(agent.files.begin(), agent.files.end());
  }
  std::vector<std::string> files;
  for (const auto& [path, digest] : record.files) {
    CONOS_TRY(const bool found, is_there(place, path));
    if (found && !of_agents.contains(path)) {
      files.push_back(path);
    }
  }
  return files;
}

Result<std::vector<std::string>> data_paths(const Place& place, const std::vector<Retired>& agents)
{
  std::vector<std::string> paths{"/etc/conos", "/srv/conos", "/var/lib/conos"};
  for (const auto& agent : agents) {
    paths.push_back("/home/a-" + agent.name);
  }
  CONOS_TRY(
    const auto secrets, names_in(place, "/etc/credstore.encrypted", [](std::string_view name) {
      return name.starts_with("conos.");
    }));
  for (const auto& secret : secrets) {
    paths.push_back("/etc/credstore.encrypted/" + secret);
  }
  std::vector<std::string> there;
  for (const auto& path : paths) {
    CONOS_TRY(const bool found, is_there(place, path));
    if (found) {
      there.push_back(path);
    }
  }
  return there;
}

// Empty where a package has the programs.
Result<std::vector<std::string>> installed_paths(const std::string& manifest)
{
  const auto text = read_path(manifest, k_max_manifest_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found ? Result<std::vector<std::string>>({})
                                                : tl::unexpected<Error>(text.error());
  }
  std::vector<std::string> paths;
  for (const auto line : split(trimmed(*text), '\n')) {
    if (!line.starts_with('/')) {
      return fail(Kind::config, "'{}' is not what an installation left", manifest);
    }
    paths.emplace_back(line);
  }
  return paths;
}

Result<std::vector<std::string>> own_groups(const Place& place, const Accounts& accounts)
{
  const auto table = read_path(place.vendor + "/sysusers.d/conos.conf", k_max_manifest_bytes);
  CONOS_TRY(auto groups, table ? groups_of(*table) : Result<std::vector<std::string>>({}));
  std::erase_if(groups, [&](const std::string& group) {
    return accounts.group(group) == nullptr;
  });
  return groups;
}

// --- telling -------------------------------------------------------------------------------------

struct Part {
  std::string name;
  std::string becomes;
  std::vector<std::string> subjects;
};

std::vector<std::string> files_of(const Remains& remains)
{
  std::vector<std::string> files = remains.files;
  for (const auto& agent : remains.agents) {
    files.insert(files.end(), agent.files.begin(), agent.files.end());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> users_of(const Remains& remains)
{
  std::vector<std::string> users;
  for (const auto& agent : remains.agents) {
    if (agent.has_user) {
      users.push_back("a-" + agent.name);
    }
  }
  return users;
}

std::vector<Part> parts_of(const Remains& remains, Data data)
{
  const bool keeps = data == Data::keep;
  std::vector<Part> parts{
    {"units", "stopped and disabled; what agents work on is given back to their queues",
      remains.units},
    {"units at boot", "no longer started", remains.enabled},
    {"files", "removed", files_of(remains)},
    {"locked files", "unlocked", remains.locked},
    {"firewall", "removed",
      remains.has_firewall ? std::vector<std::string>{"table inet conos"}
                           : std::vector<std::string>{}},
    {"users", keeps ? "removed; their numbers are kept for them" : "removed", users_of(remains)},
    {"runtime", "removed", remains.runtime},
    {"data", keeps ? "stay" : "removed for good", remains.data},
    {"groups", "stay, with the users of services: files elsewhere may be theirs", remains.groups},
    {"programs", "removed", remains.installed},
  };
  std::erase_if(parts, [](const Part& part) {
    return part.subjects.empty();
  });
  return parts;
}

// --- doing ---------------------------------------------------------------------------------------

Result<> stop_all(const Remains& remains)
{
  CONOS_TRY(const auto systemd, Units::connect(k_stop_time));
  for (const auto& unit : remains.units) {
    auto stopped = systemd.stop(unit);
    if (!stopped && stopped.error().kind != Kind::not_found) {
      return stopped;
    }
  }
  if (!remains.enabled.empty()) {
    CONOS_TRY(const auto changed, systemd.disable(remains.enabled));
    (void)changed; // they may have been disabled before
  }
  return {};
}

Result<> say_so(const Place& place, const Remains& remains)
{
  CONOS_TRY(auto ledger, audit::Ledger::open(place.site.lib));
  const nlohmann::json payload{{"users", users_of(remains)}, {"by", acting_account()}};
  return ledger.append({{"config.removed", "root/conos-uninstall", payload.dump(), ""}})
    .map([](const auto&) {
      // nobody asks for the receipt
    });
}

Result<> remove_directories(const Place& place, const std::vector<std::string>& paths)
{
  std::vector<std::string> argv{"rm", "--recursive", "--force", "--one-file-system", "--"};
  for (const auto& path : paths) {
    argv.push_back(place.root + path);
  }
  return paths.empty() ? Result<>{} : run_tool(std::move(argv), -1, k_remove_time);
}

// Directories of ours that nothing is left in; one of somebody else's has another name.
void remove_empty_above(const std::string& path)
{
  auto directory = path.substr(0, path.rfind('/'));
  while (directory.find("conos") != directory.npos && ::rmdir(directory.c_str()) == 0) {
    directory.resize(directory.rfind('/'));
  }
}

// systemd remembers units that failed, though their files are gone, until somebody says so.
Result<> forget_failures(const Units& systemd)
{
  CONOS_TRY(const auto units, units_that(systemd, is_failed));
  for (const auto& unit : units) {
    auto done = systemd.reset_failed(unit);
    if (!done && done.error().kind != Kind::not_found) {
      return done;
    }
  }
  return {};
}

// Of the record the uids stay, and nothing of what is gone.
Result<> forget(const Place& place)
{
  CONOS_TRY(auto record, read_record(place));
  record.files.clear();
  record.wanted.clear();
  record.config_sha256.clear();
  CONOS_TRY(const auto lib, open_dir(place.site.lib));
  return replace_alone(lib, "applied.json", to_json(record), 0600, {});
}

// The list goes last, so that who is killed can begin again; this program is on it.
Result<> remove_installed(const std::vector<std::string>& paths, const std::string& manifest)
{
  for (const auto& path : paths) {
    if (path != manifest && ::unlink(path.c_str()) < 0 && errno != ENOENT) {
      return os_error("remove '{}'", escaped(path));
    }
    remove_empty_above(path);
  }
  if (!paths.empty() && ::unlink(manifest.c_str()) < 0 && errno != ENOENT) {
    return os_error("remove '{}'", manifest);
  }
  remove_empty_above(manifest);
  return {};
}

Result<> undo(const Place& place, const Remains& remains, Data data)
{
  CONOS_CHECK(stop_all(remains));
  if (data == Data::keep && remains.is_provisioned()) {
    CONOS_CHECK(say_so(place, remains).map_error(during("say so in the ledger")));
  }
  for (const auto& path : remains.locked) {
    CONOS_CHECK(unlock_file(place, path));
  }
  for (const auto& path : remains.files) {
    CONOS_CHECK(remove_file(place, path));
    remove_empty_above(place.root + path);
  }
  for (const auto& agent : remains.agents) {
    CONOS_CHECK(take_away(place, agent).map_error(during("take away agent '" + agent.name + "'")));
  }
  if (remains.has_firewall) {
    CONOS_CHECK(run_tool({"/usr/sbin/nft", "delete", "table", "inet", "conos"}));
  }
  CONOS_CHECK(remove_directories(place, remains.runtime));
  CONOS_TRY(const auto systemd, Units::connect(k_stop_time));
  CONOS_CHECK(forget_failures(systemd));
  CONOS_CHECK(systemd.reload());
  if (data == Data::drop) {
    return remove_directories(place, remains.data);
  }
  CONOS_TRY(const bool has_record, is_there(place, k_record));
  return has_record ? forget(place) : Result<>{};
}

// Stopped, it would leave undone half of what a person allowed, an installation of packages
// perhaps; and who asks us may be one of them.
Result<> check_nothing_is_carried_out(const Remains& remains)
{
  const auto found =
    std::find_if(remains.units.begin(), remains.units.end(), [](const std::string& unit) {
      return unit.starts_with("conos-granted@");
    });
  return found == remains.units.end()
           ? Result<>{}
           : fail(Kind::busy,
               "{} carries out what an agent was allowed: try again when it has ended",
               escaped(*found));
}

void tell_what_stays(const Remains& remains, const Uninstall& wish)
{
  if (remains.installed.empty() && !wish.by_package) {
    print("the programs are a package's: apt-get remove conos\n");
  }
  if (wish.data == Data::keep && !remains.data.empty()) {
    print("kept: " + join(remains.data, " ") + "\n");
  }
}

} // namespace

bool Remains::is_provisioned() const
{
  return !units.empty() || !enabled.empty() || !agents.empty() || !files.empty() || has_firewall;
}

int stop_rank(const std::string& unit)
{
  const auto ends = [&](std::string_view end) {
    return unit.ends_with(end);
  };
  if (unit == "conos-checkpoint-last.service") { // signs what the others recorded
    return 5;
  }
  if (unit == "conos-firewall.service" || unit == "conos-cage.service" || ends(".mount")) {
    return 6; // walls
  }
  if (ends(".slice")) {
    return 7;
  }
  if (ends(".path") || ends(".timer")) {
    return 0;
  }
  // a door is an agent's, who has to end first
  const bool is_instance = unit.find('@') != unit.npos;
  return ends(".socket") ? 3 : is_instance || ends(".target") ? 4 : 1;
}

Result<Remains> find_remains(const Place& place, const std::string& manifest)
{
  Remains remains;
  CONOS_TRY(const auto accounts, read_accounts(place.root));
  CONOS_TRY(const auto record, read_record(place));
  CONOS_TRY(remains.agents, find_retired(place, config::Config(), record, accounts));
  CONOS_TRY(remains.data, data_paths(place, remains.agents));
  leave_data_out(remains.agents);
  CONOS_TRY(remains.files, shared_files(place, record, remains.agents));
  CONOS_TRY(remains.locked, guarded_paths(place));
  std::erase_if(remains.locked, [&](const std::string& path) {
    return record.files.contains(path); // it is unlocked to be removed
  });
  CONOS_TRY(remains.enabled, enabled_units(place));
  if (place.root.empty()) {
    CONOS_TRY(remains.units, running_units());
    remains.has_firewall = has_table();
  }
  CONOS_TRY(const bool has_runtime, is_there(place, "/run/conos"));
  if (has_runtime) {
    remains.runtime.emplace_back("/run/conos");
  }
  CONOS_TRY(remains.groups, own_groups(place, accounts));
  CONOS_TRY(remains.installed, installed_paths(manifest));
  return remains;
}

std::string text_of(const Remains& remains, Data data)
{
  std::string text;
  for (const auto& part : parts_of(remains, data)) {
    text += fmt::format("{}: {}\n", part.name, part.becomes);
    for (const auto& subject : part.subjects) {
      text += fmt::format("  {}\n", escaped(subject));
    }
  }
  return text;
}

std::string json_of(const Remains& remains, Data data)
{
  nlohmann::json parts = nlohmann::json::array();
  for (const auto& part : parts_of(remains, data)) {
    parts.push_back({{"name", part.name}, {"becomes", part.becomes}, {"subjects", part.subjects}});
  }
  return nlohmann::json{{"parts", parts}}.dump(
           -1, ' ', false, nlohmann::json::error_handler_t::replace) +
         "\n";
}

Result<cli::Exit> uninstall(const Uninstall& wish, const std::function<bool()>& agrees)
{
  const Place place;
  if (::geteuid() != 0) {
    return fail(Kind::denied, "only root can take conos off the machine");
  }
  CONOS_TRY(const auto lock, only_one(place));
  CONOS_TRY(const auto remains, find_remains(place, wish.manifest));
  const bool drops = wish.data == Data::drop && !remains.data.empty();
  if (!remains.is_provisioned() && remains.installed.empty() && !drops) {
    print(wish.json ? "{\"parts\":[]}\n" : "nothing to do\n");
    tell_what_stays(remains, wish);
    return cli::Exit::ok;
  }
  print(wish.json ? json_of(remains, wish.data) : text_of(remains, wish.data));
  (void)std::fflush(stdout); // a person reads it before answering
  if (wish.dry_run) {
    return cli::Exit::no;
  }
  CONOS_CHECK(check_nothing_is_carried_out(remains));
  if (!agrees()) {
    return cli::Exit::no;
  }
  CONOS_CHECK(undo(place, remains, wish.data));
  CONOS_CHECK(remove_installed(remains.installed, wish.manifest));
  tell_what_stays(remains, wish);
  return cli::Exit::ok;
}

} // namespace conos::plan
