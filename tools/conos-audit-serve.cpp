// conos-audit-serve - let members of group conos append to the ledger and read it
#include "audit/place.hpp"
#include "cli/tool.hpp"
#include "serve/append_service.hpp"
#include "serve/listeners.hpp"
#include "serve/query_service.hpp"

#include <sys/socket.h>

namespace {

using namespace conos;
using cli::Exit;

const std::string k_machine_ledger = "/var/lib/conos";
const std::string k_srv = "/srv/conos";
const std::string k_members = "conos";
const std::string k_doors = "conos-audit"; // appends, and does not read

Result<Exit> append(const cli::Args& args)
{
  serve::AppendPlace place{args["ledger"], audit::day_files_in(k_srv), {}};
  CONOS_TRY(const auto members, serve::group_named(k_members));
  place.groups.insert(members);
  if (const auto doors = serve::group_named(k_doors)) {
    place.groups.insert(*doors);
  }
  CONOS_TRY(const auto listeners, serve::listeners_of_systemd(AF_UNIX));
  serve::LineServer server(serve::append_bounds());
  serve::AppendService service(server, place);
  CONOS_CHECK(server.run(listeners, service));
  return Exit::ok;
}

Result<Exit> query(const cli::Args& args)
{
  CONOS_TRY(const auto members, serve::group_named(k_members));
  CONOS_TRY(const auto listeners, serve::listeners_of_systemd(AF_UNIX));
  serve::LineServer server(serve::query_bounds());
  serve::QueryService service(server, args["ledger"] + "/" + audit::k_database, members);
  CONOS_CHECK(server.run(listeners, service));
  return Exit::ok;
}

const cli::Option k_ledger{"ledger", "directory of the ledger", "DIR", k_machine_ledger};

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-audit-serve",
      .purpose = "let members of group conos append to the ledger and read it",
      .verbs =
        {
          {"append", "record what is written to audit.sock", "", {k_ledger}, append},
          {"query", "answer what is asked on query.sock", "", {k_ledger}, query},
        },
      .section = "8",
    });
}
