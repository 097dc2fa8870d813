#pragma once

#include "model/answer.hpp"
#include "sys/clock.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

// When a call that failed is made again: as the providers' own libraries do it.
namespace conos::model {

constexpr int k_retries = 2;

// What came of one attempt.
struct Attempt {
  int number = 0;  // 0 is the first
  int status = 0;  // 0: no answer at all
  Headers headers; // of the answer
  std::string_view body;
};

// How long to wait before the next one; nothing: there is none. `random` is from 0 to 1.
std::optional<Duration> pause_before_retry(const Attempt& attempt, double random);

// A 429 that says that the money is used up, which no waiting helps.
bool is_spend_limit(std::string_view body);

// Keeps calls from a provider that does not answer: after five failures in a row none is made for
// half a minute, then one at a time until one succeeds.
class Breaker
{
public:
  bool allows(const std::string& provider, Time now);
  void succeeded(const std::string& provider);
  void failed(const std::string& provider, Time now);

private:
  struct State {
    int failures = 0;
    Time closed_until;
  };
  std::map<std::string, State> m_states;
};

} // namespace conos::model
