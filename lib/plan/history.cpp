#include "plan/history.hpp"

#include "config/config.hpp"
#include "sys/clock.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <algorithm>

namespace conos::plan {

namespace {

constexpr std::size_t k_most_versions = 100;
constexpr std::size_t k_max_names = 10'000;
constexpr std::string_view k_end = ".toml";

Result<UniqueFd> open_versions(const Place& place)
{
  CONOS_TRY(const auto lib, open_dir(place.site.lib));
  const auto made = make_dir(lib, "config", 0700);
  if (!made && made.error().kind != Kind::exists) {
    return tl::unexpected<Error>(made.error());
  }
  return open_dir_at(lib, "config");
}

Result<std::vector<std::string>> versions_in(const UniqueFd& dir)
{
  CONOS_TRY(auto names, list_names(dir, k_max_names, [](std::string_view name) {
    return name.ends_with(k_end) && !name.starts_with('.');
  }));
  for (auto& name : names) {
    name.resize(name.size() - k_end.size());
  }
  std::sort(names.rbegin(), names.rend()); // a stamp sorts as its time does
  return names;
}

} // namespace

Result<std::string> keep_version(const Place& place, std::string_view text)
{
  CONOS_TRY(const auto dir, open_versions(place));
  const auto name = compact_stamp_us(now());
  CONOS_CHECK(publish(dir, name + std::string(k_end), text, 0600));
  CONOS_TRY(const auto all, versions_in(dir));
  for (auto i = k_most_versions; i < all.size(); ++i) {
    CONOS_CHECK(remove_name(dir, all[i] + std::string(k_end)));
  }
  return name;
}

Result<std::vector<std::string>> list_versions(const Place& place)
{
  CONOS_TRY(const auto dir, open_versions(place));
  return versions_in(dir);
}

Result<std::string> read_version(const Place& place, const std::string& name)
{
  CONOS_TRY(const auto dir, open_versions(place));
  if (!is_plain_name(name) || !exists_at(dir, name + std::string(k_end))) {
    return fail(Kind::not_found,
      "there is no earlier version '{}'; 'conos config history' names those there are",
      escaped(name));
  }
  return read_file(dir, name + std::string(k_end), config::k_max_config_bytes);
}

} // namespace conos::plan
