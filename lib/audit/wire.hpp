#pragma once

#include "audit/chain.hpp"
#include "audit/ledger.hpp"
#include "audit/reader.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// What is said on the ledger's two sockets: JSON, an object on each line. conos-audit-serve(8) has
// it for people.
namespace conos::audit {

inline const std::string k_append_socket = "/run/conos/audit.sock";
inline const std::string k_query_socket = "/run/conos/query.sock";

// Longest line either side sends: a row with the largest payload there may be.
inline constexpr std::size_t k_max_line_bytes = k_max_payload_bytes + (16U << 10U);

// A member of an object and its value, as it was written.
struct Member {
  std::string name;
  std::string_view value;
};

// The members of a JSON object, in their order. Kind::bad_data when it is none, is nested too
// deep, has more than 32, or names one twice.
Result<std::vector<Member>> members_of(std::string_view object);

// --- audit.sock ----------------------------------------------------------------------------------

// {"type":…,"payload":{…},"key":…}; payload and key may be left out. The payload stays as it was
// written. The actor is empty: it is not the writer's to say.
Result<Row> parse_request(std::string_view line);
std::string request_line(const Row& row);

std::string receipt_line(const Recorded& recorded);

struct Refusal {
  Error error;
  std::optional<Duration> retry{}; // after so long the same may succeed
  bool is_last = false; // the connection is closed, and nothing else sent on it was taken
};

// {"error":…,"kind":…}, "retry_ms" and "closing".
std::string refusal_line(const Refusal& refusal);

Result<std::variant<Recorded, Refusal>> parse_answer(std::string_view line);

// --- query.sock ----------------------------------------------------------------------------------

struct Query {
  std::optional<std::int64_t> count; // the last so many; else all from the first on
  std::int64_t after = 0;            // of the rows after this one
  Filter filter;
};

// {"n":…,"after":…,"type":…,"actor":…,"since":…,"until":…,"grep":…}, each of which may be left out.
Result<Query> parse_query(std::string_view line);
std::string query_line(const Query& query);

// The line behind the rows.
struct End {
  std::int64_t rows = 0;
  std::int64_t last = 0;   // all up to this row has been looked at
  std::string cut;         // "rows", "bytes" or "seconds": the bound that was met; empty: none
  bool is_shallow = false; // there was no time to look back for as many as were asked for
};

std::string end_line(const End& end);

Result<std::variant<Event, End, Refusal>> parse_row(std::string_view line);

// A line of json_line().
Result<Event> parse_event(std::string_view line);

} // namespace conos::audit
