#include "egress/door.hpp"
#include "sys/file.hpp"

namespace conos::egress {

namespace {

constexpr std::size_t k_max_settings_bytes = 1U << 20U;

} // namespace

Result<DoorPlace> door_place_of(const std::string& agent, const std::string& credentials)
{
  CONOS_TRY(const auto dir, open_dir(credentials));
  CONOS_TRY(const auto text, read_file(dir, "settings", k_max_settings_bytes));
  DoorPlace place;
  CONOS_TRY(place.settings, egress_door_from_json(text));
  if (place.settings.agent != agent) {
    return fail(Kind::config, "these are the settings of agent '{}'", place.settings.agent);
  }
  place.state = "/var/lib/conos/egress/" + agent;
  place.current = "/var/lib/conos/current";
  place.ledger = "/run/conos/audit.sock";
  return place;
}

} // namespace conos::egress
