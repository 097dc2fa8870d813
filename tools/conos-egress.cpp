// conos-egress - let one agent reach the hosts it may, and no others
#include "cli/tool.hpp"
#include "egress/door.hpp"
#include "serve/listeners.hpp"

#include <sys/socket.h>

#include <cstdlib>

namespace {

using namespace conos;
using cli::Exit;

Result<Exit> keep_door(const cli::Args& args)
{
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  if (credentials == nullptr) {
    return fail(Kind::unavailable, "no credentials: this is started by systemd");
  }
  (void)::setenv("LOCALDOMAIN", ".", 1); // a name is looked up as it is, in no domain of ours
  CONOS_TRY(auto listeners, serve::listeners_of_systemd(AF_INET));
  CONOS_TRY(auto place, egress::door_place_of(args.operands.front(), credentials));
  CONOS_CHECK(egress::serve(std::move(place), std::move(listeners), {}));
  return Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-egress",
      .purpose = "let one agent reach the hosts it may, and no others",
      .verbs = {{"", "", "AGENT", {}, keep_door}},
      .section = "8",
    });
}
