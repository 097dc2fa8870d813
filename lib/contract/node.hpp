#pragma once

#include "sys/error.hpp"

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// A document as a tree: what YAML, JSON and TOML have in common.
namespace conos::contract {

// Where something is written; both count from 1, 0 means nowhere.
struct Mark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

// Something wrong with a file, where, and in a sentence without a full stop.
struct Problem {
  Mark mark;
  std::string what;
};

struct Entry;

struct Node {
  enum class Type { null, scalar, list, map };

  Type type = Type::null;
  bool is_quoted = false; // a scalar that is text whatever it looks like
  Mark mark;
  std::string text;           // of a scalar, as written; true and false of JSON too
  std::vector<Node> items;    // of a list
  std::vector<Entry> entries; // of a map, in their order

  bool is_scalar() const { return type == Type::scalar; }
  // The value of a key, nullptr when this is no map or has none of that name.
  const Node* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Mark mark;
  Node value;
};

struct NodeBounds {
  std::size_t nodes = 200'000;
  int depth = 32;
  bool aliases = false; // an alias is a copy, and each copy counts; false: there may be none
};

// One YAML document. A key that is written twice is a problem, as is whatever the bounds forbid.
// Time and memory are linear in the text and the bounds.
tl::expected<Node, Problem> parse_yaml(std::string_view text, const NodeBounds& bounds);

tl::expected<Node, Problem> parse_json(std::string_view text, const NodeBounds& bounds);

tl::expected<Node, Problem> parse_toml(std::string_view text, const NodeBounds& bounds);

// What a key such as "servers[0].name" or "servers[*].name" names in a document: none where nothing
// is there, several with "*". A key in quotes may hold dots: "a.\"b.c\"".
std::vector<const Node*> select(const Node& document, std::string_view key);

// Whether `key` can be understood by select().
bool is_key(std::string_view key);

} // namespace conos::contract
