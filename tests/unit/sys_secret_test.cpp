#include "sys/file.hpp"
#include "sys/secret.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

using namespace conos;

namespace {

// A text that is nowhere in this program: masked, and so is the search for it.
constexpr std::string_view k_masked = "7&<y05,d'.r`#1=lo~s?a{e|2zq@BRVGXKDM";
constexpr char k_mask = 0x15;

bool begins_with_it(const char* at)
{
  return std::equal(k_masked.begin(), k_masked.end(), at, [](char masked, char byte) {
    return static_cast<char>(masked ^ k_mask) == byte;
  });
}

std::size_t count_between(int memory, std::uintptr_t from, std::uintptr_t to)
{
  std::vector<char> bytes(to - from);
  const auto got = ::pread(memory, bytes.data(), bytes.size(), static_cast<off_t>(from));
  std::size_t count = 0;
  for (std::size_t i = 0; got > 0 && i + k_masked.size() <= static_cast<std::size_t>(got); ++i) {
    count += begins_with_it(bytes.data() + i) ? 1 : 0;
  }
  std::fill(bytes.begin(), bytes.end(), '\0'); // or the next search finds our copy
  return count;
}

// How often it is in what we can write of our memory.
std::size_t count_in_memory()
{
  constexpr std::uintptr_t k_most = 64U << 20U; // what the sanitizers map is larger
  const UniqueFd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  REQUIRE(memory);
  const auto maps = read_path("/proc/self/maps", 1U << 20U);
  REQUIRE(maps);
  std::size_t count = 0;
  for (std::size_t at = 0; at < maps->size(); at = maps->find('\n', at) + 1) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char mode[5] = "";
    REQUIRE(std::sscanf(maps->c_str() + at, "%lx-%lx %4s", &from, &to, mode) == 3);
    count += mode[1] == 'w' && to - from < k_most ? count_between(memory.get(), from, to) : 0;
  }
  return count;
}

} // namespace

TEST_CASE("a secret is read to its end, whatever bytes it has", "[sys][secret]")
{
  std::string text(10'000, 'x');
  text[5000] = '\0';
  const auto file = memory_file(text);
  REQUIRE(file);

  const auto secret = read_secret(*file, 10'000);

  REQUIRE(secret);
  CHECK(secret->view() == text);
}

TEST_CASE("a secret past its bound is refused", "[sys][secret]")
{
  const auto file = memory_file("12345");
  REQUIRE(file);

  const auto secret = read_secret(*file, 4);

  REQUIRE_FALSE(secret);
  CHECK(secret.error().kind == Kind::bad_data);
}

TEST_CASE("of a secret nothing stays in memory, however it grew and moved", "[sys][secret]")
{
  {
    Secret secret(std::string(100, '.')); // the allocator writes into the head of what it gets back
    for (const char c : k_masked) {
      secret.append(static_cast<char>(c ^ k_mask));
    }
    const auto file = memory_file(secret.view());
    REQUIRE(file);
    auto read = read_secret(*file, 1000);
    REQUIRE(read);
    const auto moved = std::move(*read);
    CHECK((moved.view() == secret.view())); // as a bool, or Catch makes texts of them
    CHECK(count_in_memory() >= 2);
  }
  CHECK(count_in_memory() == 0);
}
