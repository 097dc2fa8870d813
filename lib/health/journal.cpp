#include "health/journal.hpp"

#include "audit/sha256.hpp"
#include "contract/report/report.hpp"
#include "host/acl.hpp"
#include "host/log_file.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>

namespace conos::health {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_tail = 1U << 20U; // a record is far smaller
constexpr std::size_t k_most_listed = 1000;
constexpr mode_t k_mode = 0640;

std::string dumped(const Json& json)
{
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string upper(std::string_view text)
{
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

const contract::Row* row_of(const contract::Report& report, const std::string& key)
{
  const auto found =
    std::find_if(report.rows.begin(), report.rows.end(), [&](const contract::Row& row) {
      return contract::label_of(row) == key;
    });
  return found == report.rows.end() ? nullptr : &*found;
}

std::string line_for(std::string_view id, std::string_view check, std::string_view status,
  std::chrono::microseconds took, const std::string& ts, const Run& run)
{
  return fmt::format("{} [healthcheck] {} {} {} ({}ms) run_id={} actor={}\n", ts, id, status, check,
    took.count() / 1000, run.id, run.actor);
}

std::string log_line(
  const Change& change, const contract::Report& report, const std::string& ts, const Run& run)
{
  const auto& key = change.finding.key;
  const auto slash = key.find('/');
  const auto* row = row_of(report, key);
  const auto took = row == nullptr ? std::chrono::microseconds() : row->took;
  const auto status =
    change.news == News::healed ? "PASS" : upper(contract::name_of(change.finding.status));
  return line_for(
    key.substr(0, slash), slash == key.npos ? "-" : key.substr(slash + 1), status, took, ts, run);
}

std::string summary_line(const contract::Report& report, const std::string& ts, const Run& run)
{
  using contract::Status;
  const auto failed = report.count(Status::fail) + report.count(Status::halt);
  const auto unknown = report.count(Status::error) + report.count(Status::timeout);
  return fmt::format("{} [healthcheck] summary: {} passed, {} failed, {} warned, {} unknown, {} "
                     "skipped eval={}\n",
    ts, report.count(Status::pass), failed, report.count(Status::warn), unknown,
    report.count(Status::skip), run.evaluation);
}

std::string log_lines(
  const contract::Report& report, const Step& step, const std::string& ts, const Run& run)
{
  std::string out;
  for (const auto& change : step.changes) {
    out += log_line(change, report, ts, run);
  }
  return out + summary_line(report, ts, run);
}

Json keys_with(const contract::Report& report, const std::vector<Status>& statuses)
{
  std::vector<std::string> keys;
  for (const auto& row : report.rows) {
    if (std::find(statuses.begin(), statuses.end(), row.status) != statuses.end() &&
        keys.size() < k_most_listed) {
      keys.push_back(contract::label_of(row));
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

Json keys_of(const Step& step, bool is_healed)
{
  auto out = Json::array();
  for (const auto& change : step.changes) {
    if ((change.news == News::healed) == is_healed && out.size() < k_most_listed) {
      out.push_back(change.finding.key);
    }
  }
  return out;
}

std::string latest(const contract::Report& report, const std::string& ts, const Run& run)
{
  const Json json{
    {"timestamp", ts},
    {"evaluation_id", run.evaluation},
    {"run_id", run.id},
    {"actor", run.actor},
    {"failed", keys_with(report, {Status::fail, Status::halt})},
    {"warned", keys_with(report, {Status::warn})},
    {"unknown", keys_with(report, {Status::error, Status::timeout})},
    {"exempt", keys_with(report, {Status::exempt})},
    {"skipped", report.count(Status::skip)},
    {"passed", report.count(Status::pass)},
  };
  return dumped(json) + "\n";
}

// Of the last whole record; empty when there is none.
Result<std::string> last_hash(const UniqueFd& file)
{
  CONOS_TRY(const auto status, stat_of(file));
  const auto size = static_cast<std::size_t>(status.st_size);
  std::string tail(std::min(size, k_tail), '\0');
  if (::pread(file.get(), tail.data(), tail.size(), static_cast<off_t>(size - tail.size())) < 0) {
    return os_error("read the last record");
  }
  const auto lines = split(tail, '\n');
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const auto json = Json::parse(*line, nullptr, false);
    if (json.is_object() && json.contains("hash") && json["hash"].is_string()) {
      return json["hash"].get<std::string>();
    }
  }
  return "";
}

Result<> append_diff(const UniqueFd& dir, const Step& step, const std::string& ts, const Run& run)
{
  CONOS_TRY(const auto file, open_log(dir, "contracts-state.diff.jsonl"));
  CONOS_TRY(const auto before, last_hash(file));
  Json json{
    {"timestamp", ts},
    {"evaluation_id", run.evaluation},
    {"prev_hash", before},
    {"new_failures", keys_of(step, false)},
    {"resolved", keys_of(step, true)},
  };
  json["hash"] = hash_of_record(dumped(json));
  return append_lines(file, dumped(json) + "\n");
}

} // namespace

std::string report_lines(const contract::Report& report, const Run& run)
{
  const auto ts = rfc3339(report.started, 0);
  std::string out;
  for (const auto& row : report.rows) {
    out += line_for(escaped(row.id()), escaped(row.name()), upper(contract::name_of(row.status)),
      row.took, ts, run);
  }
  return out + summary_line(report, ts, run);
}

std::string hash_of_record(const std::string& record)
{
  auto json = Json::parse(record, nullptr, false);
  if (!json.is_object()) {
    return "";
  }
  json.erase("hash");
  return audit::sha256_hex(dumped(json));
}

Result<> write_journal(
  const std::string& directory, const contract::Report& report, const Step& step, const Run& run)
{
  const auto ts = rfc3339(report.started, 0);
  CONOS_TRY(const auto dir, open_dir(directory));
  CONOS_TRY(const auto group, group_id("conos"));
  CONOS_CHECK(replace(dir, "contracts-state.latest.json", latest(report, ts, run), k_mode,
    {0, group.value_or(0)}, Durable::later));
  if (step.changes.empty()) {
    return {};
  }
  CONOS_TRY(const auto log, open_log(dir, "contracts.log"));
  CONOS_CHECK(append_lines(log, log_lines(report, step, ts, run)));
  return append_diff(dir, step, ts, run);
}

} // namespace conos::health
