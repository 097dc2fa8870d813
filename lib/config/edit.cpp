#include "config/edit.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

namespace conos::config {

namespace {

std::string quoted(std::string_view item)
{
  return fmt::format("\"{}\"", item); // names only, which need no escapes
}

// toml++ counts characters from 1; beyond the end is the end.
std::size_t offset_of(std::string_view text, const toml::source_position& at)
{
  std::size_t offset = 0;
  for (toml::source_index line = 1; line < at.line; ++line) {
    const auto end = text.find('\n', offset);
    if (end == text.npos) {
      return text.size();
    }
    offset = end + 1;
  }
  for (toml::source_index column = 1; column < at.column && offset < text.size(); ++column) {
    ++offset;
    while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U) {
      ++offset;
    }
  }
  return offset;
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

Span span_of(std::string_view text, const toml::source_region& region)
{
  return {offset_of(text, region.begin), offset_of(text, region.end)};
}

Result<toml::table> parsed(std::string_view text)
{
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return fail(Kind::bad_data, "not TOML: {}", error.description());
  }
}

toml::table* find_agent(toml::table& root, std::string_view name)
{
  auto* agents = root["agents"].as_array();
  if (agents == nullptr) {
    return nullptr;
  }
  for (auto& node : *agents) {
    auto* table = node.as_table();
    if (table != nullptr && (*table)["name"].value<std::string_view>() == name) {
      return table;
    }
  }
  return nullptr;
}

std::size_t line_begin(std::string_view text, std::size_t at)
{
  const auto newline = at == 0 ? text.npos : text.rfind('\n', at - 1);
  return newline == text.npos ? 0 : newline + 1;
}

// After the newline.
std::size_t line_end(std::string_view text, std::size_t at)
{
  const auto newline = text.find('\n', at);
  return newline == text.npos ? text.size() : newline + 1;
}

bool is_blank(std::string_view text)
{
  return trimmed(text).empty();
}

// Past white space and comments.
std::size_t next_token(std::string_view text, std::size_t at)
{
  while (at < text.size()) {
    if (text[at] == '#') {
      at = line_end(text, at);
    } else if (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
      ++at;
    } else {
      break;
    }
  }
  return at;
}

class Edit
{
public:
  Edit(std::string_view text, std::string_view key)
      : m_text(text)
      , m_key(key)
  {
  }

  std::string add_to(const toml::array& list, std::string_view item) const
  {
    const auto whole = span_of(m_text, list.source());
    if (list.empty()) {
      return put(whole.begin + 1, quoted(item));
    }
    const auto last = span_of(m_text, list.back().source());
    const auto after = next_token(m_text, last.end);
    const bool has_comma = after < m_text.size() && m_text[after] == ',';
    const auto close = whole.end - 1;
    const auto close_line = line_begin(m_text, close);
    if (close_line <= last.end || !is_blank(m_text.substr(close_line, close - close_line))) {
      return put(
        last.end, ", " + quoted(item)); // a comma behind the last stays behind the new last
    }
    // one item a line: the new one gets its own, and comments stay beside what they are about
    const auto first_line = line_begin(m_text, last.begin);
    const auto indent =
      m_text.substr(first_line, m_text.find_first_not_of(" \t", first_line) - first_line);
    auto text = put(close_line, fmt::format("{}{},\n", indent, quoted(item)));
    if (!has_comma) {
      text.insert(last.end, ",");
    }
    return text;
  }

