#include "plan/retire.hpp"

#include "host/units.hpp"
#include "plan/files.hpp"
#include "plan/tools.hpp"
#include "sys/clock.hpp"
#include "sys/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace conos::plan {

namespace {

constexpr Duration k_archive_time = std::chrono::hours(6); // a home may be large
constexpr std::string_view k_part = ".tar.gz.part";
constexpr Duration k_stop_time = std::chrono::seconds(90); // deliver has its 60 s

Result<Retired> what_is_left(const Place& place, const std::string& name, const Accounts& accounts)
{
  Retired retired;
  retired.name = name;
  retired.has_user = accounts.user("a-" + name) != nullptr;
  const auto keep = [&](std::vector<std::string>& into,
                      const std::vector<std::string>& paths) -> Result<> {
    for (const auto& path : paths) {
      CONOS_TRY(const bool found, is_there(place, path));
      if (found) {
        into.push_back(path);
      }
    }
    return {};
  };
  const auto unit = fmt::format("{}/conos-{}", k_units, name);
  const auto lib = std::string("/var/lib/conos");
  CONOS_CHECK(keep(retired.files, {unit + ".path", unit + ".timer", unit + ".service"}));
  for (const auto& file : retired.files) {
    retired.units.push_back(file.substr(k_units.size() + 1));
  }
  CONOS_CHECK(keep(retired.files,
    {unit + ".service.d/10-tier.conf", unit + ".service.d/20-agent.conf",
      unit + ".service.d/30-doors.conf",
      fmt::format("{}/conos-model@{}.service.d/30-keys.conf", k_units, name),
      fmt::format("{}/compiled/{}.json", lib, name),
      fmt::format("{}/compiled/{}.model.json", lib, name),
      fmt::format("{}/compiled/{}.egress.json", lib, name),
      fmt::format("{}/compiled/{}.gate.json", lib, name), fmt::format("{}/hold/{}", lib, name),
      fmt::format("{}/pace/{}", lib, name), fmt::format("{}/pace/{}.turn", lib, name),
      fmt::format("{}/locks/{}", lib, name)}));
  // of its egress door rows the ledger may not have yet
  CONOS_CHECK(keep(retired.trees,
    {"/srv/conos/agents/" + name, "/home/a-" + name, fmt::format("{}/instructions/{}", lib, name),
      fmt::format("{}/egress/{}", lib, name)}));
  return retired;
}

// Root's own directory, and one that nothing can be planted in.
Result<UniqueFd> open_archive_dir(const std::string& path)
{
  CONOS_CHECK(run_tool({"mkdir", "--parents", "--mode=0700", "--", path}));
  CONOS_TRY(auto dir, open_dir(path));
  CONOS_TRY(const auto st, stat_of(dir));
  if (st.st_uid != 0 || (st.st_mode & 0022U) != 0) {
    return fail(Kind::denied, "'{}' is not root's alone to write to", path);
  }
  return dir;
}

// What an archive that was not finished left: nobody else works in this directory.
Result<> remove_parts(const UniqueFd& dir, const std::string& agent)
{
  CONOS_TRY(const auto names, list_names(dir, SIZE_MAX, [&](std::string_view name) {
    return name.starts_with("." + agent + "-") && name.ends_with(k_part);
  }));
  for (const auto& name : names) {
    CONOS_CHECK(remove_name(dir, name));
  }
  return {};
}

// A tar(1) archive with owners, modes, ACLs; it has its name when it is whole and on disk.
Result<std::string> archive_trees(
  const Place& place, const Retired& retired, const std::string& directory)
{
  CONOS_TRY(const auto dir, open_archive_dir(place.root + directory));
  const auto stem = fmt::format("{}-{}", retired.name, compact_stamp(now()));
  const auto name = stem + ".tar.gz";
  const auto part = "." + stem + std::string(k_part);
  CONOS_CHECK(remove_parts(dir, retired.name).map_error(during("clear '" + directory + "'")));
  std::vector<std::string> argv{"tar", "--create", "--gzip", "--acls", "--xattrs",
    "--numeric-owner", "--one-file-system", "--warning=no-file-ignored",
    "--directory=" + (place.root.empty() ? "/" : place.root),
    fmt::format("--file={}{}/{}", place.root, directory, part), "--"};
  for (const auto& tree : retired.trees) {
    argv.push_back("." + tree);
  }
  const auto packed = run_tool(std::move(argv), -1, k_archive_time);
  if (!packed) {
    (void)remove_parts(dir, retired.name); // it would keep a full disk full; next time it is again
    return tl::unexpected<Error>(packed.error());
  }
  CONOS_TRY(const auto file, open_beneath(dir, part));
  if (::fchmod(file.get(), 0600) < 0 || ::fsync(file.get()) < 0 ||
      ::renameat(dir.get(), part.c_str(), dir.get(), name.c_str()) < 0 || ::fsync(dir.get()) < 0) {
    return os_error("finish the archive '{}/{}'", directory, name);
  }
  return directory + "/" + name;
}

Result<> stop_units(const Place& place, const Retired& retired)
{
  if (!place.root.empty() || retired.units.empty()) {
    return {};
  }
  CONOS_TRY(const auto systemd, Units::connect(k_stop_time));
  auto units = retired.units;
  for (const auto* door :
    {"conos-model@", "conos-egress@", "conos-gate@"}) { // instances, with no files
    units.insert(units.end(), {door + retired.name + ".socket", door + retired.name + ".service"});
  }
  for (const auto& unit : units) {
    auto stopped = systemd.stop(unit);
    if (!stopped && stopped.error().kind != Kind::not_found) {
      return stopped;
    }
  }
  CONOS_TRY(const auto changed, systemd.disable(retired.units));
  (void)changed; // they may have been disabled before
  return {};
}

// Its data is hostile: deep, many, unreadable. rm(1) walks by descriptors and follows no link.
Result<> remove_trees(const Place& place, const std::vector<std::string>& paths)
{
  std::vector<std::string> argv{"rm", "--recursive", "--force", "--one-file-system", "--"};
  for (const auto& path : paths) {
    argv.push_back(place.root + path);
  }
  return paths.empty() ? Result<>{} : run_tool(std::move(argv), -1, k_archive_time);
}

} // namespace

