#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

// What one activation of an agent works on: agents/NAME/batch.json, written by claim, read by work
// and deliver, removed by deliver. One that outlives its activation tells the next claim which
// attempts had begun.
namespace conos {

struct Batch {
  std::string invocation; // of the unit, 32 hex digits
  std::string agent;
  uid_t uid = 0;
  std::vector<std::string> tasks; // ids, in order
  std::vector<std::string> runner;
  std::vector<std::string> environment;
  std::vector<std::string> writable; // absolute paths, beside the agent's own
  Duration timeout = Duration(0);
  std::size_t max_output_bytes = 0;
};

// Durably: from here on, these tasks were tried.
Result<> write_batch(const UniqueFd& top, const Batch& batch, gid_t gid);
Result<> remove_batch(const UniqueFd& top);

// Kind::not_found when claim left none.
Result<Batch> read_batch(const UniqueFd& top);

// What work says of one run: drafts/ID/exit.json. Written by the agent's uid: testimony.
struct RunRecord {
  Time started_at;
  Time finished_at;
  std::string how; // exited, signalled, timeout, output-limit, unstartable
  int status = 0;
  bool log_cut = false;
};

std::string to_json(const RunRecord& record);
Result<RunRecord> run_record_from_json(std::string_view text);

constexpr std::size_t k_max_log_bytes = 64U << 10U;

} // namespace conos
