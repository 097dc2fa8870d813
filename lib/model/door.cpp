#include "model/door.hpp"

#include "audit/clerk.hpp"
#include "budget/current.hpp"
#include "budget/store.hpp"
#include "model/answer.hpp"
#include "model/body.hpp"
#include "model/request.hpp"
#include "model/retry.hpp"
#include "model/scrub.hpp"
#include "model/usage.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <curl/curl.h>
#include <microhttpd.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <utility>

namespace conos::model {

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
using budget::Amount;
using budget::Spent;
using std::chrono::duration_cast;

constexpr std::size_t k_buffer = 128U << 10U;            // of an answer, on its way to the caller
constexpr std::size_t k_max_error_bytes = 256U << 10U;   // of an answer that is none
constexpr std::size_t k_max_requests_bytes = 64U << 20U; // of all requests being served
constexpr std::size_t k_max_header_bytes = 512;
constexpr double k_refusals_each_second = 5; // that get a row each; the rest is counted
constexpr double k_refusals_at_once = 50;
constexpr unsigned k_idle_connection_s = 60;

struct FreeResponse {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using Response = std::unique_ptr<MHD_Response, FreeResponse>;

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct StopDaemon {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};

// Somebody stops the unit: what is under way is broken off, and paid for.
volatile std::sig_atomic_t g_is_stopped = 0;

Result<> heed_stop()
{
  struct sigaction action = {};
  action.sa_handler = [](int) {
    g_is_stopped = 1;
  };
  return ::sigaction(SIGTERM, &action, nullptr) < 0 ? os_error("heed SIGTERM") : Result<>{};
}

class Lines
{
public:
  void add(const std::string& line)
  {
    if (auto* longer = curl_slist_append(m_list.get(), line.c_str()); longer != nullptr) {
      (void)m_list.release(); // it is part of the longer one
      m_list.reset(longer);
    }
  }
  curl_slist* get() const { return m_list.get(); }

private:
  std::unique_ptr<curl_slist, FreeList> m_list;
};

// What of the provider's head the caller gets to see.
bool passes_back(std::string_view name)
{
  return name == "content-type" || name == "request-id" || name == "x-request-id" ||
         name == "retry-after" || name == "retry-after-ms" || name == "x-should-retry" ||
         name == "openai-processing-ms" || name.starts_with("x-ratelimit-") ||
         name.starts_with("anthropic-ratelimit-");
}

// What of the caller's head the provider gets to see. Host, Authorization, Transfer-Encoding and
// whatever else there may be stay here.
bool passes_on(std::string_view name)
{
  return name == "anthropic-version" || name == "anthropic-beta" || name == "idempotency-key";
}

// Features in trial that cost more, or do more than answer.
std::string allowed_betas(std::string_view value)
{
  std::vector<std::string> kept;
  for (const auto part : split(value, ',')) {
    const auto beta = trimmed(part);
    const bool is_refused = beta.starts_with("context-1m") || beta.starts_with("mcp-") ||
                            beta.starts_with("code-execution") || beta.starts_with("files-api") ||
                            beta.starts_with("web-") || beta.starts_with("fast-") || beta.empty();
    if (!is_refused) {
      kept.emplace_back(beta);
    }
  }
  return join(kept, ",");
}

bool is_plain_value(std::string_view value, char least)
{
  return !value.empty() && value.size() <= k_max_header_bytes &&
         std::all_of(value.begin(), value.end(), [&](char c) {
           return c >= least && c < 0x7f;
         });
}

// "https://host/v1" and "https://host" are both written for the same server.
std::string address_of(const Provider& provider, std::string_view path)
{
  std::string base = provider.base_url;
  while (base.ends_with('/')) {
    base.pop_back();
  }
  if (base.ends_with("/v1")) {
    base.resize(base.size() - 3);
  }
  return base + std::string(path);
}

class Door;

// One request, from its first line to the last byte of the answer.
struct Call {
  Door* door = nullptr;
  MHD_Connection* connection = nullptr;
  std::list<std::unique_ptr<Call>>::iterator place;

  // --- what was asked
  std::string path;
  std::string method;
  Headers headers;                  // that pass on
  std::vector<std::string> lengths; // what its head says of how long its body is
  bool is_chunked = false;
  bool is_compressed = false;
  std::string body;
  bool is_admitted = false;
  bool is_without_task = false;
  bool is_by_hand = false; // root tries the door
  budget::Caller caller;
  budget::CurrentTask task;
  std::optional<Asked> asked;
  std::vector<const Model*> models;  // to try: the one asked for, then its substitutes
  std::optional<BodyWriter> request; // as it is kept, once it is paid for
  std::string request_sha256;

  // --- the attempt at it
  const Model* model = nullptr;
  std::string sent; // the body as it is sent
  Tokens worst;
  std::int64_t reservation = 0;
  int attempt = 0;
  int attempts = 0; // with all models
  std::unique_ptr<CURL, FreeEasy> easy;
  Lines lines;
  bool is_running = false; // in the hands of curl
  std::optional<Clock::time_point> again_at;
  char trouble[CURL_ERROR_SIZE] = {};

  // --- the provider's answer
  int status = 0;
  Headers answer_headers;
  std::string error_body; // while it is not decided whether the caller gets to see it
  bool is_passing = false;
  std::optional<Scrubber> scrubber;
  std::optional<UsageReader> usage;
  std::optional<BodyWriter> record;
  Clock::time_point began = Clock::now();
  std::optional<Clock::time_point> first_byte;

