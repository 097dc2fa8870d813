#include "gate/look.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos::gate {

namespace {

using Json = nlohmann::json;

constexpr std::int64_t k_rows_seen = 20'000;
constexpr std::size_t k_max_bytes = 512U << 10U; // of an answer
constexpr std::size_t k_max_state_bytes = 512U << 10U;

} // namespace

Result<Json> own_rows(audit::Reader& reader, const std::string& agent, std::size_t most)
{
  CONOS_TRY(const auto last, reader.last_id());
  audit::Filter filter;
  filter.grep = "\"agent\":\"" + agent + "\""; // its name has nothing an expression would take up
  std::vector<Json> rows;
  std::size_t bytes = 0;
  CONOS_CHECK(reader.each_in({std::max<std::int64_t>(1, last - k_rows_seen), last},
    audit::Order::backward, filter, [&](const audit::Event& event) {
      auto payload = Json::parse(event.payload, nullptr, false);
      if (!payload.is_object() || payload.value("agent", Json()) != agent) {
        return true; // somebody else's, who quotes it
      }
      bytes += event.payload.size();
      rows.push_back({{"id", event.id}, {"ts", event.ts}, {"type", event.type},
        {"actor", event.actor}, {"payload", std::move(payload)}});
      return rows.size() < most && bytes < k_max_bytes;
    }));
  std::reverse(rows.begin(), rows.end());
  return Json(std::move(rows));
}

Json state_of_contracts(const Site& site)
{
  const auto dir = open_dir(site.srv + "/logs/audit");
  const auto text = dir ? read_file(*dir, "contracts-state.latest.json", k_max_state_bytes)
                        : Result<std::string>(tl::unexpected<Error>(dir.error()));
  auto json = text ? Json::parse(*text, nullptr, false) : Json();
  return json.is_object() ? json : Json();
}

Result<> has_room_for_task(const Site& site, const std::string& agent, std::size_t most)
{
  CONOS_TRY(const auto top, open_dir(site.agent(agent)));
  CONOS_TRY(const auto claimed, open_dir_at(top, "claimed"));
  CONOS_TRY(const auto transit, open_dir(site.transit()));
  CONOS_TRY(const auto here, list_names(claimed, most));
  CONOS_TRY(const auto coming, list_names(transit, most));
  return here.size() + coming.size() < most
           ? Result<>()
           : fail(Kind::busy, "{} tasks wait for {} already, or are on their way",
               here.size() + coming.size(), agent);
}

} // namespace conos::gate
