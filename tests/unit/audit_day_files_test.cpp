#include "audit/day_files.hpp"

#include "audit/present.hpp"
#include "audit_samples.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace conos;
using namespace conos::audit;

namespace {

constexpr std::size_t k_all = 1U << 20U;

// A ledger and its day files.
struct Desk {
  std::size_t copy(std::size_t most = k_all)
  {
    const auto copied = tried(most);
    INFO((copied ? "" : copied.error().text()));
    REQUIRE(copied);
    return *copied;
  }
  Result<std::size_t> tried(std::size_t most = k_all)
  {
    auto reader = Reader::open(database_in(ledger_dir)).value();
    return copy_to_day_files(reader, {lines.path, tables.path}, most);
  }
  void append(int rows)
  {
    for (int i = 0; i < rows; ++i) {
      (void)ledger.append({{"task.delivered", "root", R"({"agent":"a","id":"x"})", ""}}).value();
    }
  }
  std::string text(const char* ending)
  {
    const auto& dir = std::string(ending) == ".tsv" ? tables : lines;
    return read_file(dir.fd, day() + ending, k_all).value();
  }
  // The ids in the .jsonl, in order.
  std::vector<std::int64_t> ids()
  {
    std::vector<std::int64_t> found;
    const auto json = text(".jsonl");
    for (const auto line : split(trimmed(json), '\n')) {
      found.push_back(event_in_line(line).value().id);
    }
    return found;
  }
  static std::string day() { return date_stamp(now()); }
  std::size_t line_count(const char* ending)
  {
    const auto content = text(ending);
    return static_cast<std::size_t>(std::count(content.begin(), content.end(), '\n'));
  }

  TempDir ledger_dir;
  TempDir lines;
  TempDir tables;
  Ledger ledger = Ledger::open(ledger_dir.path).value();
};

using Ids = std::vector<std::int64_t>;

void chop(const TempDir& dir, const std::string& name, off_t bytes)
{
  struct stat st = {};
  REQUIRE(::stat((dir.path + "/" + name).c_str(), &st) == 0);
  REQUIRE(::truncate((dir.path + "/" + name).c_str(), st.st_size - bytes) == 0);
}

} // namespace

TEST_CASE("day files get each new row once, in each form", "[audit][day_files]")
{
  Desk desk;
  desk.append(2);
  CHECK(desk.copy() == 2);
  CHECK(desk.copy() == 0);
  desk.append(1);
  CHECK(desk.copy() == 1);

  CHECK(desk.ids() == Ids{1, 2, 3});
  CHECK(desk.line_count(".log") == 3);
  CHECK(desk.line_count(".tsv") == 3);
  CHECK((stat_at(desk.lines.fd, Desk::day() + ".log").value().st_mode & 07777U) == 0640U);
}

TEST_CASE("day files are copied in turns", "[audit][day_files]")
{
  Desk desk;
  desk.append(5);
  CHECK(desk.copy(2) == 2);
  CHECK(desk.copy(2) == 2);
  CHECK(desk.copy(2) == 1);

  CHECK(desk.ids() == Ids{1, 2, 3, 4, 5});
}

TEST_CASE("what a crash left in day files is copied again", "[audit][day_files]")
{
  Desk desk;
  desk.append(2);
  CHECK(desk.copy() == 2);
  const auto position = read_file(desk.lines.fd, "copied", 1000).value();
  desk.append(2);
  CHECK(desk.copy() == 2);
  const auto whole = desk.text(".log");

  SECTION("all was written but the place")
  {
    REQUIRE(replace(desk.lines.fd, "copied", position, 0600));
    CHECK(desk.copy() == 2);
  }
  SECTION("some was written")
  {
    REQUIRE(replace(desk.lines.fd, "copied", position, 0600));
    chop(desk.lines, Desk::day() + ".jsonl", 30);
    chop(desk.tables, Desk::day() + ".tsv", 5);
    CHECK(desk.copy() == 2);
  }
  SECTION("what was written did not reach the disk")
  {
    chop(desk.lines, Desk::day() + ".jsonl", 30);
    CHECK(desk.copy() == 4);
  }
  SECTION("the place is lost")
  {
    REQUIRE(remove_name(desk.lines.fd, "copied"));
    CHECK(desk.copy() == 0);
    desk.append(1);
    CHECK(desk.copy() == 1);
    CHECK(desk.ids() == Ids{1, 2, 3, 4, 5});
    return;
  }
  SECTION("the place is lost, and half a line too")
  {
    REQUIRE(replace(desk.lines.fd, "copied", "x", 0600));
    chop(desk.lines, Desk::day() + ".jsonl", 1);
    CHECK(desk.copy() == 1);
    CHECK(desk.ids() == Ids{1, 2, 3, 4});
    return;
  }

  CHECK(desk.ids() == Ids{1, 2, 3, 4});
  CHECK(desk.text(".log") == whole);
  CHECK(desk.line_count(".tsv") == 4);
}

