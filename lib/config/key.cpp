#include "config/key.hpp"

#include "config/cron.hpp"
#include "config/gate.hpp"
#include "host/provenance.hpp"
#include "sys/clock.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>

namespace conos::config {

namespace {

bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

bool is_word(char c)
{
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool all_of(std::string_view text, bool (*kind)(char))
{
  return !text.empty() && std::all_of(text.begin(), text.end(), kind);
}

bool is_number(std::string_view text, long least, long most)
{
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= least &&
         value <= most;
}

// Nothing that systemd would expand, unquote or split.
bool is_path_character(char c)
{
  return is_word(c) || std::string_view("/._-+@").find(c) != std::string_view::npos;
}

std::string path_complaint(std::string_view path)
{
  if (!path.starts_with('/')) {
    return "is not an absolute path";
  }
  if (!all_of(path, is_path_character)) {
    return "has a character other than letters, digits and /._-+@";
  }
  if (path.size() > 1 && path.ends_with('/')) {
    return "ends in a slash";
  }
  for (const auto part : split(path.substr(1), '/')) {
    if ((part.empty() && path.size() > 1) || part == "." || part == "..") {
      return "has an empty, '.' or '..' part";
    }
    if (part.size() > NAME_MAX) {
      return "has a part of more than 255 bytes";
    }
  }
  return path.size() < PATH_MAX ? "" : "is longer than 4095 bytes";
}

// Where an agent may never be given a directory to write to.
std::string writable_path_complaint(std::string_view path)
{
  constexpr std::array<std::string_view, 17> k_closed{"/bin", "/boot", "/dev", "/etc", "/lib",
    "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/srv/conos", "/sys", "/usr",
    "/var/lib/conos", "/var/log"};
  if (auto complaint = path_complaint(path); !complaint.empty()) {
    return complaint;
  }
  const auto beneath = [](std::string_view inner, std::string_view outer) {
    return inner == outer ||
           (inner.starts_with(outer) && (outer == "/" || inner[outer.size()] == '/'));
  };
  for (const auto closed : k_closed) {
    if (beneath(path, closed) || beneath(closed, path)) {
      return fmt::format("reaches {}, which no agent may write", closed);
    }
  }
  return "";
}

std::string size_complaint(std::string_view text)
{
  if (text == "infinity") {
    return "";
  }
  auto digits = text;
  if (!digits.empty() && std::string_view("KMGT%").find(digits.back()) != std::string_view::npos) {
    digits.remove_suffix(1);
  }
  const long most = text.ends_with('%') ? 100 : 1'000'000'000'000;
  return is_number(digits, 1, most) ? "" : "is not a size such as 512M, 2G, 10% or infinity";
}

std::string percent_complaint(std::string_view text)
{
  const bool good = text.ends_with('%') && is_number(text.substr(0, text.size() - 1), 1, 100'000);
  return good ? "" : "is not a percentage such as 50%";
}

std::string duration_complaint(const Key& key, std::string_view text)
{
  const auto duration = parse_duration(text);
  if (!duration) {
    return "is not a duration such as 30s, 5m or 1h30m";
  }
  if (duration->count() < key.least || duration->count() > key.most) {
    return fmt::format(
      "is not from {} to {}", for_people(Duration(key.least)), for_people(Duration(key.most)));
  }
  return "";
}

std::string regex_complaint(std::string_view text)
{
  constexpr int k_most_memory = 1 << 20;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(k_most_memory);
  const RE2 pattern(re2::StringPiece(text.data(), text.size()), options);
  return pattern.ok() ? "" : "is not a pattern: " + escaped(pattern.error());
}

std::string variable_complaint(std::string_view text)
{
  const auto name = text.substr(0, text.find('='));
  const bool good = name.size() < text.size() && !name.empty() && !is_digit(name.front()) &&
                    all_of(name, [](char c) {
                      return is_word(c) || c == '_';
                    });
  return good ? "" : "is not KEY=value";
}

std::string taskee_complaint(std::string_view text)
{
  if (text == "*" || text == "@officer" || text == "@operator" || text == "@worker") {
    return "";
  }
  return is_agent_name(text) ? ""
                             : "is not *, @officer, @operator, @worker or the name of an agent";
}

std::string host_complaint(std::string_view text)
{
  const auto host_character = [](char c) {
    return is_word(c) || c == '.' || c == '-';
  };
  auto host = text.substr(0, text.find(':'));
  const auto port = text.substr(std::min(text.size(), host.size() + 1));
  const bool any = host == "*";
  if (host.starts_with("*.") || host.starts_with("@")) {
    host.remove_prefix(host.front() == '@' ? 1 : 2);
  }
  const bool good_port = host.size() == text.size() || text.find(':') == std::string_view::npos ||
                         is_number(port, 1, 65535);
  return good_port && (any || all_of(host, host_character))
           ? ""
           : "is not host, host:port, *.domain or @group";
}

std::string choice_complaint(const Key& key, std::string_view text)
{
  const auto choices = split(key.choices, ' ');
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) {
    return "";
  }
  const std::vector<std::string> names(choices.begin(), choices.end());
  const auto near = nearest(text, names);
  return fmt::format(
    "is not one of {}{}", join(names, ", "), near ? fmt::format(", did you mean '{}'", *near) : "");
}

} // namespace

std::string title_of(const TableKind& kind)
{
  switch (kind.form) {
  case TableKind::Form::rows:
    return fmt::format("[[{}]]", kind.name);
  case TableKind::Form::named:
    return fmt::format("[{}.NAME]", kind.name);
  case TableKind::Form::one:
    break;
  }
  return fmt::format("[{}]", kind.name);
}

const Key* find_key(In in, std::string_view name)
{
  const auto all = keys();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Key& key) {
    return (key.in & in) != 0 && key.name == name;
  });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> key_names(In in, std::string_view prefix)
{
  std::vector<std::string> names;
  for (const auto& key : keys()) {
    if ((key.in & in) == 0 || !key.name.starts_with(prefix)) {
      continue;
    }
    const auto rest = key.name.substr(prefix.size());
    const std::string name(rest.substr(0, rest.find('.'))); // "budget" of "budget.usd_day"
    if (names.empty() || names.back() != name) {
      names.push_back(name);
    }
  }
  return names;
}

std::string_view example_of(const Key& key)
{
  return key.example.empty() ? key.fallback : key.example;
}

std::string description_of(const Key& key)
{
  auto text = sentence_of(key.help);
  if (!key.choices.empty()) {
    const auto choices = split(key.choices, ' ');
    text += fmt::format(" One of {}.", fmt::join(choices, ", "));
  }
  if (key.type == Type::integer) {
    text += fmt::format(" From {} to {}.", key.least, key.most);
  }
  if (!key.later.empty()) {
    text += fmt::format(" Has no effect yet: {}.", key.later);
  }
  if (!key.env.empty()) {
    text += fmt::format(" {} in the environment{} wins over the file.", key.env,
      key.type == Type::texts ? ", one a line," : "");
  }
  return text;
}

std::string sentence_of(std::string_view help)
{
  auto text = std::string(help) + ".";
  text[0] = text[0] >= 'a' && text[0] <= 'z' ? static_cast<char>(text[0] - 'a' + 'A') : text[0];
  return text;
}

std::string wanted_by(const Key& key)
{
  switch (key.type) {
  case Type::boolean:
    return "true or false";
  case Type::integer:
    return "a whole number";
  case Type::number:
    return "a number";
  case Type::duration:
    return "a duration in quotes, such as \"30s\"";
  case Type::size:
    return "a size in quotes, such as \"512M\"";
  case Type::percent:
    return "a percentage in quotes, such as \"50%\"";
  case Type::durations:
    return "a list of durations, such as [\"30s\", \"2m\"]";
  case Type::texts:
  case Type::layers:
  case Type::scopes:
  case Type::variables:
  case Type::taskees:
  case Type::hosts:
  case Type::requests:
    return "a list of texts, such as [\"one\", \"two\"]";
  case Type::ports:
    return "a list of ports, such as [80, 443]";
  case Type::table:
    return "a table";
  case Type::text:
  case Type::choice:
  case Type::agent:
  case Type::path:
  case Type::program:
  case Type::cron:
  case Type::regex:
    break;
  }
  return "a text in quotes";
}

std::string complaint(const Key& key, std::string_view text)
{
  if (text.find('\0') != std::string_view::npos) {
    return "has a NUL character";
  }
  switch (key.type) {
  case Type::choice:
    return choice_complaint(key, text);
  case Type::agent:
    return is_agent_name(text) ? "" : "is not the name of an agent";
  case Type::path:
    return path_complaint(text);
  case Type::program:
    return text.starts_with('/') ? path_complaint(text)
           : is_layer_name(text) ? ""
                                 : "is neither the plain name of a program nor an absolute path";
  case Type::size:
    return size_complaint(text);
  case Type::percent:
    return percent_complaint(text);
  case Type::duration:
  case Type::durations:
    return duration_complaint(key, text);
  case Type::cron: {
    const auto calendar = on_calendar(text);
    return calendar ? "" : "is not a crontab time: " + calendar.error().what;
  }
  case Type::regex:
    return regex_complaint(text);
  case Type::layers:
    return is_layer_name(text) ? "" : "is not a plain name";
  case Type::scopes:
    return text.starts_with('/') ? writable_path_complaint(text)
           : is_layer_name(text) ? ""
                                 : "is neither a plain name nor an absolute path";
  case Type::variables:
    return variable_complaint(text);
  case Type::taskees:
    return taskee_complaint(text);
  case Type::hosts:
    return host_complaint(text);
  case Type::requests:
    return gate_pattern_complaint(text);
  case Type::boolean:
  case Type::integer:
  case Type::number:
  case Type::text:
  case Type::texts:
  case Type::ports:
  case Type::table:
    break;
  }
  return "";
}

bool is_reserved_name(std::string_view name)
{
  // units and tools of ours are called conos-NAME too
  constexpr std::array<std::string_view, 27> k_names{"approve", "artifact", "audit", "bootstrap",
    "budget", "checkpoint", "checkpoint-last", "contract", "cron", "doctor", "egress", "env",
    "firewall", "gate", "healthcheck", "model", "outer-inbox", "page", "pkg", "query", "route",
    "run", "status", "steward", "sweep", "task", "think"};
  constexpr std::array<std::string_view, 6> k_prefixes{
    "model-", "egress-", "gate-", "door-", "cron-", "page-"};
  return std::find(k_names.begin(), k_names.end(), name) != k_names.end() ||
         std::any_of(k_prefixes.begin(), k_prefixes.end(), [&](std::string_view prefix) {
           return name.starts_with(prefix);
         });
}

bool is_layer_name(std::string_view name)
{
  constexpr std::size_t k_longest = 64;
  return name.size() <= k_longest && !name.empty() && is_word(name.front()) &&
         all_of(name, [](char c) {
           return is_word(c) || c == '.' || c == '_' || c == '-';
         });
}

} // namespace conos::config
