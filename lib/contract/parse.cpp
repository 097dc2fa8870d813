#include "contract/load.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

namespace conos::contract {

namespace {

constexpr std::size_t k_max_checks = 10'000;
constexpr std::size_t k_max_name = 128;
constexpr std::size_t k_max_problems = 100; // nobody reads more of one file
constexpr Duration k_least_timeout = std::chrono::seconds(1);
constexpr Duration k_most_timeout = std::chrono::hours(1);

bool is_name(std::string_view text)
{
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto is_plain = [&](char c) {
    return is_word(c) || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= k_max_name && is_word(text.front()) &&
         std::all_of(text.begin(), text.end(), is_plain);
}

std::vector<std::string> names_of(std::span<const Key> keys)
{
  std::vector<std::string> names;
  for (const auto& key : keys) {
    names.emplace_back(key.name);
  }
  return names;
}

std::vector<std::string> names_of_check_keys()
{
  auto names = names_of(check_keys());
  for (const auto& module : modules()) {
    names.emplace_back(module.name);
  }
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates)
{
  const auto near = nearest(word, candidates);
  return near ? fmt::format(" (did you mean '{}'?)", *near) : "";
}

bool is_document_module(std::string_view name)
{
  return name == "yaml_key" || name == "json_key" || name == "toml_key";
}

bool is_in_file_module(std::string_view name)
{
  return name == "regex_in_file" || name == "no_regex_in_file";
}

Severity severity_for(const OnFail& on_fail)
{
  const auto has = [&](Action action) {
    return on_fail.has(action);
  };
  if (has(Action::halt) || has(Action::halt_agents)) {
    return Severity::critical;
  }
  if (has(Action::escalate) || on_fail.actions.empty()) {
    return Severity::high;
  }
  if (has(Action::warn) || has(Action::alert)) {
    return Severity::medium;
  }
  return has(Action::require_exemption) ? Severity::low : Severity::high;
}

// systemd has times in microseconds and calls them so.
Type kind_of_property(std::string_view name)
{
  return name.ends_with("USec") ? Type::duration : Type::any;
}

// Reads one file's tree into a contract and notes everything that is wrong on the way.
class Reader
{
public:
  Reader(const Source& source, std::vector<Problem>& problems)
      : m_problems(problems)
  {
    m_contract.source = source;
  }

  Contract read(const Node& root)
  {
    m_contract.mark = root.mark;
    if (root.type != Node::Type::map) {
      wrong(root.mark, "a contract is a mapping that begins with its id");
      return std::move(m_contract);
    }
    each_key(root, contract_keys(), "a contract", [&](const Key& key, const Entry& entry) {
      contract_field(key, entry);
    });
    if (m_is_frequent && m_contract.tags.empty()) {
      m_contract.tags = {"schedule"};
    }
    for (auto& check : m_contract.checks) {
      inherit(check);
    }
    return std::move(m_contract);
  }

private:
  using Take = std::function<void(const Key&, const Entry&)>;

  void wrong(Mark mark, std::string what)
  {
    if (m_problems.size() < k_max_problems) {
      m_problems.push_back({mark, std::move(what)});
    }
  }

  // Offers each known key, and says which are not known or missing.
  void each_key(
    const Node& map, std::span<const Key> keys, std::string_view of_what, const Take& take)
  {
    for (const auto& entry : map.entries) {
      const auto* key = find_key(keys, entry.key);
      if (key == nullptr) {
        wrong(entry.mark, fmt::format("{} has no key '{}'{}", of_what, escaped(entry.key, 64),
                            did_you_mean(entry.key, names_of(keys))));
      } else {
        take(*key, entry);
      }
    }
    need(map, keys, of_what);
  }

  void need(const Node& map, std::span<const Key> keys, std::string_view of_what)
  {
    for (const auto& key : keys) {
      if (key.role == Role::needed && map.find(key.name) == nullptr) {
        wrong(map.mark, fmt::format("{} needs the key '{}'", of_what, key.name));
      }
    }
  }

  // --- values ----------------------------------------------------------------------------------

  std::optional<Value> value_of(const Key& key, const Entry& entry)
  {
    if (entry.value.type == Node::Type::null) {
      wrong(entry.mark, fmt::format("'{}' says nothing", key.name));
      return std::nullopt;
    }
    auto value = parse_value(key.kind, entry.value);
    if (!value) {
      wrong(value.error().mark, fmt::format("'{}' has to be {}", key.name, wanted_by(key.kind)));
      return std::nullopt;
    }
    if (const auto* text = std::get_if<std::string>(&*value)) {
      if (!choice_is_good(key, entry, *text)) {
        return std::nullopt;
      }
    }
    if (const auto* texts = std::get_if<std::vector<std::string>>(&*value);
        texts != nullptr && texts->empty()) {
      wrong(entry.value.mark, fmt::format("'{}' is an empty list, which says nothing", key.name));
      return std::nullopt;
    }
    return std::move(*value);
  }

  bool choice_is_good(const Key& key, const Entry& entry, const std::string& text)
  {
    if (text.empty() && key.name != "equals") {
      wrong(entry.value.mark, fmt::format("'{}' is empty, which says nothing", key.name));
      return false;
    }
    if (text.find('\0') != text.npos) {
      wrong(entry.value.mark, fmt::format("'{}' has a NUL byte in it", key.name));
      return false;
    }
    if (key.choices.empty()) {
      return true;
    }
    std::vector<std::string> choices;
    for (const auto choice : split(key.choices, ' ')) {
      choices.emplace_back(choice);
    }
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) {
      return true;
    }
    wrong(entry.value.mark, fmt::format("'{}' is one of {}, not '{}'{}", key.name,
                              join(choices, ", "), escaped(text, 64), did_you_mean(text, choices)));
    return false;
  }

  std::string text_of(const Key& key, const Entry& entry)
  {
    const auto value = value_of(key, entry);
    return value ? std::get<std::string>(*value) : "";
  }

  std::vector<std::string> texts_of(const Key& key, const Entry& entry)
  {
    const auto value = value_of(key, entry);
    return value ? std::get<std::vector<std::string>>(*value) : std::vector<std::string>{};
  }

  std::string name_of_it(const Key& key, const Entry& entry)
  {
    auto name = text_of(key, entry);
    if (!name.empty() && !is_name(name)) {
      wrong(entry.value.mark,
        fmt::format("'{}' has letters, digits, '.', '_' and '-', at most {}: not '{}'", key.name,
          k_max_name, escaped(name, 64)));
    }
    return name;
  }

  // --- the contract ----------------------------------------------------------------------------

  void contract_field(const Key& key, const Entry& entry)
  {
    if (key.name == "id") {
      m_contract.id = name_of_it(key, entry);
      m_contract.mark = entry.mark;
    } else if (key.name == "description") {
      m_contract.description = text_of(key, entry);
    } else if (key.name == "type") {
      m_contract.type = text_of(key, entry);
    } else if (key.name == "trigger") {
      m_contract.trigger = text_of(key, entry);
      m_is_frequent = m_is_frequent || m_contract.trigger == "schedule";
    } else if (key.name == "tags") {
      m_contract.tags = texts_of(key, entry);
    } else if (key.name == "frequency") {
      m_is_frequent = !text_of(key, entry).empty();
    } else if (key.name == "scope") {
      scope(entry);
    } else if (key.name == "skip_if") {
      m_contract.skip_if = skip_if(entry);
    } else if (key.name == "depends_on") {
      m_contract.depends_on = dependencies(key, entry, Within::machine);
    } else if (key.name == "why") {
      m_contract.why = text_of(key, entry);
    } else if (key.name == "fix") {
      m_contract.fix = text_of(key, entry);
    } else if (key.name == "checks") {
      checks(entry);
    }
  }

  void scope(const Entry& entry)
  {
    if (entry.value.is_scalar()) {
      const auto& text = entry.value.text;
      if (text.starts_with("agent:") && is_name(std::string_view(text).substr(6))) {
        m_contract.agent = text.substr(6);
      } else if (text != "global" && text != "system") {
        wrong(entry.value.mark,
          fmt::format(
            "'scope' is global, system, agent:NAME or a mapping, not '{}'", escaped(text, 64)));
      }
      return;
    }
    if (entry.value.type != Node::Type::map) {
      wrong(entry.value.mark, "'scope' is global, system, agent:NAME or a mapping");
      return;
    }
    Files files;
    each_key(entry.value, scope_keys(), "scope", [&](const Key& key, const Entry& field) {
      (key.name == "paths" ? files.paths : files.exclude) = texts_of(key, field);
    });
    if (entry.value.find("paths") == nullptr) {
      files.paths = {"**/*"};
    }
    m_contract.files = std::move(files);
  }

  SkipIf skip_if(const Entry& entry)
  {
    SkipIf out;
    if (entry.value.type != Node::Type::map || entry.value.entries.empty()) {
      wrong(entry.value.mark, "'skip_if' is a mapping with something in it");
      return out;
    }
    each_key(entry.value, skip_keys(), "skip_if", [&](const Key& key, const Entry& field) {
      const auto value = value_of(key, field);
      if (!value) {
        return;
      }
      if (const auto* truth = std::get_if<bool>(&*value)) {
        (key.name == "not_in_ci"   ? out.not_in_ci
          : key.name == "not_root" ? out.not_root
                                   : out.no_systemd) = *truth;
        return;
      }
      (key.name == "env_var_unset"      ? out.env_var_unset
        : key.name == "path_exists"     ? out.path_exists
        : key.name == "path_not_exists" ? out.path_not_exists
                                        : out.command_not_available) =
        std::get<std::string>(*value);
    });
    return out;
  }

  enum class Within { machine, contract };

  std::vector<Dependency> dependencies(const Key& key, const Entry& entry, Within within)
  {
    std::vector<Dependency> out;
    for (const auto& text : texts_of(key, entry)) {
      const auto slash = text.find('/');
      Dependency one{text.substr(0, slash), "", entry.value.mark};
      if (slash != text.npos) {
        one.check = text.substr(slash + 1);
      } else if (within == Within::contract && m_names.contains(text)) {
        one = {m_contract.id, text, entry.value.mark};
      }
      if (!is_name(one.contract) || (slash != text.npos && !is_name(one.check))) {
        wrong(entry.value.mark,
          fmt::format("'{}' is neither an ID nor ID/NAME of a check", escaped(text, 64)));
        continue;
      }
      if (one.contract == m_contract.id && !one.check.empty() && !m_names.contains(one.check)) {
        wrong(entry.value.mark, fmt::format("there is no check '{}' here", one.check));
      }
      out.push_back(std::move(one));
    }
    return out;
  }

  // --- checks ----------------------------------------------------------------------------------

  void checks(const Entry& entry)
  {
    if (entry.value.type != Node::Type::list || entry.value.items.empty()) {
      wrong(entry.value.mark, "'checks' is a list with something in it");
      return;
    }
    if (entry.value.items.size() > k_max_checks) {
      wrong(entry.value.mark, fmt::format("a contract has at most {} checks", k_max_checks));
      return;
    }
    for (const auto& item :
      entry.value.items) { // what a check may depend on, written before or after
      if (const auto* name = item.find("name"); name != nullptr && name->is_scalar()) {
        m_names.insert(name->text);
      }
    }
    m_contract.checks.reserve(entry.value.items.size());
    std::set<std::string, std::less<>> seen;
    for (const auto& item : entry.value.items) {
      auto one = check(item);
      if (!one.name.empty() && !seen.insert(one.name).second) {
        wrong(item.mark, fmt::format("there is a check '{}' already", escaped(one.name, 64)));
      }
      m_contract.checks.push_back(std::move(one));
    }
  }

  Check check(const Node& node)
  {
    Check out;
    out.mark = node.mark;
    out.timeout = k_default_timeout;
    if (node.type != Node::Type::map) {
      wrong(node.mark, "a check is a mapping that begins with its name");
      return out;
    }
    bool knows_all = true;
    for (const auto& entry : node.entries) {
      if (const auto* key = find_key(check_keys(), entry.key); key != nullptr) {
        check_field(out, *key, entry);
      } else if (const auto* module = find_module(entry.key); module != nullptr) {
        take_module(out, *module, entry);
      } else {
        knows_all = false;
        wrong(entry.mark, fmt::format("a check has no key '{}'{}", escaped(entry.key, 64),
                            did_you_mean(entry.key, names_of_check_keys())));
      }
    }
    need(node, check_keys(), "a check");
    if (out.module == nullptr && knows_all) { // else that may have been it
      wrong(node.mark, "nothing is checked: one of command, file, unit, … is needed");
    }
    if (node.find("severity") == nullptr) {
      out.severity = severity_for(out.on_fail);
    }
    return out;
  }

  void check_field(Check& out, const Key& key, const Entry& entry)
  {
    if (key.name == "name") {
      out.name = name_of_it(key, entry);
    } else if (key.name == "on_fail") {
      out.on_fail = on_fail(entry);
    } else if (key.name == "skip_if") {
      out.skip_if = skip_if(entry);
    } else if (key.name == "severity") {
      out.severity = severity(text_of(key, entry));
    } else if (key.name == "category") {
      out.category = text_of(key, entry);
    } else if (key.name == "what") {
      out.what = text_of(key, entry);
    } else if (key.name == "why") {
      out.why = text_of(key, entry);
    } else if (key.name == "verify") {
      out.verify = text_of(key, entry);
    } else if (key.name == "fix") {
      out.fix = text_of(key, entry);
    } else if (key.name == "affects") {
      out.affects = texts_of(key, entry);
    } else if (key.name == "depends_on") {
      out.depends_on = dependencies(key, entry, Within::contract);
    } else if (key.name == "timeout") {
      timeout(out, key, entry);
    }
  }

  static Severity severity(std::string_view name)
  {
    for (const auto one : {Severity::critical, Severity::high, Severity::medium, Severity::low}) {
      if (contract::name_of(one) == name) {
        return one;
      }
    }
    return Severity::info;
  }

  // A bare number is seconds, as it was.
  void timeout(Check& out, const Key& key, Entry entry)
  {
    auto& text = entry.value.text;
    if (!text.empty() && text.find_first_not_of("0123456789") == text.npos) {
      text += "s";
    }
    const auto value = value_of(key, entry);
    if (!value) {
      return;
    }
    out.timeout = Duration(std::get<std::int64_t>(*value));
    if (out.timeout < k_least_timeout || out.timeout > k_most_timeout) {
      wrong(entry.value.mark, "'timeout' is from 1s to 1h");
    }
  }

  OnFail on_fail(const Entry& entry)
  {
    OnFail out;
    if (entry.value.type != Node::Type::map) {
      actions(out, entry.value);
      return out;
    }
    if (entry.value.entries.empty()) {
      wrong(entry.value.mark, "'on_fail' says nothing");
    }
    each_key(entry.value, on_fail_keys(), "on_fail", [&](const Key& key, const Entry& field) {
      if (key.name == "action") {
        actions(out, field.value);
      } else if (key.name == "message") {
        out.message = text_of(key, field);
      } else if (key.name == "run") {
        out.unit = text_of(key, field);
        add(out, Action::run);
      } else if (field.value.is_scalar() && field.value.text != "false") {
        add(out, Action::escalate); // true, or to whom: it has always been sysadmin
      }
    });
    if (out.has(Action::run) && out.unit.empty()) {
      wrong(entry.value.mark, "'run' needs the name of a unit: on_fail: { run: NAME.service }");
    }
    return out;
  }

  void actions(OnFail& out, const Node& node)
  {
    if (node.is_scalar()) {
      action(out, node);
      return;
    }
    if (node.type != Node::Type::list || node.items.empty()) {
      wrong(node.mark, "'on_fail' is an action, a list of some, or a mapping");
      return;
    }
    for (const auto& item : node.items) {
      action(out, item);
    }
  }

  void action(OnFail& out, const Node& node)
  {
    const auto found = node.is_scalar() ? action_of(node.text) : std::nullopt;
    if (!found) {
      wrong(node.mark, fmt::format("there is no action '{}'{}", escaped(node.text, 64),
                         did_you_mean(node.text, action_names())));
    } else if (*found == Action::run && out.unit.empty()) {
      wrong(node.mark, "'run' needs the name of a unit: on_fail: { run: NAME.service }");
    } else {
      add(out, *found);
    }
  }

  static void add(OnFail& out, Action action)
  {
    if (action != Action::none && !out.has(action)) {
      out.actions.push_back(action);
    }
  }

  // --- modules ---------------------------------------------------------------------------------

  void take_module(Check& out, const Module& module, const Entry& entry)
  {
    if (out.module != nullptr) {
      wrong(entry.mark,
        fmt::format("a check has one of these: '{}', and '{}' too", out.module->name, module.name));
      return;
    }
    out.module = &module;
    if (entry.value.type != Node::Type::map) {
      wrong(entry.value.mark, fmt::format("'{}' is a mapping", module.name));
      return;
    }
    each_key(entry.value, module.keys, fmt::format("'{}'", module.name),
      [&](const Key& key, const Entry& field) {
        param(out, key, field);
      });
    judge_module(out, entry);
  }

  void param(Check& out, const Key& key, const Entry& entry)
  {
    if (key.name == "timeout") {
      timeout(out, key, entry);
    } else if (key.is_pattern) {
      pattern(out, key, entry);
    } else if (key.name == "properties") {
      properties(out, key, entry);
    } else if (key.role == Role::property || key.role == Role::condition) {
      if (auto assertion = parse_assertion(key.kind, entry.value, m_problems)) {
        judge_choice(key, *assertion, entry.value.mark);
        out.params.set(key, std::move(*assertion));
      }
    } else if (key.name == "run" && entry.value.is_scalar()) {
      // a text is for the shell: kept apart from a list of one word
      if (!entry.value.text.empty()) {
        out.params.set(key, Value(entry.value.text));
      } else {
        wrong(entry.value.mark, "'run' is empty, which says nothing");
      }
    } else if (auto value = value_of(key, entry)) {
      out.params.set(key, std::move(*value));
    }
  }

  // `type: fil` would never hold and look like a finding.
  void judge_choice(const Key& key, const Assertion& assertion, Mark mark)
  {
    for (const auto& part : assertion.parts) {
      judge_choice(key, part, mark);
    }
    if (key.choices.empty() || assertion.op == Operator::Op::matches) {
      return;
    }
    const auto choices = split(key.choices, ' ');
    for (const auto& operand : assertion.operands) {
      const auto* text = std::get_if<std::string>(&operand);
      if (text != nullptr && std::find(choices.begin(), choices.end(), *text) == choices.end()) {
        wrong(mark,
          fmt::format("'{}' is one of {}, not '{}'", key.name, key.choices, escaped(*text, 64)));
      }
    }
  }

  void pattern(Check& out, const Key& key, const Entry& entry)
  {
    const bool in_files = is_in_file_module(out.module->name) || out.module->name == "tree";
    if (!entry.value.is_scalar() || entry.value.text.empty()) {
      wrong(entry.value.mark,
        fmt::format("'{}' has to be a pattern, and an empty one asserts nothing", key.name));
      return;
    }
    auto made = compile(entry.value.text, in_files ? Lines::many : Lines::one);
    if (!made) {
      wrong(entry.value.mark, made.error());
      return;
    }
    out.params.set(key, Param(std::move(*made)));
  }

  void properties(Check& out, const Key&, const Entry& entry)
  {
    if (entry.value.type != Node::Type::map || entry.value.entries.empty()) {
      wrong(entry.value.mark, "'properties' is a mapping with something in it");
      return;
    }
    for (const auto& field : entry.value.entries) {
      if (!is_name(field.key)) {
        wrong(field.mark, fmt::format("'{}' is no name of a property", escaped(field.key, 64)));
      } else if (auto assertion =
                   parse_assertion(kind_of_property(field.key), field.value, m_problems)) {
        out.properties.emplace_back(field.key, std::move(*assertion));
      }
    }
  }

  void judge_module(Check& out, const Entry& entry)
  {
    const auto name = out.module->name;
    const auto& params = out.params;
    if (out.module->bare == Bare::wrong && params.assertions().empty() && out.properties.empty()) {
      wrong(entry.mark, fmt::format("'{}' asserts nothing", name));
    }
    if (name == "script" && params.has("path") == params.has("inline")) {
      wrong(entry.mark, "'script' needs either 'path' or 'inline'");
    }
    if (name == "process" && !params.has("name") && !params.has("pattern") && !params.has("user")) {
      wrong(entry.mark, "'process' needs one of 'name', 'pattern' and 'user'");
    }
    if (is_document_module(name) && params.has("key") && !is_key(params.text("key"))) {
      wrong(entry.mark, "'key' is not like a.b[0].c");
    }
    if (name == "acl" && !params.has("user") && (params.has("rights") || params.has("reachable"))) {
      wrong(entry.mark, "'rights' and 'reachable' are asked of a 'user'");
    }
    if (name == "port" && params.has("port") &&
        (params.number("port") < 1 || params.number("port") > 65535)) {
      wrong(entry.mark, "'port' is from 1 to 65535");
    }
    if (is_in_file_module(name) && !params.has("path")) {
      m_needs_scope.push_back(entry.mark);
    }
  }

  void inherit(Check& check)
  {
    check.why = check.why.empty() ? m_contract.why : check.why;
    check.fix = check.fix.empty() ? m_contract.fix : check.fix;
    check.what = check.what.empty() ? check.on_fail.message : check.what;
    if (!m_contract.files) {
      for (const auto& mark : m_needs_scope) {
        wrong(mark, "which files? it needs a 'path', or the contract a 'scope' with 'paths'");
      }
      m_needs_scope.clear();
    }
  }

  Contract m_contract;
  std::vector<Problem>& m_problems;
  std::set<std::string, std::less<>> m_names;
  std::vector<Mark> m_needs_scope;
  bool m_is_frequent = false;
};

} // namespace

tl::expected<Contract, std::vector<Problem>> parse_contract(
  std::string_view text, const Source& source)
{
  std::vector<Problem> problems;
  const auto root = parse_yaml(text, NodeBounds{});
  if (!root) {
    return tl::unexpected(std::vector<Problem>{root.error()});
  }
  auto contract = Reader(source, problems).read(*root);
  if (!problems.empty()) {
    std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
      return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
    });
    return tl::unexpected(std::move(problems));
  }
  return contract;
}

} // namespace conos::contract
