#include "plan/tools.hpp"

#include "sys/process.hpp"
#include "sys/text.hpp"

namespace conos::plan {

Result<> run_tool(std::vector<std::string> argv, int input, Duration time)
{
  const auto name = argv.front();
  const auto ended = run_command({std::move(argv), plain_environment(), "", input}, {.time = time});
  if (!ended) {
    return tl::unexpected<Error>(during("run " + name)(ended.error()));
  }
  if (ended->how != Ended::How::exited || ended->status != 0) {
    return fail(Kind::os, "{} ended with {} {}: {}", name,
      ended->how == Ended::How::exited ? "status" : "signal", ended->status,
      escaped(trimmed(ended->err)));
  }
  return {};
}

} // namespace conos::plan
