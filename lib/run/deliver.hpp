#pragma once

#include "sys/error.hpp"
#include "task/site.hpp"

#include <string>

namespace conos {

// How systemd says the activation ended: $SERVICE_RESULT, $EXIT_CODE, $EXIT_STATUS in an
// ExecStopPost= (systemd.exec(5)). Empty when run by hand, and $EXIT_CODE when claim failed.
struct ServiceEnd {
  std::string invocation;
  std::string result;
  std::string code;
  std::string status;
};

ServiceEnd service_end_from_environment();

// The last step of an activation (root), run however work ended: judges what each task of the batch
// left in drafts/, which is only testimony, and brings every one of them to an end, to held/ for
// another attempt, or, where work did not come to it, back to waiting.
Result<> deliver(const Site& site, const std::string& agent, const ServiceEnd& end);

} // namespace conos
