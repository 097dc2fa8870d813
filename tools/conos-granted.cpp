// conos-granted - carry out one request that was allowed, once
#include "cli/tool.hpp"
#include "gate/granted.hpp"

namespace {

using namespace conos;
using cli::Exit;

Result<Exit> carry_out(const cli::Args& args)
{
  CONOS_TRY(auto desk, gate::Desk::open(Site(), "root/conos-granted"));
  CONOS_CHECK(gate::carry_out(desk, args.operands.front(), gate::own_hands()));
  return Exit::ok; // that it did not succeed is on record
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-granted",
      .purpose = "carry out one request that was allowed, once",
      .verbs = {{"", "", "ID", {}, carry_out}},
      .section = "8",
    });
}
