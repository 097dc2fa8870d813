#include "contract/node.hpp"
#include "sys/text.hpp"

#include <yaml.h>

#include <map>
#include <set>

namespace conos::contract {

namespace {

// A map larger than this is searched for its double keys by a set.
constexpr std::size_t k_small_map = 16;

struct Parser {
  Parser() { (void)::yaml_parser_initialize(&raw); }
  ~Parser() { ::yaml_parser_delete(&raw); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  yaml_parser_t raw{};
};

struct Event {
  Event() = default;
  ~Event() { ::yaml_event_delete(&raw); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  yaml_event_t raw{};
};

Mark mark_of(const yaml_mark_t& mark)
{
  return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

std::string_view text_of(const yaml_char_t* text)
{
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// What stands for "nothing" where it is not quoted.
bool means_null(std::string_view text)
{
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// Makes a tree of the parser's events. The first problem ends it.
class Builder
{
public:
  Builder(std::string_view text, const NodeBounds& bounds)
      : m_bounds(bounds)
  {
    ::yaml_parser_set_input_string(
      &m_parser.raw, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }

  tl::expected<Node, Problem> document()
  {
    Node root;
    if (!skip_to_document(root) || (!m_is_empty && !node(root, 0)) || !expect_end()) {
      return tl::unexpected(std::move(m_problem));
    }
    return root;
  }

private:
  bool wrong(Mark mark, std::string what)
  {
    m_problem = {mark, std::move(what)};
    return false;
  }

  bool next(Event& event)
  {
    if (::yaml_parser_parse(&m_parser.raw, &event.raw) != 0) {
      return true;
    }
    const auto& raw = m_parser.raw;
    if (raw.error == YAML_MEMORY_ERROR) {
      return wrong({}, "there is not enough memory for it");
    }
    // of an error of the reader only the place of the byte is known
    auto mark = raw.error == YAML_READER_ERROR ? raw.mark : raw.problem_mark;
    auto what = raw.problem != nullptr ? std::string(raw.problem) : "this is not YAML";
    if (raw.context != nullptr) {
      what = std::string(raw.context) + ": " + what;
    }
    return wrong(mark_of(mark), escaped(what));
  }

  bool skip_to_document(Node& root)
  {
    Event start;
    Event document;
    if (!next(start) || !next(document)) {
      return false;
    }
    m_is_empty = document.raw.type == YAML_STREAM_END_EVENT;
    root.mark = {1, 1};
    return true;
  }

  bool expect_end()
  {
    if (m_is_empty) {
      return true;
    }
    Event document_end;
    Event after;
    if (!next(document_end) || !next(after)) {
      return false;
    }
    return after.raw.type == YAML_STREAM_END_EVENT ||
           wrong(mark_of(after.raw.start_mark), "a second document begins here; there may be one");
  }

  bool node(Node& into, int depth)
  {
    Event event;
    return next(event) && node_of(event.raw, into, depth);
  }

  bool count(std::size_t nodes, Mark mark)
  {
    m_nodes += nodes;
    return m_nodes <= m_bounds.nodes ||
           wrong(mark, fmt::format("there are more than {} things in it", m_bounds.nodes));
  }

  bool node_of(const yaml_event_t& event, Node& into, int depth)
  {
    into.mark = mark_of(event.start_mark);
    if (depth > m_bounds.depth) {
      return wrong(into.mark, fmt::format("it is nested deeper than {}", m_bounds.depth));
    }
    if (!count(1, into.mark)) {
      return false;
    }
    switch (event.type) {
    case YAML_SCALAR_EVENT:
      scalar(event, into);
      return keep_anchor(event.data.scalar.anchor, into);
    case YAML_SEQUENCE_START_EVENT:
      return list(into, depth) && keep_anchor(event.data.sequence_start.anchor, into);
    case YAML_MAPPING_START_EVENT:
      return map(into, depth) && keep_anchor(event.data.mapping_start.anchor, into);
    case YAML_ALIAS_EVENT:
      return alias(text_of(event.data.alias.anchor), into);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      break;
    }
    return wrong(into.mark, "this is not YAML");
  }

  static void scalar(const yaml_event_t& event, Node& into)
  {
    const auto& from = event.data.scalar;
    into.text.assign(reinterpret_cast<const char*>(from.value), from.length);
    into.is_quoted = from.style != YAML_PLAIN_SCALAR_STYLE;
    into.type = !into.is_quoted && means_null(into.text) ? Node::Type::null : Node::Type::scalar;
  }

  bool list(Node& into, int depth)
  {
    into.type = Node::Type::list;
    for (;;) {
      Event event;
      if (!next(event)) {
        return false;
      }
      if (event.raw.type == YAML_SEQUENCE_END_EVENT) {
        return true;
      }
      if (!node_of(event.raw, into.items.emplace_back(), depth + 1)) {
        return false;
      }
    }
  }

  bool map(Node& into, int depth)
  {
    into.type = Node::Type::map;
    std::set<std::string, std::less<>> seen;
    for (;;) {
      Event event;
      if (!next(event)) {
        return false;
      }
      if (event.raw.type == YAML_MAPPING_END_EVENT) {
        return true;
      }
      const auto mark = mark_of(event.raw.start_mark);
      if (event.raw.type != YAML_SCALAR_EVENT) {
        return wrong(mark, "a key has to be a plain word");
      }
      const auto& key = event.raw.data.scalar;
      std::string name(reinterpret_cast<const char*>(key.value), key.length);
      if (!note_key(into, name, mark, seen) || !count(1, mark)) {
        return false;
      }
      into.entries.push_back({std::move(name), mark, {}});
      if (!node(into.entries.back().value, depth + 1)) {
        return false;
      }
    }
  }

  bool note_key(
    const Node& map, const std::string& name, Mark mark, std::set<std::string, std::less<>>& seen)
  {
    if (map.entries.size() == k_small_map) {
      for (const auto& entry : map.entries) {
        seen.insert(entry.key);
      }
    }
    const bool twice =
      map.entries.size() < k_small_map ? map.find(name) != nullptr : !seen.insert(name).second;
    if (!twice) {
      return true;
    }
    std::uint32_t first = 0;
    for (const auto& entry : map.entries) {
      first = entry.key == name ? entry.mark.line : first;
    }
    return wrong(
      mark, fmt::format("'{}' is written twice, first in line {}", escaped(name, 64), first));
  }

  bool keep_anchor(const yaml_char_t* anchor, const Node& node)
  {
    if (anchor == nullptr) {
      return true;
    }
    if (!m_bounds.aliases) {
      return wrong(node.mark, "anchors and aliases are not for contracts: write it out");
    }
    // a copy for each anchor counts too, or a chain of them would cost what it does not show
    const auto size = size_of(node);
    m_anchors[std::string(text_of(anchor))] = {node, size};
    return count(size, node.mark);
  }

  bool alias(std::string_view name, Node& into)
  {
    const auto found = m_anchors.find(name);
    if (found == m_anchors.end()) {
      return wrong(into.mark, m_bounds.aliases
                                ? fmt::format("there is no anchor '{}' above", escaped(name, 64))
                                : "anchors and aliases are not for contracts: write it out");
    }
    if (!count(found->second.size, into.mark)) { // before the copy is made
      return false;
    }
    into = found->second.node;
    return true;
  }

  static std::size_t size_of(const Node& node)
  {
    std::size_t size = 1;
    for (const auto& item : node.items) {
      size += size_of(item);
    }
    for (const auto& entry : node.entries) {
      size += 1 + size_of(entry.value);
    }
    return size;
  }

  struct Anchored {
    Node node;
    std::size_t size = 0;
  };

  const NodeBounds& m_bounds;
  Parser m_parser;
  std::size_t m_nodes = 0;
  bool m_is_empty = false;
  std::map<std::string, Anchored, std::less<>> m_anchors;
  Problem m_problem;
};

} // namespace

tl::expected<Node, Problem> parse_yaml(std::string_view text, const NodeBounds& bounds)
{
  return Builder(text, bounds).document();
}

} // namespace conos::contract
