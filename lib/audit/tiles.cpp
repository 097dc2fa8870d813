#include "audit/tiles.hpp"

#include "audit/tree.hpp"
#include "audit/view.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <vector>

namespace conos::audit {

namespace {

namespace fs = std::filesystem;
using merkle::Size;

const std::string k_checkpoint = "checkpoint";
constexpr std::size_t k_hash_bytes = 32;
constexpr std::size_t k_length_bytes = 2;

// "x001/x234/067" of 1234067.
std::string path_of(Size n)
{
  auto path = fmt::format("{:03}", n % 1000);
  for (n /= 1000; n > 0; n /= 1000) {
    path = fmt::format("x{:03}/{}", n % 1000, path);
  }
  return path;
}

struct Tile {
  unsigned level = 0;
  Size n = 0;
  Size width = 0; // hashes in it

  std::string path(const std::string& kind) const
  {
    const auto full = fmt::format("tile/{}/{}", kind, path_of(n));
    return width == k_tile_width ? full : fmt::format("{}.p/{}", full, width);
  }
};

// All tiles of a tree of so many leaves, the lowest level first.
Result<> each_tile(Size size, const std::function<Result<>(const Tile&)>& take)
{
  unsigned level = 0;
  for (auto count = size; count > 0; count /= k_tile_width) {
    for (Size n = 0; n * k_tile_width < count; ++n) {
      CONOS_CHECK(take({level, n, std::min(k_tile_width, count - n * k_tile_width)}));
    }
    ++level;
  }
  return {};
}

Result<UniqueFd> find_or_make_dir(const fs::path& path)
{
  std::error_code failed;
  (void)fs::create_directories(path, failed);
  if (failed) {
    errno = failed.value();
    return os_error("make '{}'", path.string());
  }
  return open_dir(path.string());
}

Result<> put_file(const fs::path& path, std::string_view bytes, Durable durable)
{
  CONOS_TRY(const auto dir, find_or_make_dir(path.parent_path()));
  const auto name = path.filename().string();
  const auto there = stat_at(dir, name);
  if (there && S_ISREG(there->st_mode) &&
      static_cast<std::size_t>(there->st_size) == bytes.size()) {
    CONOS_TRY(const auto old, read_file(dir, name, bytes.size()));
    if (old == bytes) {
      return {};
    }
  }
  return replace(dir, name, bytes, 0644, {}, durable);
}

std::string bytes_of_all(const std::vector<Digest>& hashes)
{
  std::string bytes;
  for (const auto& hash : hashes) {
    bytes += bytes_of(hash);
  }
  return bytes;
}

// Each with its length before it, as big-endian uint16.
std::string entries_of(const std::vector<Digest>& rows)
{
  std::string bytes;
  for (const auto& row : rows) {
    bytes += '\0';
    bytes += static_cast<char>(k_hash_bytes);
    bytes += bytes_of(row);
  }
  return bytes;
}

Result<std::vector<Digest>> row_hashes(View& view, Size first, Size count)
{
  std::vector<Digest> hashes;
  CONOS_TRY(auto find, sqlite::Statement::prepare(view.connection(),
                         "SELECT hash FROM events WHERE id > ?1 AND id <= ?1 + ?2 ORDER BY id"));
  find.bind(1, static_cast<std::int64_t>(first));
  find.bind(2, static_cast<std::int64_t>(count));
  for (;;) {
    CONOS_TRY(const bool any, find.step());
    if (!any) {
      return hashes;
    }
    Digest hash{};
    const auto blob = find.blob(0);
    std::copy_n(blob.begin(), std::min(blob.size(), hash.size()), hash.begin());
    hashes.push_back(hash);
  }
}

Result<std::string> read_part(const std::string& directory, const std::string& path)
{
  constexpr std::size_t k_most = k_tile_width * (k_length_bytes + k_hash_bytes);
  return read_path(directory + "/" + path, k_most);
}

std::optional<std::vector<Digest>> hashes_in(std::string_view bytes)
{
  std::vector<Digest> hashes;
  for (; bytes.size() >= k_hash_bytes; bytes.remove_prefix(k_hash_bytes)) {
    std::copy_n(bytes.begin(), k_hash_bytes, hashes.emplace_back().begin());
  }
  return bytes.empty() ? std::optional(std::move(hashes)) : std::nullopt;
}

std::optional<std::vector<Digest>> entries_in(std::string_view bytes)
{
  std::vector<Digest> rows;
  constexpr auto k_entry = k_length_bytes + k_hash_bytes;
  for (; bytes.size() >= k_entry; bytes.remove_prefix(k_entry)) {
    if (bytes[0] != 0 || static_cast<std::size_t>(bytes[1]) != k_hash_bytes) {
      return std::nullopt;
    }
    std::copy_n(bytes.begin() + k_length_bytes, k_hash_bytes, rows.emplace_back().begin());
  }
  return bytes.empty() ? std::optional(std::move(rows)) : std::nullopt;
}

// Judges the files of an export against the tree that grows from its entries.
class TileJudge
{
public:
  explicit TileJudge(const std::string& directory)
      : m_directory(directory)
  {
  }

