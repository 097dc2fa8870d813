#include "audit/wire.hpp"

#include "audit/chain.hpp"
#include "audit/present.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace conos::audit {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<Kind, std::string_view>, 9> k_kinds{{
  {Kind::usage, "usage"},
  {Kind::bad_data, "bad_data"},
  {Kind::not_found, "not_found"},
  {Kind::exists, "exists"},
  {Kind::denied, "denied"},
  {Kind::busy, "busy"},
  {Kind::unavailable, "unavailable"},
  {Kind::config, "config"},
  {Kind::os, "os"},
}};

std::string_view name_of(Kind kind)
{
  const auto* found = std::find_if(k_kinds.begin(), k_kinds.end(), [&](const auto& each) {
    return each.first == kind;
  });
  return found->second;
}

Kind kind_named(std::string_view name)
{
  const auto* found = std::find_if(k_kinds.begin(), k_kinds.end(), [&](const auto& each) {
    return each.second == name;
  });
  return found == k_kinds.end() ? Kind::os : found->first;
}

bool is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Walks over text that is known to be a JSON object.
class Walk
{
public:
  explicit Walk(std::string_view text)
      : m_text(text)
  {
  }

  void pass_space()
  {
    while (m_at < m_text.size() && is_space(m_text[m_at])) {
      ++m_at;
    }
  }

  bool pass(char c)
  {
    pass_space();
    const bool there = m_at < m_text.size() && m_text[m_at] == c;
    m_at += there ? 1 : 0;
    return there;
  }

  // The value that begins here, with all that is in it.
  std::string_view value()
  {
    pass_space();
    const auto begin = m_at;
    std::size_t depth = 0;
    while (m_at < m_text.size() && !(depth == 0 && ends_value(m_text[m_at]))) {
      const char c = m_text[m_at];
      if (c == '"') {
        pass_string();
        continue;
      }
      depth += c == '{' || c == '[' ? 1 : 0;
      depth -= c == '}' || c == ']' ? 1 : 0;
      ++m_at;
    }
    return trimmed(m_text.substr(begin, m_at - begin));
  }

private:
  static bool ends_value(char c) { return c == ',' || c == ':' || c == '}' || c == ']'; }

  void pass_string()
  {
    for (++m_at; m_at < m_text.size() && m_text[m_at] != '"'; ++m_at) {
      m_at += m_text[m_at] == '\\' ? 1 : 0;
    }
    ++m_at;
  }

  std::string_view m_text;
  std::size_t m_at = 0;
};

// A member that must be a text; empty when it is not there.
Result<std::string> text_in(const std::vector<Member>& members, std::string_view name)
{
  for (const auto& member : members) {
    if (member.name != name) {
      continue;
    }
    const auto json = Json::parse(member.value);
    if (!json.is_string()) {
      return fail(Kind::bad_data, "'{}' is not a text", name);
    }
    return json.get<std::string>();
  }
  return std::string();
}

Result<std::optional<std::int64_t>> number_in(
  const std::vector<Member>& members, std::string_view name)
{
  for (const auto& member : members) {
    if (member.name != name) {
      continue;
    }
    const auto json = Json::parse(member.value);
    if (!json.is_number_integer() || (json.is_number_unsigned() && json > INT64_MAX) || json < 0) {
      return fail(Kind::bad_data, "'{}' is not a number from 0 on", name);
    }
    return std::optional(json.get<std::int64_t>());
  }
  return std::optional<std::int64_t>();
}

Result<std::optional<Time>> time_in(const std::vector<Member>& members, std::string_view name)
{
  CONOS_TRY(const auto text, text_in(members, name));
  if (text.empty()) {
    return std::optional<Time>();
  }
  CONOS_TRY(const auto time, parse_rfc3339(text).map_error(during(std::string(name))));
  return std::optional(time);
}

std::string_view raw_in(const std::vector<Member>& members, std::string_view name)
{
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& member) {
    return member.name == name;
  });
  return found == members.end() ? std::string_view() : found->value;
}

Result<> only(const std::vector<Member>& members, std::initializer_list<std::string_view> known)
{
  for (const auto& member : members) {
    if (std::find(known.begin(), known.end(), member.name) == known.end()) {
      return fail(Kind::bad_data, "'{}' means nothing here", escaped(member.name, 80));
    }
  }
  return {};
}

