#pragma once

#include "config/door.hpp"
#include "model/request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace conos::model {

// What a call used, each token in one of these.
struct Tokens {
  std::int64_t input = 0;
  std::int64_t cache_read = 0;
  std::int64_t cache_write = 0;
  std::int64_t cache_write_1h = 0;
  std::int64_t output = 0;

  std::int64_t all_input() const { return input + cache_read + cache_write + cache_write_1h; }
};

// In micro-USD, rounded up.
std::int64_t cost_of(const Tokens& tokens, const Price& price);

// What the call can use at most, of the dearest kind: a token is a byte of the request at least,
// and what has more tokens than bytes (a picture) fills all there is room for.
Tokens worst_of(const Asked& asked, const Price& price);

// Reads along with an answer for what it says it used, in pieces as they come; keeps little.
class UsageReader
{
public:
  UsageReader(Family family, bool is_stream)
      : m_family(family)
      , m_is_stream(is_stream)
  {
  }

  void feed(std::string_view piece);

  // The answer came to its own end, and was none of an error.
  bool is_whole();

  // Nothing when it did not say.
  std::optional<Tokens> tokens();

private:
  void line(std::string_view text);
  void object(std::string_view text);

  Family m_family;
  bool m_is_stream;
  std::string m_text;     // of the line that is not at its end, or of the whole answer
  bool m_is_long = false; // more than is worth keeping: that line, or answer, is passed over
  bool m_is_read = false;
  bool m_is_whole = false;
  bool m_has_input = false;
  bool m_has_output = false;
  Tokens m_tokens;
};

} // namespace conos::model
