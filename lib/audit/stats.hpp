#pragma once

#include "audit/reader.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace conos::audit {

struct Count {
  std::int64_t rows = 0;
  std::int64_t bytes = 0; // of their payloads
  std::string first;      // times of the first and the last; empty where there is none
  std::string last;

  void add(const Event& event);
};

// How many rows there are, and how many of each type, of each actor, on each day.
struct Stats {
  Count all;
  std::map<std::string, Count> types; // by name, escaped
  std::map<std::string, Count> actors;
  std::map<std::string, Count> days;        // YYYY-MM-DD, in UTC
  std::optional<std::int64_t> file_bytes{}; // of the database and its log, where they can be seen
};

Result<Stats> count_rows(Source& source, const Filter& filter);

// What a ledger's files take. Kind::not_found when it has none.
Result<std::int64_t> bytes_on_disk(const std::string& directory);

// Tables for people; one JSON object.
std::string text_of(const Stats& stats);
std::string json_of(const Stats& stats);

} // namespace conos::audit
