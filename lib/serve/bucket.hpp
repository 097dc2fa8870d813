#pragma once

#include <chrono>

namespace conos::serve {

using Clock = std::chrono::steady_clock;

// So many in one go, and so many a second in the long run.
struct Rate {
  double per_second = 0;
  double burst = 0;
};

// A token bucket: full at first.
class Bucket
{
public:
  Bucket(const Rate& rate, Clock::time_point now);

  // Takes one if there is one, and gives 0; else how long until there is one.
  std::chrono::milliseconds take(Clock::time_point now);

  bool is_full(Clock::time_point now);

private:
  void fill(Clock::time_point now);

  Rate m_rate;
  double m_tokens;
  Clock::time_point m_filled;
};

} // namespace conos::serve
