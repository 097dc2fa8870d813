#include "serve/bucket.hpp"

#include <catch2/catch.hpp>

using namespace conos::serve;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("a bucket gives its burst, then its rate", "[serve][bucket]")
{
  const Clock::time_point start{};
  Bucket bucket({10, 3}, start);

  CHECK(bucket.take(start) == milliseconds(0));
  CHECK(bucket.take(start) == milliseconds(0));
  CHECK(bucket.take(start) == milliseconds(0));
  CHECK(bucket.take(start) == milliseconds(100));
  CHECK(bucket.take(start + milliseconds(99)) > milliseconds(0));
  CHECK(bucket.take(start + milliseconds(100)) == milliseconds(0));
  CHECK(bucket.take(start + milliseconds(101)) == milliseconds(99));
}

TEST_CASE(
  "a bucket holds no more than its burst, and a clock that stands gives nothing", "[serve][bucket]")
{
  const Clock::time_point start{};
  Bucket bucket({10, 2}, start);
  (void)bucket.take(start);

  CHECK_FALSE(bucket.is_full(start));
  CHECK(bucket.is_full(start + seconds(60)));
  CHECK(bucket.take(start + seconds(60)) == milliseconds(0));
  CHECK(bucket.take(start + seconds(60)) == milliseconds(0));
  CHECK(bucket.take(start + seconds(60)) > milliseconds(0));
  CHECK(bucket.take(start) > milliseconds(0));
}
