#include "serve/rules.hpp"

#include "audit/chain.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace conos::serve {

namespace {

constexpr std::size_t k_max_note_bytes = 4U << 10U;

// What a door records is evidence, and there is one door process for each agent.
constexpr Rate k_door_rate{1000, 5000};
constexpr Rate k_note_rate{50, 200};
constexpr Rate k_root_rate{1e6, 1e6};

} // namespace

Allowance allowance_of(uid_t uid, const std::string& account)
{
  if (uid == 0) {
    return {{}, audit::k_max_payload_bytes, k_root_rate};
  }
  if (account == "conos-model") {
    return {{"model", "budget", "note"}, audit::k_max_payload_bytes, k_door_rate};
  }
  if (account == "conos-egress") {
    return {{"egress", "note"}, audit::k_max_payload_bytes, k_door_rate};
  }
  return {{"note"}, k_max_note_bytes, k_note_rate};
}

Result<> check_row(const Allowance& allowance, const audit::Row& row)
{
  CONOS_CHECK(audit::check_fields(row.type, row.actor, row.payload));
  CONOS_CHECK(audit::check_key(row.key));
  const auto noun = std::string_view(row.type).substr(0, row.type.find('.'));
  const auto& nouns = allowance.nouns;
  if (!nouns.empty() && std::find(nouns.begin(), nouns.end(), noun) == nouns.end()) {
    return fail(Kind::denied, "'{}' may not write {}; it may write {}.*", row.actor, row.type,
      fmt::join(nouns, ".*, "));
  }
  if (row.payload.size() > allowance.payload_bytes) {
    return fail(Kind::bad_data, "the payload of {} has {} bytes, more than {}", row.type,
      row.payload.size(), allowance.payload_bytes);
  }
  return {};
}

std::string key_of(uid_t uid, const std::string& key)
{
  return uid == 0 || key.empty() ? key : fmt::format("uid:{}/{}", uid, key);
}

} // namespace conos::serve
