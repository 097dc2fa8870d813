#include "audit/merkle.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <string>
#include <vector>

using namespace conos;
using namespace conos::audit;

namespace {

using Proof = std::vector<Digest>;

constexpr merkle::Size k_largest = 130;

// RFC 6962, section 2.1, word for word: nothing of how we do it is in here.
Digest tree_hash(const Proof& leaves, std::size_t begin, std::size_t end)
{
  if (end - begin == 1) {
    return leaves[begin];
  }
  std::size_t half = 1;
  while (2 * half < end - begin) {
    half *= 2;
  }
  const auto left = tree_hash(leaves, begin, begin + half);
  const auto right = tree_hash(leaves, begin + half, end);
  std::string bytes(1, 1);
  bytes.append(left.begin(), left.end());
  bytes.append(right.begin(), right.end());
  return sha256(bytes);
}

Proof leaves_of(merkle::Size count)
{
  Proof leaves;
  for (merkle::Size i = 0; i < count; ++i) {
    leaves.push_back(merkle::leaf(fmt::format("entry {}", i)));
  }
  return leaves;
}

merkle::Subtree subtree_of(const Proof& leaves)
{
  return [&leaves](unsigned level, merkle::Size index) -> Result<Digest> {
    REQUIRE((index + 1) << level <= leaves.size());
    return tree_hash(leaves, index << level, (index + 1) << level);
  };
}

std::vector<std::string> hex_of(const Proof& proof)
{
  std::vector<std::string> lines;
  for (const auto& each : proof) {
    lines.push_back(hex(each));
  }
  return lines;
}

// The eight entries of the tests of Certificate Transparency.
Proof known_leaves()
{
  const std::vector<std::string> entries{"", std::string(1, 0), "\x10", "\x20\x21", "\x30\x31",
    "\x40\x41\x42\x43", "\x50\x51\x52\x53\x54\x55\x56\x57",
    "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
  Proof leaves;
  for (const auto& entry : entries) {
    leaves.push_back(merkle::leaf(entry));
  }
  return leaves;
}

} // namespace

TEST_CASE("roots are those of Certificate Transparency's own tests", "[audit][merkle]")
{
  const auto leaves = known_leaves();
  const std::vector<std::string> roots{
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  merkle::Frontier frontier;
  for (std::size_t size = 0; size < roots.size(); ++size) {
    CHECK(hex(merkle::root(size, subtree_of(leaves)).value()) == roots[size]);
    CHECK(hex(frontier.root()) == roots[size]);
    if (size < leaves.size()) {
      frontier.add(leaves[size]);
    }
  }
}

TEST_CASE("proofs are those of Certificate Transparency's own tests", "[audit][merkle]")
{
  using Lines = std::vector<std::string>;
  const std::string a = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
  const std::string b = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
  const std::string c = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
  const std::string d = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
  const std::string e = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
  const std::string f = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
  const std::string g = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
  const auto leaves = known_leaves();
  const auto subtree = subtree_of(leaves);
  const auto inclusion = [&](merkle::Size index, merkle::Size size) {
    return hex_of(merkle::inclusion(index, size, subtree).value());
  };
  const auto consistency = [&](merkle::Size before, merkle::Size size) {
    return hex_of(merkle::consistency(before, size, subtree).value());
  };

  CHECK(inclusion(0, 1) == Lines{});
  CHECK(inclusion(0, 8) == Lines{a, b, c});
  CHECK(inclusion(5, 8) == Lines{d, e, f});
  CHECK(
    inclusion(2, 3) == Lines{"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"});
  CHECK(consistency(1, 1) == Lines{});
  CHECK(consistency(1, 8) == Lines{a, b, c});
  CHECK(consistency(6, 8) == Lines{g, e, f});
  CHECK(consistency(2, 5) == Lines{b, d});
}

TEST_CASE("every leaf of every tree is proved, and by no other proof", "[audit][merkle]")
{
  const auto leaves = leaves_of(k_largest);
  for (merkle::Size size = 1; size <= k_largest; ++size) {
    const auto root = tree_hash(leaves, 0, size);
    REQUIRE(merkle::root(size, subtree_of(leaves)).value() == root);
    for (merkle::Size index = 0; index < size; ++index) {
      const auto& leaf = leaves[index];
      auto proof = merkle::inclusion(index, size, subtree_of(leaves)).value();
      REQUIRE(merkle::root_by_inclusion(index, size, leaf, proof) == root);
      // another place, another size, one hash more, less or changed
      REQUIRE(merkle::root_by_inclusion(index + 1, size, leaf, proof) != root);
      REQUIRE(merkle::root_by_inclusion(index ^ 1U, size, leaf, proof).value_or(Digest{}) !=
              (size == 1 ? Digest{1} : root));
      proof.push_back(root);
      REQUIRE(merkle::root_by_inclusion(index, size, leaf, proof) != root);
      proof.pop_back();
      if (!proof.empty()) {
        proof.back()[31] ^= 1U;
        REQUIRE(merkle::root_by_inclusion(index, size, leaf, proof) != root);
        proof.pop_back();
        REQUIRE(merkle::root_by_inclusion(index, size, leaf, proof) != root);
      }
    }
    CHECK_FALSE(merkle::inclusion(size, size, subtree_of(leaves)));
  }
}

TEST_CASE("every tree is shown to be the beginning of every later one", "[audit][merkle]")
{
  const auto leaves = leaves_of(k_largest);
  const auto subtree = subtree_of(leaves);
  const auto root_of = [&](merkle::Size size) {
    return size == 0 ? merkle::empty_root() : tree_hash(leaves, 0, size);
  };
  for (merkle::Size size = 0; size <= k_largest; ++size) {
    const auto root = root_of(size);
    for (merkle::Size before = 0; before <= size; ++before) {
      auto proof = merkle::consistency(before, size, subtree).value();
      const auto earlier = root_of(before);
      REQUIRE(merkle::is_consistent(before, earlier, size, root, proof));

      auto other = earlier;
      other[0] ^= 1U;
      REQUIRE_FALSE(merkle::is_consistent(before, other, size, root, proof));
      if (before > 0) {
        other = root;
        other[0] ^= 1U;
        REQUIRE_FALSE(merkle::is_consistent(before, earlier, size, other, proof));
      }
      proof.push_back(root);
      REQUIRE_FALSE(merkle::is_consistent(before, earlier, size, root, proof));
      proof.pop_back();
      if (!proof.empty()) {
        proof.front()[0] ^= 1U;
        REQUIRE_FALSE(merkle::is_consistent(before, earlier, size, root, proof));
        proof.front()[0] ^= 1U;
        proof.pop_back();
        REQUIRE_FALSE(merkle::is_consistent(before, earlier, size, root, proof));
      }
    }
    CHECK_FALSE(merkle::consistency(size + 1, size, subtree));
  }
}

TEST_CASE("a frontier has the root at every size and names what it completes", "[audit][merkle]")
{
  const auto leaves = leaves_of(k_largest);
  const auto subtree = subtree_of(leaves);
  merkle::Frontier frontier;
  std::size_t completed = 0;
  for (merkle::Size size = 1; size <= k_largest; ++size) {
    frontier.add(leaves[size - 1], [&](unsigned level, merkle::Size index, const Digest& hash) {
      CHECK(subtree(level, index).value() == hash);
      CHECK((index + 1) << level == size);
      ++completed;
    });
    REQUIRE(frontier.root() == tree_hash(leaves, 0, size));
  }
  CHECK(completed == 65 + 32 + 16 + 8 + 4 + 2 + 1);
}

TEST_CASE("base64 is written in one way only", "[audit][sha256]")
{
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("foobar") == "Zm9vYmFy");
  for (const std::string text : {"", "f", "fo", "foo", "foobar"}) {
    CHECK(from_base64(base64(text)) == text);
  }
  for (const auto* text : {"Zg", "Zg=", "Zh==", "Zm9=", "Zg==\n",
         " Zg==", "Z===", "====", "Zm9vYm=y", "Zm9*", "Zg==Zg=="}) {
    INFO(text);
    CHECK_FALSE(from_base64(text));
  }
  CHECK_FALSE(digest_from_hex(std::string(63, '0')));
  CHECK_FALSE(digest_from_hex(std::string(64, 'A')));
  CHECK(digest_from_hex(std::string(64, '0')) == Digest{});
}
