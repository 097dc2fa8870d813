#include "audit/exchange.hpp"

#include "audit/sha256.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos::audit {

namespace {

constexpr std::size_t k_longest = 2048; // of an address or a result

bool is_kind(std::string_view text)
{
  constexpr std::size_t k_most = 32;
  return !text.empty() && text.size() <= k_most &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c >= 'a' && c <= 'z';
         });
}

} // namespace

Result<Row> row_of(const Exchange& exchange, const std::string& actor)
{
  if (!is_kind(exchange.kind)) {
    return fail(Kind::usage, "'{}' is no kind of exchange: small letters, such as 'http'",
      escaped(exchange.kind));
  }
  if (exchange.to.empty()) {
    return fail(Kind::usage, "an exchange goes to somebody");
  }
  for (const auto* digest :
    {&exchange.request_sha256, exchange.response_sha256 ? &*exchange.response_sha256 : nullptr}) {
    if (digest != nullptr && !digest_from_hex(*digest)) {
      return fail(Kind::usage, "'{}' is no SHA-256", escaped(*digest));
    }
  }
  nlohmann::json payload{{"kind", exchange.kind}, {"to", escaped(exchange.to, k_longest)},
    {"request_sha256", exchange.request_sha256}, {"result", escaped(exchange.result, k_longest)}};
  if (exchange.response_sha256) {
    payload["response_sha256"] = *exchange.response_sha256;
  }
  if (exchange.why) {
    payload["why"] = escaped(*exchange.why);
  }
  return Row{"receipt.issued", actor, payload.dump(), ""};
}

} // namespace conos::audit
