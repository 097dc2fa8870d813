#pragma once

#include "audit/chain.hpp"
#include "audit/reader.hpp"
#include "audit/sqlite.hpp"
#include "audit/tree.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace conos::audit {

// A ledger as it was when it was opened, with its tree; rows that come later are not in it.
class View
{
public:
  // Kind::not_found when there is no such file, Kind::bad_data when it is not a ledger with a tree.
  static Result<View> open(const std::string& file);

  std::int64_t rows() const { return m_rows; }
  Result<Digest> root(std::int64_t rows);
  // Kind::not_found without such a row; one whose body was pruned has its id and hash alone.
  Result<Event> row(std::int64_t id);
  Result<Head> head(std::int64_t id);
  // For merkle::inclusion() and its neighbours, and for whoever reads on in the same view.
  StoredTree& tree() { return m_tree; }
  sqlite3* connection() { return m_connection.get(); }

private:
  View(sqlite::Connection connection, StoredTree tree, std::int64_t rows);
  sqlite::Connection m_connection;
  StoredTree m_tree;
  std::int64_t m_rows;
};

} // namespace conos::audit
