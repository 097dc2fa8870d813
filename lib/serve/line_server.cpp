#include "serve/line_server.hpp"

#include "audit/wire.hpp"
#include "host/provenance.hpp"
#include "sys/free_with.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <utility>

namespace conos::serve {

namespace {

constexpr std::size_t k_read_at_once = 16U << 10U;
constexpr std::size_t k_sent_ahead = 64U
                                     << 10U; // to a client, before it is not listened to any more
constexpr int k_accepts_at_once = 16;
constexpr std::uint64_t k_tick_usec = 1'000'000;
constexpr Duration k_retry = std::chrono::milliseconds(500); // of one for whom there was no place

using Source = std::unique_ptr<sd_event_source, FreeWith<sd_event_source_disable_unref>>;
using Event = std::unique_ptr<sd_event, FreeWith<sd_event_unref>>;

// The libraries give -errno.
Result<> checked(int code, const char* deed)
{
  if (code < 0) {
    errno = -code;
    return os_error("{}", deed);
  }
  return {};
}

Result<std::vector<gid_t>> groups_of(const UniqueFd& fd, gid_t primary)
{
  std::vector<gid_t> groups(64);
  for (;;) {
    auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int done = ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
    if (done < 0 && errno != ERANGE) {
      return os_error("ask for the groups of a client");
    }
    groups.resize(bytes / sizeof(gid_t));
    if (done == 0) {
      groups.push_back(primary);
      return groups;
    }
  }
}

Result<Peer> peer_of(const UniqueFd& fd)
{
  ucred who = {};
  socklen_t bytes = sizeof(who);
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &who, &bytes) < 0) {
    return os_error("ask who a client is");
  }
  Peer peer;
  peer.uid = who.uid;
  CONOS_TRY(peer.groups, groups_of(fd, who.gid));
  CONOS_TRY(peer.account, account_name(who.uid));
  return peer;
}

// The last word to one who is not listened to: it may be lost.
void send_away(Service& service, const UniqueFd& fd, const Error& error)
{
  const auto line =
    service.refusal(error, error.kind == Kind::busy ? std::optional(k_retry) : std::nullopt);
  (void)::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

} // namespace

std::string Service::refusal(const Error& error, std::optional<std::chrono::milliseconds> retry)
{
  return audit::refusal_line({error, retry, true});
}

// --- one client ----------------------------------------------------------------------------------

namespace {

struct Client {
  ClientId id = 0;
  Peer peer;
  UniqueFd fd;
  std::string in;
  std::string out;
  std::size_t owed = 0;      // lines taken and not answered
  bool has_ended = false;    // nothing more comes from it
  bool is_cut_off = false;   // nothing more is taken from it
  Clock::time_point spoke{}; // when it last sent a whole line, or came
  Clock::time_point read{};  // when it last read, or had nothing to read
  Source io;                 // declared last: goes before the descriptor
};

bool is_done(const Client& client)
{
  return (client.has_ended || client.is_cut_off) && client.owed == 0 && client.out.empty();
}

} // namespace

// --- the loop ------------------------------------------------------------------------------------

class LineServer::Loop
{
public:
  explicit Loop(const Bounds& bounds)
      : m_bounds(bounds)
  {
  }

  Result<> run(const std::vector<UniqueFd>& listeners, Service& service);

  Client* find(ClientId id)
  {
    const auto found = m_clients.find(id);
    return found == m_clients.end() ? nullptr : found->second.get();
  }

  void send(Client& client, std::string_view text)
  {
    if (client.out.empty()) {
      client.read = Clock::now();
    }
    client.out += text;
    listen_to(client);
  }

  void finish(Client& client)
  {
    client.owed -= client.owed > 0 ? 1 : 0;
    client.spoke = Clock::now();
    m_to_resume.push_back(client.id);
    call_work();
  }

private:
  bool may_take(const Client& client) const
  {
    return !client.is_cut_off && client.owed < m_bounds.lines_at_once &&
           client.out.size() < k_sent_ahead;
  }

  // Which events of a client are of use now.
  void listen_to(Client& client)
  {
    const bool in = !client.has_ended && may_take(client);
    (void)sd_event_source_set_io_events(client.io.get(), // a mask of two known bits
      (in ? EPOLLIN : 0U) | (client.out.empty() ? 0U : EPOLLOUT));
  }

  void call_work() { (void)::eventfd_write(m_wake.get(), 1); } // it is far from full

  void take_line(Client& client, std::string_view line)
  {
    line = trimmed(line);
    if (!line.empty()) {
      client.spoke = Clock::now();
      ++client.owed;
      m_service->take(client.id, client.peer, line);
      call_work();
    }
  }

