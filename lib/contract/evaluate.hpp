#pragma once

#include "contract/model.hpp"
#include "sys/clock.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// All checks of many contracts, in parallel, to the end: each has a result whatever becomes of
// others.
namespace conos::contract {

// A check somebody has let off.
struct Exemption {
  std::string contract;
  std::string check; // empty: all of the contract
  std::string reason;
  std::string by;
  std::optional<Time> until;
};

struct Selection {
  std::vector<std::string> tags; // none: whatever its tags
  std::vector<std::string> ids;  // contracts, or ID/NAME; none: all but protocols
};

struct EvaluateOptions {
  Selection selection;
  std::vector<Exemption> exemptions;
  unsigned workers = 0; // 0: as many as there are processors for us
};

// What became of one check, or of a file that is no contract.
struct Row {
  const Contract* contract = nullptr; // none: the file is invalid
  const Check* check = nullptr;
  const Invalid* invalid = nullptr;
  Status status = Status::skip;
  std::string message;  // a sentence without a full stop; empty of a pass
  std::string evidence; // lines
  std::chrono::microseconds took{};
  bool is_blocked = false; // skipped, since what it depends on has not passed

  std::string_view id() const;   // of the contract, or k_invalid
  std::string_view name() const; // of the check, or the file
  std::string_view what() const; // the finding, for people
  Severity severity() const;
  const std::string& file() const; // it stands in
};

struct Report {
  std::shared_ptr<const Loaded> loaded; // what the rows speak of
  std::vector<Row> rows;                // invalid files, then contracts in their order
  Time started;
  std::chrono::microseconds took{};
  std::map<Status, std::size_t> counts; // of every status, 0 too
  // A check hangs in the kernel and a thread with it: the process has to end without waiting for
  // it.
  bool is_stuck = false;

  std::size_t count(Status status) const { return counts.at(status); }
  // Whether the answer is no: warnings alone are none.
  bool is_bad() const;
};

// Type::not_found when a selected id is nowhere.
Result<Report> evaluate(std::shared_ptr<const Loaded> loaded, const EvaluateOptions& options);

// What a failure comes to, by what follows from it: alert and warn are a warning, halt is halt.
Status status_of_failure(const OnFail& on_fail);

// The reason why a check is not made, empty when it is.
std::string reason_to_skip(const SkipIf& skip_if);

} // namespace conos::contract
