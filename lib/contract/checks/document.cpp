#include "contract/checks/paths.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <re2/re2.h>

#include <algorithm>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_document = 16U << 20U;
constexpr int k_max_document_depth = 64;

tl::expected<Node, Problem> parse(std::string_view module, std::string_view text)
{
  const NodeBounds bounds{.nodes = 200'000, .depth = k_max_document_depth, .aliases = true};
  if (module == "json_key") {
    return parse_json(text, bounds);
  }
  return module == "toml_key" ? parse_toml(text, bounds) : parse_yaml(text, bounds);
}

Result<std::string> content(const std::string& path)
{
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    return os_error("open '{}'", escaped(path));
  }
  CONOS_TRY(const auto status, stat_of(file));
  if (!S_ISREG(status.st_mode)) {
    return fail(Kind::bad_data, "'{}' is not a regular file", escaped(path));
  }
  return read_all(file, k_max_document).map_error(during("read '" + escaped(path) + "'"));
}

// A list of scalars is a list, a scalar what it looks like unless it is quoted.
Value value_of(const Node& node)
{
  if (node.type == Node::Type::list) {
    std::vector<std::string> texts;
    for (const auto& item : node.items) {
      texts.push_back(item.text);
    }
    return texts;
  }
  if (!node.is_scalar()) {
    return {};
  }
  return node.is_quoted ? Value(node.text) : typed(node.text);
}

// A list that is asserted is compared as one; parse_assertion has no lists of Type::any.
std::string text_of(const Node& node)
{
  return node.type == Node::Type::null ? "null" : node.text;
}

void judge_node(const Look& look, const Node& node, const std::string& where, Findings& findings)
{
  const auto& params = look.params();
  if (params.has("equals") && (!node.is_scalar() || text_of(node) != params.text("equals"))) {
    findings.add(fmt::format("{} is '{}', should be '{}'", where, escaped(text_of(node), 160),
      escaped(params.text("equals"), 160)));
  }
  if (const auto* pattern = params.pattern("matches");
      pattern != nullptr && !is_found(*pattern, text_of(node))) {
    findings.add(fmt::format("{} is '{}', should match '{}'", where, escaped(text_of(node), 160),
      escaped(pattern->pattern(), 160)));
  }
  if (const auto* value = params.assertion("value"); value != nullptr) {
    const auto seen = value_of(node);
    if (!holds(*value, seen)) {
      findings.add(
        fmt::format("{} is {}, should be {}", where, shown(Type::any, seen), wanted(*value)));
    }
  }
  if (const auto* length = params.assertion("length"); length != nullptr) {
    const auto seen = static_cast<std::int64_t>(node.items.size() + node.entries.size());
    if (!holds(*length, seen)) {
      findings.add(fmt::format("{} has {} items, should be {}", where, seen, wanted(*length)));
    }
  }
}

void judge_document(
  const Look& look, const Node& document, const std::string& path, Findings& findings)
{
  const auto& params = look.params();
  const auto key = params.text("key");
  const auto where = fmt::format("'{}' in '{}'", escaped(key, 100), escaped(path, 200));
  const auto nodes = select(document, key);
  if (params.has("exists")) { // alone it decides
    if (params.flag("exists") != !nodes.empty()) {
      findings.add(nodes.empty() ? "there is no " + where : where + " is there");
    }
    return;
  }
  if (nodes.empty()) {
    findings.add("there is no " + where);
    return;
  }
  for (const auto* node : nodes) {
    judge_node(look, *node, where, findings);
  }
}

} // namespace

Outcome look_at_document(const Look& look)
{
  const auto paths = expand(look, look.path("path"));
  if (!paths) {
    return judge_files(look, tl::unexpected(paths.error()));
  }
  if (paths->empty()) {
    return judge_files(look, std::vector<Subject>{});
  }
  Findings findings;
  for (const auto& path : *paths) {
    if (look.is_late()) {
      return Outcome::late();
    }
    const auto text = content(path);
    if (!text && text.error().kind == Kind::not_found) {
      findings.add("there is no '" + escaped(path, 200) + "'");
      continue;
    }
    if (!text) {
      return Outcome::broken(text.error().text());
    }
    const auto document = parse(look.check.module->name, *text);
    if (!document) {
      const auto& problem = document.error();
      findings.add(fmt::format(
        "'{}' line {}: {}", escaped(path, 200), problem.mark.line, escaped(problem.what, 200)));
      continue;
    }
    judge_document(look, *document, path, findings);
  }
  return findings.outcome();
}

} // namespace conos::contract
