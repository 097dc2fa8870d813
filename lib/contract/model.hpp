#pragma once

#include "contract/assertion.hpp"
#include "contract/key.hpp"
#include "contract/status.hpp"
#include "sys/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// A contract as it was read: all of it is known to make sense.
namespace conos::contract {

using Param = std::variant<Value, Assertion, Pattern>;

// What stands below a check's module.
class Params
{
public:
  void set(const Key& key, Param param);

  bool has(std::string_view key) const { return find(key) != nullptr; }
  // A value; empty, false, 0 where it is not given.
  std::string text(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  bool flag(std::string_view key) const;
  std::int64_t number(std::string_view key, std::int64_t fallback = 0) const;
  const Assertion* assertion(std::string_view key) const;
  const re2::RE2* pattern(std::string_view key) const;

  // All assertions with their keys, in the order of the file.
  std::vector<std::pair<const Key*, const Assertion*>> assertions() const;

private:
  const Param* find(std::string_view key) const;
  const Value* value(std::string_view key) const;

  std::vector<std::pair<const Key*, Param>> m_params;
};

// What may stand in the way of a check, which then is skipped. Empty: nothing.
struct SkipIf {
  std::string env_var_unset;
  std::string path_exists;
  std::string path_not_exists;
  std::string command_not_available;
  bool not_in_ci = false;
  bool not_root = false;
  bool no_systemd = false;
};

enum class Action {
  none, // fail: it is counted and reported
  alert,
  warn,
  escalate,
  halt_agents,
  halt_workers,
  halt,
  quarantine,
  kill_session,
  require_exemption,
  run, // a unit
};

std::string_view name_of(Action action);
std::optional<Action> action_of(std::string_view name);
std::vector<std::string> action_names();

struct OnFail {
  std::vector<Action> actions; // in their order; none: the check fails and that is all
  std::string unit;            // of `run`
  std::string message;         // of the older schema: stands for `what`

  bool has(Action action) const;
  std::string text() const; // "escalate, halt_agents"
};

struct Dependency {
  std::string contract;
  std::string check; // empty: all of them
  Mark mark;
};

struct Check {
  std::string name;
  const Module* module = nullptr;
  Params params;
  std::vector<std::pair<std::string, Assertion>> properties; // of a unit, by systemd's names
  OnFail on_fail;
  SkipIf skip_if;
  Severity severity = Severity::high;
  std::string category;
  std::string what;   // the finding, when it is one
  std::string why;    // why it matters
  std::string verify; // how to see it by hand
  std::string fix;
  std::vector<std::string> affects;
  std::vector<Dependency> depends_on;
  Duration timeout{};
  Mark mark;
};

// Which files the checks that look into files look into.
struct Files {
  std::vector<std::string> paths; // patterns
  std::vector<std::string> exclude;
};

struct Source {
  std::string file;
  std::string directory; // relative paths begin here
  // Whether root alone can have written it. What others can write is never run or read as root.
  bool is_trusted = false;
};

struct Contract {
  std::string id;
  std::string description;
  std::string type;    // detective, atomic, protocol, …
  std::string trigger; // of a protocol: what it stands before
  std::string why;
  std::string fix;
  std::string agent; // of the older scope "agent:NAME"
  std::vector<std::string> tags;
  std::optional<Files> files;
  SkipIf skip_if;
  std::vector<Dependency> depends_on;
  std::vector<Check> checks;
  Source source;
  Mark mark;

  bool is_protocol() const { return type == "protocol"; }
  bool has_tag(std::string_view tag) const;
};

// A file that is no contract. It is a finding of its own, and no reason not to evaluate the others.
struct Invalid {
  std::string file;
  std::vector<Problem> problems; // at least one
};

struct Loaded {
  std::vector<Contract> contracts; // by file, in the order of their names
  std::vector<Invalid> invalid;
};

// The id under which an invalid file is reported.
constexpr std::string_view k_invalid = "contract.invalid";

} // namespace conos::contract
