#include "audit/bodies.hpp"

#include "audit/sha256.hpp"
#include "sys/file.hpp"
#include "temp_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

using namespace conos;
using namespace conos::audit;

namespace {

constexpr std::size_t k_limit = 1000;

UniqueFd file_of(const std::string& path)
{
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

} // namespace

TEST_CASE("a body comes back by its digest, and is nobody else's to read", "[audit][bodies]")
{
  TempDir dir;
  const auto bodies = Bodies::open(dir.path).value();

  const auto digest = bodies.put("clean up the disk").value();

  CHECK(digest == sha256_hex("clean up the disk"));
  CHECK(bodies.put("clean up the disk").value() == digest);
  CHECK(Bodies::open(dir.path).value().get(digest, k_limit).value() == "clean up the disk");
  struct stat st = {};
  REQUIRE(::stat((dir.path + "/cas").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777U) == 0700);
}

TEST_CASE("a file is kept without a copy, and stays when its own name goes", "[audit][bodies]")
{
  TempDir dir;
  const auto path = dir.path + "/task";
  std::ofstream(path) << "text";
  const auto bodies = Bodies::open(dir.path).value();

  REQUIRE(bodies.keep(file_of(path), sha256_hex("text"), k_limit));

  CHECK(std::filesystem::hard_link_count(path) == 2);
  std::filesystem::remove(path);
  CHECK(bodies.get(sha256_hex("text"), k_limit).value() == "text");
}

TEST_CASE("what is kept under a digest it has not is refused", "[audit][bodies]")
{
  TempDir dir;
  const auto path = dir.path + "/task";
  std::ofstream(path) << "text";
  const auto bodies = Bodies::open(dir.path).value();
  REQUIRE(bodies.keep(file_of(path), sha256_hex("another"), k_limit));

  CHECK(bodies.get(sha256_hex("another"), k_limit).error().kind == Kind::bad_data);
  CHECK(bodies.get(sha256_hex("unknown"), k_limit).error().kind == Kind::not_found);
  CHECK(bodies.get("../audit.db", k_limit).error().kind == Kind::bad_data);
  CHECK(bodies.get(bodies.put(std::string(k_limit + 1, 'x')).value(), k_limit).error().kind ==
        Kind::bad_data);
}

TEST_CASE("only a file can be kept", "[audit][bodies]")
{
  TempDir dir;
  REQUIRE(::mkfifo((dir.path + "/fifo").c_str(), 0600) == 0);
  const auto bodies = Bodies::open(dir.path).value();
  const UniqueFd fifo(::open((dir.path + "/fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));

  CHECK(bodies.keep(fifo, sha256_hex(""), k_limit).error().kind == Kind::bad_data);
  CHECK(bodies.keep(file_of(dir.path), sha256_hex(""), k_limit).error().kind == Kind::bad_data);
}

TEST_CASE("what is kept again is as young as what names it now", "[audit][bodies]")
{
  TempDir dir;
  const auto bodies = Bodies::open(dir.path).value();
  const auto old_times = [&](const std::string& digest) {
    const timespec times[2] = {{1'000'000, 0}, {1'000'000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (dir.path + "/cas/" + digest).c_str(), times, 0) == 0);
  };
  const auto again = bodies.put("again").value();
  const auto once = bodies.put("once").value();
  old_times(again);
  old_times(once);

  REQUIRE(bodies.put("again"));

  CHECK(bodies.remove_older(now() - std::chrono::hours(1)).value() == 1);
  CHECK(bodies.get(again, k_limit));
  CHECK_FALSE(bodies.get(once, k_limit));
}
