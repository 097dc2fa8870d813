#include "run/sessions.hpp"

#include "sys/file.hpp"
#include "task/find.hpp"

namespace conos {

Result<std::size_t> clear_sessions(const Site& site, const std::string& agent)
{
  constexpr std::size_t k_most = 100'000;
  CONOS_CHECK(check_agent(site, agent));
  CONOS_TRY(const auto top, open_dir(site.agent(agent)));
  CONOS_TRY(const auto workspace, open_dir_at(top, "workspace"));
  const auto sessions = open_dir_at(workspace, "sessions");
  if (!sessions && sessions.error().kind == Kind::not_found) {
    return std::size_t{0};
  }
  if (!sessions) {
    return tl::unexpected<Error>(sessions.error());
  }
  CONOS_TRY(const auto names, list_names(*sessions, k_most, [](std::string_view name) {
    return name.ends_with(".json");
  }));
  std::size_t cleared = 0;
  for (const auto& name : names) {
    const auto st = stat_at(*sessions, name);
    if (st && S_ISREG(st->st_mode)) {
      CONOS_CHECK(remove_name(*sessions, name));
      ++cleared;
    }
  }
  return cleared;
}

} // namespace conos
