#pragma once

#include "audit/ledger.hpp"
#include "sys/error.hpp"
#include "task_contract/state.hpp"

#include <string>
#include <string_view>

// A task contract as text: its file, its rows, and what people and agents read.
namespace conos::task_contract {

constexpr std::size_t k_max_record_bytes = 1U << 20U;

// The file, /srv/conos/task-contracts/ID.json.
std::string to_json(const TaskContract& contract);

// Kind::bad_data when the text is not what to_json writes, or no state of a task contract.
Result<TaskContract> from_json(std::string_view text);

// One line, without description and history.
std::string summary_json(const TaskContract& contract);

// The row of its newest change.
audit::Row row_of(const TaskContract& contract, const std::string& key);

// The row of an attempt to complete it that the named contracts did not allow.
audit::Row refused_row(
  const TaskContract& contract, const Actor& actor, const std::string& findings);

// For people; what others wrote is escaped.
std::string describe(const TaskContract& contract, Time now);
std::string table_of(const std::vector<TaskContract>& contracts, Time now);

} // namespace conos::task_contract
