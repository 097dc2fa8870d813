#include "task/hold.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

namespace conos {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_hold_bytes = 16U << 10U;

Result<UniqueFd> open_holds(const Site& site)
{
  return open_dir(site.lib + "/hold");
}

std::string text_at(const Json& json, const char* key)
{
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

Hold hold_of(std::string_view text)
{
  const auto json = Json::parse(text, nullptr, false);
  Hold hold;
  if (!json.is_object()) {
    hold.reason = trimmed(text);
    return hold;
  }
  hold.by = text_at(json, "by");
  hold.reason = text_at(json, "reason");
  if (const auto since = parse_rfc3339(text_at(json, "since"))) {
    hold.since = *since;
  }
  for (const auto& unit : json.value("stopped", Json::array())) {
    if (unit.is_string()) {
      hold.stopped.push_back(unit.get<std::string>());
    }
  }
  return hold;
}

std::string json_of(const Hold& hold)
{
  const Json json{
    {"v", 1},
    {"by", hold.by},
    {"reason", hold.reason},
    {"since", hold.since ? Json(rfc3339(*hold.since)) : Json()},
    {"stopped", hold.stopped},
  };
  return json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

} // namespace

bool is_held(const Site& site, const std::string& agent)
{
  const auto holds = open_holds(site);
  return holds && is_there(*holds, agent).value_or(true); // in doubt nothing is started
}

Result<std::optional<Hold>> read_hold(const Site& site, const std::string& agent)
{
  const auto holds = open_holds(site);
  auto text = holds ? read_file(*holds, agent, k_max_hold_bytes)
                    : Result<std::string>(tl::unexpected<Error>(holds.error()));
  if (!text && text.error().kind == Kind::not_found) {
    return std::optional<Hold>();
  }
  if (!holds || (!text && is_passing(text.error()))) {
    return tl::unexpected<Error>(text.error());
  }
  // too large or no file at all: still a hold
  return std::optional(text ? hold_of(*text) : Hold());
}

Result<> write_hold(const Site& site, const std::string& agent, const Hold& hold)
{
  CONOS_TRY(const auto holds, open_holds(site));
  return replace(holds, agent, json_of(hold), 0600);
}

Result<> remove_hold(const Site& site, const std::string& agent)
{
  CONOS_TRY(const auto holds, open_holds(site));
  CONOS_CHECK(remove_name(holds, agent));
  return sync_file(holds);
}

} // namespace conos
