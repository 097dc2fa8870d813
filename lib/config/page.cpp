#include "config/page.hpp"

#include "sys/file.hpp"

#include <nlohmann/json.hpp>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_bytes = 4096;
constexpr const char* k_file = "page.json";

} // namespace

std::string to_json(const PageSettings& settings)
{
  return Json{{"v", 1}, {"interval_ms", settings.interval.count()}}.dump(1) + "\n";
}

Result<PageSettings> page_settings_from_json(std::string_view text)
{
  const auto json = Json::parse(text, nullptr, false);
  const auto interval = json.is_object() ? json.find("interval_ms") : json.end();
  if (interval == json.end() || !interval->is_number_unsigned()) {
    return fail(Kind::config, "not what conos-bootstrap writes; run conos-bootstrap");
  }
  return PageSettings{Duration(interval->get<std::int64_t>())};
}

Result<PageSettings> load_page_settings(const UniqueFd& compiled)
{
  CONOS_TRY(const auto text, read_file(compiled, k_file, k_max_bytes));
  return page_settings_from_json(text).map_error(during("read 'page.json'"));
}

} // namespace conos
