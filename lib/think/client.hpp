#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "think/message.hpp"

#include <functional>
#include <memory>
#include <string>

// Asks a language model through the door, which has the key, keeps the budget and tries again. One
// connection for all calls.
namespace conos::think {

struct Door {
  std::string socket; // a Unix socket; empty: by address
  std::string base;   // "http://127.0.0.1:3129", where there is no socket; never another machine
};

// What came of a call that the provider, or the door, did not answer with what was asked for.
struct Refusal {
  int status = 0;      // of HTTP; 0: nobody there
  std::string type;    // "rate_limit_error"; empty when it did not say
  std::string message; // escaped
};

struct Asked {
  Result<Answer> answer = tl::unexpected<Error>(Error{});
  Refusal refusal;    // when the answer is an error
  std::string sha256; // of the answer's bytes
  std::size_t bytes = 0;
};

class Client
{
public:
  // Kind::usage when the address is no plain one of this machine, or there is none.
  static Result<Client> open(const Door& door, Api api);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // Posts `body` and reads what comes, for at most `time`, and no longer than two minutes of
  // silence. The answer's error is Kind::unavailable when nobody is there or the call failed in a
  // way that may pass, Kind::denied when it was refused, Kind::bad_data on what is no answer.
  Asked ask(const std::string& body, Duration time);

private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> m_state;
};

} // namespace conos::think
