#include "artifact/service.hpp"

#include "artifact/store.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <microhttpd.h>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>

namespace conos::artifact {

namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned k_connections = 256;
constexpr unsigned k_connection_s = 10;           // of silence
constexpr std::size_t k_connection_bytes = 16384; // of a request's head

struct StopDaemon {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};

struct FreeResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};

class Service
{
public:
  Service(const std::string& directory, std::vector<Key> keys)
      : m_directory(directory)
      , m_keys(std::move(keys))
  {
  }

  Result<> serve(const UniqueFd& listener, Duration idle)
  {
    const std::unique_ptr<MHD_Daemon, StopDaemon> daemon(MHD_start_daemon(MHD_USE_EPOLL, 0, nullptr,
      nullptr, &Service::on_request, this, MHD_OPTION_LISTEN_SOCKET, listener.get(),
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
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* /*url*/,
    const char* method, const char* /*version*/, const char* /*data*/, std::size_t* size,
    void** state)
  {
    auto& service = *static_cast<Service*>(self);
    service.m_last = Clock::now();
    if (*state == nullptr) {
      *state = self; // the head is here; a body, if there is one, is passed over
      return MHD_YES;
    }
    if (*size > 0) {
      *size = 0;
      return MHD_YES;
    }
    const std::string_view called = method;
    const bool only_looks = called == "GET" || called == "HEAD";
    return give(connection,
      only_looks ? service.answer(connection) : Verdict{400, {}, {}, {}, "it is no question"});
  }

  Verdict answer(MHD_Connection* connection) const
  {
    for (const auto* name : {"X-Original-URI", "X-Forwarded-Uri"}) {
      const auto* uri = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
      if (uri != nullptr) {
        auto verdict = judge(m_directory, uri, m_keys, now());
        if (!verdict.why.empty()) {
          log::notice("'{}' is not shown: {}", escaped(uri, 80), escaped(verdict.why));
        }
        return verdict;
      }
    }
    return Verdict{400, {}, {}, {}, "it is no question"};
  }

  static MHD_Result give(MHD_Connection* connection, const Verdict& verdict)
  {
    const std::unique_ptr<MHD_Response, FreeResponse> response(
      MHD_create_response_from_buffer(0, nullptr, MHD_RESPMEM_PERSISTENT));
    if (verdict.status == MHD_HTTP_OK) {
      (void)MHD_add_response_header(response.get(), "X-Conos-Content", verdict.content.c_str());
      (void)MHD_add_response_header(response.get(), "X-Conos-Type", verdict.content_type.c_str());
      (void)MHD_add_response_header(response.get(), "X-Conos-File", verdict.file.c_str());
    }
    (void)MHD_add_response_header(response.get(), "Cache-Control", "no-store");
    return MHD_queue_response(connection, static_cast<unsigned>(verdict.status), response.get());
  }

  const std::string& m_directory;
  std::vector<Key> m_keys;
  Clock::time_point m_last = Clock::now();
};

} // namespace

Verdict judge(
  const std::string& directory, std::string_view uri, const std::vector<Key>& keys, Time now)
{
  const auto asked = parse_asked(uri);
  if (!asked) {
    return {asked.error().kind == Kind::bad_data ? 400 : 401, {}, {}, {}, asked.error().what};
  }
  const auto store = Store::open(directory);
  const auto artifact =
    store ? store->get(asked->id) : Result<Artifact>(tl::unexpected<Error>(store.error()));
  if (!artifact) {
    return {403, {}, {}, {}, artifact.error().text()};
  }
  if (const auto why = objection_to(*asked, *artifact, keys, now)) {
    return {403, {}, {}, {}, *why};
  }
  return {200, artifact->sha256, artifact->content_type, artifact->file, {}};
}

Result<> serve(
  const std::string& directory, std::vector<Key> keys, UniqueFd listener, Duration idle)
{
  return Service(directory, std::move(keys)).serve(listener, idle);
}

} // namespace conos::artifact
