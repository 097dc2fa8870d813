#include "think/client.hpp"

#include "audit/sha256.hpp"
#include "sys/free_with.hpp"
#include "sys/text.hpp"
#include "think/wire.hpp"

#include <curl/curl.h>

#include <algorithm>

namespace conos::think {

namespace {

using Curl = std::unique_ptr<CURL, FreeWith<curl_easy_cleanup>>;
using Headers = std::unique_ptr<curl_slist, FreeWith<curl_slist_free_all>>;

constexpr long k_connect_ms = 5000;
constexpr long k_silence_s = 120;
constexpr std::size_t k_max_body_bytes = 64U << 20U; // of what comes, whatever it is

// What is being answered.
struct Incoming {
  explicit Incoming(Api api)
      : stream(api)
  {
  }
  CURL* curl = nullptr;
  StreamReader stream;
  bool is_stream = false;
  bool is_known = false; // what kind of answer it is
  std::string all;
  Result<> trouble;
};

// A server says by its content type how it answers; a small one may say nothing.
void look_at_head(Incoming& incoming)
{
  const char* type = nullptr;
  long status = 0;
  (void)curl_easy_getinfo(incoming.curl, CURLINFO_CONTENT_TYPE, &type);
  (void)curl_easy_getinfo(incoming.curl, CURLINFO_RESPONSE_CODE, &status);
  incoming.is_stream =
    status == 200 && type != nullptr && lower(type).find("event-stream") != std::string::npos;
  incoming.is_known = true;
}

std::size_t take(char* data, std::size_t size, std::size_t count, void* where)
{
  auto& incoming = *static_cast<Incoming*>(where);
  const std::string_view bytes(data, size * count);
  if (!incoming.is_known) {
    look_at_head(incoming);
  }
  incoming.all += bytes;
  if (incoming.all.size() > k_max_body_bytes) {
    incoming.trouble = fail(Kind::bad_data, "the answer is too large");
  } else if (incoming.is_stream) {
    incoming.trouble = incoming.stream.feed(bytes);
  }
  return incoming.trouble ? bytes.size() : 0; // 0 ends the transfer
}

bool is_local(std::string_view base)
{
  for (const std::string_view start : {"http://127.0.0.1:", "http://[::1]:", "http://localhost:"}) {
    if (base.starts_with(start)) {
      const auto rest = base.substr(start.size());
      return rest.find_first_not_of("0123456789") == std::string_view::npos && !rest.empty();
    }
  }
  return false;
}

Kind kind_of_status(long status)
{
  const bool passes = status == 408 || status == 409 || status == 429 || status >= 500;
  return passes ? Kind::unavailable : Kind::denied;
}

} // namespace

struct Client::State {
  Curl curl;
  Headers headers;
  Api api = Api::openai;
};

Client::Client(std::unique_ptr<State> state)
    : m_state(std::move(state))
{
}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::open(const Door& door, Api api)
{
  if (door.socket.empty() && !is_local(door.base)) {
    return fail(Kind::usage, "'{}' is not an address of this machine", escaped(door.base, 80));
  }
  // nothing of TLS: what leaves this machine is the door's
  if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK) {
    return fail(Kind::os, "set up curl");
  }
  auto state = std::make_unique<State>();
  state->api = api;
  state->curl.reset(curl_easy_init());
  curl_slist* headers = nullptr;
  for (const auto* header : {"Content-Type: application/json", "Expect:",
         api == Api::anthropic ? "anthropic-version: 2023-06-01" : "Accept: text/event-stream"}) {
    headers = curl_slist_append(headers, header);
  }
  state->headers.reset(headers);
  if (!state->curl || !state->headers) {
    return fail(Kind::os, "set up curl: out of memory");
  }
  const auto url =
    (door.socket.empty() ? door.base : std::string("http://localhost")) + std::string(path_of(api));
  auto* curl = state->curl.get();
  const bool good =
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str()) == CURLE_OK &&
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") == CURLE_OK && // HTTP_PROXY is for other doors
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)) ==
      CURLE_OK &&
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, k_connect_ms) == CURLE_OK &&
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, k_silence_s) == CURLE_OK &&
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, state->headers.get()) == CURLE_OK &&
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
    (door.socket.empty() ||
      curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, door.socket.c_str()) == CURLE_OK);
  if (!good) {
    return fail(Kind::os, "set up curl");
  }
  return Client(std::move(state));
}

Asked Client::ask(const std::string& body, Duration time)
{
  auto* curl = m_state->curl.get();
  Incoming incoming(m_state->api);
  incoming.curl = curl;
  const auto ms = static_cast<long>(std::clamp<Duration::rep>(time.count(), 1, 3'600'000));
  (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms);
  (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
  (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &incoming);
  const auto code = curl_easy_perform(curl);

  Asked asked;
  asked.bytes = incoming.all.size();
  asked.sha256 = audit::sha256_hex(incoming.all);
  long status = 0;
  (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  asked.refusal.status = static_cast<int>(status);
  if (!incoming.trouble) {
    asked.answer = tl::unexpected<Error>(incoming.trouble.error());
  } else if (code != CURLE_OK) {
    // what the stream has may be whole all the same: some servers just close
    auto rest = incoming.is_stream && code == CURLE_PARTIAL_FILE
                  ? incoming.stream.finish()
                  : Result<Answer>(fail(Kind::os, ""));
    asked.answer =
      rest ? std::move(rest)
           : Result<Answer>(fail(Kind::unavailable, "ask the model: {}", curl_easy_strerror(code)));
  } else if (status != 200) {
    const auto complaint = complaint_of(incoming.all);
    asked.refusal.type = complaint.type;
    asked.refusal.message = complaint.message;
    asked.answer = fail(kind_of_status(status), "ask the model: {}{}{}{}{}", status,
      complaint.type.empty() ? "" : " ", complaint.type, complaint.message.empty() ? "" : ": ",
      complaint.message);
  } else {
    asked.answer =
      incoming.is_stream ? incoming.stream.finish() : answer_of(m_state->api, incoming.all);
  }
  if (!asked.answer && asked.refusal.message.empty()) {
    asked.refusal.message = asked.answer.error().text();
  }
  return asked;
}

} // namespace conos::think
