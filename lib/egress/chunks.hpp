#pragma once

#include "sys/error.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace conos::egress {

// Where a chunked body ends, read strictly: sizes of at most 15 hex digits, no extensions, no
// trailers, each line ended by CR LF. A server that reads it in any other way finds nothing in it
// that we did not see.
class ChunkReader
{
public:
  // How many of `bytes` belong to the body: all of them, until it has ended. Kind::bad_data when
  // they are no such body.
  Result<std::size_t> take(std::string_view bytes);

  bool is_done() const { return m_state == State::done; }

private:
  enum class State { size, size_lf, data, data_cr, data_lf, end_cr, end_lf, done };
  Result<> take_one(char c);

  State m_state = State::size;
  std::uint64_t m_left = 0; // of the chunk
  int m_digits = 0;
};

} // namespace conos::egress
