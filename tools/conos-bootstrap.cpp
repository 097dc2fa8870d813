// conos-bootstrap - make the machine what conos.toml says
#include "cli/tool.hpp"
#include "plan/bootstrap.hpp"

namespace {

using namespace conos;

plan::Tell tell_of(const cli::Args& args)
{
  return args.has("show")      ? plan::Tell::wanted
         : args.has("doctor")  ? plan::Tell::report
         : args.has("dry-run") ? plan::Tell::plan
                               : plan::Tell::deeds;
}

Result<cli::Exit> bootstrap(const cli::Args& args)
{
  return plan::bootstrap({
    .config = args["config"],
    .profile = args["profile"],
    .check_only = args.has("check"),
    .tell = tell_of(args),
    .json = args.has("json"),
    .root = args["root"],
    .sidecar = args.has("sidecar"),
    .whole = args.has("no-sidecar"),
    .prune = args.has("prune"),
    .archive = args.has("drop-data") ? "" : args["keep-data"],
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
          {"show", "print the state that conos.toml asks for, as YAML"},
          {"doctor", "say what of the machine is not as conos.toml says"},
          {"json", "print the plan, the state or the report as JSON"},
          {"yaml", "print the state as YAML"},
          {"profile", "begin with a shipped profile, copied to /etc/conos", "NAME"},
          {"config", "read this instead of /etc/conos/conos.toml", "FILE"},
          {"prune", "retire agents that are no longer configured: their units, user and data"},
          {"keep-data", "put an archive of the data there", "DIR", "/var/lib/conos/retired"},
          {"drop-data", "keep no archive"},
          {"root", "set up an image below this directory, not this machine", "DIR"},
          {"sidecar", "share the machine: touch nothing that is not conos's own; remembered"},
          {"no-sidecar", "have the machine to itself again"},
          {"check", "only judge conos.toml; needs no root"},
          {"unlock", "let root edit /etc/conos until the next run"},
        },
        bootstrap}},
      .section = "8",
    });
}