// Stars are what makes a pattern dear, and more than these no type needs.
Result<> check_pattern(std::string_view type)
{
  constexpr std::ptrdiff_t k_most_stars = 2;
  const bool good =
    type.size() <= k_max_name_bytes && std::all_of(type.begin(), type.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == '*';
    });
  if (!good || std::count(type.begin(), type.end(), '*') > k_most_stars) {
    return fail(Kind::bad_data, "'{}' is not a type such as task.failed, task or *.failed",
      escaped(type, 80));
  }
  return {};
}

Result<Refusal> refusal_in(const std::vector<Member>& members)
{
  Refusal refusal;
  CONOS_TRY(refusal.error.what, text_in(members, "error"));
  CONOS_TRY(const auto kind, text_in(members, "kind"));
  refusal.error.kind = kind_named(kind);
  CONOS_TRY(const auto retry, number_in(members, "retry_ms"));
  if (retry) {
    refusal.retry = Duration(*retry);
  }
  refusal.is_last = raw_in(members, "closing") == "true";
  return refusal;
}

Result<End> end_in(std::string_view object)
{
  End end;
  CONOS_TRY(const auto members, members_of(object));
  CONOS_TRY(const auto rows, number_in(members, "rows"));
  CONOS_TRY(const auto last, number_in(members, "last"));
  end.rows = rows.value_or(0);
  end.last = last.value_or(0);
  end.is_shallow = raw_in(members, "is_shallow") == "true";
  if (raw_in(members, "cut") != "null") {
    CONOS_TRY(end.cut, text_in(members, "cut"));
  }
  return end;
}

Result<Event> event_in(const std::vector<Member>& members)
{
  Event event;
  CONOS_TRY(const auto id, number_in(members, "id"));
  event.id = id.value_or(0);
  CONOS_TRY(event.ts, text_in(members, "ts"));
  CONOS_TRY(event.type, text_in(members, "type"));
  CONOS_TRY(event.actor, text_in(members, "actor"));
  CONOS_TRY(event.prev_hash, text_in(members, "prev_hash"));
  CONOS_TRY(event.hash, text_in(members, "hash"));
  event.payload = raw_in(members, "payload");
  if (event.id == 0 || event.hash.size() != 64) {
    return fail(Kind::bad_data, "a line is not a row of the ledger");
  }
  return event;
}

} // namespace

Result<std::vector<Member>> members_of(std::string_view object)
{
  // the parser takes a zero byte for the end
  if (object.find('\0') != std::string_view::npos || !is_nested_little(object) ||
      !Json::accept(object) || !trimmed(object).starts_with('{')) {
    return fail(Kind::bad_data, "not a JSON object: '{}'", escaped(object, 80));
  }
  constexpr std::size_t k_most = 32; // each is compared with all before it
  std::vector<Member> members;
  Walk walk(object);
  (void)walk.pass('{'); // it is one
  while (!walk.pass('}')) {
    if (members.size() == k_most) {
      return fail(Kind::bad_data, "a JSON object has more than {} members", k_most);
    }
    auto name = Json::parse(walk.value()).get<std::string>();
    (void)walk.pass(':');
    if (!raw_in(members, name).empty()) {
      return fail(Kind::bad_data, "'{}' is there twice", escaped(name, 80));
    }
    members.push_back({std::move(name), walk.value()});
    (void)walk.pass(',');
  }
  return members;
}

Result<Row> parse_request(std::string_view line)
{
  CONOS_TRY(const auto members, members_of(line));
  CONOS_CHECK(only(members, {"type", "payload", "key"}));
  Row row;
  CONOS_TRY(row.type, text_in(members, "type"));
  CONOS_TRY(row.key, text_in(members, "key"));
  const auto payload = raw_in(members, "payload");
  row.payload = payload.empty() ? "{}" : payload;
  return row;
}

std::string request_line(const Row& row)
{
  return fmt::format(R"({{{}"payload":{},"type":{}}})"
                     "\n",
    row.key.empty() ? "" : fmt::format(R"("key":{},)", json_text(row.key)), row.payload,
    json_text(row.type));
}

