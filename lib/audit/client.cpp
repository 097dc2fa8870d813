#include "audit/client.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <fnmatch.h>
#include <re2/re2.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

namespace conos::audit {

namespace {

constexpr timeval k_wait{30, 0};
constexpr std::size_t k_longest_answer = k_max_line_bytes + (4U << 10U);
constexpr Duration k_patience = std::chrono::seconds(60);

// So many receipts fit in what the kernel holds for us: nobody waits for the other to read.
constexpr std::size_t k_rows_at_once = 128;

using Clock = std::chrono::steady_clock;

Result<UniqueFd> connected(const std::string& path)
{
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return fail(Kind::usage, "'{}' is too long for a socket's path", path);
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) {
    return os_error("make a socket");
  }
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &k_wait, sizeof(k_wait)); // these two are
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &k_wait, sizeof(k_wait)); // never refused
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0) {
    auto error = os_error("connect to '{}'", path);
    if (error.value().kind != Kind::denied) {
      error.value().kind = Kind::unavailable;
    }
    return error;
  }
  return fd;
}

} // namespace

Result<LineSocket> LineSocket::connect(const std::string& path)
{
  CONOS_TRY(auto fd, connected(path));
  return LineSocket(std::move(fd));
}

Result<> LineSocket::send(std::string_view line)
{
  while (!line.empty()) {
    const auto sent = ::send(m_fd.get(), line.data(), line.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
      return {}; // what the other side said before it closed tells why
    }
    if (sent < 0 && errno != EINTR) {
      return os_error("ask the ledger");
    }
    line.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  }
  return {};
}