Result<std::vector<Retired>> find_retired(
  const Place& place, const config::Config& config, const Record& record, const Accounts& accounts)
{
  std::vector<Retired> all;
  for (const auto& recorded : record.uids) {
    const auto& name = recorded.first;
    const bool configured =
      std::any_of(config.agents.begin(), config.agents.end(), [&](const config::Agent& agent) {
        return agent.name == name;
      });
    if (configured) {
      continue;
    }
    CONOS_TRY(auto left, what_is_left(place, name, accounts));
    if (left.has_user || !left.files.empty() || !left.trees.empty()) {
      all.push_back(std::move(left));
    }
  }
  return all;
}

Step retire_step(const Retired& retired, const std::string& archive)
{
  Step step{Act::retire, retired.name, {}};
  const auto add = [&](const std::string& subject, const std::string& what) {
    step.changes.push_back({subject, what, "", 0});
  };
  for (const auto& unit : retired.units) {
    add(unit, "stop, disable");
  }
  for (const auto& tree : retired.trees) {
    add(tree, archive.empty() ? "delete for good" : "archive in " + archive + ", remove");
  }
  for (const auto& file : retired.files) {
    add(file, "remove");
  }
  if (retired.has_user) {
    add("a-" + retired.name, "remove the user");
  }
  return step;
}

Result<std::string> put_away(const Place& place, const Retired& retired, const std::string& archive)
{
  CONOS_CHECK(stop_units(place, retired));
  return archive.empty() || retired.trees.empty() ? Result<std::string>("")
                                                  : archive_trees(place, retired, archive);
}

Result<> take_away(const Place& place, const Retired& retired)
{
  CONOS_CHECK(remove_trees(place, retired.trees));
  for (const auto& file : retired.files) {
    CONOS_CHECK(remove_file(place, file));
  }
  CONOS_CHECK(
    remove_trees(place, {fmt::format("{}/conos-{}.service.d", k_units, retired.name),
                          fmt::format("{}/conos-model@{}.service.d", k_units, retired.name),
                          "/run/conos/doors/" + retired.name}));
  if (retired.has_user) {
    std::vector<std::string> argv{"userdel"};
    if (!place.root.empty()) {
      argv.insert(argv.end(), {"--root", place.root});
    }
    argv.push_back("a-" + retired.name);
    CONOS_CHECK(run_tool(std::move(argv)));
  }
  return {};
}

} // namespace conos::plan
