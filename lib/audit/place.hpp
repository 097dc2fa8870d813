#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <optional>
#include <string>

// The files of a ledger and the directory they lie in.
namespace conos::audit {

inline const std::string k_database = "audit.db";
inline const std::string k_log = "audit.db-wal"; // SQLite's write-ahead log

// Stands from a flush of the log that failed until what may not be on disk has been written anew.
inline const std::string k_unflushed = "audit.db-unflushed";

// When the ledger was last appended to, in the words of moment.hpp; not of every append.
inline const std::string k_moment = "audit.db-moment";

// Takes the exclusive lock (flock(2)) of an open file or directory, waiting for `patience` at most.
// Gives false when another still has it then. It is let go with the descriptor.
Result<bool> take_lock(const UniqueFd& fd, Duration patience);

// Writes a line over what a small file has; makes the file (0600) where there is none. For one
// writer at a time. A kill leaves the line that was or the one that is, in front of whatever; a
// power cut may leave neither, and readers do without. Nothing has to be cleared away afterwards,
// as a file that was to replace another would have to be.
Result<> overwrite(const UniqueFd& dir, const std::string& name, const std::string& line);

// The first line of such a file; none when there is no whole one.
Result<std::optional<std::string>> first_line(const UniqueFd& dir, const std::string& name);

// Opens a ledger's directory, making it (0700) and an empty database (0600) where they are not
// there. Refuses what others than root and we could have put there or written.
//
// While there is nothing in the log yet, the directory comes locked, until let_others_in(): SQLite
// takes away the log of an empty database and makes it again, and another who opens it just then
// may get it to read only, and keep it so. Kind::busy after 10 s.
Result<UniqueFd> open_place(const std::string& directory);
void let_others_in(const UniqueFd& directory);

} // namespace conos::audit
