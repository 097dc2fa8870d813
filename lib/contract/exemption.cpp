#include "contract/exemption.hpp"

#include "audit/ledger.hpp"
#include "host/log_file.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>

#include <algorithm>

namespace conos::contract {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_bytes = 1U << 20U;
constexpr std::size_t k_most = 1000;

std::string name_of(const std::string& contract, const std::string& check)
{
  return check.empty() ? contract : contract + "/" + check;
}

Json json_of(const Exemption& one)
{
  return {{"contract", one.contract}, {"check", one.check}, {"reason", one.reason}, {"by", one.by},
    {"until", one.until ? Json(rfc3339(*one.until)) : Json(nullptr)}};
}

Exemption exemption_of(const Json& json)
{
  Exemption one{json.at("contract"), json.at("check"), json.at("reason"), json.at("by"), {}};
  if (const auto& until = json.at("until"); !until.is_null()) {
    // what cannot be read has expired
    one.until = parse_rfc3339(until.get<std::string>()).value_or(Time());
  }
  return one;
}

std::string directory_of(const std::string& file)
{
  return file.substr(0, file.rfind('/'));
}

Result<> save(const UniqueFd& dir, const std::string& file, const std::vector<Exemption>& all)
{
  auto json = Json::array();
  for (const auto& one : all) {
    json.push_back(json_of(one));
  }
  return replace(dir, file.substr(file.rfind('/') + 1),
    json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n", 0600);
}

// The directory, locked: two that add at the same time both stay.
Result<UniqueFd> open_locked(const std::string& file)
{
  const auto path = directory_of(file);
  CONOS_TRY(const auto above, open_dir(directory_of(path)));
  const auto made = make_dir(above, path.substr(path.rfind('/') + 1), 0700);
  if (!made && made.error().kind != Kind::exists) {
    return tl::unexpected<Error>(made.error());
  }
  CONOS_TRY(auto dir, open_dir(path));
  while (::flock(dir.get(), LOCK_EX) < 0) {
    if (errno != EINTR) {
      return os_error("lock '{}'", directory_of(file));
    }
  }
  return dir;
}

void erase(std::vector<Exemption>& all, const std::string& contract, const std::string& check)
{
  all.erase(std::remove_if(all.begin(), all.end(),
              [&](const Exemption& one) {
                return one.contract == contract && one.check == check;
              }),
    all.end());
}

Result<> record(
  const ExemptionPlaces& places, std::string_view type, const std::string& by, const Json& payload)
{
  CONOS_TRY(auto ledger, audit::Ledger::open(places.ledger));
  audit::Row row;
  row.type = type;
  row.actor = by;
  row.payload = payload.dump(-1, ' ', true, Json::error_handler_t::replace);
  return ledger.append({row}).map([](const auto&) {});
}

// The reference's line, and who and until when.
Result<> write_line(const ExemptionPlaces& places, const Exemption& one, Time now)
{
  const auto dir = open_dir(places.logs);
  if (!dir) { // a machine that has contracts and no agents
    return dir.error().kind == Kind::not_found ? Result<>{} : tl::unexpected<Error>(dir.error());
  }
  CONOS_TRY(const auto log, open_log(*dir, "protocol.log"));
  return append_lines(log, fmt::format("{} [protocol:exempt] {} reason={} actor={} until={}\n",
                             rfc3339(now, 0), escaped(name_of(one.contract, one.check), 200),
                             Json(one.reason).dump(-1, ' ', true, Json::error_handler_t::replace),
                             escaped(one.by, 64), one.until ? rfc3339(*one.until, 0) : "-"));
}

Result<> keep(const ExemptionPlaces& places, const Exemption& exemption, Time now)
{
  CONOS_TRY(const auto dir, open_locked(places.file));
  CONOS_TRY(auto all, load_exemptions(places, now));
  erase(all, exemption.contract, exemption.check);
  if (all.size() >= k_most) {
    return fail(Kind::busy, "there are {} exemptions already", k_most);
  }
  all.push_back(exemption);
  return save(dir, places.file, all);
}

} // namespace

Result<std::vector<Exemption>> load_exemptions(const ExemptionPlaces& places, Time now)
{
  const auto text = read_path(places.file, k_max_bytes);
  if (!text) {
    const auto kind = text.error().kind;
    return kind == Kind::not_found || kind == Kind::denied
             ? std::vector<Exemption>()
             : Result<std::vector<Exemption>>(tl::unexpected<Error>(text.error()));
  }
  try {
    std::vector<Exemption> out;
    for (const auto& json : Json::parse(*text)) {
      auto one = exemption_of(json);
      if (!one.until || *one.until > now) {
        out.push_back(std::move(one));
      }
    }
    return out;
  } catch (const Json::exception& e) {
    return fail(Kind::bad_data, "'{}': {}", places.file, escaped(e.what()));
  }
}

Result<Time> parse_expiry(std::string_view text, Time now)
{
  const auto time = parse_rfc3339(text);
  const auto after = parse_duration(text);
  if (!time && !after) {
    return fail(Kind::usage, "'{}' is neither a time (2026-11-20T21:30:00Z) nor a duration (2h)",
      escaped(text, 100));
  }
  const auto lasts = time ? std::chrono::duration_cast<Duration>(*time - now) : *after;
  if (lasts <= Duration(0)) {
    return fail(Kind::usage, "'{}' has passed already", escaped(text, 100));
  }
  if (lasts > k_longest_exemption) {
    return fail(Kind::usage, "'{}' is more than a year away", escaped(text, 100));
  }
  return now + lasts;
}

Result<> let_off(const ExemptionPlaces& places, const Exemption& exemption, Time now)
{
  CONOS_CHECK(record(places, "contract.exempted", exemption.by, json_of(exemption)));
  CONOS_CHECK(write_line(places, exemption, now));
  return exemption.until ? keep(places, exemption, now) : Result<>{};
}

Result<bool> end_exemption(const ExemptionPlaces& places, const std::string& contract,
  const std::string& check, const std::string& by, Time now)
{
  CONOS_TRY(const auto dir, open_locked(places.file));
  CONOS_TRY(auto all, load_exemptions(places, now));
  const auto before = all.size();
  erase(all, contract, check);
  if (all.size() == before) {
    return false;
  }
  CONOS_CHECK(save(dir, places.file, all));
  CONOS_CHECK(
    record(places, "contract.unexempted", by, {{"contract", contract}, {"check", check}}));
  return true;
}

std::string line_of(const Exemption& one)
{
  return fmt::format("{}, {}, by {}: {}", escaped(name_of(one.contract, one.check), 200),
    one.until ? "until " + rfc3339(*one.until, 0) : "for this time only", escaped(one.by, 64),
    escaped(one.reason, 400));
}

} // namespace conos::contract
