#include "config/document.hpp"

#include "config/value.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>

namespace conos::config {

namespace {

class Reader
{
public:
  explicit Reader(std::vector<Finding>& findings)
      : m_findings(findings)
  {
  }

  Document read(const toml::table& root, const Environment& environment)
  {
    for (const auto& [key, node] : root) {
      top_level(key, node);
    }
    for (const auto& key : config::keys()) {
      const auto value = environment.find(std::string(key.env));
      if (!key.env.empty() && value != environment.end() && !value->second.empty()) {
        variable(key, value->second);
      }
    }
    return std::move(m_document);
  }

private:
  void error(Place at, std::string text) { m_findings.push_back({at, true, std::move(text)}); }
  void warn(Place at, std::string text) { m_findings.push_back({at, false, std::move(text)}); }

  void top_level(const toml::key& key, const toml::node& node)
  {
    const auto name = key.str();
    const auto at = place_of(key.source());
    const auto kinds = table_kinds();
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const TableKind& k) {
      return k.name == name;
    });
    const bool known = kind != kinds.end();
    if (!known && name != "egress" && name != "defaults") {
      unknown_table(at, name);
      return;
    }
    if (known && kind->form == TableKind::Form::rows) {
      rows(at, name, node, kind->in, name == "agents" ? m_document.agents : m_document.routes);
      return;
    }
    const auto* table = node.as_table();
    if (table == nullptr) {
      error(at, fmt::format("key '{0}': is {1}, not a table [{0}]", escaped(name), kind_of(node)));
    } else if (name == "egress") {
      egress(*table);
    } else if (name == "defaults") {
      tiers("defaults", *table);
    } else if (kind->form == TableKind::Form::named) {
      providers(*table);
    } else {
      auto& into = m_document.tables[std::string(name)];
      into.at = at;
      keys(*table, kind->in, title_of(*kind), "", into);
    }
  }

  void unknown_table(Place at, std::string_view name)
  {
    std::vector<std::string> names{"egress"};
    for (const auto& kind : table_kinds()) {
      names.emplace_back(kind.name);
    }
    error(at, fmt::format("key '{}': there is no such table{}", escaped(name, 80),
                did_you_mean(name, names)));
  }

  static std::string did_you_mean(std::string_view word, const std::vector<std::string>& names)
  {
    const auto near = nearest(word, names);
    return near ? fmt::format(", did you mean '{}'", *near) : "";
  }

  void rows(
    Place at, std::string_view name, const toml::node& node, In in, std::vector<Table>& into)
  {
    const auto* array = node.as_array();
    if (array == nullptr) {
      error(
        at, fmt::format("key '{0}': is {1}; each of them is a table [[{0}]]", name, kind_of(node)));
      return;
    }
    for (const auto& item : *array) {
      const auto* table = item.as_table();
      if (table == nullptr) {
        error(place_of(item.source()),
          fmt::format("key '{0}': holds {1}, not a table [[{0}]]", name, kind_of(item)));
        continue;
      }
      Table row;
      row.at = place_of(item.source());
      keys(*table, in, fmt::format("[[{}]]", name), "", row);
      into.push_back(std::move(row));
    }
  }

  void keys(const toml::table& table, In in, const std::string& title, const std::string& prefix,
    Table& into)
  {
    for (const auto& [key, node] : table) {
      const auto name = prefix + std::string(key.str());
      const auto at = place_of(key.source());
      if (const Key* known = find_key(in, name); known != nullptr) {
        one(*known, subject_of(name), at, node, into);
      } else if (!key_names(in, name + ".").empty()) {
        inner(at, name, node, in, title, into);
      } else if (title == "[base]" && is_tier(name) && node.is_table()) {
        tier_of_base(name, at, *node.as_table());
      } else {
        unknown_key(at, name, in, title, prefix);
      }
    }
  }

  // [contracts.system], or budget = { … }
  void inner(Place at, const std::string& name, const toml::node& node, In in,
    const std::string& title, Table& into)
  {
    if (const auto* table = node.as_table(); table != nullptr) {
      keys(*table, in, title, name + ".", into);
    } else {
      error(at, fmt::format("key '{}': is {}, not a table", name, kind_of(node)));
    }
  }

  static std::string subject_of(std::string_view key)
  {
    return fmt::format("key '{}'", escaped(key, 80));
  }

