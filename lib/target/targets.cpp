#include "target/targets.hpp"

#include "sys/fd.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace conos::target {

namespace {

constexpr std::array k_transports{Transport::local, Transport::machine, Transport::podman,
  Transport::docker, Transport::ssh, Transport::command};

constexpr std::string_view k_lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view k_upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view k_digits = "0123456789";

bool is_made_of(std::string_view text, std::initializer_list<std::string_view> sets)
{
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return std::any_of(sets.begin(), sets.end(), [c](std::string_view set) {
      return set.find(c) != std::string_view::npos;
    });
  });
}

bool begins_with(std::string_view text, std::initializer_list<std::string_view> sets)
{
  return !text.empty() && is_made_of(text.substr(0, 1), sets);
}

// None of these can be taken for an option, by whatever program it is given to.
bool is_name(std::string_view text)
{
  return text.size() <= 64 && begins_with(text, {k_lower, k_digits}) &&
         is_made_of(text, {k_lower, k_digits, "-"});
}

bool is_container(std::string_view text)
{
  return text.size() <= 128 && begins_with(text, {k_lower, k_upper, k_digits}) &&
         is_made_of(text, {k_lower, k_upper, k_digits, "._-"});
}

bool is_machine(std::string_view text)
{
  return text == k_this_machine || is_container(text);
}

bool is_host(std::string_view text)
{
  return text.size() <= 253 && begins_with(text, {k_lower, k_upper, k_digits, ":"}) &&
         is_made_of(text, {k_lower, k_upper, k_digits, "._:-"});
}

bool is_user(std::string_view text)
{
  return text.size() <= 32 && begins_with(text, {k_lower, k_upper, "_"}) &&
         is_made_of(text, {k_lower, k_upper, k_digits, "._-"});
}

bool is_image(std::string_view text)
{
  return text.size() <= 255 && begins_with(text, {k_lower, k_upper, k_digits}) &&
         is_made_of(text, {k_lower, k_upper, k_digits, "./:@_-"});
}

// ssh splits at blanks and expands % and ~ in the paths it is given.
bool is_path(std::string_view text)
{
  return text.size() <= 4096 && text.starts_with("/") &&
         is_made_of(text, {k_lower, k_upper, k_digits, "/._@+,-"});
}

bool is_argv(const std::vector<std::string>& words)
{
  return !words.empty() && words.front().starts_with("/") &&
         std::all_of(words.begin(), words.end(), [](const std::string& word) {
           return word.find('\0') == std::string::npos;
         });
}

bool are_options(const std::vector<std::string>& words)
{
  return std::all_of(words.begin(), words.end(), [](const std::string& word) {
    return word.find('\0') == std::string::npos;
  });
}

struct TextKey {
  std::string_view name;
  std::string Target::*field;
  bool (*is_good)(std::string_view);
  std::string_view what; // it has to be
  std::vector<Transport> of;
};

const std::vector<TextKey>& text_keys()
{
  static const std::vector<TextKey> keys{
    {"machine", &Target::address, is_machine, "a machine's name", {Transport::machine}},
    {"container", &Target::address, is_container, "a container's name",
      {Transport::podman, Transport::docker}},
    {"host", &Target::address, is_host, "a host's name or address", {Transport::ssh}},
    {"user", &Target::user, is_user, "a user's name", {Transport::ssh}},
    {"identity", &Target::identity, is_path, "a path from / on, without blanks", {Transport::ssh}},
    {"known_hosts", &Target::known_hosts, is_path, "a path from / on, without blanks",
      {Transport::ssh}},
    {"image", &Target::image, is_image, "an image's name", {Transport::podman, Transport::docker}},
  };
  return keys;
}

struct ListKey {
  std::string_view name;
  std::vector<std::string> Target::*field;
  bool (*is_good)(const std::vector<std::string>&);
  std::string_view what;
  std::vector<Transport> of; // empty: all
};

const std::vector<ListKey>& list_keys()
{
  constexpr std::string_view k_program = "a program, by its path from / on, and its arguments";
  static const std::vector<ListKey> keys{
    {"program", &Target::program, is_argv, k_program, {}},
    {"run_args", &Target::run_args, are_options, "options", {Transport::podman, Transport::docker}},
    {"command", &Target::command, is_argv, k_program, {Transport::command}},
    {"install", &Target::install, is_argv, k_program, {Transport::command}},
    {"start", &Target::start, is_argv, k_program, {Transport::command}},
    {"stop", &Target::stop, is_argv, k_program, {Transport::command}},
  };
  return keys;
}

std::vector<std::string> key_names()
{
  std::vector<std::string> names{"name", "transport", "default", "port"};
  for (const auto& key : text_keys()) {
    names.emplace_back(key.name);
  }
  for (const auto& key : list_keys()) {
    names.emplace_back(key.name);
  }
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates)
{
  const auto near = nearest(word, candidates);
  return near ? fmt::format(", did you mean '{}'?", *near) : "";
}

