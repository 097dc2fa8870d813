// conos-route - move waiting tasks to the agents they are for
#include "cli/tool.hpp"
#include "run/days.hpp"
#include "run/route.hpp"
#include "sys/log.hpp"

#include <cstdlib>
#include <thread>

namespace {

using namespace conos;

Result<cli::Exit> route(const cli::Args&)
{
  const auto moved = route_waiting(Site());
  copy_to_days(Site()); // when the tasks are where they should be
  if (!moved) {
    if (std::getenv("INVOCATION_ID") != nullptr) { // its path unit starts it again at once
      std::this_thread::sleep_for(std::chrono::seconds(2));
    }
    return tl::unexpected<Error>(moved.error());
  }
  return cli::Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return conos::cli::run(argc, argv,
    {
      .name = "conos-route",
      .purpose = "move waiting tasks to the agents they are for",
      .verbs = {{"", "move waiting tasks to the agents they are for", "", {}, route}},
      .section = "8",
    });
}
