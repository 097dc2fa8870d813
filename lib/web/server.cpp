#include "web/server.hpp"

#include <microhttpd.h>
#include <poll.h>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <memory>

namespace conos::web {

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned k_connections = 64;
constexpr std::size_t k_connection_bytes = 32768; // of a request's head, and of what is on its way

// A connection brings one request, and is ended when it is this old, whatever still comes or goes
// by it: who sends a byte now and then keeps nobody out. Sooner where all are taken.
constexpr auto k_life = std::chrono::seconds(30);
constexpr auto k_life_when_full = std::chrono::seconds(2);

// One that was just made is about to bring its request.
constexpr auto k_youth = std::chrono::seconds(1);

struct StopDaemon {
  void operator()(MHD_Daemon* daemon) const
  {
    (void)MHD_quiesce_daemon(daemon); // the socket is systemd's too: it is not shut down with us
    MHD_stop_daemon(daemon);
  }
};

struct FreeResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

class Server
{
public:
  explicit Server(const Site& site)
      : m_site(site)
  {
  }

  Result<> serve(const UniqueFd& listener, Duration idle)
  {
    const std::unique_ptr<MHD_Daemon, StopDaemon> daemon(MHD_start_daemon(MHD_USE_EPOLL, 0, nullptr,
      nullptr, &Server::on_request, this, MHD_OPTION_LISTEN_SOCKET, listener.get(),
      MHD_OPTION_CONNECTION_LIMIT, k_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      k_connection_bytes, MHD_OPTION_NOTIFY_CONNECTION, &Server::on_connection, this,
      MHD_OPTION_NOTIFY_COMPLETED, &Server::on_completed, this, MHD_OPTION_END));
    const auto* info =
      daemon == nullptr ? nullptr : MHD_get_daemon_info(daemon.get(), MHD_DAEMON_INFO_EPOLL_FD);
    if (info == nullptr) {
      return fail(Kind::os, "the web server could not be started");
    }
    while (is_needed(Clock::now(), idle)) {
      ::pollfd wait{info->epoll_fd, POLLIN, 0};
      if (::poll(&wait, 1, pause_ms(daemon.get())) < 0 && errno != EINTR) {
        return os_error("wait for requests");
      }
      end_old(Clock::now());
      (void)MHD_run(daemon.get());
    }
    return {}; // who was not let in yet waits in the socket, for the next of us
  }

private:
  bool is_needed(Clock::time_point now, Duration idle) const
  {
    return now - m_last < idle || m_requests > 0 ||
           std::any_of(m_since.begin(), m_since.end(), [&](const auto& connection) {
             return now - connection.second < k_youth;
           });
  }

  static int pause_ms(MHD_Daemon* daemon)
  {
    constexpr MHD_UNSIGNED_LONG_LONG k_look_ms = 500;
    MHD_UNSIGNED_LONG_LONG ms = k_look_ms;
    return MHD_get_timeout(daemon, &ms) == MHD_YES ? static_cast<int>(std::min(ms, k_look_ms))
                                                   : static_cast<int>(k_look_ms);
  }

  // The daemon sees that they are shut, and closes them.
  void end_old(Clock::time_point now) const
  {
    const auto life = m_since.size() < k_connections ? k_life : k_life_when_full;
    for (const auto& [connection, since] : m_since) {
      const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
      if (now - since >= life && info != nullptr) {
        (void)::shutdown(info->connect_fd, SHUT_RDWR);
      }
    }
  }

  static void on_connection(
    void* self, MHD_Connection* connection, void** /*unused*/, MHD_ConnectionNotificationCode code)
  {
    auto& server = *static_cast<Server*>(self);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      server.m_since[connection] = Clock::now();
    } else {
      server.m_since.erase(connection);
    }
  }

  static void on_completed(
    void* self, MHD_Connection* /*connection*/, void** state, MHD_RequestTerminationCode /*code*/)
  {
    auto& server = *static_cast<Server*>(self);
    server.m_requests -= *state == nullptr ? 0 : 1;
    *state = nullptr;
  }

  static std::string_view header(MHD_Connection* connection, const char* name)
  {
    const auto* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value == nullptr ? std::string_view() : std::string_view(value);
  }

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
    const char* method, const char* /*version*/, const char* /*data*/, std::size_t* size,
    void** state)
  {
    auto& server = *static_cast<Server*>(self);
    server.m_last = Clock::now();
    if (*state == nullptr) {
      *state = self; // the head is here; a body, if there is one, is passed over
      ++server.m_requests;
      return MHD_YES;
    }
    if (*size > 0) {
      *size = 0;
      return MHD_YES;
    }
    return give(connection, answer(server.m_site, {method, url, header(connection, "Host"),
                                                    header(connection, "If-None-Match"),
                                                    header(connection, "If-Modified-Since")}));
  }

  static MHD_Result give(MHD_Connection* connection, Answer answer)
  {
    const std::unique_ptr<MHD_Response, FreeResponse> response(
      answer.file ? MHD_create_response_from_fd(answer.size, answer.file.get())
                  : MHD_create_response_from_buffer(
                      answer.body.size(), answer.body.data(), MHD_RESPMEM_MUST_COPY));
    if (response == nullptr) {
      return MHD_NO;
    }
    (void)answer.file.release(); // the response closes it
    (void)MHD_add_response_header(response.get(), "Connection", "close");
    for (const auto& [name, value] : answer.headers) {
      (void)MHD_add_response_header(response.get(), name.c_str(), value.c_str());
    }
    return MHD_queue_response(connection, static_cast<unsigned>(answer.status), response.get());
  }

  const Site& m_site;
  Clock::time_point m_last = Clock::now(); // somebody asked
  std::map<MHD_Connection*, Clock::time_point> m_since;
  int m_requests = 0; // that are being answered
};

} // namespace

Result<> serve(const Site& site, UniqueFd listener, Duration idle)
{
  return Server(site).serve(listener, idle);
}

} // namespace conos::web
