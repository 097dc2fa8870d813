#pragma once

#include "facts/facts.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace conos {

// The last rows of the ledger in file `database`, oldest first; none when it cannot be read.
std::optional<std::vector<Happening>> recent_happenings(
  const std::string& database, std::size_t most);

// Pure: what of a row may be told. Agents write rows too (note.*), and payloads quote senders: only
// words of the ledger's own grammar pass.
Happening happening_of(std::int64_t id, const std::string& at, const std::string& type,
  const std::string& actor, std::string_view payload);

} // namespace conos