  // Offers the whole lines there are, as long as they may be taken.
  void take_lines(Client& client)
  {
    std::size_t at = 0;
    while (may_take(client)) {
      const auto end = client.in.find('\n', at);
      if (end == std::string::npos) {
        break;
      }
      take_line(client, std::string_view(client.in).substr(at, end - at));
      at = end + 1;
    }
    client.in.erase(0, at);
    if (may_take(client) && client.in.size() > m_bounds.line_bytes) {
      const Error error{
        Kind::bad_data, 0, fmt::format("a line is longer than {} bytes", m_bounds.line_bytes)};
      send(client, m_service->refusal(error, std::nullopt));
      client.is_cut_off = true;
      client.in.clear();
    }
    if (may_take(client) && client.has_ended && !client.in.empty()) {
      const auto rest = std::exchange(client.in, std::string()); // the last line has no end
      take_line(client, rest);
    }
    listen_to(client);
  }

  // False: the connection is broken.
  static bool receive(Client& client)
  {
    std::array<char, k_read_at_once> buffer;
    const auto got = ::recv(client.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) {
      return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    }
    client.has_ended = got == 0;
    client.in.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
  }

  static bool transmit(Client& client)
  {
    const auto sent =
      ::send(client.fd.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    }
    client.out.erase(0, static_cast<std::size_t>(sent));
    client.read = Clock::now();
    return true;
  }

  void serve(Client& client, std::uint32_t events)
  {
    bool whole = true;
    if ((events & EPOLLOUT) != 0) {
      whole = transmit(client);
      call_work();
    }
    if (whole && (events & EPOLLIN) != 0) {
      whole = receive(client);
    }
    take_lines(client);
    // One who has hung up hears no answer; what it sent before is still read.
    const bool hung_up = (events & (EPOLLHUP | EPOLLERR)) != 0;
    const bool has_more = (events & EPOLLIN) != 0 && !client.has_ended && may_take(client);
    if (!whole || (hung_up && !has_more) || is_done(client)) {
      drop(client.id);
    }
  }

  void drop(ClientId id)
  {
    const auto found = m_clients.find(id);
    if (found == m_clients.end()) {
      return;
    }
    const auto of_uid = m_of_uid.find(found->second->peer.uid);
    if (--of_uid->second == 0) {
      m_of_uid.erase(of_uid);
    }
    m_clients.erase(found);
    m_alone_since = Clock::now();
    call_work(); // what is being done for it can stop
  }

  Result<> admit(UniqueFd fd);
  Result<> has_place(const Peer& peer);
  void tick();

