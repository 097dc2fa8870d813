#pragma once

#include "sys/error.hpp"

#include <optional>
#include <string>

// What an agent is working on, for its doors: /var/lib/conos/current/NAME.json. Claim writes it
// before work begins and deliver takes it away, so a door knows whose task a call belongs to
// without asking the caller.
namespace conos::budget {

inline const std::string k_current = "current"; // in /var/lib/conos; root's, its group the doors'

struct CurrentTask {
  std::string id;
  std::string root;
  int attempt = 0;
};

// In `directory`, /var/lib/conos/current. Not flushed: after a power cut nobody works on anything.
Result<> write_current(
  const std::string& directory, const std::string& agent, const CurrentTask& task);
Result<> remove_current(const std::string& directory, const std::string& agent);

// Nothing when it works on nothing.
Result<std::optional<CurrentTask>> read_current(
  const std::string& directory, const std::string& agent);

} // namespace conos::budget
