#pragma once

#include "audit/sha256.hpp"
#include "sys/error.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

// The hash tree of RFC 6962, section 2.1 (RFC 9162, section 2.1): what it says about a list is said
// by one hash, its root, and proved by a few more. Nothing here knows what a leaf is about.
namespace conos::audit::merkle {

using Size = std::uint64_t; // how many leaves, or which: the first is 0

// SHA-256 of 0x00 and the entry.
Digest leaf(std::string_view entry);
Digest leaf(const Digest& entry);

// SHA-256 of 0x01 and both.
Digest node(const Digest& left, const Digest& right);

// Of a tree without leaves: SHA-256 of nothing.
Digest empty_root();

// Gives the hash over the leaves index << level up to, not with, (index + 1) << level. All of them
// are in the tree whenever it is asked. Its errors are passed on.
using Subtree = std::function<Result<Digest>(unsigned level, Size index)>;

// The root of the tree of the first `size` leaves.
Result<Digest> root(Size size, const Subtree& subtree);

// What leads from leaf `index` to the root of the first `size` leaves, the leaf's neighbour first.
// Kind::bad_data when there is no such leaf among them.
Result<std::vector<Digest>> inclusion(Size index, Size size, const Subtree& subtree);

// What shows that the tree of the first `before` leaves is the beginning of that of the first
// `size`; empty when they are the same or the first has no leaf. Kind::bad_data when before > size.
Result<std::vector<Digest>> consistency(Size before, Size size, const Subtree& subtree);

// The root to which an inclusion proof leads; none when a proof for this leaf has another length.
std::optional<Digest> root_by_inclusion(
  Size index, Size size, const Digest& leaf, const std::vector<Digest>& proof);

// Whether the proof shows that a tree of `before` leaves is the beginning of one of `size`.
bool is_consistent(Size before, const Digest& root_before, Size size, const Digest& root,
  const std::vector<Digest>& proof);

// A tree that is added to leaf by leaf and keeps one hash for each bit of its size.
class Frontier
{
public:
  // Offered every complete subtree the leaf completes, from level 1 up.
  using Completed = std::function<void(unsigned level, Size index, const Digest& hash)>;

  void add(const Digest& leaf, const Completed& completed = nullptr);
  Size size() const { return m_size; }
  Digest root() const;

private:
  Size m_size = 0;
  std::vector<Digest> m_parts; // of complete subtrees, the largest first
};

} // namespace conos::audit::merkle
