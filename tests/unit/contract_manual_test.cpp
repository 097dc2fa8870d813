#include "contract/key.hpp"
#include "contract/load.hpp"
#include "contract/manual.hpp"
#include "sys/file.hpp"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <fstream>

using namespace conos;

namespace {

std::string kept(const std::string& name)
{
  const auto text = read_path(std::string(CONOS_SOURCE_DIR) + "/" + name, 1U << 20U);
  return text ? *text : "";
}

} // namespace

TEST_CASE("docs/contract-keys.md is what the code makes of its table", "[contract][manual]")
{
  // after a change of the table: copy what this test writes
  const auto text = contract::manual_markdown();
  if (kept("docs/contract-keys.md") != text) {
    std::ofstream("contract-keys.md.new") << text;
  }
  CHECK((kept("docs/contract-keys.md") == text));
}

TEST_CASE("conos-contract(5) has every key as the code has it", "[contract][manual]")
{
  const auto text = contract::manual_mdoc();
  const bool has = kept("man/conos-contract.5").find(text) != std::string::npos;
  if (!has) {
    std::ofstream("conos-contract.5.new") << text;
  }
  CHECK(has);
}

TEST_CASE("every module's keys can be written as their examples are", "[contract][manual]")
{
  for (const auto& module : contract::modules()) {
    for (const auto& key : module.keys) {
      if (key.example == "…") {
        continue;
      }
      // the others that are needed, so that this one alone is judged
      auto text = fmt::format("id: X\ndescription: x\nscope: {{ paths: ['*'] }}\nchecks:\n"
                              "  - name: x\n    {}:\n      {}: {}\n",
        module.name, key.name, key.example);
      for (const auto& other : module.keys) {
        if (other.role == contract::Role::needed && other.name != key.name) {
          text += fmt::format("      {}: {}\n", other.name, other.example);
        }
      }
      if (module.name == "script" && key.name != "path" && key.name != "inline") {
        text += "      inline: 'true'\n";
      }
      if (module.name == "process" && key.name != "name") {
        text += "      name: x\n";
      }
      if (module.bare == contract::Bare::wrong && key.role != contract::Role::property) {
        for (const auto& other : module.keys) {
          if (other.role == contract::Role::property) {
            text += fmt::format("      {}: {}\n", other.name, other.example);
            break;
          }
        }
      }
      if (module.name == "acl" && key.name != "user") {
        text += "      user: nobody\n";
      }
      INFO(text);
      const auto contract = contract::parse_contract(text, {});
      if (!contract) {
        INFO(contract.error().front().mark.line << ": " << contract.error().front().what);
        CHECK(contract);
      }
    }
  }
}
