#pragma once

#include "model/request.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

// What the door says itself, in the form the caller's own library understands as an error.
namespace conos::model {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Answer {
  int status = 500;
  std::string body;
  Headers headers;
};

// `type` is one of the provider's words for errors: permission_error, billing_error …
// `reason` is ours: budget, model, size, request, task, provider.
Answer error_answer(Family family, int status, const std::string& type, const std::string& reason,
  const std::string& message);

// GET /v1/models, for programs that ask what there is.
Answer models_answer(const ModelDoor& door);

} // namespace conos::model
