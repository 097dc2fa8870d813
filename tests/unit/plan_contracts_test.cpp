#include "plan/contracts.hpp"
#include "plan_sample.hpp"

#include <filesystem>

using namespace conos;
using namespace conos::plan;

namespace {

constexpr auto k_two = R"([[agents]]
name = "one"
tier = "operator"
roles = ["sysadmin"]
[[agents]]
name = "two"
[contracts.system]
disk_min_free_pct = 22
)";

Result<std::string> filled_in(const std::string& text, bool can_lock = true)
{
  const auto config = config_of(k_two);
  auto sources = sources_for(config);
  sources.can_lock = can_lock;
  sources.contracts["x.yaml"] = text;
  const auto state = desired(config, sources);
  if (!state) {
    return tl::unexpected<Error>(state.error());
  }
  for (const auto& file : state->files) {
    if (file.path == "/srv/conos/contracts/x.yaml") {
      return file.content->substr(file.content->find('\n') + 1);
    }
  }
  return "";
}

} // namespace

TEST_CASE("a template has its lines for each agent", "[plan][contracts]")
{
  CHECK(filled_in("a @DISK_FREE@\n#@ each agent\n@AGENT@ @UID@\n#@ end\nb\n") ==
        "a 22\none 70000\ntwo 70001\nb\n");
  CHECK(filled_in("#@ each pair\n@AGENT@ @OTHER@\n#@ end\n") == "one two\ntwo one\n");
}

TEST_CASE("lines that are there only then", "[plan][contracts]")
{
  const std::string text = "#@ if lock\na\n#@ each agent\n@AGENT@\n#@ end\n#@ end\nb\n";
  CHECK(filled_in(text) == "a\none\ntwo\nb\n");
  CHECK(filled_in(text, false) == "b\n");
}

TEST_CASE("a template with a mistake is none", "[plan][contracts]")
{
  for (const auto* text : {"#@ each thing\n#@ end\n", "#@ if agent\n#@ end\n", "#@ each agent\n",
         "#@ end\n", "@NOTHING@\n", "#@ each\n#@ end\n"}) {
    INFO(text);
    CHECK_FALSE(filled_in(text));
  }
}

TEST_CASE("an administrator's contract of the same name stands for ours", "[plan][contracts]")
{
  const auto config = config_of(k_two);
  auto sources = sources_for(config);
  sources.contracts["x.yaml"] = "a\n";
  sources.locked.emplace_back("/etc/conos/contracts/x.yaml");
  const auto state = desired(config, sources);
  REQUIRE(state);
  for (const auto& file : state->files) {
    CHECK(file.path != "/srv/conos/contracts/x.yaml");
  }
}

TEST_CASE(
  "every contract that is shipped can be filled in, with agents and without", "[plan][contracts]")
{
  const auto directory = std::string(CONOS_SOURCE_DIR) + "/share/contracts";
  for (const auto* text : {k_two, ""}) {
    const auto config = config_of(text);
    auto sources = sources_for(config);
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      const auto name = entry.path().filename().string();
      sources.contracts[name] = source_file("share/contracts/" + name);
    }
    const auto state = desired(config, sources);
    INFO((state ? "" : state.error().text()));
    REQUIRE(state);
    const auto count =
      std::count_if(state->files.begin(), state->files.end(), [](const File& file) {
        return file.path.starts_with("/srv/conos/contracts/") && file.immutable;
      });
    CHECK(count == 30);
  }
}
