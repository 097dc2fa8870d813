#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

// What is said at a gate: JSON, an object on each line; conos-gate(7) has it for people.
namespace conos::ask {

constexpr std::size_t k_max_request_bytes = 64U << 10U; // of a line
constexpr std::size_t k_max_answer_bytes = 1U << 20U;
constexpr std::size_t k_max_arguments = 16;
constexpr std::size_t k_max_id_bytes = 64;

// A number or true and false are what they are as text.
using Arguments = std::map<std::string, std::string, std::less<>>;

struct Request {
  std::string verb;
  Arguments args;
  std::string id{};   // whatever the caller calls it, as JSON; empty: nothing
  std::string task{}; // the one it is for, where several are being worked on; empty: not said
};

// {"verb":…,"args":{…},"id":…,"task":…}; only the verb is needed. Kind::bad_data for anything else:
// another member, one named twice, a list, an object inside args, null, a number that is not whole,
// text that is no UTF-8 or has a NUL.
Result<Request> parse_request(std::string_view line);
std::string request_line(const Request& request);

enum class Status {
  done,
  pending, // a person is asked
  refused,
  failed, // it was granted, and did not succeed
  busy,   // nothing was looked at; later it may be
};

std::string_view to_string(Status status);

struct Answer {
  Status status = Status::refused;
  std::string id{};                // the request's, as it stands there
  std::string result{};            // of done and failed: a JSON object
  std::string reason{};            // of refused: a word of conos-gate(7)
  std::string what{};              // for people
  std::string line{};              // of conos.toml, which would permit it
  std::string approval{};          // of pending: its id
  std::string expires_at{};        // of pending
  std::optional<Duration> retry{}; // of busy
};

// One line with its end.
std::string answer_line(const Answer& answer);
// Kind::bad_data when it is none.
Result<Answer> parse_answer(std::string_view line);

} // namespace conos::ask
