#include "run/days.hpp"

#include "audit/day_files.hpp"
#include "audit/place.hpp"
#include "sys/log.hpp"

namespace conos {

void copy_to_days(const Site& site)
{
  constexpr std::size_t k_most = 4096; // a step takes no longer than this; the next goes on
  const auto copied = [&]() -> Result<std::size_t> {
    CONOS_TRY(auto reader, audit::Reader::open(site.lib + "/" + audit::k_database));
    return audit::copy_to_day_files(reader, audit::day_files_in(site.srv), k_most);
  }();
  if (!copied && copied.error().kind != Kind::not_found) {
    log::warning("copy the ledger to the day files: {}", copied.error().text());
  }
}

} // namespace conos
