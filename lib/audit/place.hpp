#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <string>

// The files of a ledger and the directory they lie in.
namespace conos::audit {

inline const std::string k_database = "audit.db";
inline const std::string k_log = "audit.db-wal"; // SQLite's write-ahead log

// Stands from a flush of the log that failed until what may not be on disk has been written anew.
inline const std::string k_unflushed = "audit.db-unflushed";

// When the ledger was last appended to, in the words of moment.hpp; not of every append.
inline const std::string k_moment = "audit.db-moment";

// Opens a ledger's directory, making it (0700) and an empty database (0600) where they are not
// there. Refuses what others than root and we could have put there or written.
Result<UniqueFd> open_place(const std::string& directory);

} // namespace conos::audit
