#pragma once

#include "sys/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What is said between us and a language model, apart from how any provider writes it down.
namespace conos::think {

// Families of wire formats.
enum class Api { anthropic, openai };

std::string_view to_string(Api api);
Result<Api> api_called(std::string_view name);

// One part of what somebody said.
struct Block {
  enum class Kind { text, call, result, opaque };
  Kind kind = Kind::text;
  std::string text;      // of a text; the arguments of a call, JSON; what a tool gave back
  std::string id{};      // of a call and of its result
  std::string name{};    // of the tool called
  bool is_error = false; // of a result

  // opaque: `text` is JSON of the provider's that goes back to it as it came
};

struct Message {
  bool from_model = false;
  std::vector<Block> blocks;
};

struct ToolSpec {
  std::string name;
  std::string description;
  std::string schema; // a JSON Schema object
};

struct Request {
  std::string model;
  std::string system; // the same for all requests, and across tasks: a provider caches it
  std::vector<Message> messages;
  const std::vector<ToolSpec>* tools = nullptr; // none: the model may only speak
  std::size_t max_tokens = 8192;
};

struct Usage {
  std::uint64_t calls = 0;
  std::uint64_t input = 0;         // tokens, without the two below
  std::uint64_t cache_read = 0;    // tokens
  std::uint64_t cache_written = 0; // tokens
  std::uint64_t output = 0;        // tokens

  std::uint64_t tokens() const { return input + cache_read + cache_written + output; }
  Usage& operator+=(const Usage& other);
};

enum class Stop { end, tools, length, pause, refusal, context };

std::string_view to_string(Stop stop);
Result<Stop> stop_called(std::string_view name);

struct Answer {
  std::vector<Block> blocks; // text, call, opaque
  Stop stop = Stop::end;
  Usage usage;
  std::string model;             // that answered, as it calls itself
  std::size_t dropped_calls = 0; // beyond k_max_calls

  std::string text() const; // of all text blocks
};

// Bounds of one answer: what is larger is an error, and more calls are dropped.
constexpr std::size_t k_max_answer_bytes = 8U << 20U;
constexpr std::size_t k_max_calls = 64;

} // namespace conos::think