  std::string remove(const Span& item, bool is_last) const
  {
    auto cut = item;
    const auto after = next_token(m_text, item.end);
    if (after < m_text.size() && m_text[after] == ',') {
      cut.end = after + 1;
    } else if (is_last) { // the comma before it goes instead
      const auto comma = m_text.rfind(',', item.begin);
      if (comma != m_text.npos && is_blank(m_text.substr(comma + 1, item.begin - comma - 1)) &&
          line_begin(m_text, comma) == line_begin(m_text, item.begin)) {
        cut.begin = comma;
      }
    }
    const auto begin = line_begin(m_text, cut.begin);
    const auto end = line_end(m_text, cut.end);
    if (is_blank(m_text.substr(begin, cut.begin - begin)) &&
        is_blank(m_text.substr(cut.end, end - cut.end))) {
      cut = {begin, end};
    } else if (cut.begin == item.begin) {
      cut.end = m_text.find_first_not_of(' ', cut.end); // the space behind its comma
    }
    std::string text(m_text);
    text.erase(cut.begin, cut.end - cut.begin);
    return text;
  }

  std::string add_key(const toml::table& agent, std::string_view item) const
  {
    const auto name = span_of(m_text, agent.get("name")->source());
    const auto begin = line_begin(m_text, name.begin);
    const auto indent = m_text.substr(begin, m_text.find_first_not_of(" \t", begin) - begin);
    const auto end = line_end(m_text, name.end);
    const bool is_closed = end > 0 && m_text[end - 1] == '\n';
    return put(
      end, fmt::format("{}{}{} = [{}]\n", is_closed ? "" : "\n", indent, m_key, quoted(item)));
  }

private:
  std::string put(std::size_t at, const std::string& what) const
  {
    std::string text(m_text);
    text.insert(at, what);
    return text;
  }

  std::string_view m_text;
  std::string_view m_key;
};

tl::unexpected<Error> by_hand(std::string_view agent, std::string_view key)
{
  return fail(Kind::bad_data,
    "the '{}' of agent '{}' is written in a way that only a person can change", key, agent);
}

// What was made must mean what it was made for, and nothing else.
Result<std::string> checked(
  std::string text, const toml::table& meant, std::string_view agent, std::string_view key)
{
  const auto made = parsed(text);
  return made && *made == meant ? Result<std::string>(std::move(text)) : by_hand(agent, key);
}

struct Found {
  toml::table root;
  toml::table* agent = nullptr;
  toml::node* value = nullptr; // of the key
};

Result<Found> find(std::string_view text, std::string_view agent, std::string_view key)
{
  Found found;
  CONOS_TRY(found.root, parsed(text));
  found.agent = find_agent(found.root, agent);
  if (found.agent == nullptr) {
    return fail(Kind::not_found, "conos.toml has no agent '{}'", escaped(agent, 64));
  }
  found.value = found.agent->get(key);
  return found;
}

std::optional<std::size_t> position_in(const toml::array& list, std::string_view item)
{
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].value<std::string_view>() == item) {
      return i;
    }
  }
  return std::nullopt;
}

} // namespace

Result<std::string> with_item(
  std::string_view text, std::string_view agent, std::string_view key, std::string_view item)
{
  CONOS_TRY(auto found, find(text, agent, key));
  const Edit edit(text, key);
  if (found.value == nullptr) {
    auto made = edit.add_key(*found.agent, item);
    found.agent->insert(key, toml::array{std::string(item)});
    return checked(std::move(made), found.root, agent, key);
  }
  auto* list = found.value->as_array();
  if (list == nullptr) {
    return by_hand(agent, key);
  }
  if (position_in(*list, item)) {
    return std::string(text);
  }
  auto made = edit.add_to(*list, item);
  list->push_back(std::string(item));
  return checked(std::move(made), found.root, agent, key);
}

Result<std::string> without_item(
  std::string_view text, std::string_view agent, std::string_view key, std::string_view item)
{
  CONOS_TRY(auto found, find(text, agent, key));
  auto* list = found.value == nullptr ? nullptr : found.value->as_array();
  const auto position = list == nullptr ? std::nullopt : position_in(*list, item);
  if (!position) {
    return std::string(text);
  }
  const auto span = span_of(text, (*list)[*position].source());
  auto made = Edit(text, key).remove(span, *position + 1 == list->size());
  list->erase(list->begin() + static_cast<std::ptrdiff_t>(*position));
  return checked(std::move(made), found.root, agent, key);
}

} // namespace conos::config
