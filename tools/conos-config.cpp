// conos-config - check, replace and bring back conos.toml
#include "cli/ask.hpp"
#include "cli/tool.hpp"
#include "config/schema.hpp"
#include "plan/bootstrap.hpp"
#include "plan/history.hpp"

#include <cstdio>
#include <string>

namespace {

using namespace conos;

Result<cli::Exit> check(const cli::Args& args)
{
  return plan::bootstrap({.config = args.operands.front(), .check_only = true});
}

plan::Options options_of(const cli::Args& args)
{
  plan::Options options;
  options.tell = args.has("dry-run") ? plan::Tell::plan : plan::Tell::deeds;
  options.json = args.has("json");
  return options;
}

// Without a file conos.toml is what was edited.
Result<cli::Exit> apply(const cli::Args& args)
{
  if (args.operands.empty()) {
    return plan::bootstrap(options_of(args));
  }
  CONOS_TRY(const auto agrees, cli::agreement(args.has("yes") || args.has("dry-run")));
  return plan::replace_config(args.operands.front(), options_of(args), agrees);
}

Result<cli::Exit> add(const cli::Args& args)
{
  auto options = options_of(args);
  options.check_only = args.has("check");
  const bool asks = !options.check_only && !args.has("yes") && !args.has("dry-run");
  CONOS_TRY(const auto agrees, cli::agreement(!asks));
  return plan::add_agent(args.operands.front(), options, agrees);
}

Result<cli::Exit> rollback(const cli::Args& args)
{
  CONOS_TRY(const auto agrees, cli::agreement(args.has("yes") || args.has("dry-run")));
  const auto name = args.operands.empty() ? "" : args.operands.front();
  return plan::restore_config(name, options_of(args), agrees);
}

Result<cli::Exit> schema(const cli::Args&)
{
  (void)std::fputs(config::json_schema().c_str(), stdout); // cli::run looks at the stream's end
  return cli::Exit::ok;
}

Result<cli::Exit> history(const cli::Args&)
{
  CONOS_TRY(const auto names, plan::list_versions(plan::Place()));
  for (const auto& name : names) {
    (void)std::printf("%s\n", name.c_str()); // cli::run looks at the stream's end
  }
  return cli::Exit::ok;
}

const cli::Option k_yes{"yes", "apply it without asking", "", "", 'y'};
const cli::Option k_dry_run{"dry-run", "show what would change, and change nothing", "", "", 'n'};
const cli::Option k_json{"json", "print the plan as JSON"};

} // namespace

int main(int argc, char* argv[])
{
  return conos::cli::run(argc, argv,
    {
      .name = "conos-config",
      .purpose = "check, replace and bring back conos.toml",
      .verbs =
        {
          {"check", "say everything that is wrong with a conos.toml", "FILE", {}, check},
          {"apply", "put FILE in place of conos.toml, and make the machine what it says", "[FILE]",
            {k_yes, k_dry_run, k_json}, apply},
          {"add", "put one agent more, the table [[agents]] in FILE, into conos.toml", "FILE",
            {k_yes, k_dry_run, k_json, {"check", "say what is wrong with it, and stop"}}, add},
          {"rollback", "the same with an earlier version, the one before if none is named",
            "[VERSION]", {k_yes, k_dry_run, k_json}, rollback},
          {"schema", "print a JSON Schema of conos.toml, for editors", "", {}, schema},
          {"history", "name the earlier versions that are kept, newest first", "", {}, history},
        },
      .section = "8",
    });
}
