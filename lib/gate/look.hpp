#pragma once

#include "audit/reader.hpp"
#include "sys/error.hpp"
#include "task/site.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string>

// What a gate looks at to answer.
namespace conos::gate {

// The last `most` rows about an agent, oldest first, of the last 20,000 of the ledger: an array.
Result<nlohmann::json> own_rows(audit::Reader& reader, const std::string& agent, std::size_t most);

// What the last healthcheck left; null when there was none.
nlohmann::json state_of_contracts(const Site& site);

// Kind::busy when `most` tasks wait for that agent already, or are on their way.
Result<> has_room_for_task(const Site& site, const std::string& agent, std::size_t most);

} // namespace conos::gate
