#include "contract/node.hpp"
#include "sys/text.hpp"

#include <toml++/toml.h>

#include <sstream>

namespace conos::contract {

namespace {

Mark mark_of(const toml::source_position& position)
{
  return {position.line, position.column};
}

// toml++ itself ends nesting at 256; the text was bounded before.
Node node_of(const toml::node& from)
{
  Node node;
  node.mark = mark_of(from.source().begin);
  if (const auto* table = from.as_table(); table != nullptr) {
    node.type = Node::Type::map;
    for (const auto& [key, value] : *table) {
      node.entries.push_back({std::string(key.str()), mark_of(key.source().begin), node_of(value)});
    }
    return node;
  }
  if (const auto* list = from.as_array(); list != nullptr) {
    node.type = Node::Type::list;
    for (const auto& item : *list) {
      node.items.push_back(node_of(item));
    }
    return node;
  }
  node.type = Node::Type::scalar;
  if (const auto text = from.value_exact<std::string>()) {
    node.text = *text;
    node.is_quoted = true;
    return node;
  }
  std::ostringstream out;
  from.visit([&](const auto& value) {
    if constexpr (!toml::is_table<decltype(value)> && !toml::is_array<decltype(value)>) {
      out << value;
    }
  });
  node.text = out.str();
  return node;
}

} // namespace

tl::expected<Node, Problem> parse_toml(std::string_view text, const NodeBounds&)
{
  try {
    return node_of(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return tl::unexpected(
      Problem{mark_of(error.source().begin), escaped(std::string(error.description()))});
  }
}

} // namespace conos::contract