TEST_CASE("days that were removed can be made again, and are not without being asked for",
  "[audit][day_files]")
{
  Desk desk;
  desk.append(2);
  CHECK(desk.copy() == 2);
  const auto whole = desk.text(".jsonl");
  for (const auto* ending : {".jsonl", ".log"}) {
    REQUIRE(remove_name(desk.lines.fd, Desk::day() + ending));
  }
  REQUIRE(remove_name(desk.tables.fd, Desk::day() + ".tsv"));
  REQUIRE(remove_name(desk.lines.fd, "copied"));

  CHECK(desk.copy() == 2);

  CHECK(desk.text(".jsonl") == whole);
}

TEST_CASE("rows go to the day they are of, also when the clock was set back", "[audit][day_files]")
{
  Desk desk;
  desk.append(3);
  tamper(database_in(desk.ledger_dir),
    "UPDATE events SET ts = '2020-02-29T23:59:59.999Z' WHERE id = 2"); // tells of no such thing: a
                                                                       // copy is no proof
  CHECK(desk.copy() == 3);

  CHECK(desk.ids() == Ids{1, 3});
  CHECK(exists_at(desk.lines.fd, "2020-02-29.log"));
  CHECK(desk.copy() == 0);
}

TEST_CASE("day files follow no symlink and wait for no FIFO", "[audit][day_files]")
{
  Desk desk;
  desk.append(1);
  const auto name = Desk::day() + ".jsonl";

  REQUIRE(::symlinkat("elsewhere", desk.lines.fd.get(), name.c_str()) == 0);
  CHECK_FALSE(desk.tried());
  CHECK_FALSE(exists_at(desk.lines.fd, "elsewhere"));
  REQUIRE(remove_name(desk.lines.fd, name));
  REQUIRE(::mkfifoat(desk.lines.fd.get(), name.c_str(), 0600) == 0);
  CHECK_FALSE(desk.tried());
  REQUIRE(remove_name(desk.lines.fd, name));
  CHECK(desk.copy() == 1);
}

TEST_CASE("days that are over can go", "[audit][day_files]")
{
  Desk desk;
  desk.append(1);
  CHECK(desk.copy() == 1);
  for (const auto* name :
    {"2020-01-01.log", "2020-01-01.jsonl", "2020-01-02.jsonl", "2020-01-01.txt", "notes.log"}) {
    REQUIRE(replace(desk.lines.fd, name, "x", 0640));
  }
  REQUIRE(replace(desk.tables.fd, "2020-01-01.tsv", "x", 0640));
  const DayFiles files{desk.lines.path, desk.tables.path};

  CHECK(remove_days_before(files, parse_rfc3339("2020-01-02T12:00:00Z").value()).value() == 1);
  CHECK(exists_at(desk.lines.fd, "2020-01-02.jsonl"));
  CHECK_FALSE(exists_at(desk.lines.fd, "2020-01-01.log"));
  CHECK_FALSE(exists_at(desk.tables.fd, "2020-01-01.tsv"));
  CHECK(remove_days_before(files, now()).value() == 1);
  CHECK(exists_at(desk.lines.fd, "2020-01-01.txt"));
  CHECK(exists_at(desk.lines.fd, "notes.log"));
  CHECK(desk.ids() == Ids{1});
}