  Result<std::optional<Finding>> judge_entries(const Tile& tile)
  {
    const auto first = static_cast<std::int64_t>(tile.n * k_tile_width + 1);
    const auto path = tile.path("entries");
    CONOS_TRY(const auto bytes, find(path));
    const auto rows = bytes ? entries_in(*bytes) : std::nullopt;
    if (!rows || rows->size() != tile.width) {
      return about(first, tile, path, bytes.has_value());
    }
    std::vector<Digest> leaves;
    for (const auto& row : *rows) {
      leaves.push_back(merkle::leaf(row));
      m_tree.add(leaves.back(), [this](unsigned level, Size /*unused*/, const Digest& hash) {
        if (level % k_tile_height == 0) {
          const auto at = level / k_tile_height;
          m_levels.resize(std::max<std::size_t>(m_levels.size(), at + 1U));
          m_levels[at].push_back(hash);
        }
      });
    }
    return judge_hashes(tile, leaves);
  }

  // Of a level above the lowest, whose hashes are known by then.
  Result<std::optional<Finding>> judge_above(const Tile& tile)
  {
    const auto& level = m_levels.at(tile.level);
    const auto begin = level.begin() + static_cast<std::ptrdiff_t>(tile.n * k_tile_width);
    return judge_hashes(tile, {begin, begin + static_cast<std::ptrdiff_t>(tile.width)});
  }

  Digest root() const { return m_tree.root(); }

private:
  Result<std::optional<std::string>> find(const std::string& path) const
  {
    auto bytes = read_part(m_directory, path);
    if (!bytes && (bytes.error().kind == Kind::not_found || bytes.error().kind == Kind::bad_data)) {
      return std::optional<std::string>();
    }
    return std::move(bytes).map([](std::string found) {
      return std::optional(std::move(found));
    });
  }

  static Finding about(std::int64_t first, const Tile& tile, const std::string& path, bool is_read)
  {
    const auto span = Size{1} << (tile.level * k_tile_height);
    const auto last = first + static_cast<std::int64_t>(tile.width * span) - 1;
    return {first, fmt::format("rows {} to {}: '{}' is {}", first, last, path,
                     is_read ? "not as it was written" : "not there, or too large")};
  }

  Result<std::optional<Finding>> judge_hashes(const Tile& tile, const std::vector<Digest>& hashes)
  {
    const auto span = Size{1} << (tile.level * k_tile_height);
    const auto path = tile.path(fmt::format("{}", tile.level));
    CONOS_TRY(const auto bytes, find(path));
    const auto kept = bytes ? hashes_in(*bytes) : std::nullopt;
    const auto first = static_cast<std::int64_t>(tile.n * k_tile_width * span + 1);
    if (!kept || kept->size() != hashes.size()) {
      return about(first, tile, path, bytes.has_value());
    }
    const auto wrong = std::mismatch(kept->begin(), kept->end(), hashes.begin()).first;
    if (wrong == kept->end()) {
      return std::nullopt;
    }
    const auto at = static_cast<Size>(wrong - kept->begin());
    const auto row = static_cast<std::int64_t>((tile.n * k_tile_width + at) * span + 1);
    return Finding{
      row, fmt::format("row {}: its hash in 'tile/entries' is not that in '{}'", row, path)};
  }

