#include "config/key.hpp"
#include "config/manual.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <fstream>

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
  auto description = config::description_of(key);
  if (const auto variable = description.find(key.env); !key.env.empty()) {
    description.insert(variable, ".Ev ");
  }
  text += " " + description;
  if (!key.example.empty()) {
    const auto example = with(std::string(key.example), '\\', "\\e");
    text += " For example .Ql " + with(example, '"', "\\(dq") + " .";
  }
  return text;
}

} // namespace

TEST_CASE("docs/conos.toml.md is what the code makes of its table", "[config][manual]")
{
  // after a change of the table: copy what this test writes
  const auto kept = read_path(std::string(CONOS_SOURCE_DIR) + "/docs/conos.toml.md", 1U << 20U);
  const auto text = config::manual_markdown();
  if (!kept || *kept != text) {
    std::ofstream("conos.toml.md.new") << text;
  }
  CHECK((kept && *kept == text));
}

TEST_CASE("the manual page says of every key what the code does", "[config][manual]")
{
  const auto text = page();
  for (const auto& key : config::keys()) {
    INFO(entry_of(key));
    CHECK(text.find(entry_of(key)) != text.npos);
  }
}
