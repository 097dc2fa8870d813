#pragma once

#include "sys/error.hpp"
#include "think/message.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

// The two families of wire formats: Anthropic's Messages and OpenAI's chat completions. Nothing
// here touches a network.
namespace conos::think {

// "/v1/messages", "/v1/chat/completions"
std::string_view path_of(Api api);

// The body that asks, streamed: the same bytes for the same request. Text that is not UTF-8 has
// replacement characters.
std::string body_of(Api api, const Request& request);

// What a provider says instead of an answer, in words; escaped.
struct Complaint {
  std::string type; // "rate_limit_error"; empty when it did not say
  std::string message;
};
Complaint complaint_of(std::string_view body);

// An answer that is not streamed. Kind::bad_data when it is none.
Result<Answer> answer_of(Api api, std::string_view body);

// Reads an answer that is streamed as server-sent events, in pieces of any size.
class StreamReader
{
public:
  explicit StreamReader(Api api)
      : m_api(api)
  {
  }

  // Kind::bad_data on what is no such stream or too large, Kind::unavailable on an error that the
  // provider reports in it. After an error nothing more is read.
  Result<> feed(std::string_view bytes);

  // The answer. Kind::unavailable when the stream ended before it did.
  Result<Answer> finish();

private:
  // A block as it grows; the arguments of a call come in fragments.
  struct Growing {
    Block block;
    std::string json;      // opaque: the block as it began
    std::string signature; // of thinking
  };

  Result<> line(std::string_view line);
  Result<> event(const std::string& data);
  Result<> anthropic_event(const std::string& data);
  Result<> openai_event(const std::string& data);
  Growing* growing(std::size_t index);
  Growing* grow(std::size_t index, Growing began);

  Api m_api;
  std::string m_line; // that has not ended yet
  std::string m_data; // of the event that has not ended yet
  bool m_has_data = false;
  std::size_t m_bytes = 0;
  std::map<std::size_t, Growing> m_growing; // by the provider's index
  std::optional<Stop> m_stop;
  bool m_done = false;
  Answer m_answer;
};

} // namespace conos::think
