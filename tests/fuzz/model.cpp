// model - feeds what reads requests and answers of language models what nobody would write
//
//   model SECONDS SEED CORPUS...   files that are good to begin with
#include "audit/redact.hpp"
#include "fuzz.hpp"
#include "model/request.hpp"
#include "model/retry.hpp"
#include "model/scrub.hpp"
#include "model/usage.hpp"
#include "think/wire.hpp"

#include <functional>

namespace {

using namespace conos;

const std::string k_key = "sk-test-0123456789abcdef";
const std::string k_secret = "correct-horse-battery";

const std::vector<std::string>& pieces()
{
  static const std::vector<std::string> all{"{", "}", "[", "]", ",", ":", "\"", "\\", "\\n",
    "\\u0000", "\\ud800", "\n", "\n\n", "\r\n", "data: ", "data:", "event: ", ": ping\n", "[DONE]",
    "\"model\":\"x\",", "\"max_tokens\":9,", "\"stream\":true,", "\"n\":129,", "\"usage\":{",
    "\"input_tokens\":9,", "\"output_tokens\":-1,", "\"index\":1000000,",
    "\"type\":\"message_stop\"", "\"mcp_servers\":[1],", "\"background\":true,",
    "\"url\":\"http://x\",", "null", "true", "1e999", "-9223372036854775809",
    "99999999999999999999", "0.5", "\xff", "\xc3", "\xe2\x80\xae", std::string(1, '\0'),
    std::string(200, '['), std::string(200, '{'), std::string(5000, 'a'), std::string(300, '='),
    k_key, k_secret, "KEY=" + k_secret, "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----",
    "ghp_", "eyJ", "sk-ant-"};
  return all;
}

void check(bool is_so, const char* what)
{
  if (!is_so) {
    fmt::print(stderr, "model: {}\n", what);
    std::abort();
  }
}

// The text in pieces of any length.
template<class Take>
void cut(const std::string& text, fuzz::Random& random, const Take& take)
{
  for (std::size_t at = 0; at < text.size();) {
    const auto length = 1 + fuzz::below(random, 64);
    take(std::string_view(text).substr(at, length));
    at += length;
  }
}

std::size_t read_request(const std::string& text)
{
  std::size_t seen = 0;
  for (const auto family :
    {model::Family::messages, model::Family::chat, model::Family::responses}) {
    const auto asked = model::examine(family, text);
    if (!asked) {
      seen += asked.error().what.size();
      continue;
    }
    const Price price{3, 15, 1, 4, 6, 200'000, 8192};
    const auto worst = model::worst_of(*asked, price);
    check(worst.all_input() > 0 && worst.output > 0 && model::cost_of(worst, price) >= 0,
      "a call that costs nothing at most");
    Provider provider{"openai", model::api_of(family), "http://x"};
    const auto whole = model::completed(text, *asked, provider, price);
    const auto again = model::examine(family, whole);
    check(again && again->model == asked->model && again->max_tokens > 0,
      "what was added makes it another request");
    if (const auto other = model::for_model(text, "other")) {
      const auto changed = model::examine(family, *other);
      check(changed && changed->model == "other", "it does not go to the other model");
    }
    seen += whole.size();
  }
  return seen;
}

std::size_t read_usage(const std::string& text, fuzz::Random& random)
{
  std::size_t seen = 0;
  for (const auto family :
    {model::Family::messages, model::Family::chat, model::Family::responses}) {
    for (const bool is_stream : {false, true}) {
      model::UsageReader whole(family, is_stream);
      model::UsageReader pieced(family, is_stream);
      whole.feed(text);
      cut(text, random, [&](std::string_view piece) {
        pieced.feed(piece);
      });
      check(whole.is_whole() == pieced.is_whole(), "it matters how an answer is cut");
      const auto tokens = whole.tokens();
      const auto same = pieced.tokens();
      check(tokens.has_value() == same.has_value(), "it matters how an answer is cut");
      if (tokens) {
        check(tokens->all_input() >= 0 && tokens->output >= 0 && tokens->output == same->output &&
                tokens->all_input() == same->all_input(),
          "tokens that are less than none, or not the same");
        seen += static_cast<std::size_t>(tokens->output % 7);
      }
    }
  }
  return seen;
}

std::size_t read_answer(const std::string& text, fuzz::Random& random)
{
  std::size_t seen = 0;
  for (const auto api : {think::Api::anthropic, think::Api::openai}) {
    think::StreamReader stream(api);
    bool goes_on = true;
    cut(text, random, [&](std::string_view piece) {
      goes_on = goes_on && stream.feed(piece);
    });
    const auto answer = goes_on ? stream.finish() : think::answer_of(api, text);
    seen += answer ? answer->text().size() : answer.error().what.size();
    seen += think::complaint_of(text).message.size();
  }
  seen += model::is_spend_limit(text) ? 1 : 0;
  return seen;
}

std::size_t take_keys_out(const std::string& text, fuzz::Random& random)
{
  std::vector<Secret> keys;
  keys.emplace_back(k_key);
  const auto whole = model::Scrubber::scrubbed(text, keys);
  model::Scrubber scrubber(keys);
  std::string pieced;
  cut(text, random, [&](std::string_view piece) {
    pieced += scrubber.feed(piece);
  });
  pieced += scrubber.finish();
  check(whole == pieced, "it matters how a key is cut");
  check(whole.size() == text.size() && whole.find(k_key) == whole.npos, "a key is left");
  audit::Redactor redactor;
  redactor.know(k_secret);
  const auto redacted = redactor.redacted(text);
  check(redactor.redacted(redacted) == redacted, "what was taken out is there again");
  check(redacted.find(" " + k_secret + " ") == redacted.npos, "a secret is left");
  return redacted.size();
}

std::size_t read_all_ways(const std::string& text)
{
  fuzz::Random random(std::hash<std::string>{}(text)); // cut the same way each time
  const auto prices = parse_prices(text);
  return read_request(text) + read_usage(text, random) + read_answer(text, random) +
         take_keys_out(text, random) + (prices ? prices->size() : prices.error().what.size());
}

} // namespace

int main(int argc, char* argv[])
{
  return conos::fuzz::run(argc, argv, {"model", pieces(), read_all_ways});
}