class Reader
{
public:
  Parsed read(const toml::table& root)
  {
    for (const auto& [key, value] : root) {
      if (key.str() != "targets") {
        say(
          key.source(), fmt::format("there is no key '{}', only [[targets]]", escaped(key.str())));
      } else if (const auto* list = value.as_array(); list == nullptr) {
        say(value.source(), "targets are tables, [[targets]]");
      } else {
        read_all(*list);
      }
    }
    return std::move(m_out);
  }

private:
  void say(const toml::source_region& at, std::string text)
  {
    m_out.findings.push_back({at.begin.line, at.begin.column, std::move(text)});
  }

  void read_all(const toml::array& list)
  {
    for (const auto& item : list) {
      if (m_out.targets.size() == k_max_targets) {
        say(item.source(), fmt::format("these are more than {} targets", k_max_targets));
        return;
      }
      if (const auto* table = item.as_table(); table != nullptr) {
        read_one(*table);
      } else {
        say(item.source(), "a target is a table, [[targets]]");
      }
    }
  }

  void read_one(const toml::table& table)
  {
    const auto before = m_out.findings.size();
    Target target;
    read_name(table, target);
    read_transport(table, target);
    for (const auto& [key, value] : table) {
      read_key(key, value, target);
    }
    if (target.address.empty() && target.transport != Transport::command) {
      target.address = target.name;
    }
    if (target.transport == Transport::command && target.command.empty() &&
        table.get("command") == nullptr) {
      say(table.source(), "a target by command needs 'command'");
    }
    if (m_out.findings.size() == before) {
      m_out.targets.push_back(std::move(target));
    }
  }

  void read_name(const toml::table& table, Target& target)
  {
    const auto* node = table.get("name");
    if (node == nullptr) {
      say(table.source(), "'name' is missing");
      return;
    }
    const auto text = node->value_exact<std::string>();
    if (!text || !is_name(*text)) {
      say(node->source(), "'name' is made of small letters, digits and hyphens, at most 64");
      return;
    }
    if (*text == k_local) {
      say(node->source(), "'local' is this machine, and needs no line here");
      return;
    }
    target.name = *text;
    for (const auto& other : m_out.targets) {
      if (other.name == target.name) {
        say(node->source(), fmt::format("there is a target '{}' above", target.name));
      }
    }
  }

  void read_transport(const toml::table& table, Target& target)
  {
    const auto* node = table.get("transport");
    if (node == nullptr) {
      say(table.source(), "'transport' is missing");
      return;
    }
    const auto text = node->value_exact<std::string>();
    std::vector<std::string> names;
    for (const auto transport : k_transports) {
      names.emplace_back(to_string(transport));
      if (text && *text == to_string(transport)) {
        target.transport = transport;
        m_has_transport = true;
        return;
      }
    }
    m_has_transport = false;
    say(node->source(), fmt::format("'transport' is {}{}", join(names, ", "),
                          text ? did_you_mean(*text, names) : ""));
  }

  // A key of another transport means that somebody expects something that would not happen.
  bool fits(const toml::key& key, const std::vector<Transport>& of, const Target& target)
  {
    if (of.empty() || !m_has_transport ||
        std::find(of.begin(), of.end(), target.transport) != of.end()) {
      return true;
    }
    say(key.source(),
      fmt::format("'{}' means nothing to transport '{}'", key.str(), to_string(target.transport)));
    return false;
  }

  void read_key(const toml::key& key, const toml::node& value, Target& target)
  {
    const auto name = key.str();
    if (name == "name" || name == "transport") {
      return;
    }
    if (name == "default") {
      read_default(value, target);
      return;
    }
    if (name == "port") {
      read_port(key, value, target);
      return;
    }
    for (const auto& text : text_keys()) {
      if (text.name == name) {
        read_text(key, value, text, target);
        return;
      }
    }
    for (const auto& list : list_keys()) {
      if (list.name == name) {
        read_list(key, value, list, target);
        return;
      }
    }
    say(key.source(),
      fmt::format("there is no key '{}'{}", escaped(name), did_you_mean(name, key_names())));
  }

  void read_default(const toml::node& value, Target& target)
  {
    const auto is = value.value_exact<bool>();
    if (!is) {
      say(value.source(), "'default' is true or false");
      return;
    }
    target.is_default = *is;
    for (const auto& other : m_out.targets) {
      if (*is && other.is_default) {
        say(value.source(), fmt::format("'{}' is the default already", other.name));
      }
    }
  }

