#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Pieces of HTML. What is a text and what is markup is decided by type: every string that comes
// from outside of this program is shown as text, and only element() makes markup, whose names are
// constants of this program.
namespace conos::page {

// What an element or an attribute is called; nothing but a literal can be one.
struct Name {
  consteval Name(const char* literal)
      : text(literal)
  {
  }
  std::string_view text;
};

constexpr std::size_t k_longest_text = 400; // bytes of a text that is shown; more is cut

struct Attribute {
  Name name;
  std::string value; // whatever it is, it stays within its quotes
};

class Html
{
public:
  Html() = default;

  // The text, readable and harmless: control characters, marks that change the direction of writing
  // and bytes that are not UTF-8 become \xNN, at most `most` bytes are shown.
  Html(std::string_view text, std::size_t most = k_longest_text);
  Html(const std::string& text)
      : Html(std::string_view(text))
  {
  }
  Html(const char* text)
      : Html(std::string_view(text))
  {
  }

  Html& operator+=(const Html& other);

  bool empty() const { return m_markup.empty(); }
  const std::string& markup() const { return m_markup; }

private:
  friend Html element(
    Name name, const std::vector<Attribute>& attributes, const std::vector<Html>& children);
  friend Html style_sheet(Name css);
  std::string m_markup;
};

// One without children that HTML does not close (meta, link) is not closed.
Html element(
  Name name, const std::vector<Attribute>& attributes, const std::vector<Html>& children = {});

// <style>: a constant of this program.
Html style_sheet(Name css);

// A text somebody else wrote, on its own in the order of writing (<bdi>).
Html foreign(std::string_view text, std::size_t most = k_longest_text);

// What Html of a text shows, before it is HTML. A backslash stays one: what was escaped before is
// not escaped again.
std::string visible(std::string_view text, std::size_t most = k_longest_text);

} // namespace conos::page
