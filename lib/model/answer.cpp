#include "model/answer.hpp"

#include <nlohmann/json.hpp>

namespace conos::model {

using Json = nlohmann::json;

Answer error_answer(Family family, int status, const std::string& type, const std::string& reason,
  const std::string& message)
{
  Json error{{"type", type}, {"message", message}};
  if (family != Family::messages) {
    error["code"] = reason;
    error["param"] = nullptr;
  }
  Json body{{"error", error}};
  if (family == Family::messages) {
    body["type"] = "error";
  }
  Answer answer;
  answer.status = status;
  answer.body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  answer.headers = {{"content-type", "application/json"}, {"x-conos-reason", reason}};
  if (status != 503) {
    answer.headers.emplace_back("x-should-retry", "false");
  }
  return answer;
}

Answer models_answer(const ModelDoor& door)
{
  auto data = Json::array();
  for (const auto& model : door.models) {
    data.push_back({{"id", model.name}, {"object", "model"}, {"type", "model"},
      {"display_name", model.name}, {"owned_by", model.provider}});
  }
  const Json body{{"object", "list"}, {"data", data}, {"has_more", false}};
  return {200, body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n",
    {{"content-type", "application/json"}}};
}

} // namespace conos::model
