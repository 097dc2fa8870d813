#include "gate/desk.hpp"

#include "audit/place.hpp"
#include "gate/rows.hpp"
#include "host/units.hpp"
#include "run/transit.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task/envelope.hpp"

#include <fmt/format.h>

#include <utility>

namespace conos::gate {

namespace {

constexpr auto k_kept = std::chrono::hours(24 * 7);      // after its end, for who asks about it
constexpr auto k_kept_of_policy = std::chrono::hours(1); // the gate has answered long since

Result<std::vector<audit::Recorded>> append(Desk& desk, const std::vector<audit::Row>& rows)
{
  CONOS_TRY(auto* ledger, desk.ledger());
  return ledger->append(rows);
}

// Of a request that waits, what the ledger has: somebody may have died between the row and the
// file.
Result<std::optional<Request>> with_decision(Desk& desk, const Request& request)
{
  CONOS_TRY(const auto row, desk.find_row(decided_key(request.id)));
  if (!row) {
    return std::nullopt;
  }
  const auto found = decided_in(request, row->payload);
  if (!found) {
    return fail(
      Kind::bad_data, "the ledger's row {} decides about another request {}", row->id, request.id);
  }
  // in time, or it would not be there
  CONOS_TRY(
    auto decided, gate::decided(request, found->is_allowed, found->decision, found->decision.at));
  return std::optional(std::move(decided));
}

Result<Request> saved(const Desk& desk, Request request)
{
  CONOS_CHECK(desk.requests().save(request));
  return request;
}

// The end as the ledger has it, which is there once.
Result<Request> ended_as_recorded(Desk& desk, const Request& before, Request after)
{
  CONOS_TRY(const auto recorded, append(desk, {ended_row(desk.actor(), after)}));
  if (recorded.front().already) {
    CONOS_TRY(const auto row, desk.find_row(ended_key(before.id)));
    const auto found = row ? ended_in(before, row->payload) : std::nullopt;
    if (!found) {
      return fail(Kind::bad_data, "the ledger has another end of a request {}", before.id);
    }
    after.state = found->state;
    after.ending = found->ending;
  }
  return after;
}

Result<Request> to_unknown(Desk& desk, Request request, Time now)
{
  if (request.state == State::allowed) { // its row says that it was begun, its file not yet
    CONOS_TRY(request, begun(std::move(request), request.decision->at));
  }
  const Ending ending{now,
    "it was begun, and whoever carried it out died: nobody knows what of it was done. It is not "
    "tried again",
    ""};
  CONOS_TRY(auto after, ended(request, State::unknown, ending));
  return ended_as_recorded(desk, request, std::move(after));
}

std::string asked_text(const Request& request)
{
  auto text = escaped(request.verb, 64);
  for (const auto& [key, value] : request.args) {
    constexpr std::size_t k_most = 200;
    text += fmt::format(" {}={}", escaped(key, 64), escaped(value, k_most));
  }
  return text;
}

std::string outcome_text(const Request& request)
{
  const auto by = request.decision ? escaped(request.decision->by, 64) : "";
  switch (request.state) {
  case State::denied:
    return by + " has denied it";
  case State::expired:
    return "It is over: nothing was done";
  case State::done:
    return by + " has allowed it, and it is done";
  case State::failed:
    return by + " has allowed it, and it did not succeed";
  case State::unknown:
    return by + " has allowed it, and its outcome is unknown";
  case State::pending:
  case State::allowed:
  case State::running:
    break;
  }
  return "It has not ended";
}

// The task that tells the agent: the same whoever makes it again.
Meta meta_of_report(const Request& request, Time at)
{
  Meta meta;
  meta.root = request.task.root;
  meta.parent = request.task.id;
  meta.hop = request.task.hop + 1;
  meta.id = fmt::format("{}.{}", meta.root, meta.hop);
  meta.agent = request.agent;
  meta.kind = TaskKind::reply;
  meta.sender = {0, "root", std::nullopt};
  meta.trust = request.task.trust;
  meta.title = fmt::format("request {}: {}", request.id, to_string(request.state));
  meta.thread = request.task.thread;
  meta.submitted_at = at;
  return meta;
}

// When a request came to its end; it has.
Time end_of(const Request& request)
{
  return request.ending     ? request.ending->at
         : request.decision ? request.decision->at
                            : request.expires_at;
}

Result<> tell_locked(Desk& desk, Request request)
{
  if (request.is_told || !has_ended(request.state)) {
    return {};
  }
  if (was_asked(request)) {
    Envelope envelope;
    envelope.body = report_of(request);
    CONOS_CHECK(
      put_in_transit(desk.site(), meta_of_report(request, end_of(request)), to_text(envelope)));
  }
  request.is_told = true;
  return desk.requests().save(request);
}

// One step further, under the lock; as it was where there is nothing to mend, or somebody is at it.
Result<Request> mended(Desk& desk, const Start& start, Request request, Time now)
{
  if (request.state == State::pending) {
    CONOS_TRY(auto decided, with_decision(desk, request));
    if (decided) {
      CONOS_TRY(request, saved(desk, std::move(*decided)));
    }
  }
  const bool still_waits = request.state == State::pending && now < request.expires_at;
  if (has_ended(request.state) || still_waits) {
    return request;
  }
  CONOS_TRY(const auto work, desk.requests().take_work(request.id));
  if (!work) {
    return request;
  }
  CONOS_TRY(const auto used, desk.find_row(used_key(request.id)));
  if (used) {
    CONOS_TRY(auto after, to_unknown(desk, std::move(request), now));
    return saved(desk, std::move(after));
  }
  if (now >= request.expires_at) {
    CONOS_TRY(auto after, expired(request, now));
    CONOS_TRY(after, ended_as_recorded(desk, request, std::move(after)));
    return saved(desk, std::move(after));
  }
  if (request.state == State::allowed) {
    CONOS_CHECK(start(request.id));
  }
  return request;
}

} // namespace

std::string unit_of(const std::string& id)
{
  return "conos-granted@" + id + ".service";
}

Result<Desk> Desk::open(const Site& site, std::string actor)
{
  CONOS_TRY(auto requests, Requests::open(site));
  return Desk(site, std::move(requests), std::move(actor));
}

Result<audit::Ledger*> Desk::ledger()
{
  if (!m_ledger) {
    CONOS_TRY(m_ledger, audit::Ledger::open(m_site.lib));
  }
  return &*m_ledger;
}

Result<audit::Reader*> Desk::reader()
{
  if (!m_reader) {
    CONOS_TRY(const auto* made, ledger()); // there is a database to read
    (void)made;
    CONOS_TRY(m_reader, audit::Reader::open(m_site.lib + "/" + audit::k_database));
  }
  return &*m_reader;
}

Result<std::optional<audit::Event>> Desk::find_row(const std::string& key)
{
  CONOS_TRY(auto* rows, reader());
  auto found = rows->find(key);
  if (!found) {
    m_reader.reset();
  }
  return found;
}

Result<> start_unit(const std::string& id)
{
  CONOS_TRY(const auto units, Units::connect(std::chrono::seconds(5)));
  return units.start(unit_of(id), Until::queued);
}

Result<> file_pending(Desk& desk, const Request& request)
{
  CONOS_CHECK(desk.requests().add(request));
  CONOS_CHECK(append(desk, {requested_row(desk.actor(), request)}));
  return {};
}

Result<Request> file_allowed(Desk& desk, Request request, Decision decision)
{
  const auto at = decision.at;
  CONOS_TRY(auto allowed, decided(std::move(request), true, std::move(decision), at));
  // without its row the file is worth nothing, and goes when its time is up
  CONOS_CHECK(desk.requests().add(allowed));
  CONOS_CHECK(append(desk, {decided_row(desk.actor(), allowed)}));
  return allowed;
}

Result<Request> decide(Desk& desk, const std::string& id, bool is_allowed, const Decision& decision)
{
  CONOS_TRY(const auto lock, desk.requests().lock());
  CONOS_TRY(const auto request, desk.requests().load(id));
  CONOS_TRY(auto after, decided(request, is_allowed, decision, decision.at));
  // who filed it may have died before it had its row
  CONOS_TRY(const auto recorded,
    append(desk, {requested_row(desk.actor(), request), decided_row(desk.actor(), after)}));
  if (recorded.back().already) {
    CONOS_TRY(auto earlier, with_decision(desk, request));
    CONOS_TRY(after, saved(desk, std::move(earlier).value()));
    return fail(Kind::denied, "{} has {} request {} at {}", escaped(after.decision->by, 64),
      after.state == State::denied ? "denied" : "allowed", id, rfc3339(after.decision->at, 0));
  }
  return saved(desk, std::move(after));
}

Result<Request> begin(Desk& desk, const std::string& id)
{
  CONOS_TRY(const auto lock, desk.requests().lock());
  CONOS_TRY(const auto request, desk.requests().load(id));
  CONOS_TRY(auto after, begun(request, now()));
  CONOS_TRY(const auto row, desk.find_row(decided_key(id)));
  const auto found = row ? decided_in(request, row->payload) : std::nullopt;
  if (!found || !found->is_allowed) {
    return fail(Kind::denied, "nobody has allowed request {}: the ledger has no such row", id);
  }
  CONOS_TRY(const auto recorded, append(desk, {used_row(desk.actor(), request)}));
  if (recorded.front().already) {
    CONOS_TRY(after, to_unknown(desk, request, now()));
    CONOS_TRY(after, saved(desk, std::move(after)));
    return fail(Kind::denied, "request {} was begun before, by somebody who died", id);
  }
  return saved(desk, std::move(after));
}

Result<Request> end(Desk& desk, const std::string& id, State state, const Ending& ending)
{
  CONOS_TRY(const auto lock, desk.requests().lock());
  CONOS_TRY(const auto request, desk.requests().load(id));
  CONOS_TRY(auto after, ended(request, state, ending));
  CONOS_TRY(after, ended_as_recorded(desk, request, std::move(after)));
  return saved(desk, std::move(after));
}

Result<> tell(Desk& desk, const std::string& id)
{
  CONOS_TRY(const auto lock, desk.requests().lock());
  CONOS_TRY(auto request, desk.requests().load(id));
  return tell_locked(desk, std::move(request));
}

std::string report_of(const Request& request)
{
  auto text = fmt::format("About your request {} of {} ({}):\n\n{}.\n", request.id,
    rfc3339(request.requested_at, 0), asked_text(request), outcome_text(request));
  if (request.decision && !request.decision->reason.empty()) {
    text += "Reason: " + escaped_lines(request.decision->reason) + "\n";
  }
  if (request.ending && !request.ending->what.empty()) {
    text += "\n" + escaped_lines(request.ending->what) + "\n";
  }
  return text;
}

Result<Request> mend_one(Desk& desk, const Start& start, const std::string& id, Time now)
{
  CONOS_TRY(const auto lock, desk.requests().lock());
  CONOS_TRY(auto request, desk.requests().load(id));
  CONOS_TRY(request, mended(desk, start, std::move(request), now));
  CONOS_CHECK(tell_locked(desk, request));
  return request;
}

Result<> mend(Desk& desk, const Start& start, Time now)
{
  Result<> first;
  const auto note = [&](const std::string& id, const Error& error) {
    log::error("request {}: {}", id, escaped(error.text()));
    first = first ? Result<>(tl::unexpected<Error>(error)) : first;
  };
  CONOS_TRY(const auto all, desk.requests().all());
  for (const auto& [id, error] : all.trouble) {
    note(id, error);
  }
  for (const auto& request : all.requests) {
    const auto kept = was_asked(request) ? Duration(k_kept) : Duration(k_kept_of_policy);
    const bool is_over = has_ended(request.state) && request.is_told;
    const bool still_permits =
      request.decision && request.decision->until && *request.decision->until > now;
    if (is_over && !still_permits && now - end_of(request) > kept) {
      if (const auto removed = desk.requests().remove(request.id); !removed) {
        note(request.id, removed.error());
      }
    } else if (!is_over) {
      if (const auto done = mend_one(desk, start, request.id, now); !done) {
        note(request.id, done.error());
      }
    }
  }
  return first;
}

} // namespace conos::gate
