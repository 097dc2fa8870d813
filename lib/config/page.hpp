#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

#include <string>
#include <string_view>

// What conos-bootstrap compiled for the status page: compiled/page.json.
namespace conos {

struct PageSettings {
  Duration interval = std::chrono::minutes(1); // between healthchecks
};

std::string to_json(const PageSettings& settings);

// Kind::config when the text is not what to_json writes: then bootstrap must run again.
Result<PageSettings> page_settings_from_json(std::string_view text);

// From an open /var/lib/conos/compiled. Kind::not_found when bootstrap has not been here.
Result<PageSettings> load_page_settings(const UniqueFd& compiled);

} // namespace conos
