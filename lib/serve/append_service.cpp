#include "serve/append_service.hpp"

#include "audit/day_files.hpp"
#include "audit/place.hpp"
#include "audit/reader.hpp"
#include "audit/wire.hpp"
#include "host/provenance.hpp"
#include "serve/rules.hpp"
#include "sys/log.hpp"

#include <algorithm>

namespace conos::serve {

namespace {

// What one transaction may hold: whoever comes next waits for it.
constexpr std::size_t k_entries_at_once = 1000;
constexpr std::size_t k_bytes_at_once = 4U << 20U;

} // namespace

Bounds append_bounds()
{
  Bounds bounds;
  bounds.line_bytes = audit::k_max_line_bytes;
  return bounds;
}

AppendService::AppendService(LineServer& server, AppendPlace place)
    : m_server(server)
    , m_place(std::move(place))
{
}

Result<> AppendService::admit(const Peer& peer)
{
  const bool member = std::any_of(peer.groups.begin(), peer.groups.end(), [&](gid_t gid) {
    return m_place.groups.count(gid) > 0;
  });
  if (peer.uid != 0 && (!member || agent_of_account(peer.account))) {
    return fail(Kind::denied, "only root and members of group 'conos' may append to the ledger");
  }
  return {};
}

AppendService::Entry AppendService::judge(ClientId client, const Peer& peer, std::string_view line)
{
  Entry entry;
  entry.client = client;
  auto row = audit::parse_request(line);
  if (!row) {
    entry.refusal = audit::refusal_line({row.error()});
    return entry;
  }
  row->actor = peer.account;
  row->key = key_of(peer.uid, row->key);
  const auto allowance = allowance_of(peer.uid, peer.account);
  const auto now = Clock::now();
  if (const auto checked = check_row(allowance, *row); !checked) {
    if (checked.error().kind == Kind::denied) {
      m_standings.refuse(peer.uid, allowance, row->type, now);
    }
    entry.refusal = audit::refusal_line({checked.error()});
    return entry;
  }
  if (const auto wait = m_standings.take(peer.uid, allowance, now)) {
    entry.refusal = audit::refusal_line(
      {Error{Kind::busy, 0, "'" + peer.account + "' writes too many rows"}, *wait});
    return entry;
  }
  entry.row = std::move(*row);
  return entry;
}

void AppendService::take(ClientId client, const Peer& peer, std::string_view line)
{
  m_entries.push_back(judge(client, peer, line));
  m_bytes += line.size();
  if (m_entries.size() >= k_entries_at_once || m_bytes >= k_bytes_at_once) {
    commit();
  }
}

bool AppendService::work()
{
  commit();
  return false;
}

void AppendService::tick()
{
  add_due(Standings::Due::by_time);
  copy_to_days();
}

void AppendService::stop()
{
  add_due(Standings::Due::all);
  commit();
  copy_to_days();
}

// Once a second, for all rows there are by then: a receipt does not wait for it.
void AppendService::copy_to_days()
{
  constexpr std::size_t k_most = 4096; // which takes some ten milliseconds
  if (m_is_copied) {
    return;
  }
  const auto copied = [&]() -> Result<std::size_t> {
    CONOS_TRY(auto reader, audit::Reader::open(m_place.ledger + "/" + audit::k_database));
    return audit::copy_to_day_files(reader, m_place.day_files, k_most);
  }();
  m_is_copied = copied ? *copied < k_most : true; // after an error the next append tries again
  if (!copied && copied.error().kind != Kind::not_found) {
    log::warning("recorded, but not in the day files: {}", copied.error().text());
  }
}

void AppendService::add_due(Standings::Due due)
{
  for (auto& row : m_standings.take_due(due, Clock::now())) {
    m_entries.push_back({0, std::move(row), ""});
  }
  commit();
}

// The ledger is opened with the first row, and anew after an error: one that is damaged, or was put
// in place of another, is no reason for the service to die and be started in a circle.
Result<std::vector<audit::Recorded>> AppendService::record(const std::vector<audit::Row>& rows)
{
  if (!m_ledger) {
    CONOS_TRY(m_ledger, audit::Ledger::open(m_place.ledger));
  }
  auto recorded = m_ledger->append(rows);
  if (!recorded) {
    m_ledger.reset();
    return recorded;
  }
  m_is_copied = false;
  return recorded;
}

void AppendService::commit()
{
  const auto entries = std::exchange(m_entries, {});
  m_bytes = 0;
  std::vector<audit::Row> rows;
  for (const auto& entry : entries) {
    if (entry.row) {
      rows.push_back(*entry.row);
    }
  }
  const auto recorded = rows.empty()
                          ? Result<std::vector<audit::Recorded>>(std::vector<audit::Recorded>())
                          : record(rows);
  if (!recorded) {
    log::error("refuse {} rows: {}", rows.size(), recorded.error().text());
  }
  std::size_t at = 0;
  for (const auto& entry : entries) {
    const auto answer = !entry.row ? entry.refusal
                        : recorded ? audit::receipt_line((*recorded)[at++])
                                   : audit::refusal_line({recorded.error()});
    m_server.send(entry.client, answer);
    m_server.finish(entry.client);
  }
}

} // namespace conos::serve
