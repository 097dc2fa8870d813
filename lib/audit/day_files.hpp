#pragma once

#include "audit/ledger.hpp"

#include <string>
#include <vector>

namespace conos::audit {

// Adds rows that were just recorded to the day's YYYY-MM-DD.log, lines for people, and .jsonl,
// whole rows, in `directory`; the day is that of the rows, in UTC. New files are 0640 and of the
// directory's group. Rows that were there already are left out.
//
// These are copies: nothing is flushed, a full disk may cut a line, and a crash between the ledger
// and here leaves rows out. Callers log an error and go on.
Result<> append_day_files(const std::string& directory, const std::vector<Row>& rows,
  const std::vector<Recorded>& recorded);

} // namespace conos::audit
