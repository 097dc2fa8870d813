#include "serve/bucket.hpp"

#include <algorithm>
#include <cmath>

namespace conos::serve {

Bucket::Bucket(const Rate& rate, Clock::time_point now)
    : m_rate(rate)
    , m_tokens(rate.burst)
    , m_filled(now)
{
}

void Bucket::fill(Clock::time_point now)
{
  const auto passed = std::chrono::duration<double>(now - m_filled).count();
  m_tokens = std::min(m_rate.burst, m_tokens + std::max(passed, 0.0) * m_rate.per_second);
  m_filled = std::max(now, m_filled);
}

std::chrono::milliseconds Bucket::take(Clock::time_point now)
{
  fill(now);
  if (m_tokens >= 1) {
    m_tokens -= 1;
    return std::chrono::milliseconds(0);
  }
  const auto wait = std::ceil((1 - m_tokens) / m_rate.per_second * 1000);
  return std::chrono::milliseconds(std::max(1L, static_cast<long>(wait)));
}

bool Bucket::is_full(Clock::time_point now)
{
  fill(now);
  return m_tokens >= m_rate.burst;
}

} // namespace conos::serve
