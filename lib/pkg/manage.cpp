#include "pkg/manage.hpp"

#include "host/log_file.hpp"
#include "sys/clock.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <iterator>

namespace conos::pkg {

namespace {

using Json = nlohmann::json;

std::vector<std::string> names_of(const Deed& deed)
{
  std::vector<std::string> names;
  for (const auto& one : deed.wanted) {
    names.push_back(one.name);
  }
  return names;
}

bool is_wanted(const Deed& deed, std::string_view name)
{
  return std::any_of(deed.wanted.begin(), deed.wanted.end(), [&](const Wanted& one) {
    return one.name == name;
  });
}

std::string_view without_architecture(std::string_view name)
{
  return name.substr(0, name.find(':'));
}

// What of the deed apt is asked to do.
std::vector<Wanted> for_apt(const Deed& deed)
{
  std::vector<Wanted> wanted;
  std::copy_if(
    deed.wanted.begin(), deed.wanted.end(), std::back_inserter(wanted), [&](const Wanted& one) {
      return !deed.untouched.contains(one.name);
    });
  return wanted;
}

// The reference's lines. A crash before them leaves them out, and the ledger has what was done.
Result<> write_lines(const std::string& logs, const Deed& deed)
{
  const auto dir = open_dir(logs);
  if (!dir) { // a machine that is being set up
    return dir.error().kind == Kind::not_found ? Result<>{} : tl::unexpected<Error>(dir.error());
  }
  std::string lines;
  for (const auto& one : deed.wanted) {
    lines += fmt::format("{} [package:{}] {}{}\n", rfc3339(now(), 0), to_string(deed.verb),
      escaped(one.name), deed.agent.empty() ? "" : " agent=" + escaped(deed.agent));
  }
  CONOS_TRY(const auto log, open_log(*dir, "package.log"));
  return append_lines(log, lines);
}

bool is_there(const AllInstalled& there, const Wanted& wanted)
{
  const auto found = there.find(wanted.name);
  return found != there.end() && found->second.is_whole &&
         (wanted.version.empty() || found->second.version == wanted.version);
}

// Whether what was to be done is so.
bool is_done(const Deed& deed, const AllInstalled& there)
{
  return std::all_of(deed.wanted.begin(), deed.wanted.end(), [&](const Wanted& one) {
    return deed.untouched.contains(one.name) ||
           (deed.verb == Verb::install ? is_there(there, one) : !there.contains(one.name));
  });
}

void list_others(Deed& deed, const Plan& plan)
{
  for (const auto& change : plan.changes) {
    if (!is_wanted(deed, without_architecture(change.name))) {
      deed.also.push_back(change.name);
    }
  }
}

std::string listed(const std::set<std::string>& names)
{
  return join(std::vector<std::string>(names.begin(), names.end()), ", ");
}

} // namespace

bool is_ours_to_keep(std::string_view name)
{
  constexpr std::array<std::string_view, 6> k_ours{
    "acl", "apt", "dbus", "nftables", "sudo", "systemd"};
  return name == "conos" || name.starts_with("conos-") ||
         std::find(k_ours.begin(), k_ours.end(), name) != k_ours.end();
}

Result<Manager> Manager::open(
  const std::string& lib, std::string logs, Rules rules, const std::function<void()>& tell_wait)
{
  CONOS_TRY(auto book, Book::open(lib, tell_wait));
  CONOS_TRY(auto ledger, audit::Ledger::open(lib));
  Manager manager(std::move(book), std::move(ledger), std::move(logs), std::move(rules));
  CONOS_CHECK(manager.settle());
  return manager;
}

// By what was asked for, and by what conos.toml says.
std::set<std::string> Manager::agents_with(const std::string& name) const
{
  std::set<std::string> agents;
  if (const auto entry = contents().entries.find(name); entry != contents().entries.end()) {
    const auto& all = entry->second.agents;
    std::set_intersection(all.begin(), all.end(), m_rules.agents.begin(), m_rules.agents.end(),
      std::inserter(agents, agents.end()));
  }
  if (const auto named = m_rules.named.find(name); named != m_rules.named.end()) {
    agents.insert(named->second.begin(), named->second.end());
  }
  return agents;
}

Result<Proposal> Manager::propose(Deed deed, Refresh refresh) const
{
  CONOS_TRY(deed.id, random_hex(16));
  CONOS_TRY(auto proposal, deed.verb == Verb::install ? propose_install(std::move(deed), refresh)
                                                      : propose_removal(std::move(deed)));
  list_others(proposal.deed, proposal.plan);
  return proposal;
}

Result<Proposal> Manager::propose_install(Deed deed, Refresh refresh) const
{
  CONOS_TRY(const auto there, installed());
  Proposal proposal;
  for (const auto& one : deed.wanted) {
    if (matches_one(m_rules.deny, one.name)) {
      return fail(Kind::denied, "'{}' is denied by conos.toml, [packages] deny", one.name);
    }
    const auto entry = contents().entries.find(one.name);
    const bool is_noted =
      entry != contents().entries.end() &&
      (deed.agent.empty() ? entry->second.by_hand : entry->second.agents.contains(deed.agent));
    proposal.is_new = proposal.is_new || !is_noted;
    if (there.contains(one.name)) {
      deed.before.insert(one.name);
    }
    if (is_there(there, one)) {
      deed.untouched.insert(one.name);
      proposal.kept.push_back(fmt::format("{} {} is there", one.name, there.at(one.name).version));
    }
  }
  if (const auto wanted = for_apt(deed); !wanted.empty()) {
    CONOS_TRY(proposal.plan, plan_install(wanted, refresh));
    CONOS_CHECK(check_plan(proposal.plan, deed, there));
    proposal.is_new = true;
  }
  proposal.deed = std::move(deed);
  return proposal;
}

Result<Proposal> Manager::propose_removal(Deed deed) const
{
  CONOS_TRY(const auto there, installed());
  Proposal proposal;
  for (const auto& one : deed.wanted) {
    const auto entry = contents().entries.find(one.name);
    const bool is_known = entry != contents().entries.end();
    const auto package = there.find(one.name);
    if (package == there.end() && !is_known) {
      return fail(Kind::not_found, "'{}' is not installed", one.name);
    }
    if (is_ours_to_keep(one.name) || (package != there.end() && package->second.is_needed)) {
      return fail(Kind::denied, "'{}' stays: this machine does not work without it", one.name);
    }
    auto agents = agents_with(one.name);
    if (deed.agent.empty() && !agents.empty()) {
      return fail(Kind::denied, "'{}' is needed by {}: take it from them first (--agent NAME)",
        one.name, listed(agents));
    }
    if (!deed.agent.empty()) {
      if (!agents.contains(deed.agent)) {
        return fail(Kind::not_found, "'{}' was not installed for '{}'", one.name, deed.agent);
      }
      agents.erase(deed.agent);
      const auto keep = [&](const std::string& why) {
        deed.untouched.insert(one.name);
        proposal.kept.push_back(fmt::format("{} stays: {}", one.name, why));
      };
      if (!agents.empty()) {
        keep(fmt::format("{} {} it too", listed(agents), agents.size() == 1 ? "needs" : "need"));
      } else if (!is_known || entry->second.was_there) {
        keep("it was there before it was asked for");
      } else if (entry->second.by_hand) {
        keep("a person asked for it too");
      }
    }
    if (package == there.end()) {
      deed.untouched.insert(one.name);
    }
    proposal.is_new = true;
  }
  std::vector<std::string> names;
  for (const auto& one : for_apt(deed)) {
    names.push_back(one.name);
  }
  if (!names.empty()) {
    CONOS_TRY(proposal.plan, plan_remove(names));
    CONOS_CHECK(check_plan(proposal.plan, deed, there));
  }
  proposal.deed = std::move(deed);
  return proposal;
}

Result<> Manager::check_plan(const Plan& plan, const Deed& deed, const AllInstalled& there) const
{
  for (const auto& change : plan.changes) {
    const std::string name(without_architecture(change.name));
    if (change.what != Change::What::remove) {
      if (matches_one(m_rules.deny, name)) {
        return fail(Kind::denied,
          "'{}' would come along, which is denied by conos.toml, [packages] deny", name);
      }
      continue;
    }
    const auto package = there.find(name);
    if (is_ours_to_keep(name) || (package != there.end() && package->second.is_needed)) {
      return fail(Kind::denied, "'{}' would go, without which this machine does not work", name);
    }
    const auto agents = is_wanted(deed, name) ? std::set<std::string>() : agents_with(name);
    if (!agents.empty()) {
      return fail(
        Kind::denied, "'{}' would go with it, which is needed by {}", name, listed(agents));
    }
  }
  return {};
}

Result<> Manager::carry_out(const Proposal& proposal)
{
  const auto& deed = proposal.deed;
  if (!m_ledger.has_room()) {
    return fail(Kind::unavailable, "the disk is full: nothing is begun that cannot be recorded");
  }
  m_book.contents.begun = deed;
  CONOS_CHECK(m_book.save());
  CONOS_CHECK(record(deed, "package.started", ""));
  CONOS_CHECK(finish_interrupted());
  const auto wanted = for_apt(deed);
  std::vector<std::string> names;
  names.reserve(wanted.size());
  for (const auto& one : wanted) {
    names.push_back(one.name);
  }
  auto done = wanted.empty()               ? Result<>{}
              : deed.verb == Verb::install ? install(wanted)
                                           : remove(names);
  CONOS_CHECK(conclude(deed, done ? "" : done.error().what));
  return done;
}

// One that was killed had begun it. Its apt may still be at work, and is waited for by ours.
Result<> Manager::settle()
{
  if (!m_book.contents.begun) {
    return {};
  }
  const auto deed = *m_book.contents.begun;
  log::notice(
    "'{} {}' was interrupted and is looked after", to_string(deed.verb), join(names_of(deed), " "));
  CONOS_CHECK(record(deed, "package.started", "")); // if that is as far as it came
  CONOS_CHECK(wait_for_dpkg());
  CONOS_CHECK(finish_interrupted());
  return conclude(deed, "it was interrupted");
}

// Judged by what is there, not by what apt said of it.
Result<> Manager::conclude(const Deed& deed, const std::string& trouble)
{
  CONOS_TRY(const auto there, installed());
  const bool done = is_done(deed, there);
  if (done) {
    note(deed);
  }
  const auto* end = !done                        ? "package.failed"
                    : deed.verb == Verb::install ? "package.installed"
                                                 : "package.removed";
  CONOS_CHECK(record(deed, end, trouble));
  if (const auto written = done ? write_lines(m_logs, deed) : Result<>{}; !written) {
    log::warning("{}; the ledger has it", written.error().text());
  }
  m_book.contents.begun.reset();
  return m_book.save();
}

void Manager::note(const Deed& deed)
{
  auto& entries = m_book.contents.entries;
  for (const auto& one : deed.wanted) {
    if (deed.verb == Verb::install) {
      auto [place, is_new] = entries.try_emplace(one.name);
      auto& entry = place->second;
      if (is_new) {
        entry.was_there = deed.before.contains(one.name);
        entry.since = rfc3339(now(), 0);
        entry.task = deed.task;
      }
      entry.by_hand = entry.by_hand || deed.agent.empty();
      if (!deed.agent.empty()) {
        entry.agents.insert(deed.agent);
      }
    } else if (const auto found = entries.find(one.name); found != entries.end()) {
      found->second.agents.erase(deed.agent);
      if (!found->second.is_needed() || deed.agent.empty()) {
        entries.erase(found);
      }
    }
  }
}

Result<> Manager::record(const Deed& deed, const std::string& type, const std::string& trouble)
{
  Json payload{{"by", deed.by}, {"deed", deed.id}, {"packages", names_of(deed)},
    {"verb", to_string(deed.verb)}};
  const auto add = [&](const char* key, const auto& value) {
    if (!value.empty()) {
      payload[key] = value;
    }
  };
  add("agent", deed.agent);
  add("also", deed.also);
  add("id", deed.task);
  add("trouble", trouble);
  add("untouched", deed.untouched);
  std::vector<std::string> versions;
  if (type == "package.installed") {
    CONOS_TRY(const auto there, installed());
    for (const auto& one : deed.wanted) {
      versions.push_back(one.name + "=" + there.at(one.name).version);
    }
  }
  add("versions", versions);
  audit::Row row;
  row.type = type;
  row.actor = deed.by;
  row.payload = payload.dump(-1, ' ', true, Json::error_handler_t::replace);
  row.key = fmt::format("{}/{}", deed.id, type);
  CONOS_CHECK(m_ledger.append({row}));
  return {};
}

} // namespace conos::pkg
