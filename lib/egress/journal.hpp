#pragma once

#include "audit/clerk.hpp"
#include "audit/sqlite.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

// What a door must not forget when it is killed: rows the ledger has not got yet, and how much each
// task has moved. A database of one agent's door alone.
namespace conos::egress {

class Journal
{
public:
  // In `directory`, which is there; made if need be. It is not flushed: a power cut may forget the
  // last seconds of what was moved, never what the ledger has.
  static Result<Journal> open(const std::string& directory);

  // Rows that an earlier door left open are ready as they are. Gives how many.
  Result<std::int64_t> close_left();

  // A connection begins: `row` is the ledger's in case nothing more is heard of it. Gives its
  // number.
  Result<std::int64_t> begin(const std::string& row);
  // It is over, and `row` what there is to say.
  Result<> end(std::int64_t number, const std::string& row);

  // A row that is no connection's.
  Result<> note(const std::string& type, const std::string& row);

  Result<std::vector<audit::WaitingRow>> waiting(std::size_t most);
  Result<> recorded(const std::vector<audit::WaitingRow>& rows);
  // How many the ledger has not got.
  Result<std::int64_t> backlog();

  // Bytes, to and fro; 0 of a task nobody heard of.
  Result<std::int64_t> moved_by(const std::string& task);
  Result<> set_moved(const std::string& task, std::int64_t bytes, Time now);

private:
  explicit Journal(audit::sqlite::Connection connection)
      : m_connection(std::move(connection))
  {
  }
  Result<std::int64_t> number(std::string_view sql);
  Result<> add(const std::string& type, const std::string& row, bool is_ready);

  audit::sqlite::Connection m_connection;
};

} // namespace conos::egress
