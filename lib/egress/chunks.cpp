#include "egress/chunks.hpp"

#include <algorithm>

namespace conos::egress {

namespace {

constexpr int k_max_digits = 15;

int digit_of(char c)
{
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

} // namespace

Result<std::size_t> ChunkReader::take(std::string_view bytes)
{
  std::size_t taken = 0;
  while (taken < bytes.size() && m_state != State::done) {
    if (m_state == State::data) {
      const auto size = std::min<std::uint64_t>(m_left, bytes.size() - taken);
      m_left -= size;
      taken += static_cast<std::size_t>(size);
      m_state = m_left == 0 ? State::data_cr : State::data;
    } else {
      CONOS_CHECK(take_one(bytes[taken]));
      ++taken;
    }
  }
  return taken;
}

Result<> ChunkReader::take_one(char c)
{
  const auto expect = [&](char wanted, State next) -> Result<> {
    if (c != wanted) {
      return fail(Kind::bad_data, "a chunk of the body is not as it should be");
    }
    m_state = next;
    return {};
  };
  switch (m_state) {
  case State::size:
    if (const int digit = digit_of(c); digit >= 0 && m_digits < k_max_digits) {
      m_left = m_left * 16 + static_cast<std::uint64_t>(digit);
      ++m_digits;
      return {};
    }
    if (m_digits == 0) {
      return fail(Kind::bad_data, "a chunk of the body without a size");
    }
    return expect('\r', State::size_lf);
  case State::size_lf:
    m_digits = 0;
    return expect('\n', m_left == 0 ? State::end_cr : State::data);
  case State::data_cr:
    return expect('\r', State::data_lf);
  case State::data_lf:
    return expect('\n', State::size);
  case State::end_cr:
    return expect('\r', State::end_lf);
  case State::end_lf:
    return expect('\n', State::done);
  case State::data:
  case State::done:
    break;
  }
  return {};
}

} // namespace conos::egress