  // --- to the caller
  std::optional<Answer> answer; // our own, or a whole error of the provider's
  std::string buffer;
  std::size_t taken = 0; // of the buffer
  bool is_paused = false;
  bool is_complete = false; // nothing more comes into the buffer
  bool is_broken = false;   // and it was cut off
  bool is_suspended = false;
  bool is_queued = false;
};

class Door
{
public:
  Door(DoorPlace place, const DoorBounds& bounds, budget::Store store, BodyStore bodies,
    std::unique_ptr<audit::Clerk> clerk)
      : m_place(std::move(place))
      , m_bounds(bounds)
      , m_store(std::move(store))
      , m_bodies(std::move(bodies))
      , m_clerk(std::move(clerk))
      , m_multi(curl_multi_init())
      , m_random(std::random_device()())
  {
  }

  ~Door()
  {
    for (const auto& call : m_calls) {
      wake(*call); // a daemon with suspended connections cannot be stopped
    }
    m_daemons.clear(); // ends what calls there are
  }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  Result<> listen(std::vector<UniqueFd> listeners)
  {
    for (auto& listener : listeners) {
      auto* daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr,
        &Door::on_request, this, MHD_OPTION_LISTEN_SOCKET, listener.get(),
        MHD_OPTION_CONNECTION_LIMIT, m_bounds.connections, MHD_OPTION_CONNECTION_TIMEOUT,
        k_idle_connection_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        static_cast<std::size_t>(48U << 10U), MHD_OPTION_NOTIFY_COMPLETED, &Door::on_completed,
        this, MHD_OPTION_NOTIFY_CONNECTION, &Door::on_connection, this, MHD_OPTION_END);
      if (daemon == nullptr) {
        return fail(Kind::os, "cannot serve on the socket");
      }
      (void)listener.release(); // the daemon closes it
      m_daemons.emplace_back(daemon);
      const auto* info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
      m_waits.push_back({info->epoll_fd, CURL_WAIT_POLLIN, 0});
    }
    return {};
  }

  Result<> run()
  {
    m_last_use = Clock::now();
    m_started = m_last_use;
    for (;;) {
      for (const auto& daemon : m_daemons) {
        (void)MHD_run(daemon.get());
      }
      int running = 0;
      (void)curl_multi_perform(m_multi.get(), &running);
      take_results();
      go_on();
      const auto now = Clock::now();
      if (!m_calls.empty()) {
        m_last_use = now;
      }
      if ((m_calls.empty() && m_is_closing) || g_is_stopped != 0) {
        m_is_closing = true;
        if (m_suppressed > 0) {
          Call flood;
          flood.task = m_flooder;
          write_refusal(flood, "flood", "more was refused than has a row");
        }
        return {};
      }
      if (is_to_end(now)) {
        quiesce(); // who comes now waits for the next door; who came in between is served
        continue;
      }
      wait();
    }
  }

private:
  // --- the loop ----------------------------------------------------------------------------------

  void wait()
  {
    // what was resumed goes on in the next MHD_run, of which MHD_get_timeout knows nothing
    auto timeout = std::chrono::milliseconds(std::exchange(m_has_woken, false) ? 0 : 1000);
    for (const auto& daemon : m_daemons) {
      MHD_UNSIGNED_LONG_LONG ms = 0;
      if (MHD_get_timeout(daemon.get(), &ms) == MHD_YES) {
        timeout = std::min(timeout, std::chrono::milliseconds(ms));
      }
    }
    for (const auto& call : m_calls) {
      if (call->again_at) {
        const auto left = duration_cast<std::chrono::milliseconds>(*call->again_at - Clock::now());
        timeout = std::clamp(left, std::chrono::milliseconds(0), timeout);
      }
    }
    (void)curl_multi_poll(m_multi.get(), m_waits.data(), static_cast<unsigned>(m_waits.size()),
      static_cast<int>(timeout.count()), nullptr);
  }

  bool is_to_end(Clock::time_point now_here) const
  {
    const auto age = now_here - m_started;
    return !m_is_closing && (m_calls.empty() ? now_here - m_last_use > m_bounds.idle ||
                                                 age > m_bounds.life || m_has_old_keys
                                             : age > m_bounds.longest);
  }

  // A key was refused, or is missing: by now there may be another one, which the next door gets.
  // Not at once, or a program that keeps asking would have one started for every call.
  void doubt_keys()
  {
    m_has_old_keys = m_has_old_keys || Clock::now() - m_started > std::chrono::seconds(1);
  }

  void quiesce()
  {
    if (!m_is_closing) {
      m_is_closing = true;
      for (const auto& daemon : m_daemons) {
        UniqueFd(MHD_quiesce_daemon(daemon.get()));
      }
    }
  }

  void take_results()
  {
    int left = 0;
    while (auto* message = curl_multi_info_read(m_multi.get(), &left)) {
      if (message->msg == CURLMSG_DONE) {
        Call* call = nullptr;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        const auto result = message->data.result;
        stop(*call);
        ended(*call, result);
      }
    }
  }

