#pragma once

#include "audit/ledger.hpp"
#include "serve/bucket.hpp"
#include "serve/rules.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace conos::serve {

// What each uid has asked for lately: how many rows it may still write, and what it was refused,
// which becomes a row of ours when it has ended, or has gone on for a minute.
class Standings
{
public:
  // Takes one row of a uid. Nothing: it may be written; else how long to wait.
  std::optional<std::chrono::milliseconds> take(
    uid_t uid, const Allowance& allowance, Clock::time_point now);

  // A row of a type that was not the uid's to write.
  void refuse(
    uid_t uid, const Allowance& allowance, const std::string& type, Clock::time_point now);

  // The rows that are due, each once; `all` of what there is when it is over. Forgets who has been
  // quiet.
  enum class Due { by_time, all };
  std::vector<audit::Row> take_due(Due due, Clock::time_point now);

private:
  struct Tally {
    std::int64_t count = 0;
    Clock::time_point first{};
    Clock::time_point last{};

    void add(Clock::time_point now);
    bool is_due(Due due, Clock::time_point now) const;
  };
  struct Standing {
    Bucket bucket;
    Tally suppressed;
    Tally refused;
    std::string refused_type; // the last one
  };

  Standing& of(uid_t uid, const Rate& rate, Clock::time_point now);

  std::map<uid_t, Standing> m_standings;
};

} // namespace conos::serve
