#include "serve/query_service.hpp"

#include "audit/present.hpp"
#include "host/provenance.hpp"

#include <algorithm>

namespace conos::serve {

namespace {

// A stretch, for which the ledger is held on to and others wait.
constexpr std::int64_t k_rows_at_once = 2000;
constexpr std::chrono::milliseconds k_time_at_once{20};

// An answer. Who wants more asks for what comes after it.
constexpr std::int64_t k_max_rows = 10'000;
constexpr std::size_t k_max_bytes = 8U << 20U;
constexpr std::chrono::seconds k_max_time{10};

bool is_over(Clock::time_point since, std::chrono::nanoseconds limit)
{
  return Clock::now() - since >= limit;
}

} // namespace

Bounds query_bounds()
{
  Bounds bounds;
  bounds.line_bytes = 8U << 10U;
  bounds.lines_at_once = 1;
  bounds.clients = 64;
  bounds.clients_of_uid = 8;
  return bounds;
}

QueryService::QueryService(LineServer& server, std::string database, gid_t readers)
    : m_server(server)
    , m_database(std::move(database))
    , m_readers(readers)
{
}

Result<> QueryService::admit(const Peer& peer)
{
  const bool member =
    std::find(peer.groups.begin(), peer.groups.end(), m_readers) != peer.groups.end();
  if (peer.uid != 0 && (!member || agent_of_account(peer.account))) {
    return fail(Kind::denied, "only root and members of group 'conos' may read the ledger");
  }
  return {};
}

void QueryService::take(ClientId client, const Peer& /*unused*/, std::string_view line)
{
  auto query = audit::parse_query(line);
  if (!query) {
    m_server.send(client, audit::refusal_line({query.error()}));
    m_server.finish(client);
    return;
  }
  Search search;
  search.query = std::move(*query);
  m_searches[client] = std::move(search);
}

bool QueryService::work()
{
  bool more = false;
  for (auto at = m_searches.begin(); at != m_searches.end();) {
    const auto client = at->first;
    if (!m_server.is_there(client)) {
      at = m_searches.erase(at);
      continue;
    }
    if (!m_server.has_room(client)) { // it comes back here when it has read some
      ++at;
      continue;
    }
    const auto going_on = advance(client, at->second);
    if (going_on && *going_on) {
      more = true;
      ++at;
      continue;
    }
    m_server.send(
      client, going_on ? audit::end_line(at->second.end) : audit::refusal_line({going_on.error()}));
    m_server.finish(client);
    at = m_searches.erase(at);
  }
  if (m_searches.empty()) {
    m_reader.reset(); // the ledger may be another one next time
  }
  return more;
}

void QueryService::tick() {}

void QueryService::stop() {}

Result<audit::Reader*> QueryService::reader()
{
  if (!m_reader) {
    CONOS_TRY(m_reader, audit::Reader::open(m_database));
  }
  return &*m_reader;
}

Result<> QueryService::begin(Search& search)
{
  CONOS_TRY(auto* from, reader());
  CONOS_TRY(search.last, from->last_id());
  search.has_begun = true;
  search.since = Clock::now();
  search.back = search.last;
  search.forward = search.query.after;
  search.missing = search.query.count.value_or(0);
  search.end.last = std::max(search.last, search.query.after);
  if (search.query.count == 0) {
    search.forward = search.last;
  }
  return {};
}

// One stretch backwards. When it is the last, `forward` is where the answer begins.
Result<> QueryService::look_back(Search& search)
{
  const audit::Stretch stretch{
    std::max(search.back - k_rows_at_once, search.query.after) + 1, search.back};
  const auto since = Clock::now();
  auto reached = stretch.first;
  const auto go_on = [&](std::int64_t id) {
    const bool more = !is_over(since, k_time_at_once);
    reached = more ? reached : id;
    return more;
  };
  CONOS_TRY(auto* from, reader());
  CONOS_CHECK(from->each_in(
    stretch, audit::Order::backward, search.query.filter,
    [&](const audit::Event& event) {
      search.first = event.id;
      --search.missing;
      return search.missing > 0 && go_on(event.id);
    },
    go_on));
  search.back = reached - 1;
  const bool too_long = is_over(search.since, k_max_time);
  if (search.missing <= 0 || search.back <= search.query.after || too_long) {
    search.end.is_shallow = too_long && search.missing > 0 && search.back > search.query.after;
    search.missing = 0;
    search.forward = search.first > 0 ? search.first - 1 : search.last;
    search.since = Clock::now();
  }
  return {};
}

// One stretch of rows that are sent. False: that was the last.
Result<bool> QueryService::go_forward(ClientId client, Search& search)
{
  const audit::Stretch stretch{
    search.forward + 1, std::min(search.forward + k_rows_at_once, search.last)};
  const auto since = Clock::now();
  auto& end = search.end;
  auto reached = stretch.last;
  const auto go_on = [&](std::int64_t id) {
    const bool more = end.rows < k_max_rows && search.bytes < k_max_bytes &&
                      m_server.has_room(client) && !is_over(since, k_time_at_once);
    reached = more ? reached : id;
    return more;
  };
  CONOS_TRY(auto* from, reader());
  CONOS_CHECK(from->each_in(
    stretch, audit::Order::forward, search.query.filter,
    [&](const audit::Event& event) {
      const auto line = audit::json_line(event) + "\n";
      m_server.send(client, line);
      search.bytes += line.size();
      ++end.rows;
      return go_on(event.id);
    },
    go_on));
  search.forward = reached;
  if (search.forward >= search.last) {
    return false;
  }
  end.cut = end.rows >= k_max_rows              ? "rows"
            : search.bytes >= k_max_bytes       ? "bytes"
            : is_over(search.since, k_max_time) ? "seconds"
                                                : "";
  end.last = end.cut.empty() ? end.last : search.forward;
  return end.cut.empty();
}

// True: there is more to be done for it.
Result<bool> QueryService::advance(ClientId client, Search& search)
{
  if (!search.has_begun) {
    CONOS_CHECK(begin(search));
  }
  if (search.missing > 0 && search.back > search.query.after) {
    CONOS_CHECK(look_back(search));
  } else if (search.forward < search.last) {
    return go_forward(client, search);
  }
  return (search.missing > 0 && search.back > search.query.after) || search.forward < search.last;
}

} // namespace conos::serve