  void go_on()
  {
    for (const auto& call : m_calls) {
      if (call->again_at && *call->again_at <= Clock::now()) {
        call->again_at.reset();
        begin(*call);
      }
      if (call->is_paused && call->taken == call->buffer.size()) {
        call->is_paused = false;
        call->buffer.clear();
        call->taken = 0;
        (void)curl_easy_pause(call->easy.get(), CURLPAUSE_CONT); // gives what it has at once
      }
    }
  }

  void stop(Call& call)
  {
    if (call.is_running) {
      (void)curl_multi_remove_handle(m_multi.get(), call.easy.get());
      call.is_running = false;
    }
  }

  // --- the caller's side -------------------------------------------------------------------------

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
    const char* method, const char* /*version*/, const char* data, std::size_t* size, void** state)
  {
    auto& door = *static_cast<Door*>(self);
    if (*state == nullptr) {
      auto& call = door.open_call(connection, url, method);
      *state = &call;
      door.look_at_head(call);
      return call.answer ? give(call) : MHD_YES; // an answer now is instead of reading the body
    }
    auto& call = *static_cast<Call*>(*state);
    if (*size > 0) {
      const std::string_view piece(data, *size);
      *size = 0;
      return door.take_body(call, piece) ? MHD_YES : MHD_NO;
    }
    return door.answer(call);
  }

  static void on_completed(
    void* self, MHD_Connection* /*connection*/, void** state, MHD_RequestTerminationCode /*code*/)
  {
    auto& door = *static_cast<Door*>(self);
    if (*state != nullptr) {
      auto& call = *static_cast<Call*>(*state);
      if (!call.is_admitted && !call.answer && !door.m_is_closing) {
        (void)door.is_ours(call);
        door.note_refusal(call, "request", "only a part of a request came");
      }
      door.close_call(call);
      *state = nullptr;
    }
  }

