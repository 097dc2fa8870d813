#pragma once

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "task/site.hpp"

#include <cstddef>
#include <optional>
#include <string>

// The files of the status page.
namespace conos::page {

inline const std::string k_place = "status"; // in /srv/conos, for its readers; written by root only
inline const std::string k_page = "index.html";
inline const std::string k_metrics = "conos.prom";
inline const std::string k_memory = "page";        // in /var/lib/conos, root's: the samples
inline const std::string k_readers = "conos-page"; // the group that may read the files

// Between two pages that nobody asked for by hand.
constexpr Duration k_least_pause = std::chrono::seconds(10);

enum class Pace {
  now,
  steady, // waits until the last page is old enough, and looks at the machine then
};

struct Written {
  std::string path; // of the page
  std::size_t bytes = 0;
  std::string title;
  std::size_t findings = 0;
  Time at;
  std::optional<Error> trouble; // the samples were broken: they begin anew
};

// Writes page and metrics, each whole or not at all, and remembers the sample of this minute. One
// at a time; another is waited for.
Result<Written> write_page(const Site& site, Pace pace);

// The page, or the metrics, as they would be now. Nothing is written.
enum class Form { page, metrics };
Result<std::string> show(const Site& site, Form form);

} // namespace conos::page
