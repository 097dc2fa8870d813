#include "audit/merkle.hpp"

#include <algorithm>
#include <bit>

namespace conos::audit::merkle {

namespace {

constexpr char k_leaf = 0;
constexpr char k_node = 1;

// Leaves from `begin` up to, not with, `end`: one of the ranges into which the RFC divides a tree,
// so `begin` is a multiple of the largest power of two in its width.
struct Range {
  Size begin = 0;
  Size end = 0;

  Size width() const { return end - begin; }
  // Where the RFC divides it: after the largest power of two below its width.
  Size middle() const { return begin + std::bit_floor(width() - 1); }
};

Result<Digest> root_of(Range range, const Subtree& subtree)
{
  std::vector<Digest> parts;
  while (range.width() > 0) {
    const auto width = std::bit_floor(range.width());
    const auto level = static_cast<unsigned>(std::countr_zero(width));
    CONOS_TRY(const auto part, subtree(level, range.begin >> level));
    parts.push_back(part);
    range.begin += width;
  }
  if (parts.empty()) {
    return empty_root();
  }
  auto hash = parts.back();
  for (auto part = parts.rbegin() + 1; part != parts.rend(); ++part) {
    hash = node(*part, hash);
  }
  return hash;
}

bool is_odd(Size number)
{
  return (number & 1U) != 0;
}

// Where a walk from a leaf to the root is: which node of its level, and which is the last there.
struct Walk {
  Size at = 0;
  Size last = 0;

  void up()
  {
    at >>= 1U;
    last >>= 1U;
  }
  bool is_right() const { return is_odd(at) || at == last; }
  // A last node without a neighbour moves up as it is.
  void skip_lonely()
  {
    while (!is_odd(at) && at != 0) {
      up();
    }
  }
};

} // namespace

Digest leaf(std::string_view entry)
{
  std::string bytes(1, k_leaf);
  bytes += entry;
  return sha256(bytes);
}

Digest leaf(const Digest& entry)
{
  std::array<char, 33> bytes{k_leaf};
  std::copy(entry.begin(), entry.end(), bytes.begin() + 1);
  return sha256({bytes.data(), bytes.size()});
}

Digest node(const Digest& left, const Digest& right)
{
  std::array<char, 65> bytes{k_node};
  std::copy(right.begin(), right.end(), std::copy(left.begin(), left.end(), bytes.begin() + 1));
  return sha256({bytes.data(), bytes.size()});
}

Digest empty_root()
{
  return sha256("");
}

Result<Digest> root(Size size, const Subtree& subtree)
{
  return root_of({0, size}, subtree);
}

Result<std::vector<Digest>> inclusion(Size index, Size size, const Subtree& subtree)
{
  if (index >= size) {
    return fail(Kind::bad_data, "leaf {} is not among {}", index, size);
  }
  std::vector<Digest> proof;
  Range range{0, size};
  while (range.width() > 1) {
    const Range left{range.begin, range.middle()};
    const Range right{range.middle(), range.end};
    const bool in_left = index < left.end;
    CONOS_TRY(const auto other, root_of(in_left ? right : left, subtree));
    proof.push_back(other);
    range = in_left ? left : right;
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

Result<std::vector<Digest>> consistency(Size before, Size size, const Subtree& subtree)
{
  if (before > size) {
    return fail(Kind::bad_data, "{} leaves are not among {}", before, size);
  }
  std::vector<Digest> proof;
  Range range{0, size};
  while (before > 0 && range.end != before) {
    const Range left{range.begin, range.middle()};
    const Range right{range.middle(), range.end};
    const bool in_left = before <= left.end;
    CONOS_TRY(const auto other, root_of(in_left ? right : left, subtree));
    proof.push_back(other);
    range = in_left ? left : right;
  }
  if (before > 0 && range.begin > 0) { // else it is the root of the earlier tree, which is known
    CONOS_TRY(const auto own, root_of(range, subtree));
    proof.push_back(own);
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

std::optional<Digest> root_by_inclusion(
  Size index, Size size, const Digest& leaf, const std::vector<Digest>& proof)
{
  if (index >= size) {
    return std::nullopt;
  }
  Walk walk{index, size - 1};
  auto hash = leaf;
  for (const auto& other : proof) {
    if (walk.last == 0) {
      return std::nullopt;
    }
    if (walk.is_right()) {
      hash = node(other, hash);
      walk.skip_lonely();
    } else {
      hash = node(hash, other);
    }
    walk.up();
  }
  return walk.last == 0 ? std::optional(hash) : std::nullopt;
}

bool is_consistent(Size before, const Digest& root_before, Size size, const Digest& root,
  const std::vector<Digest>& proof)
{
  if (before == 0 || before == size) {
    return proof.empty() && root_before == (before == 0 ? empty_root() : root);
  }
  if (before > size || proof.empty()) {
    return false;
  }
  Walk walk{before - 1, size - 1};
  while (is_odd(walk.at)) {
    walk.up();
  }
  // a complete tree is itself the first node of the path, and is not sent
  auto other = proof.begin();
  auto hash_before = std::has_single_bit(before) ? root_before : *other++;
  auto hash = hash_before;
  for (; other != proof.end(); ++other) {
    if (walk.last == 0) {
      return false;
    }
    if (walk.is_right()) {
      hash_before = node(*other, hash_before);
      hash = node(*other, hash);
      walk.skip_lonely();
    } else {
      hash = node(hash, *other);
    }
    walk.up();
  }
  return walk.last == 0 && hash_before == root_before && hash == root;
}

void Frontier::add(const Digest& leaf, const Completed& completed)
{
  auto hash = leaf;
  unsigned level = 0;
  for (auto index = m_size; is_odd(index);) {
    hash = node(m_parts.back(), hash);
    m_parts.pop_back();
    index >>= 1U;
    ++level;
    if (completed) {
      completed(level, index, hash);
    }
  }
  m_parts.push_back(hash);
  ++m_size;
}

Digest Frontier::root() const
{
  if (m_parts.empty()) {
    return empty_root();
  }
  auto hash = m_parts.back();
  for (auto part = m_parts.rbegin() + 1; part != m_parts.rend(); ++part) {
    hash = node(*part, hash);
  }
  return hash;
}

} // namespace conos::audit::merkle
