#include "model/trial.hpp"

#include "sys/free_with.hpp"
#include "sys/text.hpp"

#include <curl/curl.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>

namespace conos::model {

namespace {

using Json = nlohmann::json;
using Curl = std::unique_ptr<CURL, FreeWith<curl_easy_cleanup>>;
using Headers = std::unique_ptr<curl_slist, FreeWith<curl_slist_free_all>>;

constexpr int k_answer_tokens = 512; // enough for a model that thinks before it says two words
constexpr long k_connect_ms = 5000;
constexpr long k_longest_ms = 120'000;
constexpr std::size_t k_max_answer_bytes = 1U << 20U;

// What comes, as much of it as is looked at.
struct Incoming {
  std::string body;
  std::string reason;     // the door's own word for a refusal; empty: the provider speaks
  std::string substitute; // the model that answered in place of the one asked for
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* where)
{
  auto& body = static_cast<Incoming*>(where)->body;
  body.append(data, std::min(size * count, k_max_answer_bytes - body.size()));
  return size * count;
}

std::size_t take_header(char* data, std::size_t size, std::size_t count, void* where)
{
  auto& incoming = *static_cast<Incoming*>(where);
  const std::string_view line(data, size * count);
  const auto colon = line.find(':');
  if (colon != line.npos) {
    const auto name = lower(line.substr(0, colon));
    const auto value = trimmed(line.substr(colon + 1));
    if (name == "x-conos-reason") {
      incoming.reason = value;
    } else if (name == "x-conos-model") {
      incoming.substitute = value;
    }
  }
  return line.size();
}

std::string body_for(Family family, const Provider& provider, const std::string& model)
{
  Json body{{"model", model}, {"stream", true},
    {"messages", Json::array({{{"role", "user"}, {"content", "Say: it works."}}})}};
  body[std::string(limit_name(family, provider))] = k_answer_tokens;
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The sentence for people in an error of either family.
std::string message_of(const std::string& body)
{
  const auto json = Json::parse(body, nullptr, false);
  const auto error = json.is_object() ? json.value("error", Json()) : Json();
  const auto message = error.is_object() ? error.value("message", Json()) : Json();
  return message.is_string() ? escaped(message.get<std::string>()) : escaped(trimmed(body), 200);
}

std::string cure_for(const Trial& trial, const std::string& reason)
{
  const auto& provider = trial.provider;
  if (trial.status == 0) {
    return fmt::format("journalctl -u conos-model@{}.service says more", trial.agent);
  }
  if (reason == "budget") {
    return fmt::format(
      "conos-budget show {0}; then conos-budget resume {0}, or add --usd 1 {0}", trial.agent);
  }
  if (reason == "provider" && trial.status == 401) {
    return fmt::format("echo KEY | conos secret set {}", provider);
  }
  if (reason == "provider") {
    return fmt::format("see whether this machine reaches it, and the base_url of '{}' in "
                       "/etc/conos/conos.toml",
      provider);
  }
  if (!reason.empty()) {
    return "see conos-model-serve(8)";
  }
  if (trial.status == 401 || trial.status == 403) {
    return fmt::format(
      "'{0}' does not take this key: echo KEY | conos secret set {0}", escaped(provider, 80));
  }
  if (trial.status == 404 || trial.status == 400) {
    return fmt::format("'{}' may not have a model '{}': see its list, and name one that it has in "
                       "/etc/conos/conos.toml",
      escaped(provider, 80), escaped(trial.model, 80));
  }
  return "try again later";
}

void judge(Trial& trial, const ModelDoor& door, const Incoming& incoming, Family family)
{
  if (!incoming.substitute.empty()) {
    trial.model = escaped(incoming.substitute, 80);
    const auto* model = find_model(door, incoming.substitute);
    trial.provider = model != nullptr ? model->provider : trial.provider;
  }
  if (trial.status != 200) {
    trial.trouble = message_of(incoming.body);
    trial.cure = cure_for(trial, incoming.reason);
    return;
  }
  UsageReader usage(family, true);
  usage.feed(incoming.body);
  if (!usage.is_whole()) {
    trial.trouble = "the answer broke off";
    trial.cure = "try again later";
    return;
  }
  trial.tokens = usage.tokens();
  const auto* model = find_model(door, trial.model);
  if (trial.tokens && model != nullptr && model->price) {
    trial.usd = cost_of(*trial.tokens, *model->price);
  }
}

Duration time_of(CURL* curl, CURLINFO which)
{
  curl_off_t us = 0;
  (void)curl_easy_getinfo(curl, which, &us);
  return std::chrono::duration_cast<Duration>(std::chrono::microseconds(us));
}

} // namespace

Result<const ModelDoor*> door_to_try(
  const std::vector<ModelDoor>& doors, const std::string& agent, const std::string& preferred)
{
  const auto of = [&](const std::string& name) {
    const auto found = std::find_if(doors.begin(), doors.end(), [&](const ModelDoor& door) {
      return door.agent == name;
    });
    return found == doors.end() ? nullptr : &*found;
  };
  if (!agent.empty()) {
    const auto* door = of(agent);
    return door != nullptr ? Result<const ModelDoor*>(door)
                           : fail(Kind::config,
                               "there is no agent '{}' that may call a model: name one for it in "
                               "/etc/conos/conos.toml, as model = \"…\", and run conos-bootstrap",
                               escaped(agent, 80));
  }
  if (doors.empty()) {
    return fail(Kind::config,
      "no agent may call a model: name one in [base] of /etc/conos/conos.toml, as provider = "
      "\"anthropic\" and model = \"…\", and run conos-bootstrap");
  }
  const auto* door = of(preferred);
  return door != nullptr ? door : &doors.front();
}

Result<Trial> try_door(const ModelDoor& door, const std::string& model, const std::string& socket)
{
  const auto* asked = model.empty() ? &door.models.front() : find_model(door, model);
  if (asked == nullptr) {
    return fail(Kind::usage, "agent {} may not call model '{}'", door.agent, escaped(model, 80));
  }
  const auto& provider = provider_of(door, *asked);
  const bool is_anthropic = provider.api == Api::anthropic;
  const auto family = is_anthropic ? Family::messages : Family::chat;
  Trial trial;
  trial.agent = door.agent;
  trial.asked = trial.model = asked->name;
  trial.provider = asked->provider;

  if (curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK) { // what leaves this machine is the door's
    return fail(Kind::os, "set up curl");
  }
  const Curl curl(curl_easy_init());
  const Headers headers(curl_slist_append(nullptr, "Content-Type: application/json"));
  if (!curl || !headers) {
    return fail(Kind::os, "set up curl: out of memory");
  }
  const auto body = body_for(family, provider, asked->name);
  Incoming incoming;
  const auto set = [&](CURLoption option, auto value) {
    (void)curl_easy_setopt(curl.get(), option, value); // each of these is known to our libcurl
  };
  set(CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  set(CURLOPT_URL, is_anthropic ? "http://model/v1/messages" : "http://model/v1/chat/completions");
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, k_connect_ms);
  set(CURLOPT_TIMEOUT_MS, k_longest_ms);
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_POSTFIELDS, body.c_str());
  set(CURLOPT_WRITEFUNCTION, take_body);
  set(CURLOPT_WRITEDATA, &incoming);
  set(CURLOPT_HEADERFUNCTION, take_header);
  set(CURLOPT_HEADERDATA, &incoming);
  const auto code = curl_easy_perform(curl.get());

