// conos-bootstrap - make the machine what conos.toml says
#include "cli/tool.hpp"
#include "plan/bootstrap.hpp"

namespace {

using namespace conos;

Result<cli::Exit> bootstrap(const cli::Args& args)
{
  return plan::bootstrap(plan::Place(), {
                                          .config = args["config"],
                                          .profile = args["profile"],
                                          .check_only = args.has("check"),
                                          .dry_run = args.has("dry-run"),
                                          .json = args.has("json"),
                                          .unlock_only = args.has("unlock"),
                                        });
}

} // namespace

int main(int argc, char* argv[])
{
  return conos::cli::run(argc, argv,
    {
      .name = "conos-bootstrap",
      .purpose = "make the machine what conos.toml says",
      .verbs = {{"", "make the machine what conos.toml says", "",
        {
          {"dry-run", "show what would change, and change nothing", "", "", 'n'},
          {"json", "print the plan as JSON"},
          {"profile", "begin with a shipped profile, copied to /etc/conos", "NAME"},
          {"config", "read this instead of /etc/conos/conos.toml", "FILE"},
          {"check", "only judge conos.toml; needs no root"},
          {"unlock", "let root edit /etc/conos until the next run"},
        },
        bootstrap}},
      .section = "8",
    });
}
