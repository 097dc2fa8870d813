#pragma once

#include "sys/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace conos {

// A crontab(5) time, "0 8 * * 1-5" or "@daily", as the calendar expressions of systemd.time(7)
// that elapse at the same minutes of local time. Where both day fields are restricted cron runs
// when either matches, which takes two expressions; as in cron(8), a field is restricted unless it
// begins with '*'. Kind::bad_data says which field is wrong, and of a time that never comes.
Result<std::vector<std::string>> on_calendar(std::string_view cron);

} // namespace conos
