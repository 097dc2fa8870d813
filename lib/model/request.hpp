#pragma once

#include "config/door.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What a call asks for, read out of its body: just enough to decide whether it may be made and what
// it can cost. The body itself passes as it is.
namespace conos::model {

enum class Family { messages, chat, responses };

Api api_of(Family family);

// The family of a request's path; nothing for what is no call.
std::optional<Family> family_of(std::string_view path);

struct Asked {
  Family family = Family::messages;
  std::string model;
  bool stream = false;
  std::int64_t max_tokens = 0; // of the answer; 0: the caller does not say
  std::int64_t answers = 1;
  bool wants_usage = false; // of a chat's stream: it asks for it itself
  bool has_stream_options = false;
  bool has_media = false; // pictures, documents: their tokens are not in the text
  bool cache_1h = false;  // asks to keep its beginning for an hour
  std::size_t bytes = 0;
};

constexpr std::size_t k_max_request_bytes = 32U << 20U;

// Kind::bad_data when it is no such request, or one that could be read in two ways (a member named
// twice). Kind::denied when it asks the provider to do more than answer: tools it runs itself,
// addresses it fetches, conversations it keeps, work it goes on with. Such things would get around
// the agent's cage, and nobody could say beforehand what they cost.
Result<Asked> examine(Family family, std::string_view body);

// The answer's tokens at most: what is asked for, or what we put in where nothing is.
std::int64_t most_output(const Asked& asked, const Price& price);

// The body with what we put in at its beginning: a limit where there is none, and that a stream
// says what it used. Most bodies need nothing.
std::string completed(
  std::string_view body, const Asked& asked, const Provider& provider, const Price& price);

// The same request to another model.
Result<std::string> for_model(std::string_view body, const std::string& model);

} // namespace conos::model
