#include "contract/manual.hpp"

#include "contract/assertion.hpp"
#include "contract/key.hpp"
#include "contract/model.hpp"
#include "contract/value.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

namespace conos::contract {

namespace {

std::string sentence(std::string_view text)
{
  std::string out(text);
  if (!out.empty() && out.front() >= 'a' && out.front() <= 'z') {
    out.front() = static_cast<char>(out.front() - 'a' + 'A');
  }
  return out + ".";
}

std::string_view kind_of(const Key& key)
{
  if (key.is_pattern) {
    return "a regular expression";
  }
  if (!key.choices.empty()) {
    return "a word";
  }
  return key.name == "run" && key.kind == Type::texts ? "a list of words, or a text"
         : key.kind == Type::any                      ? ""
                                                      : wanted_by(key.kind);
}

// What of a key is more than its help.
std::string traits(const Key& key)
{
  std::string out;
  const auto add = [&](std::string_view text) {
    out += text.empty() ? "" : (out.empty() ? "" : ", ") + std::string(text);
  };
  add(kind_of(key));
  add(key.role == Role::needed ? "needed" : "");
  add(key.role == Role::property || (key.role == Role::condition && !key.is_pattern)
        ? "or operators"
        : "");
  return out;
}

std::string choices_of(const Key& key)
{
  if (key.choices.empty()) {
    return "";
  }
  std::vector<std::string> words;
  for (const auto word : split(key.choices, ' ')) {
    words.emplace_back(word);
  }
  return " One of " + join(words, ", ") + ".";
}

std::string bare_of(const Module& module)
{
  return module.bare == Bare::wrong ? " Something has to be asserted." : "";
}

// --- Markdown ----------------------------------------------------------------------------------

std::string code(std::string_view text)
{
  return "`" + std::string(text) + "`";
}

std::string cell(std::string_view text)
{
  std::string out;
  for (const char c : text) {
    out += c == '|' ? "\\|" : std::string(1, c);
  }
  return out;
}

std::string markdown_table(std::span<const Key> keys)
{
  std::string out = "| key | | what it says | for example |\n|---|---|---|---|\n";
  for (const auto& key : keys) {
    out += fmt::format("| {} | {} | {}{} | {} |\n", code(key.name), traits(key),
      cell(sentence(key.help)), cell(choices_of(key)), code(cell(key.example)));
  }
  return out + "\n";
}

// --- mdoc --------------------------------------------------------------------------------------

std::string roff(std::string_view text)
{
  std::string out;
  for (const char c : text) {
    switch (c) {
    case '\\':
      out += "\\e";
      break;
    case '"':
      out += "\\(dq";
      break;
    case '\'':
      out += "\\(aq";
      break;
    case '-':
      out += "\\-";
      break;
    default:
      out += c;
    }
  }
  return out.starts_with('.') ? "\\&" + out : out;
}

// A sentence a line.
std::string roff_lines(const std::string& text)
{
  std::string out = roff(text);
  for (auto at = out.find(". "); at != out.npos; at = out.find(". ", at + 2)) {
    out.replace(at, 2, ".\n");
  }
  return out + "\n";
}

std::string mdoc_list(std::span<const Key> keys)
{
  std::string out = ".Bl -tag -width Ds\n";
  for (const auto& key : keys) {
    out += fmt::format(".It Ic {}\n", key.name);
    out += roff_lines(sentence(key.help) + choices_of(key));
    const auto more = traits(key);
    out += more.empty() ? "" : roff_lines(sentence(more));
    out += roff_lines("Example: " + std::string(key.example));
  }
  return out + ".El\n";
}

std::string mdoc_section(std::string_view title, std::string_view text, std::span<const Key> keys)
{
  return fmt::format(".Sh {}\n{}{}", title, roff_lines(std::string(text)), mdoc_list(keys));
}

struct Part {
  std::string_view title;
  std::string_view text;
  std::span<const Key> keys;
};

std::vector<Part> parts()
{
  return {
    {"THE CONTRACT", "A file has one contract, a mapping with these keys.", contract_keys()},
    {"CHECKS", "Each item of `checks` has these keys, and one module.", check_keys()},
    {"SKIP_IF", "If any of these is so, a check is skipped.", skip_keys()},
    {"SCOPE", "As a mapping, scope has these keys.", scope_keys()},
    {"ON_FAIL", "As a mapping, on_fail has these keys.", on_fail_keys()},
  };
}

} // namespace

std::string manual_markdown()
{
  std::string out = "# The keys of a contract\n\nMade by the code from its table of keys; "
                    "[contracts.md](contracts.md) tells how they go together.\n\n";
  for (const auto& part : parts()) {
    out += fmt::format("## {}\n\n{}\n\n", lower(part.title), part.text);
    out += markdown_table(part.keys);
  }
  out += "Actions: " + join(action_names(), ", ") + ".\n\n## operators\n\n";
  out += "A property is a value, which it has to equal, or a mapping of these; all of them have to "
         "hold.\n\n| operator | holds when |\n|---|---|\n";
  for (const auto& one : operators()) {
    out += fmt::format("| {} | {} |\n", code(one.name), one.help);
  }
  out += "\n";
  for (const auto& module : modules()) {
    out += fmt::format("## {}\n\n{}{}\n\n", module.name, sentence(module.help), bare_of(module));
    out += markdown_table(module.keys);
  }
  out.pop_back();
  return out;
}

std::string manual_mdoc()
{
  std::string out;
  for (const auto& part : parts()) {
    out += mdoc_section(part.title, part.text, part.keys);
  }
  out +=
    ".Sh OPERATORS\nA property is a value, which it has to equal, or a mapping of these; all of "
    "them\nhave to hold.\n.Bl -tag -width Ds\n";
  for (const auto& one : operators()) {
    out += fmt::format(".It Ic {}\n{}", one.name, roff_lines(sentence(one.help)));
  }
  out += ".El\n.Sh MODULES\n";
  for (const auto& module : modules()) {
    out += fmt::format(".Ss {}\n{}{}", module.name,
      roff_lines(sentence(module.help) + bare_of(module)), mdoc_list(module.keys));
  }
  return out;
}

} // namespace conos::contract
