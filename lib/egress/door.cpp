#include "egress/door.hpp"

#include "audit/clerk.hpp"
#include "budget/current.hpp"
#include "egress/address.hpp"
#include "egress/answer.hpp"
#include "egress/flow.hpp"
#include "egress/head.hpp"
#include "egress/hello.hpp"
#include "egress/journal.hpp"
#include "egress/resolver.hpp"
#include "serve/bucket.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>

namespace conos::egress {

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t k_turn_bytes = 1U << 20U; // of one connection, before others have a turn
constexpr auto k_tick = std::chrono::milliseconds(250);
constexpr auto k_save = std::chrono::seconds(1); // how often it is written down what was moved

// What a task has moved, by all its connections.
struct Usage {
  std::int64_t bytes = 0;
  bool is_saved = true;
};

enum class Phase {
  head,       // of the request is being read
  looking_up, // the name
  connecting, // to one address after the other
  hello,      // of TLS is being read
  moving,     // bytes, both ways
  farewell,   // an answer was sent, and what still comes is not read by anybody
};

struct Connection {
  std::uint64_t id = 0;
  Phase phase = Phase::head;
  UniqueFd client;
  UniqueFd server;
  std::string buffer; // what of the client's was read and not yet used
  Request request;
  budget::CurrentTask task;
  Usage* usage = nullptr;
  std::vector<Address> addresses; // still to be tried
  std::optional<Address> address; // that is
  std::int64_t row = 0;           // in the journal; 0: none yet
  Flow up;
  Flow down;
  Clock::time_point began = Clock::now();
  Clock::time_point last_move = began;
  Clock::time_point deadline = began;     // of the phase
  Clock::time_point deadline_one = began; // of connecting to one address
  bool is_queued = false;                 // it has more to do
};

// Who rings: a connection's client or server, or one of us.
constexpr std::uint64_t k_listener = 0;
constexpr std::uint64_t k_resolver = 1;
constexpr std::uint64_t k_signal = 2;
constexpr std::uint64_t k_first_id = 2; // of connections, so that none rings like us

// SIGTERM as a descriptor; before there are threads, which would hear it otherwise.
Result<UniqueFd> terminations()
{
  sigset_t set;
  (void)::sigemptyset(&set);
  (void)::sigaddset(&set, SIGTERM);
  (void)::sigprocmask(SIG_BLOCK, &set, nullptr);
  UniqueFd signal(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signal) {
    return os_error("make a signalfd");
  }
  return signal;
}

void set_no_delay(const UniqueFd& socket)
{
  const int on = 1; // a failure costs milliseconds
  (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// So that whoever is cut off cannot take it for an end.
void reset_at_close(const UniqueFd& socket)
{
  const linger now{1, 0};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

std::string text_of(const Json& row)
{
  return row.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json text_or_null(const std::string& text)
{
  return text.empty() ? Json() : Json(text);
}

class Door
{
public:
  Door(DoorPlace place, const DoorBounds& bounds, Journal journal, Resolver resolver,
    std::unique_ptr<audit::Clerk> clerk)
      : m_place(std::move(place))
      , m_bounds(bounds)
      , m_journal(std::move(journal))
      , m_resolver(std::move(resolver))
      , m_clerk(std::move(clerk))
      , m_arrivals({bounds.connections_each_second, bounds.connections_in_a_burst}, Clock::now())
      , m_denials({bounds.denials_each_second, bounds.denials_in_a_burst}, Clock::now())
  {
  }

  Result<> open(std::vector<UniqueFd> listeners, UniqueFd signal)
  {
    m_epoll.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!m_epoll) {
      return os_error("make an epoll");
    }
    m_signal = std::move(signal);
    m_listeners = std::move(listeners);
    CONOS_CHECK(watch(m_signal.get(), k_signal, EPOLLIN));
    CONOS_CHECK(watch(m_resolver.descriptor(), k_resolver, EPOLLIN));
    for (const auto& listener : m_listeners) {
      CONOS_CHECK(watch(listener.get(), k_listener, EPOLLIN));
    }
    return {};
  }

  Result<> run()
  {
    while (!m_is_over) {
      const bool is_used = !m_connections.empty();
      CONOS_CHECK(wait());
      take_turns();
      const auto now = Clock::now();
      if (now - m_last_tick >= k_tick) {
        m_last_tick = now;
        tick(now);
      }
      if (is_used) { // and others may be waiting for room
        m_last_use = now;
      }
      m_is_over = m_is_over || now - m_last_use > m_bounds.idle;
    }
    while (!m_connections.empty()) {
      finish(*m_connections.begin()->second, "stopped");
    }
    save_usage();
    note_suppressed();
    return {};
  }

private:
  // --- the loop ----------------------------------------------------------------------------------

  Result<> watch(int fd, std::uint64_t who, std::uint32_t events) const
  {
    epoll_event event{};
    event.events = events;
    event.data.u64 = who;
    if (::epoll_ctl(m_epoll.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
      return os_error("watch descriptor {}", fd);
    }
    return {};
  }

  Result<> watch_socket(const UniqueFd& socket, const Connection& connection, bool is_server) const
  {
    return watch(socket.get(), connection.id * 2 + (is_server ? 1 : 0),
      EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  }

  Result<> wait()
  {
    set_listening();
    const auto timeout = m_turns.empty() ? k_tick : std::chrono::milliseconds(0);
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(m_epoll.get(), events.data(), static_cast<int>(events.size()),
      static_cast<int>(timeout.count()));
    if (count < 0 && errno != EINTR) {
      return os_error("wait");
    }
    for (int i = 0; i < count; ++i) {
      ring(events[static_cast<std::size_t>(i)].data.u64);
    }
    return {};
  }

  void ring(std::uint64_t who)
  {
    if (who == k_listener) {
      accept_some();
    } else if (who == k_resolver) {
      take_answers();
    } else if (who == k_signal) {
      m_is_over = true;
    } else if (const auto found = m_connections.find(who / 2); found != m_connections.end()) {
      queue(*found->second);
    }
  }

  void queue(Connection& connection)
  {
    if (!connection.is_queued) {
      connection.is_queued = true;
      m_turns.push_back(connection.id);
    }
  }

  // Each that has something to do once, and then the door listens again.
  void take_turns()
  {
    for (auto left = m_turns.size(); left > 0; --left) {
      const auto id = m_turns.front();
      m_turns.pop_front();
      if (const auto found = m_connections.find(id); found != m_connections.end()) {
        found->second->is_queued = false;
        advance(*found->second);
      }
    }
  }

  // Listens while there is room for more.
  void set_listening()
  {
    const bool wants =
      m_connections.size() < m_bounds.connections && Clock::now() >= m_next_arrival;
    if (wants == m_is_listening) {
      return;
    }
    m_is_listening = wants;
    for (const auto& listener : m_listeners) {
      epoll_event event{};
      event.events = wants ? EPOLLIN : 0U;
      event.data.u64 = k_listener;
      (void)::epoll_ctl(m_epoll.get(), EPOLL_CTL_MOD, listener.get(), &event); // it is there
    }
  }

  void accept_some()
  {
    for (const auto& listener : m_listeners) {
      while (m_connections.size() < m_bounds.connections && Clock::now() >= m_next_arrival) {
        UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!client) {
          break; // nobody is there, or no descriptor: in a moment
        }
        if (const auto pause = m_arrivals.take(Clock::now()); pause.count() > 0) {
          m_next_arrival = Clock::now() + pause; // this one is served all the same
        }
        open_connection(std::move(client));
      }
    }
  }

  void open_connection(UniqueFd client)
  {
    auto connection = std::make_unique<Connection>();
    connection->id = m_next_id++;
    connection->client = std::move(client);
    connection->deadline = connection->began + m_bounds.head;
    set_no_delay(connection->client);
    if (const auto watched = watch_socket(connection->client, *connection, false); !watched) {
      log::error("{}", watched.error().text());
      return;
    }
    m_connections.emplace(connection->id, std::move(connection));
  }

  void advance(Connection& connection)
  {
    switch (connection.phase) {
    case Phase::head:
      read_request(connection);
      break;
    case Phase::looking_up:
      break;
    case Phase::connecting:
      check_connected(connection);
      break;
    case Phase::hello:
      read_greeting(connection);
      break;
    case Phase::moving:
      pass(connection);
      break;
    case Phase::farewell:
      drain(connection);
      break;
    }
  }

  void tick(Clock::time_point now)
  {
    std::vector<std::uint64_t> late;
    for (const auto& [id, connection] : m_connections) {
      const bool is_silent =
        connection->phase == Phase::moving && now - connection->last_move > m_bounds.silence;
      const bool is_stuck =
        connection->phase == Phase::connecting && now >= connection->deadline_one;
      if (now >= connection->deadline || is_silent || is_stuck) {
        late.push_back(id);
      }
    }
    for (const auto id : late) {
      give_up(*m_connections.at(id), now);
    }
    if (now - m_last_save >= k_save) {
      m_last_save = now;
      save_usage();
      m_backlog = m_journal.backlog().value_or(std::numeric_limits<std::int64_t>::max());
    }
  }

  void give_up(Connection& connection, Clock::time_point now)
  {
    switch (connection.phase) {
    case Phase::head:
      if (connection.buffer.empty()) {
        close(connection); // it never said anything
      } else {
        refuse(connection, Reason::slow, "the head of the request did not come in time");
      }
      break;
    case Phase::looking_up:
      refuse(connection, Reason::unknown,
        fmt::format("the name {} could not be looked up in time", connection.request.target.host));
      break;
    case Phase::connecting:
      if (now < connection.deadline && !connection.addresses.empty()) {
        connect_next(connection);
      } else {
        refuse(connection, Reason::unreachable,
          fmt::format("{} does not answer", to_string(connection.request.target)));
      }
      break;
    case Phase::hello:
      refuse(connection, Reason::slow, "no TLS ClientHello came in time");
      break;
    case Phase::moving:
      abort(connection, now >= connection.deadline ? "life" : "silence");
      break;
    case Phase::farewell:
      close(connection);
      break;
    }
  }

  // --- a request ---------------------------------------------------------------------------------

  enum class Read { some, nothing, end };

  // Of the client's, until the buffer has `most` bytes.
  static Read read_more(Connection& connection, std::size_t most)
  {
    std::array<char, 16U << 10U> bytes{};
    auto result = Read::nothing;
    while (connection.buffer.size() < most) {
      const auto room = std::min(bytes.size(), most - connection.buffer.size());
      const auto got = ::recv(connection.client.get(), bytes.data(), room, 0);
      if (got <= 0) {
        return got < 0 && errno == EAGAIN ? result : Read::end;
      }
      connection.buffer.append(bytes.data(), static_cast<std::size_t>(got));
      result = Read::some;
    }
    return result;
  }

  void read_request(Connection& connection)
  {
    const auto come = read_more(connection, k_max_head_bytes);
    auto request = read_head(connection.buffer);
    if (!request) {
      refuse(connection, Reason::request, request.error().text());
    } else if (*request) {
      connection.request = std::move(**request);
      connection.buffer.erase(0, connection.request.head_bytes);
      consider(connection);
    } else if (come == Read::end) {
      close(connection);
    }
  }

  void consider(Connection& connection)
  {
    const auto& target = connection.request.target;
    auto task = budget::read_current(m_place.current, m_place.settings.agent);
    if (!task) {
      log::error("{}", escaped(task.error().text()));
    }
    if (!task || !*task) {
      refuse(connection, Reason::task,
        fmt::format("agent {} is not working on a task", m_place.settings.agent));
      return;
    }
    connection.task = std::move(**task);
    connection.usage = usage_of(connection.task.id);
    if (m_backlog > m_bounds.backlog || connection.usage == nullptr) {
      refuse(connection, Reason::record, "what was done before could not be recorded yet");
    } else if (!is_allowed(m_place.settings, target)) {
      refuse(connection, Reason::host,
        fmt::format("agent {} may not reach {}", m_place.settings.agent, to_string(target)));
    } else if (allowance(connection) == 0) {
      refuse_for_budget(connection);
    } else {
      look_up(connection);
    }
  }

  void refuse_for_budget(Connection& connection)
  {
    refuse(connection, Reason::budget,
      fmt::format("this task has moved the {} bytes it may", m_place.settings.max_bytes));
  }

  // nullptr when it cannot be read, and so not be trusted to be nothing.
  Usage* usage_of(const std::string& task)
  {
    const auto known = m_usage.find(task);
    if (known != m_usage.end()) {
      return &known->second;
    }
    const auto bytes = m_journal.moved_by(task);
    if (!bytes) {
      log::error("{}", escaped(bytes.error().text()));
      return nullptr;
    }
    return &m_usage.emplace(task, Usage{*bytes, true}).first->second;
  }

  // Bytes the task may still move.
  std::uint64_t allowance(const Connection& connection) const
  {
    const auto most = m_place.settings.max_bytes;
    if (most == 0) {
      return std::numeric_limits<std::uint64_t>::max();
    }
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, most - connection.usage->bytes));
  }

  static void count(Connection& connection, std::uint64_t bytes)
  {
    connection.usage->bytes += static_cast<std::int64_t>(bytes);
    connection.usage->is_saved = connection.usage->is_saved && bytes == 0;
  }

  void save_usage()
  {
    for (auto& [task, usage] : m_usage) {
      if (!usage.is_saved) {
        const auto saved = m_journal.set_moved(task, usage.bytes, now());
        usage.is_saved = saved.has_value();
        if (!saved) {
          log::error("{}", escaped(saved.error().text()));
        }
      }
    }
  }

  // --- the way there -----------------------------------------------------------------------------

  void look_up(Connection& connection)
  {
    connection.phase = Phase::looking_up;
    connection.deadline = Clock::now() + m_bounds.reach;
    const auto& host = connection.request.target.host;
    if (const auto address = parse_address(host)) {
      connection.addresses = {*address};
      check_addresses(connection);
    } else {
      m_resolver.ask(connection.id, host);
    }
  }

  void take_answers()
  {
    for (auto& answer : m_resolver.take()) {
      const auto found = m_connections.find(answer.id);
      if (found == m_connections.end() || found->second->phase != Phase::looking_up) {
        continue; // nobody waits for it any more
      }
      auto& connection = *found->second;
      connection.addresses = std::move(answer.addresses);
      if (connection.addresses.empty()) {
        refuse(connection, Reason::unknown,
          fmt::format("the name {} cannot be looked up: {}", connection.request.target.host,
            answer.trouble.empty() ? "no address" : answer.trouble));
      } else {
        check_addresses(connection);
      }
    }
  }

  // One bad address is enough: a name that has such beside others is made for whoever asks twice.
  void check_addresses(Connection& connection)
  {
    const auto& networks = m_place.settings.networks;
    for (const auto& address : connection.addresses) {
      auto what = objection(address, networks);
      const bool is_named = std::any_of(networks.begin(), networks.end(), [&](const auto& one) {
        return contains(one, address);
      });
      if (what.empty() && !is_named && is_our_own(address)) {
        what = conos::to_string(address) + " is this machine";
      }
      if (!what.empty()) {
        refuse(connection, Reason::address,
          fmt::format("{} is where no agent may go: {}", connection.request.target.host, what));
        return;
      }
    }
    connect_next(connection);
  }

  // To the address that was checked; the name is not looked up again.
  void connect_next(Connection& connection)
  {
    connection.phase = Phase::connecting;
    connection.server.reset();
    while (!connection.addresses.empty()) {
      connection.address = connection.addresses.front();
      connection.addresses.erase(connection.addresses.begin());
      connection.deadline_one =
        connection.addresses.empty() ? connection.deadline : Clock::now() + m_bounds.reach_one;
      if (start_connecting(connection)) {
        return; // the event says what became of it
      }
    }
    refuse(connection, Reason::unreachable,
      fmt::format("{} cannot be reached", to_string(connection.request.target)));
  }

  bool start_connecting(Connection& connection)
  {
    const auto to = socket_address(*connection.address, connection.request.target.port);
    connection.server.reset(::socket(connection.address->is_v6 ? AF_INET6 : AF_INET,
      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!connection.server) {
      return false;
    }
    set_no_delay(connection.server);
    const bool begun =
      ::connect(connection.server.get(), to.get(), to.size) == 0 || errno == EINPROGRESS;
    return begun && watch_socket(connection.server, connection, true).has_value();
  }

  void check_connected(Connection& connection)
  {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(connection.server.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      connect_next(connection);
      return;
    }
    sockaddr_storage peer{};
    size = sizeof peer;
    if (::getpeername(connection.server.get(), reinterpret_cast<sockaddr*>(&peer), &size) < 0) {
      return; // not yet: it was the client that rang
    }
    begin(connection);
  }

  void begin(Connection& connection)
  {
    connection.up.from = connection.down.to = connection.client.get();
    connection.up.to = connection.down.from = connection.server.get();
    if (!connection.request.is_connect()) {
      begin_request(connection);
    } else if (say(connection, connected())) {
      connection.phase = Phase::hello;
      connection.deadline = Clock::now() + m_bounds.hello;
      read_greeting(connection); // it may be there already
    } else {
      leave(connection);
    }
  }

  // The body is what its head says, and nothing behind it goes on.
  void begin_request(Connection& connection)
  {
    auto& up = connection.up;
    const auto& request = connection.request;
    up.closes = false;
    up.first = head_for_server(request);
    auto& rest = connection.buffer;
    if (request.framing == Framing::chunked) {
      up.chunks.emplace();
      const auto taken = up.chunks->take(rest);
      if (!taken) {
        refuse(connection, Reason::request, taken.error().text());
        return;
      }
      up.first += rest.substr(0, *taken);
      up.taken = *taken;
    } else {
      const auto size = std::min<std::uint64_t>(rest.size(), request.body_bytes);
      up.first += rest.substr(0, static_cast<std::size_t>(size));
      up.taken = size;
      up.left = request.body_bytes - size;
    }
    start_moving(connection);
  }

  void read_greeting(Connection& connection)
  {
    const auto come = read_more(connection, k_max_hello_bytes);
    if (connection.buffer.empty() && come == Read::end) {
      leave(connection); // it changed its mind
      return;
    }
    const auto hello = read_hello(connection.buffer);
    if (!hello) {
      refuse(connection, Reason::server_name, hello.error().text());
      return;
    }
    if (!*hello) {
      if (come == Read::end) {
        refuse(connection, Reason::server_name, "the TLS ClientHello is cut off");
      }
      return;
    }
    const auto& host = connection.request.target.host;
    const auto& name = (*hello)->server_name;
    const bool is_address = parse_address(host).has_value(); // TLS names none then
    if (name.empty() ? !is_address : name != host) {
      refuse(connection, Reason::server_name,
        fmt::format("TLS is begun with {}, not with {}",
          name.empty() ? "a server that is not named" : name, host));
      return;
    }
    connection.up.taken = connection.buffer.size();
    connection.up.first = std::move(connection.buffer);
    start_moving(connection);
  }

  // From here on bytes go out, so it is written down that they may.
  void start_moving(Connection& connection)
  {
    const auto row = m_journal.begin(text_of(row_of(connection, "lost")));
    if (!row) {
      log::error("{}", escaped(row.error().text()));
      refuse(connection, Reason::record, "the connection cannot be recorded");
      return;
    }
    connection.row = *row;
    count(connection, connection.up.taken);
    connection.phase = Phase::moving;
    connection.deadline = connection.began + m_bounds.life;
    connection.last_move = Clock::now();
    pass(connection);
  }

  // --- bytes -------------------------------------------------------------------------------------

  // One direction; what it took counts.
  Moved move_one(Connection& connection, Flow& flow)
  {
    const auto before = flow.taken;
    const auto moved = move(flow, m_pipes, std::min(k_turn_bytes, allowance(connection)));
    if (flow.taken != before) {
      connection.last_move = Clock::now();
      count(connection, flow.taken - before);
    }
    return moved;
  }

  void pass(Connection& connection)
  {
    const bool is_tunnel = connection.request.is_connect();
    const auto up = move_one(connection, connection.up);
    // a server that takes no more may still have answered
    connection.up.is_over = connection.up.is_over || up == Moved::failed;
    const auto down = move_one(connection, connection.down);
    if (up == Moved::bad) {
      refuse_body(connection);
    } else if (down == Moved::failed) {
      abort(connection, "broken");
    } else if (down == Moved::over && !is_tunnel) {
      say_farewell(connection, "done");
    } else if (down == Moved::over && connection.up.is_over) {
      finish(connection, "done");
    } else if (allowance(connection) == 0) {
      abort(connection, "budget");
    } else if (up == Moved::more || down == Moved::more) {
      queue(connection);
    }
  }

  // The answer may have begun, so nothing can be said any more.
  void refuse_body(Connection& connection)
  {
    note_denial(connection, {Reason::request, "a chunk of the body is not as it should be"});
    abort(connection, "request");
  }

  // --- how it ends -------------------------------------------------------------------------------

  // In one go: it is short, and the client has read all there was before it.
  static bool say(const Connection& connection, std::string_view text)
  {
    return ::send(connection.client.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  void refuse(Connection& connection, Reason reason, const std::string& what)
  {
    const Refusal refusal{reason, escaped(what)};
    const bool speaks_tls = connection.phase == Phase::hello;
    if (is_denial(reason)) {
      note_denial(connection, refusal);
    } else {
      note_failure(connection, std::string(to_string(reason)));
    }
    const auto answer = answer_to(refusal, m_place.settings, connection.request.target);
    (void)say(connection, speaks_tls ? denial_alert() : std::string_view(answer));
    say_farewell(connection, "");
  }

  // Closed at once, the client's own words, unread, would take the answer with them.
  void say_farewell(Connection& connection, const std::string& outcome)
  {
    if (!outcome.empty()) {
      close_row(connection, outcome);
    }
    (void)::shutdown(connection.client.get(), SHUT_WR);
    connection.server.reset();
    connection.phase = Phase::farewell;
    connection.deadline = Clock::now() + m_bounds.farewell;
    queue(connection);
  }

  void drain(Connection& connection)
  {
    std::array<char, 16U << 10U> nobody{};
    for (int i = 0; i < 16; ++i) {
      const auto got = ::recv(connection.client.get(), nobody.data(), nobody.size(), 0);
      if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
          close(connection);
        }
        return;
      }
    }
    queue(connection);
  }

  // A client that is gone before anything was moved.
  void leave(Connection& connection)
  {
    note_failure(connection, "client");
    close(connection);
  }

  void abort(Connection& connection, const std::string& outcome)
  {
    reset_at_close(connection.client);
    if (connection.server) {
      reset_at_close(connection.server);
    }
    finish(connection, outcome);
  }

  void finish(Connection& connection, const std::string& outcome)
  {
    close_row(connection, outcome);
    close(connection);
  }

  void close(Connection& connection) { m_connections.erase(connection.id); }

  // --- the ledger --------------------------------------------------------------------------------

  Json row_of(const Connection& connection, const std::string& outcome) const
  {
    const auto& request = connection.request;
    const auto up = connection.up.taken;
    const auto down = connection.down.taken;
    return {{"agent", m_place.settings.agent}, {"id", text_or_null(connection.task.id)},
      {"root", text_or_null(connection.task.root)}, {"host", text_or_null(request.target.host)},
      {"port", request.target.port}, {"method", text_or_null(escaped(request.method, 40))},
      {"outcome", outcome},
      {"address", connection.address ? Json(conos::to_string(*connection.address)) : Json()},
      {"bytes", up + down}, {"bytes_up", up}, {"bytes_down", down},
      {"duration_ms",
        std::chrono::duration_cast<Duration>(Clock::now() - connection.began).count()}};
  }

  void close_row(Connection& connection, const std::string& outcome)
  {
    if (connection.row == 0) {
      return;
    }
    const auto ended = m_journal.end(connection.row, text_of(row_of(connection, outcome)));
    if (!ended) {
      log::error("record a connection: {}", escaped(ended.error().text()));
    }
    connection.row = 0;
    m_clerk->wake();
  }

  // It was allowed, and nothing came of it.
  void note_failure(const Connection& connection, const std::string& outcome)
  {
    note("egress.allowed", row_of(connection, outcome));
  }

  void note_denial(const Connection& connection, const Refusal& refusal)
  {
    if (m_denials.take(Clock::now()).count() > 0) {
      ++m_suppressed;
      return;
    }
    const auto& request = connection.request;
    note("egress.denied",
      {{"agent", m_place.settings.agent}, {"id", text_or_null(connection.task.id)},
        {"root", text_or_null(connection.task.root)}, {"host", text_or_null(request.target.host)},
        {"port", request.target.port}, {"method", text_or_null(escaped(request.method, 40))},
        {"reason", to_string(refusal.reason)}, {"what", refusal.what},
        {"suppressed", std::exchange(m_suppressed, 0)}});
  }

  void note_suppressed()
  {
    if (m_suppressed > 0) {
      note("egress.denied",
        {{"agent", m_place.settings.agent}, {"id", nullptr}, {"root", nullptr}, {"host", nullptr},
          {"port", 0}, {"reason", "suppressed"}, {"suppressed", std::exchange(m_suppressed, 0)}});
    }
  }

  void note(const std::string& type, const Json& row)
  {
    if (const auto noted = m_journal.note(type, text_of(row)); !noted) {
      log::error("record {}: {}", type, escaped(noted.error().text()));
    }
    m_clerk->wake();
  }

  DoorPlace m_place;
  DoorBounds m_bounds;
  Journal m_journal;
  Resolver m_resolver;
  std::unique_ptr<audit::Clerk> m_clerk;
  serve::Bucket m_arrivals;
  serve::Bucket m_denials;
  UniqueFd m_epoll;
  UniqueFd m_signal;
  std::vector<UniqueFd> m_listeners;
  std::map<std::uint64_t, std::unique_ptr<Connection>> m_connections;
  std::map<std::string, Usage> m_usage; // by task; nodes stay where they are
  std::deque<std::uint64_t> m_turns;
  Pipes m_pipes;
  std::uint64_t m_next_id = k_first_id;
  std::int64_t m_backlog = 0;
  std::int64_t m_suppressed = 0;
  bool m_is_listening = true;
  bool m_is_over = false;
  Clock::time_point m_next_arrival = Clock::now();
  Clock::time_point m_last_use = Clock::now();
  Clock::time_point m_last_tick = m_last_use;
  Clock::time_point m_last_save = m_last_use;
};

// `journal` is the clerk's alone.
audit::Outbox outbox_of(Journal journal)
{
  const auto own = std::make_shared<Journal>(std::move(journal));
  return {[own](std::size_t most) {
            return own->waiting(most);
          },
    [own](const auto& rows) {
      return own->recorded(rows);
    }};
}

} // namespace

Result<> serve(DoorPlace place, std::vector<UniqueFd> listeners, const DoorBounds& bounds)
{
  CONOS_TRY(auto signal, terminations());
  CONOS_TRY(auto journal, Journal::open(place.state));
  CONOS_TRY(const auto left, journal.close_left());
  if (left > 0) {
    log::warning("{} connections were lost with the door before this one", left);
  }
  CONOS_TRY(auto clerks, Journal::open(place.state));
  CONOS_TRY(auto resolver, Resolver::start());
  auto clerk = std::make_unique<audit::Clerk>(outbox_of(std::move(clerks)), place.ledger);
  Door door(std::move(place), bounds, std::move(journal), std::move(resolver), std::move(clerk));
  CONOS_CHECK(door.open(std::move(listeners), std::move(signal)));
  return door.run();
}

} // namespace conos::egress
