#pragma once

#include "audit/sha256.hpp"
#include "sys/error.hpp"
#include "sys/free_with.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// SQLite as this room uses it: owned handles, errors as Result, nothing hidden.
namespace conos::audit::sqlite {

using Connection = std::unique_ptr<sqlite3, FreeWith<sqlite3_close_v2>>;

// Opens a database that is there, with a wait of up to 10 s for other writers, and with all that a
// hostile file could make SQLite do for it (triggers, views, functions in its schema) switched off.
Result<Connection> open_to_write(const std::string& file);

enum class Reading {
  beside_writers, // a ledger in use: the index of its log, which is scratch, is brought up to date
  no_trace,       // whatever it is, nothing in or beside it changes, and a right to read is enough
};

// The same for reading, in use or a copy with or without its log. What is_quiet() and begins to be
// written to while it is read without a trace may be read torn.
Result<Connection> open_to_read(const std::string& file, Reading reading);

// True when there is nothing in a database's log.
bool is_quiet(const std::string& file);

// What open_to_write() sets: a writer that finds the ledger taken waits, up to 10 s.
void wait_for_others(sqlite3* connection);

// The error of the connection's last call: "deed: SQLite's words", errno where a call had one.
tl::unexpected<Error> failure(sqlite3* connection, const std::string& deed);

Result<> execute(sqlite3* connection, const std::string& sql);

// Copies the write-ahead log into the database and cuts it to nothing. Kind::busy when somebody
// reads on for too long.
Result<> fold_log(sqlite3* connection);

class Statement
{
public:
  static Result<Statement> prepare(sqlite3* connection, std::string_view sql);

  // Text and digests are borrowed until the statement is done.
  void bind(int place, std::int64_t value);
  void bind(int place, std::string_view text);
  void bind(int place, const Digest& digest);

  // True: there is a row. False: done, and ready to be bound again.
  Result<bool> step();
  // For a statement that yields no row.
  Result<> run();
  void reset();

  // Of the row, valid until the next step.
  int type(int column) const;
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;

private:
  explicit Statement(sqlite3_stmt* statement)
      : m_statement(statement)
  {
  }
  std::unique_ptr<sqlite3_stmt, FreeWith<sqlite3_finalize>> m_statement;
};

} // namespace conos::audit::sqlite