  long status = 0;
  (void)curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  trial.status = static_cast<int>(status);
  trial.first_byte = time_of(curl.get(), CURLINFO_STARTTRANSFER_TIME_T);
  trial.total = time_of(curl.get(), CURLINFO_TOTAL_TIME_T);
  judge(trial, door, incoming, family);
  if (code != CURLE_OK && status == 0) {
    trial.trouble = fmt::format("ask by '{}': {}", socket, curl_easy_strerror(code));
    trial.cure = cure_for(trial, "");
  }
  return trial;
}

std::string to_json(const Trial& trial)
{
  const auto text = [](const std::string& value) {
    return value.empty() ? Json() : Json(value);
  };
  const auto& tokens = trial.tokens;
  return Json{
    {"agent", trial.agent},
    {"cure", text(trial.cure)},
    {"first_byte_ms", trial.first_byte.count()},
    {"input_tokens", tokens ? Json(tokens->all_input()) : Json()},
    {"instead_of", trial.model == trial.asked ? Json() : Json(trial.asked)},
    {"latency_ms", trial.total.count()},
    {"model", trial.model},
    {"ok", trial.trouble.empty()},
    {"output_tokens", tokens ? Json(tokens->output) : Json()},
    {"provider", trial.provider},
    {"status", trial.status},
    {"trouble", text(trial.trouble)},
    {"usd_micros", tokens ? Json(trial.usd) : Json()},
  }
    .dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string for_people(const Trial& trial)
{
  const auto row = [](std::string_view name, const std::string& value) {
    return fmt::format("{:<12}{}\n", name, value);
  };
  auto text = row("agent", trial.agent);
  text +=
    row("model", escaped(trial.model, 80) +
                   (trial.model == trial.asked ? "" : ", instead of " + escaped(trial.asked, 80)));
  text += row("provider", escaped(trial.provider, 80));
  text += row("first byte", fmt::format("{} ms", trial.first_byte.count()));
  text += row("answer", fmt::format("{} ms", trial.total.count()));
  if (trial.tokens) {
    text +=
      row("tokens", fmt::format("{} in, {} out", trial.tokens->all_input(), trial.tokens->output));
    text += row("cost", fmt::format("{}.{:06} USD", trial.usd / 1'000'000, trial.usd % 1'000'000));
  } else {
    text += row("tokens", "the provider does not say; the call costs what it could at most");
  }
  return text;
}

} // namespace conos::model
