#include "config/key.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <cctype>

using namespace conos;

namespace {

// The page with each run of white space one space: where its lines break is its own affair.
std::string page()
{
  const auto text = read_path(std::string(CONOS_SOURCE_DIR) + "/man/conos.toml.5", 1U << 20U);
  REQUIRE(text);
  std::string out;
  for (const char c : *text) {
    if (c != ' ' && c != '\n') {
      out += c;
    } else if (!out.ends_with(' ')) {
      out += ' ';
    }
  }
  return out;
}

std::string with(std::string text, char what, std::string_view by)
{
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, 1, by);
  }
  return text;
}

// What the page has to say of a key.
std::string entry_of(const config::Key& key)
{
  auto text = fmt::format(".It Ic {}", key.name);
  if (!key.fallback.empty()) {
    text += " = " + with(std::string(key.fallback), '"', "\\(dq");
  }
  auto help = std::string(key.help);
  help[0] = static_cast<char>(std::toupper(help[0]));
  text += " " + help + ".";
  if (!key.choices.empty()) {
    text += " One of " + with(with(std::string(key.choices), ' ', ","), ',', ", ") + ".";
  }
  if (key.type == config::Type::integer) {
    text += fmt::format(" From {} to {}.", key.least, key.most);
  }
  if (!key.later.empty()) {
    text += fmt::format(" Has no effect yet: {}.", key.later);
  }
  return text;
}

} // namespace

TEST_CASE("the manual page says of every key what the code does", "[config][manual]")
{
  const auto text = page();
  for (const auto& key : config::keys()) {
    INFO(entry_of(key));
    CHECK(text.find(entry_of(key)) != text.npos);
  }
}
