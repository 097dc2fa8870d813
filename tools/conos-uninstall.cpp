// conos-uninstall - take off the machine what conos-bootstrap made of it, and say what stays
#include "cli/ask.hpp"
#include "cli/tool.hpp"
#include "plan/uninstall.hpp"

#include <cstdlib>
#include <string_view>

namespace {

using namespace conos;

// dpkg says so to the scripts of packages.
bool is_asked_by_package()
{
  const char* package = std::getenv("DPKG_MAINTSCRIPT_PACKAGE");
  return package != nullptr && std::string_view(package) == "conos";
}

Result<cli::Exit> uninstall(const cli::Args& args)
{
  if (args.has("keep-data") && args.has("drop-data")) {
    return fail(Kind::usage, "either --keep-data or --drop-data");
  }
  CONOS_TRY(const auto agrees, cli::agreement(args.has("yes") || args.has("dry-run")));
  return plan::uninstall(
    {
      .data = args.has("drop-data") ? plan::Data::drop : plan::Data::keep,
      .dry_run = args.has("dry-run"),
      .json = args.has("json"),
      .by_package = is_asked_by_package(),
      .manifest = CONOS_BINDIR "/../lib/conos/installed",
    },
    agrees);
}

} // namespace

int main(int argc, char* argv[])
{
  return conos::cli::run(argc, argv,
    {
      .name = "conos-uninstall",
      .purpose = "take off the machine what conos-bootstrap made of it, and say what stays",
      .verbs = {{"", "take off the machine what conos-bootstrap made of it, and say what stays", "",
        {
          {"dry-run", "show what would go and what would stay, and change nothing", "", "", 'n'},
          {"yes", "do it without asking", "", "", 'y'},
          {"keep-data", "leave configuration, tasks, ledger, secrets and homes; so it is unsaid"},
          {"drop-data", "remove those too, for good"},
          {"json", "print the plan as JSON"},
        },
        uninstall}},
      .section = "8",
    });
}
