#include "task_contract/store.hpp"

#include "audit/place.hpp"
#include "audit/reader.hpp"
#include "audit/sha256.hpp"
#include "host/provenance.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task_contract/record.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <tuple>

namespace conos::task_contract {

namespace {

constexpr std::string_view k_end = ".json";
const std::string k_next = ".next";
// The directory is setgid: the gate, which has no capabilities, could give the file to no group.
constexpr mode_t k_mode = 0640;

std::string file_of(const std::string& id)
{
  return id + std::string(k_end);
}

// The same change has the same key whoever records it.
std::string key_of(const TaskContract& contract, std::string_view json)
{
  return "taskcontract/" + contract.id + "/" + audit::sha256_hex(json);
}

Error as_missing(Error error, const std::string& id)
{
  if (error.kind == Kind::not_found) {
    error = {Kind::not_found, 0, "there is no task contract '" + id + "'"};
  }
  return error;
}

// Replaces what has that name.
Result<> put_in_place(const UniqueFd& dir, const std::string& from, const std::string& to)
{
  if (::renameat(dir.get(), from.c_str(), dir.get(), to.c_str()) < 0) {
    return os_error("put '{}' in place", to);
  }
  return sync_file(dir);
}

bool is_older(const TaskContract& a, const TaskContract& b)
{
  return std::tie(a.updated_at, a.id) < std::tie(b.updated_at, b.id);
}

} // namespace

// --- to look -------------------------------------------------------------------------------------

Result<Shelf> Shelf::open(const Site& site)
{
  CONOS_TRY(auto dir, open_dir(site.srv + "/" + k_place));
  return Shelf(std::move(dir));
}

Result<TaskContract> Shelf::load(const std::string& id) const
{
  if (!is_id(id)) {
    return fail(Kind::bad_data, "'{}' cannot be the id of a task contract", escaped(id, 80));
  }
  auto text = read_file(m_dir, file_of(id), k_max_record_bytes);
  if (!text) {
    return tl::unexpected<Error>(as_missing(std::move(text).error(), id));
  }
  CONOS_TRY(auto contract, from_json(*text).map_error(during(id)));
  return contract.id == id ? Result<TaskContract>(std::move(contract))
                           : fail(Kind::bad_data, "'{}' is the file of another", id);
}

Result<Shelf::All> Shelf::all() const
{
  constexpr std::size_t k_most_names = 100'000;
  CONOS_TRY(const auto names, list_names(m_dir, k_most_names, [](std::string_view name) {
    return name.ends_with(k_end) && is_id(name.substr(0, name.size() - k_end.size()));
  }));
  All all;
  for (const auto& name : names) {
    const auto id = name.substr(0, name.size() - k_end.size());
    auto contract = load(id);
    if (contract) {
      all.contracts.push_back(std::move(*contract));
    } else if (contract.error().kind != Kind::not_found) { // removed meanwhile
      all.trouble.emplace_back(id, contract.error());
    }
  }
  std::sort(all.contracts.begin(), all.contracts.end(), [](const auto& a, const auto& b) {
    return is_older(b, a);
  });
  return all;
}

Result<bool> Shelf::is_unsettled(Time now) const
{
  CONOS_TRY(const bool has_next, is_there(m_dir, k_next));
  CONOS_TRY(const auto all, this->all());
  return has_next || std::any_of(all.contracts.begin(), all.contracts.end(), [&](const auto& one) {
    return has_lapsed(one, now);
  });
}

// --- to change -----------------------------------------------------------------------------------

Result<Store> Store::open(const Site& site, audit::Ledger& ledger)
{
  CONOS_TRY(auto shelf, Shelf::open(site));
  return Store(site, std::move(shelf), ledger);
}

// A file nobody but root can open: who may read the directory must not be able to hold us up.
Result<UniqueFd> Store::hold() const
{
  const auto path = m_site.lib + "/locks/" + k_place;
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return os_error("open the lock '{}'", path);
  }
  while (::flock(file.get(), LOCK_EX) < 0) {
    if (errno != EINTR) {
      return os_error("lock '{}'", path);
    }
  }
  return file;
}

Result<> Store::finish(const std::string& id) const
{
  return put_in_place(m_shelf.dir(), k_next, file_of(id));
}

// Whoever wrote `.next` is dead: we hold the lock.
Result<> Store::mend() const
{
  const auto text = read_file(m_shelf.dir(), k_next, k_max_record_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found ? Result<>{} : tl::unexpected<Error>(text.error());
  }
  const auto contract = from_json(*text);
  if (!contract) { // none of ours
    log::warning("task contracts: throw '{}' away: {}", k_next, contract.error().text());
    return remove_name(m_shelf.dir(), k_next);
  }
  CONOS_TRY(auto reader, audit::Reader::open(m_site.lib + "/" + audit::k_database));
  CONOS_TRY(const auto row, reader.find(key_of(*contract, *text)));
  return row ? finish(contract->id) : remove_name(m_shelf.dir(), k_next);
}

