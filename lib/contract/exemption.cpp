#include "contract/exemption.hpp"

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
  CONOS_TRY(auto dir, open_dir(directory_of(file)));
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
  audit::Ledger& ledger, std::string_view type, const std::string& by, const Json& payload)
{
  audit::Row row;
  row.type = type;
  row.actor = by;
  row.payload = payload.dump(-1, ' ', true, Json::error_handler_t::replace);
  return ledger.append({row}).map([](const auto&) {});
}

} // namespace

Result<std::vector<Exemption>> load_exemptions(const std::string& file, Time now)
{
  const auto text = read_path(file, k_max_bytes);
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
    return fail(Kind::bad_data, "'{}': {}", file, escaped(e.what()));
  }
}

Result<> keep_exemption(const std::string& file, const Exemption& exemption, Time now)
{
  CONOS_TRY(const auto dir, open_locked(file));
  CONOS_TRY(auto all, load_exemptions(file, now));
  erase(all, exemption.contract, exemption.check);
  if (all.size() >= k_most) {
    return fail(Kind::busy, "there are {} exemptions already", k_most);
  }
  all.push_back(exemption);
  return save(dir, file, all);
}

Result<bool> drop_exemption(
  const std::string& file, const std::string& contract, const std::string& check, Time now)
{
  CONOS_TRY(const auto dir, open_locked(file));
  CONOS_TRY(auto all, load_exemptions(file, now));
  const auto before = all.size();
  erase(all, contract, check);
  if (all.size() == before) {
    return false;
  }
  CONOS_CHECK(save(dir, file, all));
  return true;
}

Result<> record_exemption(audit::Ledger& ledger, const Exemption& exemption)
{
  return record(ledger, "contract.exempted", exemption.by, json_of(exemption));
}

Result<> record_end_of_exemption(audit::Ledger& ledger, const std::string& contract,
  const std::string& check, const std::string& by)
{
  return record(ledger, "contract.unexempted", by, {{"contract", contract}, {"check", check}});
}

std::string line_of(const Exemption& one)
{
  return fmt::format("{}, {}, by {}: {}", escaped(name_of(one.contract, one.check), 200),
    one.until ? "until " + rfc3339(*one.until, 0) : "for this time only", escaped(one.by, 64),
    escaped(one.reason, 400));
}

} // namespace conos::contract
