#include "page/html.hpp"

#include "sys/text.hpp"

#include <algorithm>
#include <array>

namespace conos::page {

namespace {

std::string quoted(std::string_view text)
{
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

bool is_left_open(std::string_view name)
{
  constexpr std::array<std::string_view, 2> k_open{"meta", "link"};
  return std::find(k_open.begin(), k_open.end(), name) != k_open.end();
}

} // namespace

std::string visible(std::string_view text, std::size_t most)
{
  std::vector<std::string> parts;
  for (const auto part : split(clipped(text, most), '\\')) {
    parts.push_back(escaped(part, 4 * most));
  }
  return join(parts, "\\") + (text.size() > most ? "…" : "");
}

Html::Html(std::string_view text, std::size_t most)
    : m_markup(quoted(visible(text, most)))
{
}

Html& Html::operator+=(const Html& other)
{
  m_markup += other.m_markup;
  return *this;
}

Html element(Name name, const std::vector<Attribute>& attributes, const std::vector<Html>& children)
{
  Html out;
  auto& markup = out.m_markup;
  markup += "<";
  markup += name.text;
  for (const auto& attribute : attributes) {
    markup += " ";
    markup += attribute.name.text;
    markup += "=\"" + quoted(visible(attribute.value, 64U << 10U)) + "\"";
  }
  markup += ">";
  if (children.empty() && is_left_open(name.text)) {
    return out;
  }
  for (const auto& child : children) {
    markup += child.m_markup;
  }
  markup += "</";
  markup += name.text;
  markup += ">";
  return out;
}

Html style_sheet(Name css)
{
  Html out;
  out.m_markup = "<style>" + std::string(css.text) + "</style>";
  return out;
}

Html foreign(std::string_view text, std::size_t most)
{
  return element("bdi", {}, {Html(text, most)});
}

} // namespace conos::page
