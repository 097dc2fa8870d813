#include "plan/repairs.hpp"

#include "plan/files.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos::plan {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_repairs_bytes = 64U << 20U;

Json to_json(const Repair& repair)
{
  return {{"type", repair.row.type}, {"actor", repair.row.actor}, {"payload", repair.row.payload},
    {"key", repair.row.key}, {"step", repair.step}, {"subject", repair.subject},
    {"what", repair.what}};
}

Repair repair_from(const Json& json)
{
  return {{json.at("type"), json.at("actor"), json.at("payload"), json.at("key")}, json.at("step"),
    json.at("subject"), json.at("what")};
}

Result<std::vector<Repair>> repairs_from(const std::string& text)
{
  try {
    std::vector<Repair> repairs;
    for (const auto& json : Json::parse(text)) {
      repairs.push_back(repair_from(json));
    }
    return repairs;
  } catch (const std::exception& error) {
    return fail(Kind::config, "not what conos-bootstrap writes ({})", error.what());
  }
}

bool is_planned(const Repair& repair, const Plan& plan)
{
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
    return title_of(step) == repair.step &&
           std::any_of(step.changes.begin(), step.changes.end(), [&](const Change& change) {
             return change.subject == repair.subject && change.what == repair.what;
           });
  });
}

} // namespace

Result<> keep_repairs(const Place& place, std::vector<Repair>& repairs)
{
  const auto purpose = during("write '" + k_repairs + "'");
  CONOS_TRY(const auto salt, random_hex(16));
  auto all = Json::array();
  for (auto& repair : repairs) {
    repair.row.key = fmt::format("repair/{}/{}", salt, all.size());
    all.push_back(to_json(repair));
  }
  CONOS_TRY(const auto lib, open_dir(place.site.lib).map_error(purpose));
  return replace_alone(lib, "repairs.json", all.dump(1) + "\n", 0600).map_error(purpose);
}

Result<std::vector<Repair>> read_repairs(const Place& place)
{
  const auto text = read_path(place.root + k_repairs, k_max_repairs_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found ? Result<std::vector<Repair>>()
                                                : tl::unexpected<Error>(text.error());
  }
  return repairs_from(*text).map_error(during("read '" + k_repairs + "'"));
}

Result<> forget_repairs(const Place& place)
{
  return remove_file(place, k_repairs);
}

std::vector<Repair> begun(const std::vector<Repair>& repairs, const Plan& plan)
{
  std::vector<Repair> out;
  std::copy_if(repairs.begin(), repairs.end(), std::back_inserter(out), [&](const Repair& repair) {
    return !is_planned(repair, plan);
  });
  return out;
}

} // namespace conos::plan
