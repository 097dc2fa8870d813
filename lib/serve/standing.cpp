#include "serve/standing.hpp"

#include "audit/present.hpp"

#include <fmt/format.h>

namespace conos::serve {

namespace {

const std::string k_self = "root/conos-audit-serve";

constexpr std::chrono::seconds k_quiet{2};
constexpr std::chrono::seconds k_long{60};

} // namespace

void Standings::Tally::add(Clock::time_point now)
{
  first = count == 0 ? now : first;
  last = now;
  ++count;
}

bool Standings::Tally::is_due(Due due, Clock::time_point now) const
{
  return count > 0 && (due == Due::all || now - last >= k_quiet || now - first >= k_long);
}

Standings::Standing& Standings::of(uid_t uid, const Rate& rate, Clock::time_point now)
{
  return m_standings.try_emplace(uid, Standing{Bucket(rate, now), {}, {}, ""}).first->second;
}

std::optional<std::chrono::milliseconds> Standings::take(
  uid_t uid, const Allowance& allowance, Clock::time_point now)
{
  auto& standing = of(uid, allowance.rate, now);
  const auto wait = standing.bucket.take(now);
  if (wait.count() == 0) {
    return std::nullopt;
  }
  standing.suppressed.add(now);
  return wait;
}

void Standings::refuse(
  uid_t uid, const Allowance& allowance, const std::string& type, Clock::time_point now)
{
  auto& standing = of(uid, allowance.rate, now);
  standing.refused.add(now);
  standing.refused_type = type;
}

std::vector<audit::Row> Standings::take_due(Due due, Clock::time_point now)
{
  std::vector<audit::Row> rows;
  for (auto at = m_standings.begin(); at != m_standings.end();) {
    const auto uid = at->first;
    auto& standing = at->second;
    if (standing.suppressed.is_due(due, now)) {
      rows.push_back({"rows.suppressed", k_self,
        fmt::format(R"({{"count":{},"uid":{}}})", standing.suppressed.count, uid), ""});
      standing.suppressed = {};
    }
    if (standing.refused.is_due(due, now)) {
      rows.push_back({"rows.refused", k_self,
        fmt::format(R"({{"count":{},"type":{},"uid":{}}})", standing.refused.count,
          audit::json_text(standing.refused_type), uid),
        ""});
      standing.refused = {};
    }
    const bool quiet = standing.suppressed.count == 0 && standing.refused.count == 0;
    at = quiet && standing.bucket.is_full(now) ? m_standings.erase(at) : std::next(at);
  }
  return rows;
}

} // namespace conos::serve