  static void on_connection(
    void* self, MHD_Connection* connection, void** /*unused*/, MHD_ConnectionNotificationCode code)
  {
    auto& door = *static_cast<Door*>(self);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      door.m_silent.insert(connection);
    } else if (door.m_silent.erase(connection) > 0 && !door.m_is_closing) {
      Call call;
      call.connection = connection;
      door.take_task(call);
      door.note_refusal(call, "request", "a connection brought no request");
    }
  }

  Call& open_call(MHD_Connection* connection, const char* url, const char* method)
  {
    m_calls.push_back(std::make_unique<Call>());
    auto& call = *m_calls.back();
    call.place = std::prev(m_calls.end());
    call.door = this;
    call.connection = connection;
    m_silent.erase(connection);
    call.path = url;
    call.method = method;
    call.caller.agent = m_place.settings.agent;
    call.caller.tier = m_place.settings.tier;
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, &Door::on_header, &call);
    return call;
  }

  static MHD_Result on_header(
    void* self, MHD_ValueKind /*kind*/, const char* key, const char* value)
  {
    auto& call = *static_cast<Call*>(self);
    const auto name = lower(key == nullptr ? "" : key);
    std::string text = value == nullptr ? "" : value;
    if (name == "content-encoding") {
      call.is_compressed = lower(text) != "identity";
    } else if (name == "content-length") {
      call.lengths.push_back(text);
    } else if (name == "transfer-encoding") {
      call.is_chunked = true;
    }
    if (name == "anthropic-beta") {
      text = allowed_betas(text);
    }
    if (passes_on(name) && is_plain_value(text, '!')) { // no blanks, as of a folded line
      call.headers.emplace_back(name, text);
    }
    return MHD_YES;
  }

  // What is refused by its head alone. A body whose length can be understood in two ways could end
  // elsewhere for somebody else.
  void look_at_head(Call& call)
  {
    const auto refuse_it = [&](int status, const char* type, const char* reason,
                             const std::string& what) {
      (void)is_ours(call); // whose task it is, for the record
      refuse(call, status, type, reason, what);
    };
    const auto& lengths = call.lengths;
    if (lengths.size() > 1 || (call.is_chunked && !lengths.empty())) {
      return refuse_it(
        400, "invalid_request_error", "request", "a request says in two ways how long it is");
    }
    if (call.is_compressed) {
      return refuse_it(
        415, "invalid_request_error", "request", "the model door reads no compressed requests");
    }
    std::uint64_t length = 0;
    for (const auto& text : lengths) {
      const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), length);
      if (wrong != std::errc() || end != text.data() + text.size() ||
          length > k_max_request_bytes) {
        return refuse_it(413, "request_too_large", "size", too_large());
      }
    }
  }

  static std::string too_large()
  {
    return fmt::format("a request has more than {} bytes", k_max_request_bytes);
  }

  static Family family(const Call& call) { return family_of(call.path).value_or(Family::messages); }

  // False: the connection is closed, for what comes is not worth reading to its end.
  bool take_body(Call& call, std::string_view piece)
  {
    m_requests_bytes += piece.size();
    call.body += piece;
    if (call.body.size() > k_max_request_bytes || m_requests_bytes > k_max_requests_bytes) {
      (void)is_ours(call);
      refuse(call, 413, "request_too_large", "size", too_large());
      return false;
    }
    if (Clock::now() - call.began > m_bounds.request) {
      (void)is_ours(call);
      refuse(call, 408, "invalid_request_error", "request", "a request took too long to come");
      return false;
    }
    return true;
  }

  MHD_Result answer(Call& call)
  {
    if (call.is_queued) {
      return MHD_YES;
    }
    if (!call.answer && !call.is_passing && !call.is_admitted) {
      consider(call);
    }
    if (call.answer) {
      return give(call);
    }
    if (call.is_passing) {
      return pass(call);
    }
    MHD_suspend_connection(call.connection);
    call.is_suspended = true;
    return MHD_YES;
  }

  static void wake(Call& call)
  {
    if (call.is_suspended) {
      call.is_suspended = false;
      MHD_resume_connection(call.connection);
      call.door->m_has_woken = true;
    }
  }

  static void add_headers(MHD_Response* response, const Headers& headers)
  {
    for (const auto& [name, value] : headers) {
      (void)MHD_add_response_header(response, name.c_str(), value.c_str());
    }
  }

  static MHD_Result give(Call& call)
  {
    const auto& answer = *call.answer;
    const Response response(MHD_create_response_from_buffer(
      answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY));
    add_headers(response.get(), answer.headers);
    call.is_queued = true;
    return MHD_queue_response(
      call.connection, static_cast<unsigned>(answer.status), response.get());
  }

  static MHD_Result pass(Call& call)
  {
    const Response response(MHD_create_response_from_callback(
      MHD_SIZE_UNKNOWN, 64U << 10U, &Door::on_room, &call, nullptr));
    add_headers(response.get(), call.answer_headers);
    call.is_queued = true;
    return MHD_queue_response(call.connection, static_cast<unsigned>(call.status), response.get());
  }

  static ssize_t on_room(void* self, std::uint64_t /*at*/, char* into, std::size_t most)
  {
    auto& call = *static_cast<Call*>(self);
    const auto size = std::min(most, call.buffer.size() - call.taken);
    if (size > 0) {
      std::copy_n(call.buffer.data() + call.taken, size, into);
      call.taken += size;
      if (call.taken == call.buffer.size()) {
        call.buffer.clear();
        call.taken = 0;
      }
      return static_cast<ssize_t>(size);
    }
    if (call.is_complete) {
      return call.is_broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    }
    MHD_suspend_connection(call.connection);
    call.is_suspended = true;
    return 0;
  }

  void close_call(Call& call)
  {
    if (!call.is_complete && call.reservation != 0) {
      const bool was_sent = call.is_running;
      stop(call);
      conclude(call, was_sent ? "caller-left" : "not-made", was_sent || call.is_passing);
    }
    stop(call);
    m_requests_bytes -= std::min(m_requests_bytes, call.body.size());
    m_last_use = Clock::now();
    m_calls.erase(call.place);
  }

  // --- the checks --------------------------------------------------------------------------------

  void consider(Call& call)
  {
    call.is_admitted = true;
    const auto called = family_of(call.path);
    if (!is_ours(call)) {
      refuse(call, 403, "permission_error", "caller",
        "this is the model door of agent " + m_place.settings.agent);
    } else if (call.path == "/v1/models" && call.method == "GET") {
      call.answer = models_answer(m_place.settings);
    } else if (!called || call.method != "POST") {
      refuse(call, 404, "not_found_error", "request",
        "the model door has POST /v1/messages, /v1/chat/completions, /v1/responses and "
        "GET /v1/models");
    } else {
      check(call, *called);
    }
  }

  // The owner and the kernel say who calls; in a network of its own there is nobody else.
  bool is_ours(Call& call)
  {
    const auto* info = MHD_get_connection_info(call.connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    int domain = 0;
    socklen_t size = sizeof(domain);
    if (info == nullptr ||
        ::getsockopt(info->connect_fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) {
      return false;
    }
    bool& is_root = call.is_by_hand;
    if (domain == AF_UNIX) {
      ucred peer = {};
      size = sizeof(peer);
      if (::getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        return false;
      }
      is_root = peer.uid == 0;
      if (!is_root && peer.uid != m_place.settings.uid) {
        return false;
      }
    }
    if (!is_root) { // root tries the door, and is nobody's task
      take_task(call);
      call.is_without_task = call.caller.task.empty();
    }
    return true;
  }

  void take_task(Call& call) const
  {
    auto task = budget::read_current(m_place.current, m_place.settings.agent);
    if (task && *task) {
      call.task = std::move(**task);
      call.caller.task = call.task.id;
    }
  }

  void check(Call& call, Family called)
  {
    auto asked = examine(called, call.body);
    if (call.is_without_task) {
      return refuse(call, 403, "permission_error", "task",
        "agent " + m_place.settings.agent + " is not working on a task");
    }
    if (!asked) {
      const bool is_denied = asked.error().kind == Kind::denied;
      return refuse(call, is_denied ? 403 : 400,
        is_denied ? "permission_error" : "invalid_request_error", "request",
        (is_denied ? "" : "the model door cannot read this request: ") + asked.error().what);
    }
    call.asked = std::move(*asked);
    find_models(call);
    if (call.answer) {
      return;
    }
    if (!m_bodies.has_room()) {
      return cannot_record(call, "the disk is full");
    }
    call.request.emplace(m_bodies);
    call.request->write(call.body);
    call.request_sha256 = call.request->digest();
    begin(call);
  }

  void cannot_record(Call& call, const std::string& why)
  {
    log::error("keep a request: {}", why);
    refuse(call, 503, "api_error", "record", "the request cannot be recorded now: " + why);
  }

  void find_models(Call& call)
  {
    const auto& settings = m_place.settings;
    const auto& name = call.asked->model;
    const auto* model = find_model(settings, name);
    if (model == nullptr) {
      std::vector<std::string> names;
      for (const auto& one : settings.models) {
        names.push_back(one.name);
      }
      return refuse(call, 403, "permission_error", "model",
        fmt::format("agent {} may not call model '{}'; it may call {}", settings.agent,
          escaped(name, 80), join(names, ", ")));
    }
    if (provider_of(settings, *model).api != api_of(call.asked->family)) {
      return refuse(call, 400, "invalid_request_error", "model",
        fmt::format("model '{}' is called by {}", model->name,
          provider_of(settings, *model).api == Api::anthropic
            ? "/v1/messages"
            : "/v1/chat/completions or /v1/responses"));
    }
    if (!model->price) {
      return refuse(call, 403, "permission_error", "price",
        fmt::format("nobody knows what model '{}' costs: an administrator says so in "
                    "/etc/conos/prices.toml",
          model->name));
    }
    if (has_its_key(*model)) {
      call.models.push_back(model);
    }
    for (const auto& substitute : settings.fallback) {
      const auto* other = find_model(settings, substitute);
      if (other != nullptr && other != model && other->price && has_its_key(*other) &&
          provider_of(settings, *other).api == api_of(call.asked->family)) {
        call.models.push_back(other);
      }
    }
    if (call.models.empty()) {
      doubt_keys();
      // a type of its own, by which conos-think knows that it is alone
      refuse(call, 401, "no_provider", "provider",
        fmt::format("there is no key for '{0}': echo KEY | conos secret set {0}", model->provider));
    }
  }

  // A server of one's own without TLS needs none.
  bool has_its_key(const Model& model) const
  {
    return m_place.key_of.contains(model.provider) ||
           !provider_of(m_place.settings, model).base_url.starts_with("https://");
  }

  // --- the budget --------------------------------------------------------------------------------

  bool reserve(Call& call)
  {
    if (call.reservation != 0) {
      return true;
    }
    const auto& settings = m_place.settings;
    call.worst = worst_of(*call.asked, *call.model->price);
    const Amount worst{
      call.worst.all_input() + call.worst.output, cost_of(call.worst, *call.model->price)};
    auto reserved = m_store.reserve(call.caller, settings.limits, settings.usd_day_all, worst,
      row_of(call, "lost", call.worst, ""), now());
    if (!reserved) {
      log::error("reserve: {}", escaped(reserved.error().text()));
      refuse(call, 503, "api_error", "budget", "the budget cannot be looked at now");
      return false;
    }
    if (const auto* refusal = std::get_if<budget::Refusal>(&*reserved)) {
      over_budget(call, *refusal);
      return false;
    }
    call.reservation = std::get<std::int64_t>(*reserved);
    const auto kept = call.request ? call.request->keep() : Result<>{};
    call.request.reset();
    if (!kept) {
      (void)m_store.release(call.reservation); // else it is charged, as what was lost is
      call.reservation = 0;
      cannot_record(call, escaped(kept.error().text()));
      return false;
    }
    return true;
  }

  void over_budget(Call& call, const budget::Refusal& refusal)
  {
    const auto& agent = m_place.settings.agent;
    if (call.is_by_hand) {
      // stops nobody
    } else if (refusal.limit != "paused" && refusal.refill) {
      auto paused = m_store.pause({agent, refusal.refill, refusal.what, now()});
      if (paused) {
        paused = m_store.note(agent, "budget.paused",
          Json{{"agent", agent}, {"limit", refusal.limit}, {"until", rfc3339(*refusal.refill)}}
            .dump());
      }
      if (!paused) {
        log::error("pause: {}", escaped(paused.error().text()));
      }
    } else if (refusal.limit != "paused" && !call.caller.task.empty()) {
      (void)m_store.mark_out_of_budget(agent, call.caller.task); // else it is only tried again
    }
    auto what = refusal.what;
    if (refusal.refill) {
      what += "; again at " + rfc3339(*refusal.refill, 0);
    }
    refuse(call, 402, "billing_error", "budget", what);
    if (refusal.refill) {
      call.answer->headers.emplace_back("x-conos-refill", rfc3339(*refusal.refill, 0));
    }
  }

  // What was reserved becomes what it was. Where nobody knows, and the provider may have done its
  // work, that is the reserve.
  void conclude(Call& call, const std::string& outcome, bool may_have_cost)
  {
    if (call.reservation == 0) {
      return;
    }
    Tokens tokens;
    if (call.is_passing && call.usage && call.usage->is_whole() && call.usage->tokens()) {
      tokens = *call.usage->tokens();
    } else if (may_have_cost) {
      tokens = call.worst;
    }
    std::string response;
    if (call.record) {
      if (auto digest = call.record->finish()) {
        response = *digest;
      } else {
        log::error("keep an answer: {}", escaped(digest.error().text()));
      }
      call.record.reset();
    }
    const Spent spent{1, tokens.all_input(), tokens.output, cost_of(tokens, *call.model->price)};
    const auto settled =
      m_store.settle(call.reservation, spent, row_of(call, outcome, tokens, response));
    if (!settled) {
      log::error("settle: {}", escaped(settled.error().text())); // then the reserve stands
    }
    call.reservation = 0;
    m_clerk->wake();
  }

  static std::int64_t milliseconds_since(Clock::time_point began, Clock::time_point end)
  {
    return duration_cast<std::chrono::milliseconds>(end - began).count();
  }

  std::string row_of(
    const Call& call, const std::string& outcome, const Tokens& tokens, const std::string& response)
  {
    const auto text = [](const std::string& value) {
      return value.empty() ? Json() : Json(value);
    };
    Json row{
      {"agent", m_place.settings.agent},
      {"attempt", call.task.attempt},
      {"cache_read_tokens", tokens.cache_read},
      {"cache_write_tokens", tokens.cache_write + tokens.cache_write_1h},
      {"first_byte_ms",
        call.first_byte ? Json(milliseconds_since(call.began, *call.first_byte)) : Json()},
      {"id", text(call.task.id)},
      {"input_tokens", tokens.all_input()},
      {"latency_ms", milliseconds_since(call.began, Clock::now())},
      {"model", call.model->name},
      {"outcome", outcome},
      {"output_tokens", tokens.output},
      {"provider", call.model->provider},
      {"request_sha256", text(call.request_sha256)},
      {"response_sha256", text(response)},
      {"root", text(call.task.root)},
      {"status", call.status},
      {"tries", call.attempts},
      {"usd_micros", cost_of(tokens, *call.model->price)},
    };
    if (call.model->name != call.asked->model) {
      row["instead_of"] = call.asked->model;
    }
    return row.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  // Refused, by us and for good. A row says so, unless there are too many of them.
  void refuse(Call& call, int status, const std::string& type, const std::string& reason,
    const std::string& message)
  {
    call.answer = error_answer(family(call), status, type, reason, message);
    note_refusal(call, reason, message);
  }

  void note_refusal(const Call& call, const std::string& reason, const std::string& message)
  {
    const auto now_here = Clock::now();
    const std::chrono::duration<double> passed = now_here - m_refusals_at;
    m_refusals_at = now_here;
    m_refusals = std::min(k_refusals_at_once, m_refusals + passed.count() * k_refusals_each_second);
    if (m_refusals < 1) {
      ++m_suppressed;
      m_flooder = call.task;
      return;
    }
    m_refusals -= 1;
    write_refusal(call, reason, message);
  }

  void write_refusal(const Call& call, const std::string& reason, const std::string& message)
  {
    const auto text = [](const std::string& value) {
      return value.empty() ? Json() : Json(value);
    };
    const Json row{{"agent", m_place.settings.agent}, {"id", text(call.task.id)},
      {"model", call.asked ? Json(escaped(call.asked->model, 80)) : Json()}, {"reason", reason},
      {"root", text(call.task.root)}, {"suppressed", m_suppressed}, {"what", escaped(message)}};
    const auto noted = m_store.note(m_place.settings.agent, "model.refused",
      row.dump(-1, ' ', false, Json::error_handler_t::replace));
    if (!noted) {
      log::error("record a refusal: {}", escaped(noted.error().text()));
    }
    m_suppressed = 0;
    m_clerk->wake();
  }

  // --- the provider's side -----------------------------------------------------------------------

  // Makes an attempt, with the first model whose provider is asked at the moment.
  void begin(Call& call)
  {
    while (call.model == nullptr && !call.models.empty()) {
      const auto* model = call.models.front();
      if (m_breaker.allows(model->provider, now())) {
        call.model = model;
        call.attempt = 0;
      } else {
        call.models.erase(call.models.begin());
        call.error_body.clear();
        call.status = 0;
        text_to(call.trouble, "it failed five times in a row, and is left alone for half a minute");
      }
    }
    if (call.model == nullptr) {
      give_up(call);
      return;
    }
    if (!reserve(call)) {
      wake(call);
      return;
    }
    if (const auto sent = send(call); !sent) {
      log::error("call: {}", escaped(sent.error().text()));
      conclude(call, "failed", false);
      give_up(call);
    }
  }

  static void text_to(char (&into)[CURL_ERROR_SIZE], std::string_view text)
  {
    into[text.copy(&into[0], sizeof(into) - 1)] = '\0';
  }

  // Nothing is left to try: the caller gets what the provider said last, or that it said nothing.
  void give_up(Call& call)
  {
    if (call.status != 0) {
      Answer answer{
        call.status, Scrubber::scrubbed(call.error_body, m_place.keys), call.answer_headers};
      std::erase_if(answer.headers, [](const auto& header) {
        return header.first == "x-should-retry";
      });
      answer.headers.emplace_back("x-should-retry", "false"); // that was done here
      call.answer = std::move(answer);
    } else {
      call.answer = error_answer(family(call), 502, "api_error", "provider",
        "the model's provider cannot be reached" +
          (call.trouble[0] == '\0' ? std::string() : ": " + std::string(call.trouble)));
    }
    wake(call);
  }

  Result<> send(Call& call)
  {
    const auto& provider = provider_of(m_place.settings, *call.model);
    auto body = completed(call.body, *call.asked, provider, *call.model->price);
    if (call.model->name != call.asked->model) {
      CONOS_TRY(body, for_model(body, call.model->name));
    }
    call.sent = std::move(body);
    call.lines = headers_for(call, provider);
    call.status = 0;
    call.answer_headers.clear();
    call.error_body.clear();
    call.easy.reset(curl_easy_init());
    auto* easy = call.easy.get();
    if (easy == nullptr) {
      return fail(Kind::os, "no memory");
    }
    const auto set = [&](CURLoption option, auto value) {
      (void)curl_easy_setopt(easy, option, value); // each of these is known to our libcurl
    };
    set(CURLOPT_URL, address_of(provider, call.path).c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.sent.size()));
    set(CURLOPT_POSTFIELDS, call.sent.data());
    set(CURLOPT_HTTPHEADER, call.lines.get());
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(m_bounds.connect.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(m_bounds.call.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(m_bounds.silence.count() / 1000));
    set(CURLOPT_BUFFERSIZE, 64L << 10);
    set(CURLOPT_ERRORBUFFER, &call.trouble[0]);
    set(CURLOPT_PRIVATE, &call);
    set(CURLOPT_HEADERFUNCTION, &Door::on_answer_header);
    set(CURLOPT_HEADERDATA, &call);
    set(CURLOPT_WRITEFUNCTION, &Door::on_answer_body);
    set(CURLOPT_WRITEDATA, &call);
    if (curl_multi_add_handle(m_multi.get(), easy) != CURLM_OK) {
      return fail(Kind::os, "no memory");
    }
    call.is_running = true;
    ++call.attempts;
    return {};
  }

  Lines headers_for(const Call& call, const Provider& provider) const
  {
    Lines lines;
    lines.add("content-type: application/json");
    lines.add(call.asked->stream ? "accept: text/event-stream" : "accept: application/json");
    lines.add("user-agent: conos/" CONOS_VERSION);
    lines.add("expect:"); // none: it would cost a turn
    bool has_version = false;
    for (const auto& [name, value] : call.headers) {
      lines.add(name + ": " + value);
      has_version = has_version || name == "anthropic-version";
    }
    if (provider.api == Api::anthropic && !has_version) {
      lines.add("anthropic-version: 2023-06-01");
    }
    if (const auto key = m_place.key_of.find(provider.name); key != m_place.key_of.end()) {
      const auto text = std::string(m_place.keys[key->second].view());
      lines.add(
        provider.api == Api::anthropic ? "x-api-key: " + text : "authorization: Bearer " + text);
    }
    return lines;
  }

  static std::size_t on_answer_header(char* data, std::size_t size, std::size_t count, void* self)
  {
    auto& call = *static_cast<Call*>(self);
    const std::string_view line(data, size * count);
    if (line.starts_with("HTTP/")) {
      call.answer_headers.clear();
      return line.size();
    }
    const auto colon = line.find(':');
    if (colon != line.npos) {
      const auto name = lower(trimmed(line.substr(0, colon)));
      const auto value =
        Scrubber::scrubbed(trimmed(line.substr(colon + 1)), call.door->m_place.keys);
      if (passes_back(name) && is_plain_value(value, ' ')) {
        call.answer_headers.emplace_back(name, value);
      }
    }
    return line.size();
  }

  static std::size_t on_answer_body(char* data, std::size_t size, std::size_t count, void* self)
  {
    auto& call = *static_cast<Call*>(self);
    return call.door->take_answer(call, {data, size * count});
  }

  std::size_t take_answer(Call& call, std::string_view piece)
  {
    if (!call.is_passing) {
      long status = 0;
      (void)curl_easy_getinfo(call.easy.get(), CURLINFO_RESPONSE_CODE, &status);
      call.status = static_cast<int>(status);
      if (status < 200 || status > 299) { // whether the caller sees it is decided at its end
        const auto room = k_max_error_bytes - call.error_body.size();
        call.error_body += piece.substr(0, room);
        return piece.size();
      }
      start_passing(call);
    }
    if (call.buffer.size() - call.taken > k_buffer) {
      call.is_paused = true;
      return CURL_WRITEFUNC_PAUSE;
    }
    forward(call, call.scrubber->feed(piece));
    return piece.size();
  }

  void start_passing(Call& call)
  {
    call.is_passing = true;
    call.first_byte = Clock::now();
    call.scrubber.emplace(m_place.keys);
    const auto type =
      std::find_if(call.answer_headers.begin(), call.answer_headers.end(), [](const auto& header) {
        return header.first == "content-type";
      });
    const bool is_stream =
      type != call.answer_headers.end() && type->second.starts_with("text/event-stream");
    call.usage.emplace(call.asked->family, is_stream);
    call.record.emplace(m_bodies);
    if (call.model->name != call.asked->model) {
      call.answer_headers.emplace_back("x-conos-model", call.model->name);
    }
    m_requests_bytes -= std::min(m_requests_bytes, call.body.size());
    call.body = {}; // it will not be sent again
  }

  static void forward(Call& call, const std::string& text)
  {
    if (call.taken > 0) {
      call.buffer.erase(0, call.taken);
      call.taken = 0;
    }
    call.buffer += text;
    call.usage->feed(text);
    call.record->write(text);
    wake(call);
  }

  // Whether the provider may have got the request, and worked.
  static bool may_have_cost(CURLcode result, int status)
  {
    for (const auto unsent :
      {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR,
        CURLE_PEER_FAILED_VERIFICATION, CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL}) {
      if (result == unsent) {
        return false;
      }
    }
    return status < 300;
  }

  void ended(Call& call, CURLcode result)
  {
    long status = 0;
    (void)curl_easy_getinfo(call.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    call.status = static_cast<int>(status);
    if (result == CURLE_OPERATION_TIMEDOUT) {
      curl_off_t connected = 0;
      (void)curl_easy_getinfo(call.easy.get(), CURLINFO_PRETRANSFER_TIME_T, &connected);
      result = connected == 0 ? CURLE_COULDNT_CONNECT : result;
    }
    const bool is_good = result == CURLE_OK && status >= 200 && status <= 299;
    if (is_good && !call.is_passing) {
      start_passing(call); // it is empty
    }
    if (call.is_passing) {
      end_answer(call, is_good);
      return;
    }
    if (status == 401) {
      doubt_keys();
    }
    const bool is_weak = result != CURLE_OK || status >= 500;
    if (is_weak) {
      m_breaker.failed(call.model->provider, now());
    }
    if (result != CURLE_OK) {
      call.status = 0;
    }
    const bool has_cost = result != CURLE_OK && may_have_cost(result, static_cast<int>(status));
    if (has_cost) { // each such attempt costs what it can
      conclude(call, "broken", true);
    }
    std::uniform_real_distribution<double> random(0, 1);
    const auto pause = pause_before_retry(
      {call.attempt, call.status, call.answer_headers, call.error_body}, random(m_random));
    if (pause) {
      ++call.attempt;
      call.again_at = Clock::now() + *pause;
      return;
    }
    const bool is_busy = call.status == 0 || call.status == 429 || call.status >= 500;
    if (is_busy) {
      drop_model(call);
    }
    if (is_busy && !call.models.empty()) { // another one may do it
      conclude(call, "failed", false);
      call.model = nullptr;
      begin(call);
      return;
    }
    if (!call.error_body.empty()) {
      call.record.emplace(m_bodies);
      call.record->write(Scrubber::scrubbed(call.error_body, m_place.keys));
    }
    conclude(call, "failed", false);
    give_up(call);
  }

  // Where the money has run out, it has for all models of that provider.
  static void drop_model(Call& call)
  {
    const auto provider = call.model->provider;
    call.models.erase(call.models.begin());
    if (call.status == 429 && is_spend_limit(call.error_body)) {
      std::erase_if(call.models, [&](const Model* model) {
        return model->provider == provider;
      });
    }
  }

  void end_answer(Call& call, bool is_good)
  {
    if (is_good) {
      m_breaker.succeeded(call.model->provider);
    }
    forward(call, call.scrubber->finish());
    const bool is_whole = is_good && call.usage->is_whole();
    call.is_broken = !is_good;
    conclude(call, is_whole ? "answered" : "broken", true);
    call.is_complete = true;
    call.easy.reset();
    wake(call);
  }

  DoorPlace m_place;
  DoorBounds m_bounds;
  budget::Store m_store;
  BodyStore m_bodies;
  std::unique_ptr<audit::Clerk> m_clerk;
  Breaker m_breaker;
  std::unique_ptr<CURLM, FreeMulti> m_multi;
  std::list<std::unique_ptr<Call>> m_calls;
  std::vector<std::unique_ptr<MHD_Daemon, StopDaemon>> m_daemons;
  std::vector<curl_waitfd> m_waits;
  std::minstd_rand m_random;
  std::set<MHD_Connection*> m_silent; // nothing whole has come by them yet
  std::size_t m_requests_bytes = 0;
  Clock::time_point m_started;
  Clock::time_point m_last_use;
  bool m_has_woken = false;
  bool m_has_old_keys = false;
  bool m_is_closing = false;
  double m_refusals = k_refusals_at_once;
  Clock::time_point m_refusals_at = Clock::now();
  std::int64_t m_suppressed = 0;
  budget::CurrentTask m_flooder; // whose these were
};

// `store` is the clerk's alone.
audit::Outbox outbox_of(budget::Store store, const std::string& agent)
{
  const auto own = std::make_shared<budget::Store>(std::move(store));
  return {[own, agent](std::size_t most) {
            return own->unrecorded(agent, most);
          },
    [own](const auto& rows) {
      return own->recorded(rows);
    }};
}

} // namespace

Result<> serve(DoorPlace place, std::vector<UniqueFd> listeners, const DoorBounds& bounds)
{
  const auto& agent = place.settings.agent;
  CONOS_TRY(auto store, budget::Store::open(place.state, budget::Store::Make::yes));
  CONOS_TRY(const auto lost, store.charge_left(agent));
  if (lost > 0) {
    log::warning("{} calls of agent {} were lost with the door before this one; each costs what it "
                 "could",
      lost, agent);
  }
  CONOS_TRY(auto bodies, BodyStore::open(place.state, place.redactor));
  CONOS_TRY(auto clerks, budget::Store::open(place.state, budget::Store::Make::no));
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return fail(Kind::os, "libcurl cannot be used");
  }
  auto clerk = std::make_unique<audit::Clerk>(outbox_of(std::move(clerks), agent), place.ledger);
  CONOS_CHECK(heed_stop());
  Door door(std::move(place), bounds, std::move(store), std::move(bodies), std::move(clerk));
  CONOS_CHECK(door.listen(std::move(listeners)));
  return door.run();
}

} // namespace conos::model
