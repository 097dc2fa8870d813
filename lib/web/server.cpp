#include "web/server.hpp"

#include <microhttpd.h>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <memory>

namespace conos::web {

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned k_connections = 64;
constexpr unsigned k_connection_s = 10;           // of silence
constexpr std::size_t k_connection_bytes = 32768; // of a request's head, and of what is on its way

struct StopDaemon {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
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
      MHD_OPTION_CONNECTION_LIMIT, k_connections, MHD_OPTION_CONNECTION_TIMEOUT, k_connection_s,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, k_connection_bytes, MHD_OPTION_END));
    const auto* info =
      daemon == nullptr ? nullptr : MHD_get_daemon_info(daemon.get(), MHD_DAEMON_INFO_EPOLL_FD);
    if (info == nullptr) {
      return fail(Kind::os, "the web server could not be started");
    }
    while (Clock::now() - m_last < idle) {
      ::pollfd wait{info->epoll_fd, POLLIN, 0};
      constexpr int k_look_ms = 500;
      if (::poll(&wait, 1, k_look_ms) < 0 && errno != EINTR) {
        return os_error("wait for requests");
      }
      (void)MHD_run(daemon.get());
    }
    // what came in the last moment waits in the socket, for the next of us
    (void)UniqueFd(MHD_quiesce_daemon(daemon.get())).release();
    return {};
  }

private:
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
    const std::unique_ptr<MHD_Response, FreeResponse> response(MHD_create_response_from_buffer(
      answer.body.size(), answer.body.data(), MHD_RESPMEM_MUST_COPY));
    if (response == nullptr) {
      return MHD_NO;
    }
    for (const auto& [name, value] : answer.headers) {
      (void)MHD_add_response_header(response.get(), name.c_str(), value.c_str());
    }
    return MHD_queue_response(connection, static_cast<unsigned>(answer.status), response.get());
  }

  const Site& m_site;
  Clock::time_point m_last = Clock::now();
};

} // namespace

Result<> serve(const Site& site, UniqueFd listener, Duration idle)
{
  return Server(site).serve(listener, idle);
}

} // namespace conos::web
