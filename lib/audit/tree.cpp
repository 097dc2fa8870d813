#include "audit/tree.hpp"

#include "audit/schema.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::audit {

namespace {

using merkle::Size;
using sqlite::Statement;

std::int64_t number(Size size)
{
  return static_cast<std::int64_t>(size);
}

Result<Digest> digest_of(std::string_view blob)
{
  Digest digest;
  if (blob.size() != digest.size()) {
    return fail(Kind::bad_data, "a hash is not one; see conos-audit verify");
  }
  std::copy(blob.begin(), blob.end(), digest.begin());
  return digest;
}

// Reads (place, hash) pairs, which must be `count` with places from `first` on.
Result<std::vector<Digest>> collect(Statement& rows, Size first, Size count)
{
  std::vector<Digest> hashes;
  hashes.reserve(count);
  for (;;) {
    CONOS_TRY(const bool any, rows.step());
    if (!any) {
      break;
    }
    const bool in_order = rows.integer(0) == number(first + hashes.size());
    const auto hash = digest_of(rows.blob(1));
    if (!in_order || !hash) {
      rows.reset();
      return fail(Kind::bad_data, "the rows or their tree are damaged; see conos-audit verify");
    }
    hashes.push_back(*hash);
  }
  if (hashes.size() != count) {
    return fail(
      Kind::bad_data, "of {} hashes {} are there; see conos-audit verify", count, hashes.size());
  }
  return hashes;
}

Digest folded(std::vector<Digest> hashes)
{
  for (auto width = hashes.size(); width > 1; width /= 2) {
    for (std::size_t i = 0; i < width / 2; ++i) {
      hashes[i] = merkle::node(hashes[2 * i], hashes[2 * i + 1]);
    }
  }
  return hashes.front();
}

// One that is there stays: left by rows that somebody cut off, it is for verify to find.
Result<Statement> prepare_keep(sqlite3* connection)
{
  return Statement::prepare(
    connection, "INSERT OR IGNORE INTO tree(tile, n, hash) VALUES(?, ?, ?)");
}

Result<> keep(Statement& insert, unsigned tile, Size n, const Digest& hash)
{
  insert.bind(1, static_cast<std::int64_t>(tile));
  insert.bind(2, number(n));
  insert.bind(3, hash);
  return insert.run();
}

} // namespace

StoredTree::StoredTree(Statement rows, Statement nodes)
    : m_rows(std::move(rows))
    , m_nodes(std::move(nodes))
{
}

Result<StoredTree> StoredTree::prepare(sqlite3* connection)
{
  CONOS_TRY(
    auto rows, Statement::prepare(connection,
                 "SELECT id - 1, hash FROM events WHERE id > ?1 AND id <= ?1 + ?2 ORDER BY id"));
  CONOS_TRY(
    auto nodes, Statement::prepare(connection, "SELECT n, hash FROM tree WHERE tile = ?3 AND "
                                               "n >= ?1 AND n < ?1 + ?2 ORDER BY n"));
  return StoredTree(std::move(rows), std::move(nodes));
}

Result<std::vector<Digest>> StoredTree::hashes(unsigned tile, Size first, Size count)
{
  auto& from = tile == 0 ? m_rows : m_nodes;
  from.bind(1, number(first));
  from.bind(2, number(count));
  if (tile > 0) {
    from.bind(3, static_cast<std::int64_t>(tile));
  }
  CONOS_TRY(auto found, collect(from, first, count));
  if (tile == 0) {
    std::transform(found.begin(), found.end(), found.begin(), [](const Digest& row) {
      return merkle::leaf(row);
    });
  }
  return found;
}

Result<Digest> StoredTree::subtree(unsigned level, Size index)
{
  const auto width = Size{1} << (level % k_tile_height);
  CONOS_TRY(auto found, hashes(level / k_tile_height, index * width, width));
  return folded(std::move(found));
}

Result<Digest> StoredTree::root(Size size)
{
  return merkle::root(size, [this](unsigned level, Size index) {
    return subtree(level, index);
  });
}

Result<> keep_completed(sqlite3* connection, std::int64_t id)
{
  auto size = static_cast<Size>(id);
  if (size % k_tile_width != 0) {
    return {};
  }
  CONOS_TRY(auto tree, StoredTree::prepare(connection));
  CONOS_TRY(auto insert, prepare_keep(connection));
  for (unsigned tile = 1; size % k_tile_width == 0; ++tile) {
    size /= k_tile_width;
    auto hashes = tree.hashes(tile - 1, (size - 1) * k_tile_width, k_tile_width);
    if (!hashes && hashes.error().kind == Kind::bad_data) {
      return {};
    }
    CONOS_CHECK(hashes);
    CONOS_CHECK(keep(insert, tile, size - 1, folded(*std::move(hashes))));
  }
  return {};
}

Result<> make_tree(sqlite3* connection)
{
  CONOS_CHECK(sqlite::execute(connection, std::string(k_tree_table.sql)));
  CONOS_TRY(auto rows, Statement::prepare(connection, "SELECT id, hash FROM events ORDER BY id"));
  CONOS_TRY(auto insert, prepare_keep(connection));
  merkle::Frontier tree;
  Result<> kept;
  const auto keep_tile = [&](unsigned level, Size index, const Digest& hash) {
    if (kept && level % k_tile_height == 0) {
      kept = keep(insert, level / k_tile_height, index, hash);
    }
  };
  for (;;) {
    CONOS_TRY(const bool any, rows.step());
    if (!any || rows.integer(0) != number(tree.size() + 1)) {
      break; // what follows a missing row is not the tree of anything
    }
    const auto hash = digest_of(rows.blob(1));
    if (!hash) {
      break;
    }
    tree.add(merkle::leaf(*hash), keep_tile);
    CONOS_CHECK(kept);
  }
  rows.reset();
  return {};
}

KeptNodes::KeptNodes(Statement find)
    : m_find(std::move(find))
{
}

Result<KeptNodes> KeptNodes::prepare(sqlite3* connection)
{
  CONOS_TRY(
    auto find, Statement::prepare(connection, "SELECT hash FROM tree WHERE tile = ? AND n = ?"));
  return KeptNodes(std::move(find));
}

Result<bool> KeptNodes::has(unsigned tile, Size n, const Digest& hash)
{
  m_find.bind(1, static_cast<std::int64_t>(tile));
  m_find.bind(2, number(n));
  CONOS_TRY(const bool any, m_find.step());
  const auto found = any ? digest_of(m_find.blob(0)) : Result<Digest>(Digest{});
  m_find.reset();
  return any && found && *found == hash;
}

} // namespace conos::audit