Result<std::string> LineSocket::receive()
{
  for (;;) {
    const auto end = m_text.find('\n', m_read);
    if (end != std::string::npos) {
      auto line = m_text.substr(m_read, end - m_read);
      m_read = end + 1;
      return line;
    }
    m_text.erase(0, std::exchange(m_read, 0));
    if (m_text.size() > k_longest_answer) {
      return fail(Kind::bad_data, "the ledger's answer is longer than {} bytes", k_longest_answer);
    }
    std::array<char, 64U << 10U> buffer;
    const auto got = ::recv(m_fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return fail(Kind::busy, "the ledger did not answer within {} s", k_wait.tv_sec);
    }
    if (got == 0 || (got < 0 && errno == ECONNRESET)) {
      return fail(Kind::unavailable, "the ledger closed the connection");
    }
    if (got < 0 && errno != EINTR) {
      return os_error("hear from the ledger");
    }
    m_text.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
}

bool LineSocket::is_closed() const
{
  char next = 0;
  const auto got = ::recv(m_fd.get(), &next, 1, MSG_PEEK | MSG_DONTWAIT);
  return m_read == m_text.size() && (got == 0 || (got < 0 && errno == ECONNRESET));
}

// --- append --------------------------------------------------------------------------------------

// Rows that are asked for together, until each has its receipt or is refused for good.
struct Appender::Round {
  const Row* rows = nullptr;
  std::vector<std::optional<Recorded>> recorded;
  std::vector<std::size_t> missing; // rows that are to be asked for
  std::optional<Error> refused;     // what was said of the first that is refused for good
  std::optional<Duration> wait;     // before the missing are asked for again
  Clock::time_point until{};        // no longer

  Round(const Row* first, std::size_t count)
      : rows(first)
      , recorded(count)
      , missing(count)
      , until(Clock::now() + k_patience)
  {
    std::iota(missing.begin(), missing.end(), 0);
  }

  // What was answered to row `row`.
  void note(std::size_t row, const std::variant<Recorded, Refusal>& answer)
  {
    if (const auto* receipt = std::get_if<Recorded>(&answer)) {
      recorded[row] = *receipt;
      return;
    }
    const auto& refusal = std::get<Refusal>(answer);
    if (refusal.retry && Clock::now() + *refusal.retry < until) {
      missing.push_back(row);
      wait = std::max(wait.value_or(Duration::zero()), *refusal.retry);
    } else if (!refused) {
      refused = refusal.error;
    }
  }

  // Whether to ask once more for rows about which nothing was heard.
  bool may_repeat() const
  {
    return Clock::now() < until && std::all_of(missing.begin(), missing.end(), [&](auto row) {
      return !rows[row].key.empty();
    });
  }
};

Result<Appender> Appender::connect(const std::string& path)
{
  CONOS_TRY(auto socket, LineSocket::connect(path));
  return Appender(path, std::move(socket));
}

Result<> Appender::connect_again()
{
  CONOS_TRY(m_socket, LineSocket::connect(m_path));
  return {};
}

// Asks for what is missing, once. After an error, `missing` has the rows that were not answered.
Result<> Appender::ask(Round& round)
{
  if (m_socket.is_closed()) { // we were silent for too long; nothing was sent since
    CONOS_CHECK(connect_again());
  }
  std::string lines;
  for (const auto row : round.missing) {
    lines += request_line(round.rows[row]);
  }
  CONOS_CHECK(m_socket.send(lines));
  const auto asked = std::exchange(round.missing, {});
  for (auto at = asked.begin(); at != asked.end(); ++at) {
    auto text = m_socket.receive();
    if (!text) {
      round.missing.insert(round.missing.end(), at, asked.end());
      return tl::unexpected<Error>(text.error());
    }
    CONOS_TRY(const auto answer, parse_answer(*text));
    const auto* refusal = std::get_if<Refusal>(&answer);
    const bool is_last = refusal != nullptr && refusal->is_last;
    for (const auto end = is_last ? asked.end() : at + 1; at != end; ++at) {
      round.note(*at, answer);
    }
    --at;
  }
  return {};
}

Result<> Appender::append_some(Round& round)
{
  while (!round.missing.empty() && !round.refused) {
    round.wait.reset();
    std::sort(round.missing.begin(), round.missing.end());
    const auto asked = ask(round);
    if (!asked && asked.error().kind == Kind::unavailable && round.may_repeat()) {
      CONOS_CHECK(connect_again());
      continue;
    }
    CONOS_CHECK(asked);
    if (round.wait) {
      m_pace = *round.wait;
      std::this_thread::sleep_for(*round.wait);
    }
  }
  return round.refused ? Result<>(tl::unexpected<Error>(*round.refused)) : Result<>();
}

Result<> Appender::append(
  const std::vector<Row>& rows, const std::function<void(const Recorded&)>& take)
{
  std::size_t at = 0;
  while (at < rows.size()) {
    const bool too_many = m_pace > Duration::zero();
    Round round(&rows[at], too_many ? 1 : std::min(k_rows_at_once, rows.size() - at));
    const auto done = append_some(round);
    for (const auto& one : round.recorded) {
      if (one) {
        take(*one);
      }
    }
    CONOS_CHECK(done);
    at += round.recorded.size();
    if (m_pace > Duration::zero() && at < rows.size()) {
      std::this_thread::sleep_for(m_pace);
    }
  }
  return {};
}

// --- query ---------------------------------------------------------------------------------------

Result<Remote> Remote::connect(const std::string& path, Warn warn)
{
  CONOS_TRY(auto socket, LineSocket::connect(path));
  return Remote(std::move(socket), std::move(warn));
}

// Once `take` has had enough, nothing more is asked on this connection.
Result<End> Remote::ask(const Query& query, const std::function<bool(const Event&)>& take)
{
  CONOS_CHECK(m_socket.send(query_line(query)));
  for (;;) {
    CONOS_TRY(const auto text, m_socket.receive());
    CONOS_TRY(const auto line, parse_row(text));
    if (const auto* end = std::get_if<End>(&line)) {
      return *end;
    }
    if (const auto* refusal = std::get_if<Refusal>(&line)) {
      return tl::unexpected<Error>(refusal->error);
    }
    if (!take(std::get<Event>(line))) {
      return End();
    }
  }
}

Result<std::vector<Event>> Remote::last(std::size_t count, const Filter& filter)
{
  constexpr std::size_t k_most = 1U << 30U;
  Query query;
  query.count = static_cast<std::int64_t>(std::min(count, k_most));
  query.filter = filter;
  std::vector<Event> events;
  const auto keep = [&](const Event& event) {
    events.push_back(event);
    return true;
  };
  CONOS_TRY(const auto end, ask(query, keep));
  if (end.is_shallow) {
    m_warn("there may be more, further back than there was time to look");
  }
  if (!end.cut.empty()) {
    CONOS_CHECK(each_after(end.last, filter, keep));
  }
  return events;
}

Result<> Remote::each_after(
  std::int64_t id, const Filter& filter, const std::function<bool(const Event&)>& take)
{
  Query query;
  query.after = id;
  query.filter = filter;
  bool wanted = true;
  for (bool more = true; more && wanted;) {
    CONOS_TRY(const auto end, ask(query, [&](const Event& event) {
      wanted = take(event);
      return wanted;
    }));
    more = !end.cut.empty() && end.last > query.after;
    query.after = end.last;
  }
  return {};
}

Result<std::int64_t> Remote::last_id()
{
  Query query;
  query.count = 0;
  CONOS_TRY(const auto end, ask(query, [](const Event&) {
    return true;
  }));
  return end.last;
}

// --- day files -----------------------------------------------------------------------------------

namespace {

bool is_day(std::string_view name)
{
  constexpr std::string_view k_form = "0000-00-00.jsonl";
  return std::equal(name.begin(), name.end(), k_form.begin(), k_form.end(), [](char c, char form) {
    return form == '0' ? c >= '0' && c <= '9' : c == form;
  });
}

bool is_of_type(const std::string& type, const std::string& wanted)
{
  return wanted.empty() || ::fnmatch(wanted.c_str(), type.c_str(), FNM_NOESCAPE) == 0 ||
         ::fnmatch((wanted + ".*").c_str(), type.c_str(), FNM_NOESCAPE) == 0;
}

bool fits(const Event& event, const Filter& filter, const RE2& grep)
{
  return is_of_type(event.type, filter.type) &&
         (filter.actor.empty() || filter.actor == event.actor) &&
         (!filter.since || event.ts >= rfc3339(*filter.since)) &&
         (!filter.until || event.ts <= rfc3339(*filter.until)) &&
         (grep.pattern().empty() || RE2::PartialMatch(event.payload, grep));
}

} // namespace

Result<DayReader> DayReader::open(const std::string& directory)
{
  CONOS_TRY(auto dir, open_dir(directory));
  return DayReader(std::move(dir));
}

Result<std::vector<std::string>> DayReader::days() const
{
  constexpr std::size_t k_most_days = 100'000;
  CONOS_TRY(auto days, list_names(m_directory, k_most_days, is_day));
  std::sort(days.begin(), days.end());
  return days;
}

Result<std::vector<Event>> DayReader::events_of(const std::string& day, const Filter& filter) const
{
  constexpr std::size_t k_max_day_bytes = 256U << 20U;
  CONOS_TRY(const auto text, read_file(m_directory, day, k_max_day_bytes));
  const RE2 grep(filter.grep, RE2::Quiet);
  std::vector<Event> events;
  for (const auto line : split(text, '\n')) {
    auto event = parse_event(line); // a full disk may have cut one
    if (event && fits(*event, filter, grep)) {
      events.push_back(std::move(*event));
    }
  }
  std::sort(events.begin(), events.end(), // writers add their copies as they come to it
    [](const Event& a, const Event& b) {
      return a.id < b.id;
    });
  return events;
}

Result<std::vector<Event>> DayReader::last(std::size_t count, const Filter& filter)
{
  CONOS_TRY(const auto names, days());
  std::vector<Event> events;
  for (auto day = names.rbegin(); day != names.rend() && events.size() < count; ++day) {
    CONOS_TRY(auto older, events_of(*day, filter));
    events.insert(events.begin(), older.begin(), older.end());
  }
  if (events.size() > count) {
    events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(count));
  }
  return events;
}

Result<> DayReader::each_after(
  std::int64_t id, const Filter& filter, const std::function<bool(const Event&)>& take)
{
  CONOS_TRY(const auto names, days());
  const auto from = id >= m_offered ? m_from : "";
  for (auto day = std::lower_bound(names.begin(), names.end(), from); day != names.end(); ++day) {
    CONOS_TRY(const auto events, events_of(*day, filter));
    for (const auto& event : events) {
      if (event.id > id && !take(event)) {
        return {};
      }
      m_offered = std::max(m_offered, event.id);
    }
  }
  // at midnight a writer may still be at the file of the day before
  m_from = names.size() < 2 ? "" : names[names.size() - 2];
  return {};
}

Result<std::int64_t> DayReader::last_id()
{
  CONOS_TRY(const auto newest, last(1, {}));
  return newest.empty() ? 0 : newest.front().id;
}

} // namespace conos::audit
