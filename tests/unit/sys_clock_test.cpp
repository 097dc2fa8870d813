#include "sys/clock.hpp"

#include <catch2/catch.hpp>

using namespace conos;

TEST_CASE("times are written and read in RFC 3339", "[sys][clock]")
{
  const auto time = parse_rfc3339("2026-11-20T21:30:00.123456Z").value();

  CHECK(rfc3339(time) == "2026-11-20T21:30:00.123Z");
  CHECK(rfc3339(time, 0) == "2026-11-20T21:30:00Z");
  CHECK(compact_stamp(time) == "20261120T213000Z");
  CHECK(compact_stamp_us(time) == "20261120T213000.123456Z");
  CHECK(parse_rfc3339("2026-11-20T23:30:00+02:00").value() ==
        parse_rfc3339("2026-11-20T21:30:00Z").value());
}

TEST_CASE("times before 1970 and in far years are written", "[sys][clock]")
{
  CHECK(rfc3339(Time(std::chrono::milliseconds(-1))) == "1969-12-31T23:59:59.999Z");
  CHECK(rfc3339(Time(std::chrono::seconds(4'107'542'399)), 0) == "2100-02-28T23:59:59Z");
  CHECK(rfc3339(Time(std::chrono::seconds(951'782'400)), 0) == "2000-02-29T00:00:00Z");
}

TEST_CASE("a file says any year", "[sys][clock]")
{
  CHECK(time_of({1, 2}) == Time(std::chrono::seconds(1) + std::chrono::nanoseconds(2)));
  CHECK(time_of({9'214'646'399, 0}) == parse_rfc3339("2261-12-31T23:59:59Z").value());
  CHECK(time_of({INT64_MAX, 999'999'999}) > parse_rfc3339("2261-12-31T23:59:59Z").value());
  CHECK(time_of({INT64_MIN, 0}) < parse_rfc3339("1678-01-01T00:00:00Z").value());
}

TEST_CASE("what is not a time is refused", "[sys][clock]")
{
  for (const auto* text :
    {"", "2026-11-20", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-20T25:00:00Z",
      "2026-11-20T21:30:00", "2026-11-20T21:30:00.Z", "2026-11-20T21:30:00Zx",
      "9999-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "0000-01-01T00:00:00Z"}) {
    CHECK_FALSE(parse_rfc3339(text));
  }
}

TEST_CASE("durations", "[sys][clock]")
{
  CHECK(parse_duration("30s").value() == std::chrono::seconds(30));
  CHECK(parse_duration("1h30m").value() == std::chrono::minutes(90));
  CHECK(parse_duration("500ms").value() == std::chrono::milliseconds(500));
  CHECK(parse_duration("0").value() == Duration(0));
  for (const auto* text : {"", "30", "s", "-5s", "5 s", "5x", "99999999999s"}) {
    CHECK_FALSE(parse_duration(text));
  }
}
