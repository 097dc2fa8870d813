#include "plan/record.hpp"

#include <nlohmann/json.hpp>

namespace conos::plan {

using Json = nlohmann::json;

std::string to_json(const Record& record)
{
  return Json{
           {"v", 1},
           {"uids", record.uids},
           {"files", record.files},
           {"config_sha256", record.config_sha256},
           {"wanted", record.wanted},
           {"sidecar", record.sidecar},
         }
           .dump(1) +
         "\n";
}

Result<Record> record_from_json(std::string_view text)
{
  try {
    const auto json = Json::parse(text);
    return Record{json.at("uids"), json.at("files"), json.at("config_sha256"),
      json.value("wanted", std::map<std::string, std::string>()), json.value("sidecar", false)};
  } catch (const std::exception& error) {
    return fail(Kind::config, "not what conos-bootstrap writes ({})", error.what());
  }
}

} // namespace conos::plan
