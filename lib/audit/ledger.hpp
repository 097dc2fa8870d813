#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// The ledger as the steps of a task see it: append, and be told what was recorded.
namespace conos::audit {

struct Row {
  std::string type;    // noun.verb: [a-z]+\.[a-z_]+
  std::string actor;   // a user name, "uid:N" or "root/conos-run"; no '|'
  std::string payload; // a JSON object on one line, as text; stored as it is
  std::string key;     // unique, "ID/ATTEMPT/type"; empty: none
};

struct Recorded {
  std::int64_t id = 0;
  std::string hash;      // 64 hex digits
  bool already = false;  // the key was there: nothing was appended, all else here is the old row's
  std::string ts;        // YYYY-MM-DDTHH:MM:SS.mmmZ
  std::string prev_hash; // of the row before it
  std::string payload{}; // as it stands there, where a secret was taken out of it; else empty
};

class Ledger
{
public:
  // Opens audit.db in `directory`, making it (root 0600) when it is not there, and the directory
  // (0700) too. An empty file, as a crash while it was made leaves it, is completed. Kind::bad_data
  // when it is not a ledger, Kind::denied when others than root and we could have written it.
  static Result<Ledger> open(const std::string& directory);

  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;
  ~Ledger();

  // Appends all rows in one transaction, durably (WAL, synchronous=FULL), or none. Waits up to
  // 10 s for other writers, then Kind::busy. Type and actor are checked against their grammar.
  //
  // An error means that no row has a receipt, not that none is there: when the disk fails at the
  // very last step, a row may be found later all the same. Give rows keys, and ask again.
  //
  // Keys and passwords are taken out of payloads (see redact.hpp).
  Result<std::vector<Recorded>> append(const std::vector<Row>& rows);

  // False when the room kept for the ledger's next rows could not be had: the disk is full, a row
  // `ledger.full` says so (once an hour), and what is there is for the work that has begun. Whoever
  // would begin something new does not. As of the last append, or of open().
  bool has_room() const;

  // From now on payloads are rid of this secret too, whoever appends them. Durable.
  Result<> keep_out(std::string_view secret);

private:
  struct Database;
  explicit Ledger(std::unique_ptr<Database> database);
  std::unique_ptr<Database> m_database;
};

} // namespace conos::audit
