#include "model/retry.hpp"

#include "sys/text.hpp"

#include <curl/curl.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace conos::model {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double k_longest_wait_ms = 60'000;
constexpr int k_failures = 5;
constexpr auto k_rest = seconds(30);

const std::string* find(const Headers& headers, std::string_view name)
{
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& header) {
    return lower(header.first) == name;
  });
  return found == headers.end() ? nullptr : &found->second;
}

std::optional<double> number(const std::string* text)
{
  double value = 0;
  if (text == nullptr) {
    return std::nullopt;
  }
  const auto digits = trimmed(*text);
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_all = wrong == std::errc() && end == digits.data() + digits.size();
  return is_all ? std::optional(value) : std::nullopt;
}

// What the provider asks for, in milliseconds.
std::optional<double> asked_for(const Headers& headers)
{
  if (const auto ms = number(find(headers, "retry-after-ms"))) {
    return ms;
  }
  const auto* after = find(headers, "retry-after");
  if (const auto s = number(after)) {
    return *s * 1000;
  }
  const auto date = after == nullptr ? -1 : curl_getdate(after->c_str(), nullptr);
  return date < 0 ? std::nullopt
                  : std::optional(static_cast<double>(date - std::time(nullptr)) * 1000);
}

bool is_worth_it(const Attempt& attempt)
{
  if (const auto* said = find(attempt.headers, "x-should-retry")) {
    if (*said == "true" || *said == "false") {
      return *said == "true";
    }
  }
  const int status = attempt.status;
  const bool is_passing =
    status == 0 || status == 408 || status == 409 || status == 429 || status >= 500;
  return is_passing && !(status == 429 && is_spend_limit(attempt.body));
}

} // namespace

bool is_spend_limit(std::string_view body)
{
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto error = json.is_object() ? json.value("error", nlohmann::json()) : nlohmann::json();
  if (!error.is_object()) {
    return false;
  }
  const auto details = error.value("details", nlohmann::json());
  const bool is_enforced = details.is_object() && details.value("error_code", nlohmann::json()) ==
                                                    "enforced_spend_limit_reached";
  return is_enforced || error.value("code", nlohmann::json()) == "insufficient_quota" ||
         error.value("type", nlohmann::json()) == "insufficient_quota";
}

std::optional<Duration> pause_before_retry(const Attempt& attempt, double random)
{
  if (attempt.number >= k_retries || !is_worth_it(attempt)) {
    return std::nullopt;
  }
  const auto asked = asked_for(attempt.headers);
  if (asked && *asked > 0 && *asked <= k_longest_wait_ms) {
    return milliseconds(static_cast<long>(*asked));
  }
  const double pause = std::min(500.0 * (1 << attempt.number), 8000.0) * (1 - 0.25 * random);
  return milliseconds(static_cast<long>(pause));
}

bool Breaker::allows(const std::string& provider, Time now)
{
  auto& state = m_states[provider];
  if (state.failures < k_failures) {
    return true;
  }
  if (now < state.closed_until) {
    return false;
  }
  state.closed_until = now + k_rest; // this one tries; the others wait for what comes of it
  return true;
}

void Breaker::succeeded(const std::string& provider)
{
  m_states.erase(provider);
}

void Breaker::failed(const std::string& provider, Time now)
{
  auto& state = m_states[provider];
  ++state.failures;
  state.closed_until = now + k_rest;
}

} // namespace conos::model
