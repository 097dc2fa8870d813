#pragma once

#include "audit/merkle.hpp"
#include "audit/sqlite.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <vector>

// The hash tree over a ledger's rows, as its database keeps it. Leaf i is the hash of row i + 1.
//
// Kept are the hashes of complete subtrees of 256 leaves, of 256 of those, and so on: table `tree`,
// the tiles of c2sp.org/tlog-tiles above the lowest. What lies between is computed from them and,
// at the bottom, from the rows' own hashes: at most 255 hashes are read for each level of tiles.
namespace conos::audit {

inline constexpr unsigned k_tile_height = 8;
inline constexpr merkle::Size k_tile_width = 1U << k_tile_height;

class StoredTree
{
public:
  // Borrows the connection. Kind::bad_data when its ledger keeps no tree.
  static Result<StoredTree> prepare(sqlite3* connection);

  // `count` hashes from the `first` on, of leaves (tile 0) or of subtrees of 256^tile leaves.
  // Kind::bad_data when one is not there.
  Result<std::vector<Digest>> hashes(unsigned tile, merkle::Size first, merkle::Size count);

  // For merkle::root() and its neighbours.
  Result<Digest> subtree(unsigned level, merkle::Size index);

  Result<Digest> root(merkle::Size size);

private:
  StoredTree(sqlite::Statement rows, sqlite::Statement nodes);
  sqlite::Statement m_rows;
  sqlite::Statement m_nodes;
};

// Keeps what has become complete with row `id`, in the caller's transaction. Nothing to do but for
// every 256th row. Rows that are missing or damaged are left to verify: a ledger somebody has torn
// a hole in still takes rows.
Result<> keep_completed(sqlite3* connection, std::int64_t id);

// Makes the tree of a ledger that keeps none, in the caller's transaction.
Result<> make_tree(sqlite3* connection);

// What the database should keep under (tile, n), for as long as the statement lives.
class KeptNodes
{
public:
  static Result<KeptNodes> prepare(sqlite3* connection);
  // False when it keeps another hash, or none.
  Result<bool> has(unsigned tile, merkle::Size n, const Digest& hash);

private:
  explicit KeptNodes(sqlite::Statement find);
  sqlite::Statement m_find;
};

} // namespace conos::audit
