#include "health/journal.hpp"

#include "sys/file.hpp"
#include "temp_dir.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>

using namespace conos;
using namespace conos::health;

namespace {

Step a_change(const std::string& key, News news)
{
  Step step;
  Change change;
  change.news = news;
  change.finding.key = key;
  change.finding.status = Status::warn;
  step.changes.push_back(change);
  return step;
}

contract::Report empty_report()
{
  contract::Report report;
  report.loaded = std::make_shared<contract::Loaded>();
  for (const auto status : contract::k_statuses) {
    report.counts[status] = 0;
  }
  return report;
}

std::string part_of(const std::string& record, const std::string& key)
{
  const auto from = record.find("\"" + key + "\":\"") + key.size() + 4;
  return record.substr(from, record.find('"', from) - from);
}

const Run k_run{"eval-1", "hc-1", "root"};

} // namespace

TEST_CASE(
  "each record of the diff has the hash of the one before and of itself", "[health][journal]")
{
  TempDir dir;
  REQUIRE(write_journal(dir.path, empty_report(), a_change("A/one", News::opened), k_run));
  REQUIRE(write_journal(dir.path, empty_report(), a_change("A/one", News::healed), k_run));
  const auto text = read_path(dir.path + "/contracts-state.diff.jsonl", 1U << 20U);
  REQUIRE(text);
  const auto first = text->substr(0, text->find('\n'));
  const auto second = text->substr(first.size() + 1, text->size() - first.size() - 2);
  CHECK(part_of(first, "hash") == hash_of_record(first));
  CHECK(part_of(second, "hash") == hash_of_record(second));
  CHECK(part_of(second, "prev_hash") == part_of(first, "hash"));
  CHECK(hash_of_record(second) != hash_of_record(first));
}

TEST_CASE("a run without changes writes no line", "[health][journal]")
{
  TempDir dir;
  REQUIRE(write_journal(dir.path, empty_report(), Step(), k_run));
  CHECK_FALSE(read_path(dir.path + "/contracts.log", 1024));
  CHECK(read_path(dir.path + "/contracts-state.latest.json", 4096));
}

TEST_CASE("a line of the log is the reference's", "[health][journal]")
{
  TempDir dir;
  auto report = empty_report();
  report.started = parse_rfc3339("2026-11-21T12:00:00Z").value();
  REQUIRE(write_journal(dir.path, report, a_change("CON-X-001/a", News::opened), k_run));
  const auto text = read_path(dir.path + "/contracts.log", 4096);
  REQUIRE(text);
  CHECK(*text ==
        "2026-11-21T12:00:00Z [healthcheck] CON-X-001 WARN a (0ms) run_id=hc-1 actor=root\n"
        "2026-11-21T12:00:00Z [healthcheck] summary: 0 passed, 0 failed, 0 warned, 0 "
        "unknown, 0 skipped eval=eval-1\n");
}

TEST_CASE("a record that a crash cut off is left, and the chain goes on", "[health][journal]")
{
  TempDir dir;
  REQUIRE(write_journal(dir.path, empty_report(), a_change("A/one", News::opened), k_run));
  const auto file = dir.path + "/contracts-state.diff.jsonl";
  const auto before = read_path(file, 1U << 20U);
  REQUIRE(before);
  const UniqueFd open(::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  REQUIRE(write_all(open, "{\"hash\":\"cut"));
  REQUIRE(write_journal(dir.path, empty_report(), a_change("A/one", News::healed), k_run));
  const auto after = read_path(file, 1U << 20U);
  REQUIRE(after);
  const auto last = after->substr(after->rfind('\n', after->size() - 2) + 1);
  CHECK(part_of(last, "prev_hash") == part_of(*before, "hash"));
}
