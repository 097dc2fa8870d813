#include "temp_dir.hpp"

#include "plan/files.hpp"
#include "plan_sample.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <set>

using namespace conos;
using namespace conos::plan;

namespace {

// All our units in one directory, as systemd would find them. systemd-analyze asks whether what is
// executed is there, so here it is something that always is.
class UnitDir
{
public:
  UnitDir()
  {
    put("conos-cage.service", source_file("systemd/cage/conos-cage.service"));
    put("conos-cage.service.d/50-devices.conf", source_file("systemd/cage/50-devices.conf"));
    // what they mount is of no matter here
    put("conos-cage.target", "[Unit]\nRequires=conos-cage.service\n");
    put("run-conos-cage.dev.mount", "[Mount]\nWhat=cage\nWhere=/run/conos/cage.dev\nType=tmpfs\n");
    for (const auto* name : {"conos-artifact.service", "conos-artifact.socket",
           "conos-audit.service", "conos-audit.socket", "conos-checkpoint.service",
           "conos-checkpoint.timer", "conos-checkpoint-last.service", "conos-cron@.service",
           "conos-outer-inbox.path", "conos-page.path", "conos-page.service", "conos-page.socket",
           "conos-page-serve.service", "conos-query.service", "conos-query.socket",
           "conos-route.service", "conos-sweep.service", "conos-sweep.timer"}) {
      put(name, source_file(std::string("systemd/") + name));
    }
    for (const auto* name : {"conos-artifact", "conos-audit", "conos-cage", "conos-checkpoint",
           "conos-checkpoint-last", "conos-cron@", "conos-page", "conos-page-serve", "conos-query",
           "conos-route", "conos-sweep"}) {
      put(
        fmt::format("{}.service.d/10-hardening.conf", name), source_file("systemd/hardening.conf"));
    }
    for (const auto& file : state_of(k_three).files) {
      if (file.wanted && file.path.starts_with(k_units)) {
        put(file.path.substr(k_units.size() + 1), *file.content);
      }
    }
    put("conos-cron@x.service", source_file("systemd/conos-cron@.service"));
    for (const std::string door : {"conos-egress@", "conos-model@"}) {
      put(door + ".socket", source_file("systemd/" + door + ".socket"));
      put(door + "x.service", source_file("systemd/" + door + ".service"));
      put(door + ".service", source_file("systemd/" + door + ".service"));
      put(door + ".service.d/10-hardening.conf", source_file("systemd/hardening.conf"));
      put(door + ".service.d/50-network.conf", source_file("systemd/door.conf"));
    }
  }

  void put(const std::string& name, std::string text)
  {
    for (const std::string_view program : {"/usr/bin/conos-run", "/usr/bin/conos-route",
           "/usr/bin/conos-audit", "/usr/libexec/conos/conos-artifact-auth",
           "/usr/libexec/conos/conos-audit-serve", "/usr/libexec/conos/conos-page-serve",
           "/usr/bin/conos-page", "/usr/libexec/conos/conos-egress",
           "/usr/libexec/conos/conos-model-serve", "/usr/bin/setfacl"}) {
      for (auto at = text.find(program); at != text.npos; at = text.find(program)) {
        text.replace(at, program.size(), "/bin/true");
      }
    }
    const auto path = std::filesystem::path(m_dir.path) / name;
    std::filesystem::create_directories(path.parent_path());
    const auto dir = open_dir(path.parent_path().string());
    REQUIRE(dir);
    REQUIRE(publish(*dir, path.filename().string(), text, 0644));
    if (path.parent_path() == m_dir.path) {
      units.insert(name);
    }
  }

  Ended analyze(const std::vector<std::string>& words) const
  {
    Command command{{"systemd-analyze"}, plain_environment(), m_dir.path, -1};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.environment.push_back("SYSTEMD_UNIT_PATH=" + m_dir.path + ":");
    const auto ended = run_command(command, {});
    REQUIRE(ended);
    return *ended;
  }

  std::set<std::string> units;

private:
  TempDir m_dir;
};

} // namespace

TEST_CASE("systemd reads every unit without a word", "[plan][units]")
{
  const UnitDir dir;
  std::vector<std::string> words{"verify", "--man=no"};
  words.insert(words.end(), dir.units.begin(), dir.units.end());

  const auto ended = dir.analyze(words);

  CHECK(ended.status == 0);
  CHECK(ended.err == "");
}

TEST_CASE("no unit opens more than it may", "[plan][units]")
{
  const UnitDir dir;
  for (const auto& unit : dir.units) {
    if (!unit.ends_with(".service") || unit.ends_with("@.service")) {
      continue;
    }
    const bool ours = unit == "conos-audit.service" || unit == "conos-query.service" ||
                      unit == "conos-cage.service" || unit == "conos-route.service" ||
                      unit == "conos-sweep.service" || unit == "conos-page.service" ||
                      unit.starts_with("conos-checkpoint") || unit.find("@x.service") != unit.npos;
    const bool jit = unit == "conos-writer.service";
    const auto* threshold = ours ? "13" : jit ? "7" : "5"; // tenths
    INFO(unit);

    const auto ended =
      dir.analyze({"security", "--offline=yes", fmt::format("--threshold={}", threshold), unit});

    INFO(ended.out);
    CHECK(ended.status == 0);
  }
}