  const std::string& m_directory;
  merkle::Frontier m_tree;
  std::vector<std::vector<Digest>> m_levels; // from 1 up; 1/256 of the rows and less
};

Result<> put_tile_of(View& view, const Tile& tile, const std::string& directory)
{
  const auto first = tile.n * k_tile_width;
  CONOS_TRY(const auto hashes, view.tree().hashes(tile.level, first, tile.width));
  if (tile.level == 0) {
    CONOS_TRY(const auto entries, row_hashes(view, first, tile.width));
    CONOS_CHECK(
      put_file(directory + "/" + tile.path("entries"), entries_of(entries), Durable::later));
  }
  return put_file(directory + "/" + tile.path(fmt::format("{}", tile.level)), bytes_of_all(hashes),
    Durable::later);
}

} // namespace

Result<> export_tiles(
  const std::string& file, const SignedCheckpoint& checkpoint, const std::string& directory)
{
  const auto purpose = during(fmt::format("export to '{}'", directory));
  const auto rows = checkpoint.checkpoint.rows;
  CONOS_TRY(auto view, View::open(file));
  if (rows > view.rows()) {
    return fail(Kind::bad_data, "the ledger has {} rows, and the checkpoint was signed for {}",
      view.rows(), rows);
  }
  CONOS_TRY(const auto root, view.root(rows).map_error(purpose));
  if (root != checkpoint.checkpoint.root) {
    return fail(
      Kind::bad_data, "the ledger is not what the checkpoint of {} rows was signed for", rows);
  }
  const auto put_tile = [&](const Tile& tile) {
    return put_tile_of(view, tile, directory);
  };
  CONOS_CHECK(each_tile(static_cast<Size>(rows), put_tile).map_error(purpose));
  CONOS_TRY(const auto dir, find_or_make_dir(directory).map_error(purpose));
  CONOS_CHECK(sync_filesystem(dir).map_error(purpose)); // the checkpoint promises all of them
  return put_file(directory + "/" + k_checkpoint, checkpoint.note, Durable::yes).map_error(purpose);
}

Result<TilesVerdict> verify_tiles(const std::string& directory, const VerifierKey& key)
{
  const auto purpose = during(fmt::format("verify '{}'", directory));
  const auto note = read_path(directory + "/" + k_checkpoint, k_max_note_bytes);
  if (!note && note.error().kind == Kind::not_found) {
    return TilesVerdict{0, {}, Finding{0, fmt::format("'{}' is not there", k_checkpoint)}};
  }
  CONOS_CHECK(note.map_error(purpose));
  const auto opened = open_checkpoint(*note, key);
  if (!opened) {
    return TilesVerdict{
      0, {}, Finding{0, fmt::format("'{}': {}", k_checkpoint, opened.error().text())}};
  }
  std::optional<Finding> bad;
  TileJudge judge(directory);
  const auto& checkpoint = opened->checkpoint;
  const auto judge_tile = [&](const Tile& tile) -> Result<> {
    if (!bad) {
      CONOS_TRY(bad, tile.level == 0 ? judge.judge_entries(tile) : judge.judge_above(tile));
    }
    return {};
  };
  CONOS_CHECK(each_tile(static_cast<Size>(checkpoint.rows), judge_tile).map_error(purpose));
  if (!bad && judge.root() != checkpoint.root) {
    bad = Finding{1, fmt::format("rows 1 to {} are not those that the checkpoint was signed for",
                       checkpoint.rows)};
  }
  return TilesVerdict{checkpoint.rows, checkpoint.root, std::move(bad)};
}

} // namespace conos::audit
