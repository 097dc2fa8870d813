#include "config/manual.hpp"

#include "config/key.hpp"

#include <fmt/format.h>

namespace conos::config {

namespace {

constexpr std::string_view k_head = R"(# conos.toml

Every key of `/etc/conos/conos.toml`, as the code knows it. `conos-bootstrap` compiles the file; what
is misspelt is an error, with its line and the nearest name there is. A key has effect unless its row
says that it has none yet. `man 5 conos.toml` is the same for a terminal. A
variable of the environment that is empty counts as not set.

A **duration** is a text such as `"500ms"`, `"30s"`, `"5m"`, `"1h30m"` or `"2d"`. A **size** is a text
such as `"512M"`, `"2G"`, `"10%"` or `"infinity"`. A **time** is five fields as in crontab(5), or
`"@daily"` and its like. A **name** is of letters, digits, `.`, `_` and `-`; a **path** is absolute. A
**host** is `"host"`, `"host:port"`, `"*.domain"` or `"@group"`.
)";

constexpr std::string_view k_tail = R"(
## [egress.groups]

Lists of hosts, each by a name of your own that `egress` takes as `"@NAME"`:
`code = ["github.com", "*.debian.org"]`. Has no effect yet: agents reach no network at all.

## [defaults.TIER]

The old name of `[base.TIER]`, with the same keys; counts where the latter has no key.
)";

std::string_view name_of(Type type)
{
  switch (type) {
  case Type::boolean:
    return "true or false";
  case Type::integer:
    return "whole number";
  case Type::number:
    return "number";
  case Type::text:
    return "text";
  case Type::choice:
    return "one of some texts";
  case Type::agent:
    return "name of an agent";
  case Type::path:
    return "path";
  case Type::program:
    return "name or path";
  case Type::size:
    return "size";
  case Type::percent:
    return "percentage";
  case Type::duration:
    return "duration";
  case Type::cron:
    return "time";
  case Type::regex:
    return "pattern (RE2)";
  case Type::texts:
    return "list of texts";
  case Type::layers:
    return "list of names";
  case Type::scopes:
    return "list of names and paths";
  case Type::variables:
    return "list of KEY=value";
  case Type::durations:
    return "list of durations";
  case Type::taskees:
    return "list of agents";
  case Type::ports:
    return "list of ports";
  case Type::hosts:
    return "list of hosts";
  case Type::requests:
    return "list of requests";
  case Type::table:
    return "table";
  }
  return "";
}

std::string with_backslash(std::string_view text, std::string_view before)
{
  std::string out;
  for (const char c : text) {
    out += before.find(c) != std::string_view::npos ? "\\" : "";
    out += c;
  }
  return out;
}

std::string prose(std::string_view text)
{
  return with_backslash(text, "|*");
}

std::string code(std::string_view toml)
{
  // a bar would end the cell, between backticks too
  return toml.empty() ? "" : "`" + with_backslash(toml, "|") + "`";
}

std::string row_of(const Key& key)
{
  const auto example = fmt::format("{} = {}", key.name, example_of(key));
  return fmt::format("| `{}` | {} | {} | {} | {} |\n", key.name, name_of(key.type),
    code(key.fallback), code(example), prose(description_of(key)));
}

} // namespace

std::string manual_markdown()
{
  std::string text(k_head);
  for (const auto& kind : table_kinds()) {
    text += fmt::format("\n## {}\n\n{}\n\n| key | type | default | example | what it does |\n"
                        "|---|---|---|---|---|\n",
      title_of(kind), prose(sentence_of(kind.help)));
    for (const auto& key : keys()) {
      const bool inherited = kind.in == in_agents && (key.in & in_base) != 0;
      if ((key.in & kind.in) != 0 && !inherited) {
        text += row_of(key);
      }
    }
  }
  return text + std::string(k_tail);
}

} // namespace conos::config