std::string receipt_line(const Recorded& recorded)
{
  return fmt::format(R"({{"already":{},"hash":"{}","id":{},"ts":"{}"}})"
                     "\n",
    recorded.already, recorded.hash, recorded.id, recorded.ts);
}

std::string refusal_line(const Refusal& refusal)
{
  return fmt::format(R"({{{}"error":{},"kind":"{}"{}}})"
                     "\n",
    refusal.is_last ? R"("closing":true,)" : "", json_text(refusal.error.text()),
    name_of(refusal.error.kind),
    refusal.retry ? fmt::format(R"(,"retry_ms":{})", refusal.retry->count()) : "");
}

Result<std::variant<Recorded, Refusal>> parse_answer(std::string_view line)
{
  CONOS_TRY(const auto members, members_of(line));
  if (!raw_in(members, "error").empty()) {
    CONOS_TRY(auto refusal, refusal_in(members));
    return refusal;
  }
  Recorded recorded;
  CONOS_TRY(const auto id, number_in(members, "id"));
  recorded.id = id.value_or(0);
  CONOS_TRY(recorded.hash, text_in(members, "hash"));
  CONOS_TRY(recorded.ts, text_in(members, "ts"));
  recorded.already = raw_in(members, "already") == "true";
  if (recorded.id == 0) {
    return fail(Kind::bad_data, "not a receipt: '{}'", escaped(line, 80));
  }
  return recorded;
}

Result<Query> parse_query(std::string_view line)
{
  constexpr std::size_t k_max_grep = 1024;
  CONOS_TRY(const auto members, members_of(line));
  CONOS_CHECK(only(members, {"n", "after", "type", "actor", "since", "until", "grep"}));
  Query query;
  CONOS_TRY(query.count, number_in(members, "n"));
  CONOS_TRY(const auto after, number_in(members, "after"));
  query.after = after.value_or(0);
  CONOS_TRY(query.filter.type, text_in(members, "type"));
  CONOS_CHECK(check_pattern(query.filter.type));
  CONOS_TRY(query.filter.actor, text_in(members, "actor"));
  CONOS_TRY(query.filter.since, time_in(members, "since"));
  CONOS_TRY(query.filter.until, time_in(members, "until"));
  CONOS_TRY(query.filter.grep, text_in(members, "grep"));
  if (query.filter.grep.size() > k_max_grep) {
    return fail(Kind::bad_data, "'grep' is longer than {} bytes", k_max_grep);
  }
  CONOS_CHECK(check_grep(query.filter.grep));
  return query;
}

std::string query_line(const Query& query)
{
  Json json = Json::object();
  const auto& filter = query.filter;
  if (query.count) {
    json["n"] = *query.count;
  }
  if (query.after != 0) {
    json["after"] = query.after;
  }
  for (const auto& [name, value] : {std::pair("type", &filter.type),
         std::pair("actor", &filter.actor), std::pair("grep", &filter.grep)}) {
    if (!value->empty()) {
      json[name] = *value;
    }
  }
  if (filter.since) {
    json["since"] = rfc3339(*filter.since);
  }
  if (filter.until) {
    json["until"] = rfc3339(*filter.until);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string end_line(const End& end)
{
  return fmt::format(R"({{"end":{{"cut":{},"is_shallow":{},"last":{},"rows":{}}}}})"
                     "\n",
    end.cut.empty() ? "null" : "\"" + end.cut + "\"", end.is_shallow, end.last, end.rows);
}

Result<std::variant<Event, End, Refusal>> parse_row(std::string_view line)
{
  CONOS_TRY(const auto members, members_of(line));
  if (!raw_in(members, "error").empty()) {
    CONOS_TRY(auto refusal, refusal_in(members));
    return refusal;
  }
  if (const auto end = raw_in(members, "end"); !end.empty()) {
    CONOS_TRY(auto parsed, end_in(end));
    return parsed;
  }
  CONOS_TRY(auto event, event_in(members));
  return event;
}

Result<Event> parse_event(std::string_view line)
{
  CONOS_TRY(const auto members, members_of(line));
  return event_in(members);
}

} // namespace conos::audit
