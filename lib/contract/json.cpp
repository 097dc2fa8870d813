#include "contract/node.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <unordered_set>

namespace conos::contract {

namespace {

using Json = nlohmann::json;

// Line and column of a byte.
Mark mark_at(std::string_view text, std::size_t byte)
{
  const auto before = text.substr(0, std::min(byte, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n');
  const auto start = before.rfind('\n');
  const auto column = before.size() - (start == before.npos ? 0 : start + 1);
  return {static_cast<std::uint32_t>(line + 1), static_cast<std::uint32_t>(column + 1)};
}

// Takes nlohmann's events. Its own tree would have no bounds and would not see a key written twice.
class Builder : public nlohmann::json_sax<Json>
{
public:
  Builder(std::string_view text, const NodeBounds& bounds)
      : m_text(text)
      , m_bounds(bounds)
  {
  }

  bool null() override { return put({}); }
  bool boolean(bool value) override { return scalar(value ? "true" : "false", false); }
  bool number_integer(number_integer_t value) override
  {
    return scalar(std::to_string(value), false);
  }
  bool number_unsigned(number_unsigned_t value) override
  {
    return scalar(std::to_string(value), false);
  }
  bool number_float(number_float_t, const string_t& text) override { return scalar(text, false); }
  bool string(string_t& text) override { return scalar(text, true); }
  bool binary(binary_t&) override { return wrong("binary data"); }
  bool start_object(std::size_t) override { return open(Node::Type::map); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Node::Type::list); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override
  {
    auto& map = *m_open.back();
    if (!m_keys.back().insert(name).second) {
      return wrong(fmt::format("'{}' is written twice", escaped(name, 64)));
    }
    map.entries.push_back({name, {}, {}});
    return true;
  }
  bool parse_error(std::size_t byte, const std::string&, const Json::exception&) override
  {
    problem = {mark_at(m_text, byte == 0 ? 0 : byte - 1), "this is not JSON"};
    return false;
  }

  Node root;
  Problem problem;

private:
  bool wrong(std::string what)
  {
    problem = {{}, std::move(what)};
    return false;
  }

  bool scalar(std::string text, bool is_quoted)
  {
    Node node;
    node.type = Node::Type::scalar;
    node.is_quoted = is_quoted;
    node.text = std::move(text);
    return put(std::move(node));
  }

  Node* place()
  {
    if (m_open.empty()) {
      return &root;
    }
    auto& parent = *m_open.back();
    return parent.type == Node::Type::list ? &parent.items.emplace_back()
                                           : &parent.entries.back().value;
  }

  bool put(Node node)
  {
    if (++m_nodes > m_bounds.nodes) {
      return wrong(fmt::format("there are more than {} things in it", m_bounds.nodes));
    }
    *place() = std::move(node);
    return true;
  }

  bool open(Node::Type type)
  {
    if (m_open.size() >= static_cast<std::size_t>(m_bounds.depth)) {
      return wrong(fmt::format("it is nested deeper than {}", m_bounds.depth));
    }
    auto* node = place();
    node->type = type;
    m_open.push_back(node); // stays where it is: its parent grows no more while it is open
    m_keys.emplace_back();
    return ++m_nodes <= m_bounds.nodes ||
           wrong(fmt::format("there are more than {} things in it", m_bounds.nodes));
  }

  bool close()
  {
    m_open.pop_back();
    m_keys.pop_back();
    return true;
  }

  std::string_view m_text;
  const NodeBounds& m_bounds;
  std::vector<Node*> m_open;
  std::vector<std::unordered_set<std::string>> m_keys; // of each that is open
  std::size_t m_nodes = 0;
};

} // namespace

tl::expected<Node, Problem> parse_json(std::string_view text, const NodeBounds& bounds)
{
  Builder builder(text, bounds);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return tl::unexpected(std::move(builder.problem));
  }
  return std::move(builder.root);
}

} // namespace conos::contract
