#pragma once

#include "audit/reader.hpp"
#include "sys/clock.hpp"

#include <cstddef>
#include <string>

// Copies of the ledger for people and for `tail -f`: a file a day, in UTC.
namespace conos::audit {

struct DayFiles {
  std::string lines;  // directory of YYYY-MM-DD.log, lines for people, and .jsonl, whole rows
  std::string tables; // directory of YYYY-MM-DD.tsv, a line for each task that ended
};

// Those of a machine whose tree of conos is at `srv` (/srv/conos).
DayFiles day_files_in(const std::string& srv);

// Brings the files up to date with the ledger: copies the rows after the last one that was copied,
// at most `most`, and returns how many. The place and what was written there are remembered in
// `copied`; after a crash, what stands past that is cut off and copied again, so each row is there
// once. Where a power cut took more, or somebody shortened a file, that day is copied anew; days
// that were removed stay so. Without `copied` everything is copied.
//
// New files are 0640 and of the directory's group. Nothing is flushed. Where another copies just
// now, this copies nothing: what that one has missed, the next does.
Result<std::size_t> copy_to_day_files(Reader& reader, const DayFiles& to, std::size_t most);

// Removes the files of the days that were over before `time`; returns how many days.
Result<std::size_t> remove_days_before(const DayFiles& from, Time time);

} // namespace conos::audit
