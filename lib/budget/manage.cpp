#include "budget/manage.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace conos::budget {

namespace {

using Json = nlohmann::json;

constexpr std::string_view k_door = ".model.json";
constexpr std::size_t k_max_doors = 10'000;
constexpr std::size_t k_max_door_bytes = 1U << 20U;
constexpr std::int64_t k_most = 1'000'000'000'000'000; // a billion USD, in micro-USD
constexpr std::array<std::string_view, 3> k_tiers{"@officer", "@operator", "@worker"};

Result<std::vector<ModelDoor>> doors(const std::string& lib)
{
  CONOS_TRY(const auto dir, open_dir(lib + "/compiled"));
  CONOS_TRY(auto names, list_names(dir, k_max_doors, [](std::string_view name) {
    return name.ends_with(k_door);
  }));
  std::sort(names.begin(), names.end());
  std::vector<ModelDoor> all;
  for (const auto& name : names) {
    CONOS_TRY(const auto text, read_file(dir, name, k_max_door_bytes));
    CONOS_TRY(auto door, model_door_from_json(text));
    all.push_back(std::move(door));
  }
  return all;
}

Result<Standing> standing_of(
  Store& store, const std::string& scope, const BudgetLimits& configured, Time now)
{
  Standing standing;
  standing.scope = scope;
  CONOS_TRY(standing.limits, store.limits_of(scope, configured));
  CONOS_TRY(standing.used, store.used_today(scope, now));
  CONOS_TRY(standing.added, store.added_today(scope, now));
  CONOS_TRY(standing.pause, store.pause_of(scope, now));
  return standing;
}

std::string of_limit(const std::string& used, std::int64_t limit, const std::string& text)
{
  return limit > 0 ? used + " of " + text : used;
}

} // namespace

Result<std::vector<Standing>> standings(const std::string& lib, Time now)
{
  CONOS_TRY(const auto all, doors(lib));
  CONOS_TRY(auto store, open_for_people(lib));
  std::vector<Standing> standings;
  BudgetLimits everybody;
  for (const auto& door : all) {
    CONOS_TRY(auto standing, standing_of(store, door.agent, door.limits, now));
    standings.push_back(std::move(standing));
    everybody.usd_day = door.usd_day_all;
  }
  for (const auto tier : k_tiers) {
    CONOS_TRY(auto standing, standing_of(store, std::string(tier), {}, now));
    const auto& limits = standing.limits;
    if (standing.used.tokens > 0 || limits.tokens_day > 0 || limits.usd_day > 0) {
      standings.push_back(std::move(standing));
    }
  }
  CONOS_TRY(auto standing, standing_of(store, k_everybody, everybody, now));
  standings.push_back(std::move(standing));
  return standings;
}

std::string to_json(const Standing& standing)
{
  const auto& limits = standing.limits;
  const auto& pause = standing.pause;
  return Json{
    {"scope", standing.scope},
    {"limits", {{"tokens_task", limits.tokens_task}, {"tokens_hour", limits.tokens_hour},
                 {"tokens_day", limits.tokens_day}, {"usd_micros_task", limits.usd_task},
                 {"usd_micros_day", limits.usd_day}}},
    {"used_today", {{"tokens", standing.used.tokens}, {"usd_micros", standing.used.usd}}},
    {"added_today", {{"tokens", standing.added.tokens}, {"usd_micros", standing.added.usd}}},
    {"paused", pause.has_value()},
    {"paused_until", pause && pause->until ? Json(rfc3339(*pause->until, 0)) : Json()},
    {"reason", pause ? Json(pause->reason) : Json()},
  }
    .dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string for_people(const Standing& standing)
{
  const auto& limits = standing.limits;
  const auto tokens_day = limits.tokens_day + standing.added.tokens;
  auto line = fmt::format("{:<24} today {}, {} tokens", standing.scope,
    of_limit(
      usd_text(standing.used.usd), limits.usd_day, usd_text(limits.usd_day + standing.added.usd)),
    of_limit(std::to_string(standing.used.tokens), limits.tokens_day, std::to_string(tokens_day)));
  if (limits.usd_task > 0) {
    line += "; a task " + usd_text(limits.usd_task);
  }
  if (limits.tokens_task > 0) {
    line += fmt::format("; a task {} tokens", limits.tokens_task);
  }
  if (limits.tokens_hour > 0) {
    line += fmt::format("; an hour {} tokens", limits.tokens_hour);
  }
  if (standing.pause) {
    line += "\n  paused " +
            (standing.pause->until ? "until " + rfc3339(*standing.pause->until, 0)
                                   : std::string("until it is resumed")) +
            ": " + escaped(standing.pause->reason);
  }
  return line;
}

Result<> check_scope(const std::string& lib, const std::string& scope)
{
  if (scope == k_everybody || std::find(k_tiers.begin(), k_tiers.end(), scope) != k_tiers.end()) {
    return {};
  }
  CONOS_TRY(const auto all, doors(lib));
  const bool found = std::any_of(all.begin(), all.end(), [&](const ModelDoor& door) {
    return door.agent == scope;
  });
  return found ? Result<>{}
               : fail(Kind::not_found, "there is no agent '{}' that may call a model",
                   escaped(scope, 80));
}

Result<std::int64_t> parse_tokens(const std::string& text)
{
  std::int64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size() || value < 0 || value > k_most) {
    return fail(Kind::usage, "'{}' is not a number of tokens", escaped(text, 40));
  }
  return value;
}

Result<std::int64_t> parse_usd(const std::string& text)
{
  const auto point = text.find('.');
  auto fraction = point == text.npos ? std::string() : text.substr(point + 1);
  const bool is_short = !fraction.empty() && fraction.size() <= 6;
  fraction.resize(6, '0');
  const auto whole = parse_tokens(text.substr(0, point));
  const auto rest = parse_tokens(fraction);
  if ((point != text.npos && !is_short) || !whole || !rest || *whole > k_most / 1'000'000) {
    return fail(Kind::usage, "'{}' is not an amount of USD such as 2.50", escaped(text, 40));
  }
  return *whole * 1'000'000 + *rest;
}

Result<Store> open_for_people(const std::string& lib)
{
  const auto place = lib + "/" + k_directory;
  CONOS_TRY(const auto dir, open_dir(place));
  CONOS_TRY(const auto st, stat_of(dir));
  const auto made = publish(dir, k_database, "", 0600, {st.st_uid, st.st_gid}); // the doors' own
  if (!made && made.error().kind != Kind::exists) {
    return tl::unexpected<Error>(made.error());
  }
  return Store::open(place, Store::Make::yes);
}

} // namespace conos::budget
