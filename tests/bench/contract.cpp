// contract - what is beside conos-contract in its bench: the same looks in a bare loop
//
//   contract once COUNT CMD...      the best of COUNT runs: its time, its memory
//   contract stat COUNT PATH        stat(2)
//   contract search COUNT PATH      open, read, strstr, close
//   contract spawn COUNT WORKERS    posix_spawn of /usr/bin/true and waitpid, in WORKERS processes
#include "sys/fd.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point began)
{
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

[[noreturn]] void die(const std::string& what)
{
  fmt::print(stderr, "contract: {}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

// Standard output is thrown away; what it says is not what is measured.
void once(int count, char* const* argv)
{
  double best = 1e9;
  long memory = 0;
  for (int i = 0; i < count; ++i) {
    posix_spawn_file_actions_t actions;
    (void)::posix_spawn_file_actions_init(&actions);
    (void)::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    const auto began = Clock::now();
    pid_t pid = -1;
    if (::posix_spawnp(&pid, argv[0], &actions, nullptr, argv, environ) != 0) {
      die(argv[0]);
    }
    int status = 0;
    rusage usage{};
    if (::wait4(pid, &status, 0, &usage) != pid || status != 0) {
      die(std::string(argv[0]) + " failed");
    }
    best = std::min(best, since(began));
    memory = usage.ru_maxrss;
    (void)::posix_spawn_file_actions_destroy(&actions);
  }
  fmt::print("{:.1f} ms {} KiB\n", best, memory);
}

void stat_all(int count, const char* path)
{
  const auto began = Clock::now();
  for (int i = 0; i < count; ++i) {
    struct stat status = {};
    if (::stat(path, &status) < 0) {
      die(path);
    }
  }
  fmt::print("{:.1f} ms\n", since(began));
}

void search_all(int count, const char* path)
{
  const auto began = Clock::now();
  std::array<char, 65536> buffer{};
  for (int i = 0; i < count; ++i) {
    const conos::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    const auto got = ::read(file.get(), buffer.data(), buffer.size() - 1);
    if (got < 0 || std::strstr(buffer.data(), "root:") == nullptr) {
      die(path);
    }
  }
  fmt::print("{:.1f} ms\n", since(began));
}

void spawn_all(int count, int workers)
{
  const auto began = Clock::now();
  for (int worker = 0; worker < workers; ++worker) {
    if (::fork() != 0) {
      continue;
    }
    const std::array<const char*, 2> argv{"true", nullptr};
    for (int i = worker; i < count; i += workers) {
      pid_t pid = -1;
      if (::posix_spawn(&pid, "/usr/bin/true", nullptr, nullptr, const_cast<char**>(argv.data()),
            environ) != 0) {
        ::_exit(1);
      }
      (void)::waitpid(pid, nullptr, 0);
    }
    ::_exit(0);
  }
  while (::wait(nullptr) > 0) {
  }
  fmt::print("{:.1f} ms\n", since(began));
}

} // namespace

int main(int argc, char* argv[])
{
  const std::string_view what = argc > 3 ? argv[1] : "";
  const int count = argc > 3 ? std::atoi(argv[2]) : 0;
  if (what == "once") {
    once(count, argv + 3);
  } else if (what == "stat") {
    stat_all(count, argv[3]);
  } else if (what == "search") {
    search_all(count, argv[3]);
  } else if (what == "spawn") {
    spawn_all(count, std::atoi(argv[3]));
  } else {
    fmt::print(stderr, "usage: contract once|stat|search|spawn COUNT WHAT...\n");
    return 64;
  }
  return 0;
}
