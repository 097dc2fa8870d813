#pragma once

#include "audit/ledger.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// The ledger as those see it who ask what happened: without the rows of which only the hash is
// left.
namespace conos::audit {

struct Event {
  std::int64_t id = 0;
  std::string ts;
  std::string type;
  std::string actor;
  std::string payload;
  std::string prev_hash; // 64 hex digits each
  std::string hash;
};

// The row an append has made.
Event event_of(const Row& row, const Recorded& recorded);

// Which rows are wanted; what is empty asks for nothing.
struct Filter {
  std::string type; // "task.failed", "*.failed", or the noun alone for all its verbs: "task"
  std::string actor;
  std::optional<Time> since;
};

class Reader
{
public:
  // Opens a ledger's database, audit.db or a copy of it, to read. Kind::not_found when there is
  // none, Kind::bad_data when it is not a ledger.
  static Result<Reader> open(const std::string& file);

  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // The last `count` rows that fit, oldest first. Looks back as far as it must.
  Result<std::vector<Event>> last(std::size_t count, const Filter& filter = {});

  // Offers the rows after row `id` that fit, oldest first, until `take` returns false. Reads a few
  // thousand at a time and holds on to the ledger no longer than that, so `take` may take its time.
  Result<> each_after(
    std::int64_t id, const Filter& filter, const std::function<bool(const Event&)>& take);

  // The id of the last row, 0 when there is none.
  Result<std::int64_t> last_id();

private:
  struct Database;
  explicit Reader(std::unique_ptr<Database> database);
  std::unique_ptr<Database> m_database;
};

} // namespace conos::audit
