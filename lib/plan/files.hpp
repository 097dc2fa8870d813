#pragma once

#include "host/accounts.hpp"
#include "plan/place.hpp"
#include "plan/state.hpp"
#include "sys/error.hpp"

#include <string>

// Writing what bootstrap compiled, where the immutable flag may stand in the way. Each deed is
// whole or not at all; what a crash leaves between unlocking and locking again is a file without
// its flag, which the next run sees and mends.
namespace conos::plan {

enum class Lock { yes, no };

// Writes the file with owner and mode, in place of whatever has its name. Missing directories on
// the way are made. Flushed by the caller.
Result<> write_file(const Place& place, const File& file, const Accounts& accounts, Lock lock);

// Keeps a copy of what has the file's name now, as NAME.conos-save, in place of an earlier one.
Result<> save_file(const Place& place, const File& file);

// Whether there is anything of that path; a symlink is something. "Could not look" is an error and
// no answer: taken for "no", it would take away what is there.
Result<bool> is_there(const Place& place, const std::string& path);

// Absent is success.
Result<> remove_file(const Place& place, const std::string& path);

Result<> lock_file(const Place& place, const std::string& path);
Result<> unlock_file(const Place& place, const std::string& path);

// Makes the symlink as its owner would, with that one's rights and no more: the directory is the
// agent's, and whatever it plants there can harm nobody but itself.
Result<> write_link(const Place& place, const Link& link, const Accounts& accounts);

} // namespace conos::plan
