// conos-gate - let one agent ask for what only root can do
#include "cli/tool.hpp"
#include "gate/door.hpp"
#include "serve/listeners.hpp"

namespace {

using namespace conos;
using cli::Exit;

Result<Exit> serve_agent(const cli::Args& args)
{
  CONOS_TRY(const auto listeners, serve::listeners_of_systemd());
  serve::LineServer server(gate::door_bounds());
  CONOS_TRY(const auto door, gate::Door::open(server, gate::own_place(args.operands.front())));
  CONOS_CHECK(server.run(listeners, *door));
  return Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-gate",
      .purpose = "let one agent ask for what only root can do",
      .verbs = {{"", "", "AGENT", {}, serve_agent}},
      .section = "8",
    });
}
