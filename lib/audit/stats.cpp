#include "audit/stats.hpp"

#include "audit/chain.hpp"
#include "audit/place.hpp"
#include "audit/present.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>

namespace conos::audit {

namespace {

using Counts = std::map<std::string, Count>;

constexpr std::size_t k_day = 10; // the length of YYYY-MM-DD

std::string table_of(const std::string& title, const Counts& counts)
{
  auto width = title.size();
  for (const auto& [name, count] : counts) {
    width = std::max(width, name.size());
  }
  auto text =
    fmt::format("\n{:<{}}  {:>9}  {:>12}  {:<24}  last\n", title, width, "rows", "bytes", "first");
  for (const auto& [name, count] : counts) {
    text += fmt::format("{:<{}}  {:>9}  {:>12}  {:<24}  {}\n", name, width, count.rows, count.bytes,
      count.first, count.last);
  }
  return text;
}

std::string members_of(const Count& count)
{
  return fmt::format(R"("bytes":{},"first":{},"last":{},"rows":{})", count.bytes,
    count.rows == 0 ? "null" : json_text(count.first),
    count.rows == 0 ? "null" : json_text(count.last), count.rows);
}

std::string object_of(const Counts& counts)
{
  std::string text;
  for (const auto& [name, count] : counts) {
    text += fmt::format("{}{}:{{{}}}", text.empty() ? "" : ",", json_text(name), members_of(count));
  }
  return "{" + text + "}";
}

} // namespace

void Count::add(const Event& event)
{
  ++rows;
  bytes += static_cast<std::int64_t>(event.payload.size());
  first = first.empty() ? event.ts : first;
  last = event.ts;
}

Result<Stats> count_rows(Source& source, const Filter& filter)
{
  Stats stats;
  CONOS_CHECK(source.each_after(0, filter, [&](const Event& event) {
    stats.all.add(event);
    stats.types[escaped(event.type, k_max_name_bytes)].add(event);
    stats.actors[escaped(event.actor, k_max_name_bytes)].add(event);
    stats.days[escaped(event.ts.substr(0, k_day))].add(event);
    return true;
  }));
  return stats;
}

Result<std::int64_t> bytes_on_disk(const std::string& directory)
{
  struct stat database = {};
  struct stat log = {};
  if (::stat((directory + "/" + k_database).c_str(), &database) < 0) {
    return os_error("look at the ledger in '{}'", directory);
  }
  if (::stat((directory + "/" + k_log).c_str(), &log) < 0 && errno != ENOENT) {
    return os_error("look at the ledger's log in '{}'", directory);
  }
  return database.st_size + log.st_size;
}

std::string text_of(const Stats& stats)
{
  const auto& all = stats.all;
  auto text =
    fmt::format("{} row{}, {} bytes of payload", all.rows, all.rows == 1 ? "" : "s", all.bytes);
  text += all.rows == 0 ? "" : fmt::format(", from {} to {}", all.first, all.last);
  text += stats.file_bytes ? fmt::format(", {} bytes on disk", *stats.file_bytes) : "";
  return text + "\n" + table_of("type", stats.types) + table_of("actor", stats.actors) +
         table_of("day", stats.days);
}

std::string json_of(const Stats& stats)
{
  const auto& all = stats.all;
  return fmt::format(
    R"({{"actors":{},"bytes":{},"days":{},"file_bytes":{},"first":{},"last":{},"rows":{},"types":{}}})"
    "\n",
    object_of(stats.actors), all.bytes, object_of(stats.days),
    stats.file_bytes ? std::to_string(*stats.file_bytes) : "null",
    all.rows == 0 ? "null" : json_text(all.first), all.rows == 0 ? "null" : json_text(all.last),
    all.rows, object_of(stats.types));
}

} // namespace conos::audit
