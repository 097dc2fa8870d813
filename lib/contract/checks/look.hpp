#pragma once

#include "contract/checks/machine.hpp"
#include "contract/model.hpp"
#include "sys/error.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

// How a check looks at the machine: what it is given, and what it says.
namespace conos::contract {

using Clock = std::chrono::steady_clock;

// What every check is given. Nothing of it is the check's to change.
struct Look {
  const Contract& contract;
  const Check& check;
  Machine& machine;
  Clock::time_point deadline;

  const Params& params() const { return check.params; }
  bool is_late() const { return Clock::now() >= deadline; }
  // A relative path begins at the contract's directory.
  std::string path(std::string_view key) const;
  bool asks(std::string_view key) const { return params().assertion(key) != nullptr; }
};

// What became of one look, before on_fail has its say.
struct Outcome {
  enum class Verdict { good, bad, skipped, exempt, broken, late };
  Verdict verdict = Verdict::good;
  std::string message;  // a sentence without a full stop
  std::string evidence; // lines; foreign text in it is escaped

  static Outcome good(std::string evidence = "");
  static Outcome bad(std::string message, std::string evidence = "");
  static Outcome skipped(std::string message);
  static Outcome broken(std::string message);
  static Outcome late();
};

constexpr std::size_t k_max_evidence = 4096;
constexpr std::size_t k_max_subjects = 100'000;

// One thing that was looked at.
struct Subject {
  std::string name; // for people: "'/etc/passwd'", "user 'a-x'"
  bool exists = true;
  std::vector<std::pair<std::string_view, Value>> facts;

  void add(std::string_view key, Value value) { facts.emplace_back(key, std::move(value)); }
};

// Findings are collected and cut to what a report can show.
class Findings
{
public:
  void add(std::string text);
  bool empty() const { return m_count == 0; }
  Outcome outcome() const; // bad, with the first as its message; good when there are none

private:
  std::size_t m_count = 0;
  std::string m_first;
  std::string m_all;
};

// Holds what is asserted against what was seen. `existence` is the key that asks whether it is
// there.
Outcome judge(
  const Look& look, const std::vector<Subject>& subjects, std::string_view existence = "exists");

// The same for files: `if_none` says what it means that there are none.
Outcome judge_files(const Look& look, const Result<std::vector<Subject>>& subjects);

// The check as its module makes it. Never throws and never waits for long: what takes time looks at
// the deadline. `command` and `script` are not made here.
Outcome look_at(const Look& look);

// Whether PATH, or a path, leads to a program.
bool is_program(const std::string& name);

// Each module's own, by file.
Outcome look_at_file(const Look& look);
Outcome look_at_tree(const Look& look);
Outcome look_for_path(const Look& look);
Outcome look_for_no_path(const Look& look);
Outcome look_for_pattern(const Look& look);
Outcome look_for_no_pattern(const Look& look);
Outcome look_at_document(const Look& look);
Outcome look_at_variable(const Look& look);
Outcome look_for_no_variable(const Look& look);
Outcome look_for_program(const Look& look);
Outcome look_at_rights(const Look& look);
Outcome look_at_user(const Look& look);
Outcome look_at_group(const Look& look);
Outcome look_at_unit(const Look& look);
Outcome look_at_enforcement(const Look& look);
Outcome look_at_process(const Look& look);
Outcome look_at_port(const Look& look);
Outcome look_at_mount(const Look& look);
Outcome look_at_memory(const Look& look);
Outcome look_at_load(const Look& look);
Outcome look_at_sysctl(const Look& look);
Outcome look_at_package(const Look& look);
Outcome look_at_firewall(const Look& look);
Outcome look_at_ledger(const Look& look);

} // namespace conos::contract
