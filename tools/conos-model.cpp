// conos-model - let one agent call language models, with keys it never sees
#include "cli/tool.hpp"
#include "model/door.hpp"

#include <sys/prctl.h>

#include <cstdlib>

namespace {

using namespace conos;
using cli::Exit;

Result<Exit> serve(const cli::Args& args)
{
  (void)::prctl(PR_SET_DUMPABLE, 0); // there are keys in our memory
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  if (credentials == nullptr) {
    return fail(Kind::unavailable, "no credentials: this is started by systemd");
  }
  CONOS_TRY(auto listeners, model::door_listeners());
  CONOS_TRY(auto place, model::door_place_of(args.operands.front(), credentials));
  CONOS_CHECK(model::serve(std::move(place), std::move(listeners), {}));
  return Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-model",
      .purpose = "let one agent call language models, with keys it never sees",
      .verbs = {{"", "", "AGENT", {}, serve}},
      .section = "8",
    });
}