Result<TaskContract> Store::commit(TaskContract contract)
{
  const auto text = to_json(contract);
  CONOS_CHECK(publish(m_shelf.dir(), k_next, text, k_mode)
                .map_error(during("task contract '" + contract.id + "'")));
  const auto recorded = m_ledger->append({row_of(contract, key_of(contract, text))});
  if (!recorded) {
    // an error does not mean that the row is not there
    CONOS_CHECK(mend());
    const auto now_there = m_shelf.load(contract.id);
    const bool is_done = now_there && to_json(*now_there) == text;
    return is_done ? Result<TaskContract>(std::move(contract))
                   : tl::unexpected<Error>(recorded.error());
  }
  CONOS_CHECK(finish(contract.id));
  return contract;
}

Result<TaskContract> Store::load_current(const std::string& id, Time now)
{
  CONOS_TRY(auto contract, m_shelf.load(id));
  return has_lapsed(contract, now) ? commit(lapsed(std::move(contract), now))
                                   : Result<TaskContract>(std::move(contract));
}

Result<> Store::make_room(const Actor& actor)
{
  CONOS_TRY(auto all, m_shelf.all());
  const auto total = all.contracts.size() + all.trouble.size();
  const bool is_agent = agent_of_account(actor.account).has_value();
  std::erase_if(all.contracts, [&](const TaskContract& one) {
    return one.opened_by != actor.account;
  });
  const auto middle =
    std::stable_partition(all.contracts.begin(), all.contracts.end(), [](const TaskContract& one) {
      return !has_ended(one.state);
    });
  const auto waiting = static_cast<std::size_t>(middle - all.contracts.begin());
  if (is_agent && waiting >= k_most_waiting) {
    return fail(
      Kind::busy, "{} has opened {} task contracts that have not ended", actor.account, waiting);
  }
  if (total >= k_most) {
    return fail(Kind::busy, "there are {} task contracts", total);
  }
  for (auto one = middle; is_agent && one != all.contracts.end(); ++one) {
    if (static_cast<std::size_t>(one - middle) + 1 >= k_most_ended) {
      CONOS_CHECK(remove_name(m_shelf.dir(), file_of(one->id))); // its rows stay
    }
  }
  return {};
}

Result<TaskContract> Store::open_new(const Draft& draft, const Actor& actor, Time now)
{
  CONOS_TRY(auto contract, opened(draft, actor, now));
  if (!m_ledger->has_room()) {
    return fail(Kind::unavailable, "the disk is full: nothing is begun that cannot be recorded");
  }
  CONOS_TRY(const auto held, hold());
  CONOS_CHECK(mend());
  CONOS_TRY(const bool is_taken, is_there(m_shelf.dir(), file_of(contract.id)));
  if (is_taken) {
    return fail(Kind::exists, "there is a task contract '{}' already", contract.id);
  }
  CONOS_CHECK(make_room(actor));
  return commit(std::move(contract));
}

Result<TaskContract> Store::change(
  const std::string& id, const Wish& wish, const Actor& actor, Time now)
{
  if (wish.deed == Deed::complete || wish.deed == Deed::lapse) {
    return fail(Kind::bad_data, "that is no change of its own");
  }
  CONOS_TRY(const auto held, hold());
  CONOS_CHECK(mend());
  CONOS_TRY(auto contract, load_current(id, now));
  CONOS_TRY(contract, changed(std::move(contract), wish, actor, now));
  return commit(std::move(contract));
}

Result<Store::Closing> Store::complete(const std::string& id, const std::string& message,
  const Actor& actor, const Judge& judge, const std::function<Time()>& clock)
{
  const Wish wish{Deed::complete, message};
  std::vector<std::string> checks;
  {
    CONOS_TRY(const auto held, hold());
    CONOS_CHECK(mend());
    const auto now = clock();
    CONOS_TRY(auto contract, load_current(id, now));
    checks = contract.checks;
    CONOS_CHECK(changed(std::move(contract), wish, actor, now)); // or it need not be checked at all
  }
  CONOS_TRY(auto verdict, judge(checks));

  CONOS_TRY(const auto held, hold());
  CONOS_CHECK(mend());
  const auto now = clock();
  CONOS_TRY(auto contract, load_current(id, now));
  if (!verdict.is_good) {
    CONOS_CHECK(m_ledger->append({refused_row(contract, actor, verdict.findings)}));
    return Closing{std::move(contract), std::move(verdict)};
  }
  if (contract.checks != checks) { // removed and opened anew meanwhile
    return fail(Kind::busy, "'{}' is another than it was: try again", id);
  }
  CONOS_TRY(contract, changed(std::move(contract), wish, actor, now));
  CONOS_TRY(contract, commit(std::move(contract)));
  return Closing{std::move(contract), std::move(verdict)};
}

Result<> Store::settle(Time now)
{
  CONOS_TRY(const auto held, hold());
  CONOS_CHECK(mend());
  CONOS_TRY(auto all, m_shelf.all());
  for (auto& contract : all.contracts) {
    if (has_lapsed(contract, now)) {
      CONOS_CHECK(commit(lapsed(std::move(contract), now)));
    }
  }
  Result<> ended;
  for (const auto& [id, error] : all.trouble) {
    log::error("task contract '{}': {}", id, escaped(error.text()));
    ended = tl::unexpected<Error>(error);
  }
  return ended;
}

} // namespace conos::task_contract
