#include "page/write.hpp"

#include "host/acl.hpp"
#include "page/page.hpp"
#include "sys/file.hpp"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace conos::page {

namespace {

constexpr mode_t k_mode = 0640;

Result<> lock(const UniqueFd& dir)
{
  while (::flock(dir.get(), LOCK_EX) < 0) {
    if (errno != EINTR) {
      return os_error("lock '{}'", k_memory);
    }
  }
  return {};
}

// A page from the future, by a clock that was put back, is waited for no longer than any other.
Duration left_of_pause(const UniqueFd& place, Time now)
{
  const auto status = stat_at(place, k_page);
  if (!status) {
    return Duration(0);
  }
  const auto& changed = status->st_mtim;
  const auto written =
    Time(std::chrono::seconds(changed.tv_sec) +
         std::chrono::duration_cast<Time::duration>(std::chrono::nanoseconds(changed.tv_nsec)));
  const auto left = std::chrono::ceil<Duration>(written + k_least_pause - now);
  return std::clamp(left, Duration(0), k_least_pause);
}

// With the samples there are; none where they cannot be had.
View view_of(const Site& site, Samples samples)
{
  auto view = collect_view(site);
  view.samples = with(std::move(samples), sample_of(view));
  return view;
}

} // namespace

Result<Written> write_page(const Site& site, Pace pace)
{
  const auto purpose = during("write the status page");
  CONOS_TRY(const auto memory, open_dir(site.lib + "/" + k_memory).map_error(purpose));
  CONOS_TRY(const auto place, open_dir(site.srv + "/" + k_place).map_error(purpose));
  CONOS_CHECK(lock(memory));
  if (pace == Pace::steady) {
    std::this_thread::sleep_for(left_of_pause(place, now()));
  }

  auto [samples, trouble] = load_samples(memory);
  const auto view = view_of(site, std::move(samples));
  const auto text = page_of(view);
  const Owner owner{static_cast<uid_t>(-1),
    group_id(k_readers.c_str()).value_or(std::nullopt).value_or(static_cast<gid_t>(-1))};
  // the page last: its time is what others go by
  CONOS_CHECK(save_samples(memory, view.samples).map_error(purpose));
  CONOS_CHECK(replace_alone(place, k_metrics, metrics_of(view), k_mode, owner, Durable::later)
                .map_error(purpose));
  CONOS_CHECK(replace_alone(place, k_page, text, k_mode, owner, Durable::later).map_error(purpose));
  return Written{site.srv + "/" + k_place + "/" + k_page, text.size(), title_of(view),
    findings_of(view), view.facts.at, std::move(trouble)};
}

Result<std::string> show(const Site& site, Form form)
{
  const auto memory = open_dir(site.lib + "/" + k_memory);
  const auto text = memory ? read_file(*memory, k_samples, k_max_samples_bytes)
                           : Result<std::string>(tl::unexpected<Error>(memory.error()));
  const auto samples = text ? samples_from_text(*text) : Result<Samples>(Samples());
  const auto view = view_of(site, samples.value_or(Samples()));
  return form == Form::page ? page_of(view) : metrics_of(view);
}

} // namespace conos::page
