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
  std::optional<Time> since{};
  std::optional<Time> until{};
  std::string grep{}; // RE2; what it is to be found in is the payload
};

// Kind::usage when the filter's expression is none, or so large (RE2 makes more than 500
// instructions of it) that looking for it in one row could take a second.
Result<> check_grep(const std::string& expression);

// From where rows come: the database, the socket of those who may ask, the files of the days.
class Source
{
public:
  virtual ~Source() = default;

  // The last `count` rows that fit, oldest first. Looks back as far as it must.
  virtual Result<std::vector<Event>> last(std::size_t count, const Filter& filter) = 0;

  // Offers the rows after row `id` that fit, oldest first, until `take` returns false, which may
  // take its time.
  virtual Result<> each_after(
    std::int64_t id, const Filter& filter, const std::function<bool(const Event&)>& take) = 0;

  // The id of the last row, 0 when there is none.
  virtual Result<std::int64_t> last_id() = 0;
};

// Ids of rows, both ends included.
struct Stretch {
  std::int64_t first = 1;
  std::int64_t last = 0;
};

enum class Order { forward, backward };

class Reader : public Source
{
public:
  // Opens a ledger's database, audit.db or a copy of it, to read. Kind::not_found when there is
  // none, Kind::bad_data when it is not a ledger.
  static Result<Reader> open(const std::string& file);

  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader() override;

  Result<std::vector<Event>> last(std::size_t count, const Filter& filter = {}) override;

  // Reads a few thousand rows or 4 MiB at a time and holds on to the ledger no longer than that.
  Result<> each_after(
    std::int64_t id, const Filter& filter, const std::function<bool(const Event&)>& take) override;

  Result<std::int64_t> last_id() override;

  // The row with that key. Nothing when there is none; one whose body was pruned has its id and
  // hash alone.
  Result<std::optional<Event>> find(const std::string& key);

  // Offers the rows of a stretch that fit until `take` returns false, or `pass`, which hears the
  // ids of those in which the expression was not found: they have cost something too. The ledger is
  // held on to for as long, and its log grows meanwhile.
  Result<> each_in(const Stretch& stretch, Order order, const Filter& filter,
    const std::function<bool(const Event&)>& take,
    const std::function<bool(std::int64_t)>& pass = always);

private:
  static bool always(std::int64_t /*unused*/) { return true; }

  struct Database;
  explicit Reader(std::unique_ptr<Database> database);
  std::unique_ptr<Database> m_database;
};

} // namespace conos::audit