  void read_port(const toml::key& key, const toml::node& value, Target& target)
  {
    const auto port = value.value_exact<std::int64_t>();
    if (!fits(key, {Transport::ssh}, target)) {
      return;
    }
    if (!port || *port < 1 || *port > 65535) {
      say(value.source(), "'port' is a number from 1 to 65535");
      return;
    }
    target.port = static_cast<int>(*port);
  }

  void read_text(const toml::key& key, const toml::node& value, const TextKey& what, Target& target)
  {
    if (!fits(key, what.of, target)) {
      return;
    }
    const auto text = value.value_exact<std::string>();
    if (!text || !what.is_good(*text)) {
      say(value.source(), fmt::format("'{}' is {}", what.name, what.what));
      return;
    }
    target.*what.field = *text;
  }

  void read_list(const toml::key& key, const toml::node& value, const ListKey& what, Target& target)
  {
    if (!fits(key, what.of, target)) {
      return;
    }
    std::vector<std::string> words;
    bool is_good = value.is_array();
    if (const auto* list = value.as_array(); list != nullptr) {
      for (const auto& item : *list) {
        const auto word = item.value_exact<std::string>();
        is_good = is_good && word.has_value();
        words.push_back(word.value_or(""));
      }
    }
    if (!is_good || !what.is_good(words)) {
      say(value.source(), fmt::format("'{}' is a list of texts: {}", what.name, what.what));
      return;
    }
    target.*what.field = std::move(words);
  }

  Parsed m_out;
  bool m_has_transport = false; // of the target that is being read
};

// Judged as what was opened, not as what was named.
Result<> check_owner(const UniqueFd& file, const std::string& path)
{
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::denied, "'{}' is no file", escaped(path));
  }
  if ((st.st_uid != 0 && st.st_uid != ::geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(Kind::denied,
      "'{}' says what is run, so it has to be root's or yours, and nobody else's to write",
      escaped(path));
  }
  return {};
}

Result<std::string> read_if_there(const std::string& path)
{
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) {
    // /etc/conos is not everybody's to look into, nor is the home of whoever called sudo(8)
    return "";
  }
  if (!file) {
    return os_error("open '{}'", escaped(path));
  }
  CONOS_CHECK(check_owner(file, path));
  return read_all(file, k_max_targets_bytes);
}

void add(std::vector<Target>& all, Target target)
{
  if (target.is_default) {
    for (auto& other : all) {
      other.is_default = false;
    }
  }
  const auto same = std::find_if(all.begin(), all.end(), [&](const Target& other) {
    return other.name == target.name;
  });
  if (same != all.end()) {
    *same = std::move(target);
  } else {
    all.push_back(std::move(target));
  }
}

} // namespace

std::string_view to_string(Transport transport)
{
  switch (transport) {
  case Transport::local:
    return "local";
  case Transport::machine:
    return "machine";
  case Transport::podman:
    return "podman";
  case Transport::docker:
    return "docker";
  case Transport::ssh:
    return "ssh";
  case Transport::command:
    return "command";
  }
  return "";
}

Parsed parse(std::string_view text)
{
  try {
    const auto root = toml::parse(text);
    return Reader().read(root);
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    return {{}, {{at.line, at.column, "not TOML: " + escaped(error.description(), 200)}}};
  }
}

Target local()
{
  Target target;
  target.name = k_local;
  target.address = k_local;
  return target;
}

Result<std::vector<Target>> load(const std::vector<std::string>& files)
{
  std::vector<Target> all;
  std::vector<std::string> wrong;
  for (const auto& file : files) {
    CONOS_TRY(const auto text, read_if_there(file));
    auto parsed = parse(text);
    for (const auto& finding : parsed.findings) {
      wrong.push_back(
        fmt::format("{}:{}:{}: {}", escaped(file), finding.line, finding.column, finding.text));
    }
    for (auto& target : parsed.targets) {
      add(all, std::move(target));
    }
  }
  if (!wrong.empty()) {
    return fail(Kind::config, "{}", join(wrong, "\n"));
  }
  return all;
}

std::vector<std::string> usual_files()
{
  std::vector<std::string> files{"/etc/conos/targets.toml"};
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (config != nullptr && *config == '/') {
    files.push_back(std::string(config) + "/conos/targets.toml");
  } else if (home != nullptr && *home == '/') {
    files.push_back(std::string(home) + "/.config/conos/targets.toml");
  }
  return files;
}

Result<Target> choose(const std::vector<Target>& targets, const std::string& name)
{
  if (name == k_local) {
    return local();
  }
  std::vector<std::string> names{k_local};
  for (const auto& target : targets) {
    if (name.empty() ? target.is_default : target.name == name) {
      return target;
    }
    names.push_back(target.name);
  }
  if (name.empty()) {
    return local();
  }
  return fail(Kind::usage, "there is no target '{}'{}; 'conos targets' lists them",
    escaped(name, 64), did_you_mean(name, names));
}

} // namespace conos::target