  static int on_connect(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_client(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_work(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_watched(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_tick(sd_event_source* source, std::uint64_t usec, void* self);

  const Bounds& m_bounds;
  Service* m_service = nullptr;
  Event m_event;
  UniqueFd m_wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Source m_work; // declared after its descriptor
  std::map<ClientId, std::unique_ptr<Client>> m_clients;
  std::map<uid_t, std::size_t> m_of_uid;
  std::vector<ClientId> m_to_resume;
  std::map<int, ClientId> m_by_fd;
  ClientId m_last_id = 0;
  Clock::time_point m_alone_since = Clock::now();
};

Result<> LineServer::Loop::has_place(const Peer& peer)
{
  const auto of_uid = m_of_uid.find(peer.uid);
  if (of_uid != m_of_uid.end() && of_uid->second >= m_bounds.clients_of_uid) {
    return fail(Kind::busy, "'{}' has {} connections already", peer.account, of_uid->second);
  }
  if (m_clients.size() >= m_bounds.clients) {
    return fail(Kind::busy, "there are {} connections already", m_clients.size());
  }
  return {};
}

Result<> LineServer::Loop::admit(UniqueFd fd)
{
  CONOS_TRY(auto peer, peer_of(fd));
  auto allowed = m_service->admit(peer);
  if (allowed) {
    allowed = has_place(peer);
  }
  if (!allowed) {
    send_away(*m_service, fd, allowed.error());
    return {};
  }
  auto client = std::make_unique<Client>();
  client->id = ++m_last_id;
  client->peer = std::move(peer);
  client->fd = std::move(fd);
  client->spoke = client->read = Clock::now();
  sd_event_source* source = nullptr;
  CONOS_CHECK(
    checked(sd_event_add_io(m_event.get(), &source, client->fd.get(), EPOLLIN, on_client, this),
      "listen to a client"));
  client->io.reset(source);
  m_by_fd[client->fd.get()] = client->id;
  ++m_of_uid[client->peer.uid];
  m_clients.emplace(client->id, std::move(client));
  return {};
}

int LineServer::Loop::on_connect(
  sd_event_source* /*unused*/, int fd, std::uint32_t /*unused*/, void* self)
{
  auto& loop = *static_cast<Loop*>(self);
  for (int i = 0; i < k_accepts_at_once; ++i) {
    UniqueFd client(::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client) {
      return 0;
    }
    if (const auto admitted = loop.admit(std::move(client)); !admitted) {
      log::warning("close a connection: {}", admitted.error().text());
    }
  }
  return 0;
}

int LineServer::Loop::on_client(
  sd_event_source* /*unused*/, int fd, std::uint32_t events, void* self)
{
  auto& loop = *static_cast<Loop*>(self);
  if (auto* client = loop.find(loop.m_by_fd[fd]); client != nullptr) {
    loop.serve(*client, events);
  }
  return 0;
}

int LineServer::Loop::on_work(
  sd_event_source* /*unused*/, int fd, std::uint32_t /*unused*/, void* self)
{
  auto& loop = *static_cast<Loop*>(self);
  eventfd_t count = 0;
  (void)::eventfd_read(fd, &count); // first: what follows may ask for it again
  if (loop.m_service->work()) {
    loop.call_work();
  }
  for (const auto id : std::exchange(loop.m_to_resume, {})) {
    if (auto* client = loop.find(id); client != nullptr) {
      const bool whole = client->out.empty() || transmit(*client); // at once, not in its turn
      loop.take_lines(*client);
      if (!whole || is_done(*client)) {
        loop.drop(id);
      }
    }
  }
  return 0;
}

// The service reads it as it works.
int LineServer::Loop::on_watched(
  sd_event_source* /*unused*/, int /*unused*/, std::uint32_t /*unused*/, void* self)
{
  auto& loop = *static_cast<Loop*>(self);
  return on_work(nullptr, loop.m_wake.get(), 0, self);
}

int LineServer::Loop::on_tick(sd_event_source* source, std::uint64_t usec, void* self)
{
  static_cast<Loop*>(self)->tick();
  (void)sd_event_source_set_time(source, usec + k_tick_usec);
  return 0;
}

void LineServer::Loop::tick()
{
  const auto now = Clock::now();
  std::vector<ClientId> gone;
  for (const auto& [id, client] : m_clients) {
    const bool silent =
      client->owed == 0 && client->out.empty() && now - client->spoke > m_bounds.silence;
    const bool stalled = !client->out.empty() && now - client->read > m_bounds.stall;
    if (silent || stalled) {
      gone.push_back(id);
    }
  }
  for (const auto id : gone) {
    drop(id);
  }
  m_service->tick();
  if (m_clients.empty() && now - m_alone_since >= m_bounds.idle) {
    (void)sd_event_exit(m_event.get(), 0);
  }
}

Result<> LineServer::Loop::run(const std::vector<UniqueFd>& listeners, Service& service)
{
  m_service = &service;
  sd_event* event = nullptr;
  CONOS_CHECK(checked(sd_event_new(&event), "make an event loop"));
  m_event.reset(event);

  sigset_t term;
  (void)sigemptyset(&term);
  (void)sigaddset(&term, SIGTERM);
  (void)::pthread_sigmask(SIG_BLOCK, &term, nullptr);
  CONOS_CHECK(
    checked(sd_event_add_signal(event, nullptr, SIGTERM, nullptr, nullptr), "wait for a signal"));

  // All have one priority, and what is ready longest comes first: what one floods cannot keep what
  // has been taken from being done, nor that who is waiting from being heard. An event source of
  // sd_event_add_defer() would not do: it counts as ready since it was made, so always comes first.
  sd_event_source* work = nullptr;
  CONOS_CHECK(
    checked(sd_event_add_io(event, &work, m_wake.get(), EPOLLIN, on_work, this), "listen to us"));
  m_work.reset(work);
  Source watched;
  if (service.watched() >= 0) {
    CONOS_CHECK(checked(
      sd_event_add_io(event, &work, service.watched(), EPOLLIN, on_watched, this), "watch"));
    watched.reset(work);
  }

  Source tick;
  sd_event_source* raw = nullptr;
  CONOS_CHECK(
    checked(sd_event_add_time_relative(event, &raw, CLOCK_MONOTONIC, k_tick_usec, 0, on_tick, this),
      "make a timer"));
  tick.reset(raw);
  CONOS_CHECK(checked(sd_event_source_set_enabled(raw, SD_EVENT_ON), "set a timer"));

  std::vector<Source> accepting;
  for (const auto& listener : listeners) {
    CONOS_CHECK(
      checked(sd_event_add_io(event, &raw, listener.get(), EPOLLIN, on_connect, this), "listen"));
    accepting.emplace_back(raw);
  }
  const int ended = sd_event_loop(event);
  m_service->stop();
  for (const auto& [id, client] : m_clients) {
    (void)transmit(*client); // receipts of what was still recorded
  }
  accepting.clear();
  m_clients.clear();
  m_work.reset();
  return checked(ended, "wait for clients");
}

// --- from outside --------------------------------------------------------------------------------

LineServer::LineServer(const Bounds& bounds)
    : m_bounds(bounds)
    , m_loop(std::make_unique<Loop>(m_bounds))
{
}

LineServer::~LineServer() = default;

Result<> LineServer::run(const std::vector<UniqueFd>& listeners, Service& service)
{
  return m_loop->run(listeners, service);
}

void LineServer::send(ClientId client, std::string_view text)
{
  if (auto* found = m_loop->find(client); found != nullptr) {
    m_loop->send(*found, text);
  }
}

void LineServer::finish(ClientId client)
{
  if (auto* found = m_loop->find(client); found != nullptr) {
    m_loop->finish(*found);
  }
}

bool LineServer::is_there(ClientId client) const
{
  return m_loop->find(client) != nullptr;
}

bool LineServer::has_room(ClientId client) const
{
  const auto* found = m_loop->find(client);
  return found != nullptr && found->out.size() < k_sent_ahead;
}

} // namespace conos::serve
