#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

// The one table of what conos.toml may say. Validation, defaults, the schema, docs/conos.toml.md
// and the test of the manual page all read it.
namespace conos::config {

// The kinds of table; a key may stand in several.
enum In : unsigned {
  in_system = 1U << 0U,
  in_deployment = 1U << 1U,
  in_infra = 1U << 2U,
  in_base = 1U << 3U, // [base] and [base.TIER]
  in_agents = 1U << 4U,
  in_network = 1U << 5U,
  in_contracts = 1U << 6U,
  in_dashboard = 1U << 7U,
  in_routes = 1U << 8U,
  in_providers = 1U << 9U, // [providers.NAME]
  in_packages = 1U << 10U,
};

// A table of conos.toml. Beside these there are [egress.groups], whose keys are the
// administrator's, and [defaults.TIER], the old name of [base.TIER].
struct TableKind {
  enum class Form { one, rows, named }; // [x], [[x]], [x.NAME]
  std::string_view name;
  In in;
  Form form;
  std::string_view help; // a sentence without a full stop
};

std::span<const TableKind> table_kinds();

// As it is written: "[system]", "[[agents]]", "[providers.NAME]".
std::string title_of(const TableKind& kind);

enum class Type {
  boolean,
  integer,   // within least and most
  number,    // integer or not, from 0 to k_most_number
  text,      // any
  choice,    // one of `choices`
  agent,     // the name of an agent
  path,      // absolute, and plain enough for a unit file
  program,   // a plain name, or an absolute path
  size,      // 512M, 10%, infinity
  percent,   // 50%
  duration,  // within least and most milliseconds
  cron,      // crontab(5)
  regex,     // RE2
  texts,     // a list of any text
  layers,    // of names of directories below /etc/conos
  scopes,    // of such names and of writable paths
  variables, // of KEY=value
  durations, // of durations
  taskees,   // of "*", "@TIER" and names of agents
  ports,     // of 1 to 65535
  hosts,     // of "host", "host:443", "*.domain", "@group"
  requests,  // of "VERB" and "VERB:ARGUMENT", for the gate
  table,     // of anything: checked where it gets its effect
};

constexpr double k_most_number = 1e12;

struct Key {
  std::string_view name; // below its table: "budget.usd_day"
  Type type;
  unsigned in;                // In, or-ed
  std::string_view fallback;  // as TOML; empty where there is none
  std::string_view example{}; // as TOML; empty where the fallback is one
  std::string_view help;      // a sentence without a full stop
  std::string_view later{};   // why it has no effect yet; empty: it has
  std::string_view env{};     // the variable that wins over the file; only of Type text and texts
  std::string_view choices{};
  long least = 0;
  long most = 0;
};

std::span<const Key> keys();

// The key `name` of that kind of table, nullptr when there is none.
const Key* find_key(In in, std::string_view name);

// All names of that kind of table; with a prefix "budget." only those below it, without it.
std::vector<std::string> key_names(In in, std::string_view prefix);

// The example, else the fallback, as TOML.
std::string_view example_of(const Key& key);

// All there is to say of the key, in sentences: its help, what it may be, whether it has effect.
std::string description_of(const Key& key);

// A text of the table as a sentence: with a capital letter and a full stop.
std::string sentence_of(std::string_view help);

// What the type asks for, in words: "a list of texts", "a duration such as \"30s\"".
std::string wanted_by(const Key& key);

// What is wrong with one text of such a type, empty when nothing is. Lists are asked item by item.
std::string complaint(const Key& key, std::string_view text);

// A name no agent may have, because a unit or a tool of ours has it.
bool is_reserved_name(std::string_view name);

// A name that is one directory and safe in a unit file: [A-Za-z0-9][A-Za-z0-9._-]*, at most 64.
bool is_layer_name(std::string_view name);

} // namespace conos::config
