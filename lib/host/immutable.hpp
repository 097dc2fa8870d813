#pragma once

#include "sys/error.hpp"
#include "sys/fd.hpp"

// The immutable flag of a file (chattr +i): while it is set, even root cannot write, rename or
// remove the file without CAP_LINUX_IMMUTABLE.
namespace conos {

enum class Immutable {
  no,
  yes,
  unsupported, // the file system has no such flag
};

// Of an open file. Kind::os when it cannot be asked.
Result<Immutable> immutable_flag(const UniqueFd& file);

// Kind::unavailable where the file system has no such flag, Kind::denied where we may not set it.
// Setting what is set already is success and changes nothing.
Result<> set_immutable(const UniqueFd& file, bool on);

// Whether files in `dir` can be made immutable by us, tried on a file without a name: asking alone
// is not enough, for a container may show a flag it does not let its root set. Yes where `dir` is
// mounted read-only: nothing can be tried there, and what has the flag keeps it.
bool can_set_immutable(const UniqueFd& dir);

} // namespace conos
