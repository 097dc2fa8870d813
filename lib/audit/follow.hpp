#pragma once

#include "audit/reader.hpp"

namespace conos::audit {

// Offers each row after row `id` that fits to `show`, those that are there and those to come, until
// `show` returns false or nobody reads the pipe or socket `out` any more. Woken by the kernel when
// the ledger's log is written; looks every second where it gives no inotify.
Result<> follow(const std::string& directory, std::int64_t id, const Filter& filter, int out,
  const std::function<bool(const Event&)>& show);

// The same from where nobody tells of what is new: asked every second.
Result<> follow(Source& source, std::int64_t id, const Filter& filter, int out,
  const std::function<bool(const Event&)>& show);

} // namespace conos::audit
