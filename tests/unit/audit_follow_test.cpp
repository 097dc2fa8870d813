#include "audit/follow.hpp"

#include "audit_samples.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <thread>

using namespace conos;
using namespace conos::audit;

TEST_CASE("a follower gets rows as they are appended", "[audit][follow]")
{
  TempDir dir;
  (void)make_ledger(dir, 3);
  std::thread writer([&] {
    for (int i = 4; i <= 6; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      (void)Ledger::open(dir.path).value().append({{"a.b", "root", "{}", ""}}).value();
    }
  });
  std::vector<std::int64_t> ids;

  const auto followed = follow(dir.path, 2, {}, -1, [&](const Event& event) {
    ids.push_back(event.id);
    return event.id < 6;
  });

  writer.join();
  CHECK(followed);
  CHECK(ids == std::vector<std::int64_t>{3, 4, 5, 6});
}

TEST_CASE("a follower ends with its reader", "[audit][follow]")
{
  TempDir dir;
  (void)make_ledger(dir, 1);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    reading.reset();
  });

  const auto followed = follow(dir.path, 1, {}, writing.get(), [](const Event&) {
    return true;
  });

  reader.join();
  CHECK(followed);
}
