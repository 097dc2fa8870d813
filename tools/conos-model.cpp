// conos-model - see whether calls to language models go through
#include "audit/ledger.hpp"
#include "cli/tool.hpp"
#include "config/compiled.hpp"
#include "host/units.hpp"
#include "model/trial.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"

#include <unistd.h>

#include <cstdio>

namespace {

using namespace conos;
using cli::Exit;

const std::string k_lib = "/var/lib/conos";

Result<> record(const model::Trial& trial)
{
  CONOS_TRY(auto ledger, audit::Ledger::open(k_lib));
  CONOS_CHECK(ledger.append({{"model.tested", "root/conos-model", to_json(trial), ""}}));
  return {};
}

Result<Exit> test(const cli::Args& args)
{
  if (::geteuid() != 0) {
    return fail(Kind::denied, "only root may do this");
  }
  CONOS_TRY(const auto compiled, open_dir(k_lib + "/compiled"));
  CONOS_TRY(const auto doors, load_model_doors(compiled));
  CONOS_TRY(const auto routing, load_routing(compiled));
  const auto agent = args.has("agent") ? args["agent"] : "";
  CONOS_TRY(const auto* door, model::door_to_try(doors, agent, routing.concierge));
  CONOS_TRY(const auto units, Units::connect());
  CONOS_CHECK(units.start("conos-model@" + door->agent + ".socket"));
  const auto socket = "/run/conos/doors/" + door->agent + "/model.sock";
  CONOS_TRY(
    const auto trial, model::try_door(*door, args.has("model") ? args["model"] : "", socket));
  CONOS_CHECK(record(trial));
  const bool is_good = trial.trouble.empty();
  const auto text = args.has("json") ? to_json(trial) + "\n" : is_good ? for_people(trial) : "";
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
  if (!is_good) {
    log::error("{} of agent {}: {}", trial.model, trial.agent, trial.trouble);
    log::error("{}", trial.cure);
  }
  return is_good ? Exit::ok : Exit::no;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-model",
      .purpose = "see whether calls to language models go through",
      .verbs =
        {
          {"test", "make one small call through an agent's door, and say what came of it (root)",
            "",
            {{"agent", "by the door of this agent, else the concierge's", "NAME"},
              {"model", "of this model, else the agent's own", "MODEL"},
              {"json", "print JSON, one object a line"}},
            test},
        },
      .section = "8",
    });
}