  // A variable of the environment, as if its value stood in the file.
  void variable(const Key& key, const std::string& value)
  {
    const auto subject = fmt::format("variable '{}'", key.env);
    if (!is_utf8(value)) { // as all of the file is
      error({}, fmt::format("{}: '{}' is not UTF-8", subject, escaped(value, 80)));
      return;
    }
    toml::array lines;
    for (const auto line : split(value, '\n')) {
      if (!trimmed(line).empty()) {
        lines.push_back(std::string(trimmed(line)));
      }
    }
    const auto kinds = table_kinds();
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const TableKind& k) {
      return k.in == key.in;
    });
    auto& into = m_document.tables[std::string(kind->name)];
    if (key.type == Type::texts) {
      one(key, subject, {}, lines, into);
    } else {
      one(key, subject, {}, toml::value<std::string>(value), into);
    }
  }

  void one(
    const Key& key, const std::string& subject, Place at, const toml::node& node, Table& into)
  {
    std::vector<Complaint> complaints;
    auto setting = read_value(key, node, complaints);
    for (const auto& wrong : complaints) {
      error(wrong.at, fmt::format("{}: {}", subject, wrong.text));
    }
    if (!complaints.empty()) {
      into.wrong.insert(std::string(key.name));
    }
    if (!setting || is_unset(key, *setting)) {
      return;
    }
    setting->at = at;
    if (!key.later.empty() && (key.fallback.empty() || setting->value != fallback_of(key))) {
      warn(at, fmt::format("{}: has no effect yet: {}", subject, key.later));
    }
    into.settings[std::string(key.name)] = std::move(*setting);
  }

  // An empty text where a text must have a form is as good as none: older files have such lines.
  static bool is_unset(const Key& key, const Setting& setting)
  {
    const auto* text = std::get_if<std::string>(&setting.value);
    return text != nullptr && text->empty() && key.type != Type::text && key.type != Type::table;
  }

  void unknown_key(
    Place at, const std::string& name, In in, const std::string& title, const std::string& prefix)
  {
    if (in == in_agents && name.starts_with("sudo")) {
      error(at, fmt::format("key '{}': no agent has sudo; what it may ask for is said by 'gate'",
                  escaped(name, 80)));
      return;
    }
    auto names = key_names(in, prefix);
    if (title == "[base]") {
      names.insert(names.end(), {"officer", "operator", "worker"});
    }
    const auto last = std::string_view(name).substr(prefix.size());
    error(at, fmt::format("key '{}': there is no such key in {}{}", escaped(name, 80), title,
                did_you_mean(last, names)));
  }

  static bool is_tier(std::string_view name)
  {
    return name == "officer" || name == "operator" || name == "worker";
  }

  void tier_of_base(const std::string& tier, Place at, const toml::table& table)
  {
    auto& into = m_document.tables["base." + tier];
    into.at = at;
    keys(table, in_base, "[base." + tier + "]", "", into);
  }

  // [defaults.TIER], the old name of [base.TIER]
  void tiers(std::string_view name, const toml::table& table)
  {
    for (const auto& [key, node] : table) {
      const auto tier = std::string(key.str());
      const auto at = place_of(key.source());
      const auto* settings = node.as_table();
      if (!is_tier(tier) || settings == nullptr) {
        error(at, fmt::format("key '{}': is not a table [{}.officer], [{}.operator] or [{}.worker]",
                    escaped(tier, 80), name, name, name));
        continue;
      }
      warn(at, fmt::format("key 'defaults.{0}': is the old name of [base.{0}]", tier));
      auto& into = m_document.tables["defaults." + tier];
      into.at = at;
      keys(*settings, in_base, "[defaults." + tier + "]", "", into);
    }
  }

  void providers(const toml::table& table)
  {
    for (const auto& [key, node] : table) {
      const auto name = std::string(key.str());
      const auto at = place_of(key.source());
      const auto* settings = node.as_table();
      if (!is_layer_name(name) || settings == nullptr) {
        error(at, fmt::format("key '{}': is not a table [providers.NAME]", escaped(name, 80)));
        continue;
      }
      auto& into = m_document.providers[name];
      into.at = at;
      keys(*settings, in_providers, "[providers." + name + "]", "", into);
    }
  }

  // [egress.groups] NAME = [hosts]: the names are the administrator's
  void egress(const toml::table& table)
  {
    for (const auto& [key, node] : table) {
      const auto* groups = node.as_table();
      if (key.str() != "groups" || groups == nullptr) {
        error(place_of(key.source()),
          fmt::format("key '{}': there is only [egress.groups]", escaped(key.str(), 80)));
        continue;
      }
      for (const auto& [name, hosts] : *groups) {
        group(std::string(name.str()), place_of(name.source()), hosts);
      }
    }
  }

  void group(const std::string& name, Place at, const toml::node& hosts)
  {
    Table table;
    one(*find_key(in_agents, "egress"), subject_of(name), at, hosts, table);
    const auto* setting = table.find("egress");
    if (!is_layer_name(name)) {
      error(at, fmt::format("{}: is not a plain name", subject_of(name)));
    }
    if (setting == nullptr) {
      return;
    }
    const auto& texts = std::get<std::vector<std::string>>(setting->value);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i].starts_with('@')) {
        error(setting->items[i], fmt::format("{}: '{}' is a group, and a group names hosts only",
                                   subject_of(name), escaped(texts[i], 80)));
      }
    }
    m_document.groups[name] = *setting;
  }

  std::vector<Finding>& m_findings;
  Document m_document;
};

// The complaint of the parser, as one of ours.
Finding syntax_error(const toml::parse_error& error)
{
  return {place_of(error.source()), true, "not TOML: " + escaped(error.description(), 200)};
}

} // namespace

const Setting* Table::find(std::string_view name) const
{
  const auto found = settings.find(name);
  return found == settings.end() ? nullptr : &found->second;
}

const Table& Document::table(std::string_view name) const
{
  static const Table k_none;
  const auto found = tables.find(name);
  return found == tables.end() ? k_none : found->second;
}

std::optional<Document> read_document(
  std::string_view text, const Environment& environment, std::vector<Finding>& findings)
{
  std::optional<toml::table> root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    findings.push_back(syntax_error(error));
    return std::nullopt;
  }
  return Reader(findings).read(*root, environment);
}

} // namespace conos::config
