#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <string>
#include <string_view>

// What rows name by its SHA-256 only: the texts of tasks, prompts and answers, what left the
// machine and what came back. A row proves what a body was; whether it is still kept is another
// question, so what is kept is never flushed for its own sake.
namespace conos::audit {

inline const std::string k_bodies = "cas"; // beside the ledger

class Bodies
{
public:
  // The store beside the ledger in `directory`, made (0700) where there is none and one may.
  static Result<Bodies> open(const std::string& directory);

  // Keeps a file that nobody will write to any more under the digest it has: as another name of it
  // where it is on the same file system, as a copy of at most `limit` bytes where it is not.
  // Whoever gives a false digest makes a body that get() refuses.
  Result<> keep(const UniqueFd& file, const std::string& sha256_hex, std::size_t limit) const;

  // Keeps bytes; returns their digest, 64 hex digits.
  Result<std::string> put(std::string_view bytes) const;

  // Kind::not_found when it is not kept, Kind::bad_data when what is kept is not what it was, is
  // larger than `limit`, or `sha256_hex` is no digest.
  Result<std::string> get(const std::string& sha256_hex, std::size_t limit) const;

  // Removes those last kept before `time`; returns how many. A text that is kept again comes back.
  Result<std::size_t> remove_older(Time time) const;

private:
  explicit Bodies(UniqueFd dir)
      : m_dir(std::move(dir))
  {
  }
  UniqueFd m_dir;
};

} // namespace conos::audit
