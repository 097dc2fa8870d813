// measure - the clock of the benches: runs inside the machine, prints milliseconds and rates
//
//   measure latency COUNT IN OUT [IN OUT]
//     a file renamed into IN until one of its name is seen in OUT; two pairs in turn
//   measure burst COUNT IN OUT
//     COUNT files at once until COUNT receipts are there; and a bare loop of cat
//   measure fill COUNT IN
//     COUNT files into IN
//   measure once NAME CMD...
//     CMD's time and the most memory it held
#include "sys/file.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/resource.h>
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
using Milliseconds = std::chrono::duration<double, std::milli>;

[[noreturn]] void die(const std::string& what)
{
  fmt::print(stderr, "measure: {}: {}\n", what, std::strerror(errno));
  std::exit(1);
}

// Files are made beside the inbox and renamed in, as a person would.
struct Place {
  std::string in;
  std::string out;
  conos::UniqueFd watch{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
};

Place open_place(const char* in, const char* out)
{
  Place place;
  place.in = in;
  place.out = out;
  if (::inotify_add_watch(place.watch.get(), out, IN_CREATE | IN_MOVED_TO) < 0) {
    die(std::string("watch ") + out);
  }
  return place;
}

void drop(const Place& place, const std::string& name)
{
  const auto staged = place.in + "/../.bench-" + name;
  const conos::UniqueFd file(
    ::open(staged.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file || !conos::write_all(file, "What is the answer to " + name + "?\n")) {
    die("write " + staged);
  }
  if (::rename(staged.c_str(), (place.in + "/" + name + ".task").c_str()) < 0) {
    die("rename " + staged);
  }
}

// Waits for names that `wanted` accepts and returns how many came; 0 after 60 s.
template<class Wanted>
int arrivals(const Place& place, const Wanted& wanted)
{
  for (;;) {
    pollfd ready{place.watch.get(), POLLIN, 0};
    if (::poll(&ready, 1, 60'000) <= 0) {
      return 0;
    }
    alignas(inotify_event) std::array<char, 65536> buffer;
    const auto got = ::read(place.watch.get(), buffer.data(), buffer.size());
    int found = 0;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      found +=
        event->len > 0 && event->name[0] != '.' && wanted(std::string_view(event->name)) ? 1 : 0;
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
    if (found > 0) {
      return found;
    }
  }
}

double once(const Place& place, const std::string& name)
{
  const auto start = Clock::now();
  drop(place, name);
  const auto wanted = [&](std::string_view found) {
    return found.find(name) != std::string_view::npos && !found.ends_with(".json");
  };
  if (arrivals(place, wanted) == 0) {
    die("no answer to " + name);
  }
  const double spent = Milliseconds(Clock::now() - start).count();
  ::usleep(150'000); // let the unit go idle: an activation each
  return spent;
}

double percentile(std::vector<double> values, double p)
{
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

void print_latency(const char* name, const std::vector<double>& values)
{
  fmt::print("{}_median {:.1f} ms\n{}_p10 {:.1f} ms\n{}_p90 {:.1f} ms\n", name,
    percentile(values, 0.5), name, percentile(values, 0.1), name, percentile(values, 0.9));
}

void latency(int count, const std::vector<Place>& places)
{
  std::vector<std::vector<double>> spent(places.size());
  const auto stamp = std::to_string(::getpid());
  for (int i = 0; i < count + 2; ++i) {
    for (std::size_t p = 0; p < places.size(); ++p) {
      const double one = once(places[p], fmt::format("bench-{}-{}", stamp, i));
      if (i >= 2) { // the first two warm up
        spent[p].push_back(one);
      }
    }
  }
  print_latency("first", spent[0]);
  if (places.size() == 2) {
    print_latency("second", spent[1]);
    std::vector<double> ratios;
    for (std::size_t i = 0; i < spent[0].size(); ++i) {
      ratios.push_back(spent[0][i] / spent[1][i]);
    }
    fmt::print("ratio_of_medians {:.2f} x\nmedian_of_ratios {:.2f} x\n",
      percentile(spent[0], 0.5) / percentile(spent[1], 0.5), percentile(ratios, 0.5));
  }
}

// The floor of a burst: the same bodies through `cat`, nothing else.
double bare_loop(int count, const std::string& body_path)
{
  const auto start = Clock::now();
  for (int i = 0; i < count; ++i) {
    posix_spawn_file_actions_t actions;
    (void)::posix_spawn_file_actions_init(&actions);
    (void)::posix_spawn_file_actions_addopen(&actions, 0, body_path.c_str(), O_RDONLY, 0);
    (void)::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    const std::array<const char*, 2> argv{"cat", nullptr};
    pid_t pid = -1;
    if (::posix_spawn(
          &pid, "/bin/cat", &actions, nullptr, const_cast<char**>(argv.data()), environ) != 0) {
      die("spawn cat");
    }
    (void)::waitpid(pid, nullptr, 0);
    (void)::posix_spawn_file_actions_destroy(&actions);
  }
  return count / (Milliseconds(Clock::now() - start).count() / 1000.0);
}

void burst(int count, const Place& place)
{
  const auto stamp = std::to_string(::getpid());
  const auto body = place.in + "/../.bench-body";
  const conos::UniqueFd file(::open(body.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  (void)conos::write_all(file, "What is the answer?\n");
  const double before = bare_loop(count, body);

  const auto start = Clock::now();
  for (int i = 0; i < count; ++i) {
    drop(place, fmt::format("burst-{}-{:05}", stamp, i));
  }
  int answered = 0;
  while (answered < count) {
    const int more = arrivals(place, [&](std::string_view name) {
      return name.ends_with(".json") && name.find("burst-" + stamp) != std::string_view::npos;
    });
    if (more == 0) {
      die(fmt::format("only {} of {} answered", answered, count));
    }
    answered += more;
  }
  const double rate = count / (Milliseconds(Clock::now() - start).count() / 1000.0);
  const double floor = (before + bare_loop(count, body)) / 2;
  (void)::unlink(body.c_str());
  fmt::print("burst_rate {:.0f} tasks/s\nbare_cat_rate {:.0f} spawns/s\nburst_ratio {:.2f} x\n",
    rate, floor, rate / floor);
}

void fill(int count, const char* in)
{
  Place place;
  place.in = in;
  for (int i = 0; i < count; ++i) {
    drop(place, fmt::format("fill-{:06}", i));
  }
}

void run_once(const char* name, char* const* argv)
{
  const auto start = Clock::now();
  pid_t pid = -1;
  if (::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv, environ) != 0) {
    die(std::string("spawn ") + argv[0]);
  }
  int status = 0;
  struct rusage usage = {};
  if (::wait4(pid, &status, 0, &usage) != pid || status != 0) {
    die(std::string(argv[0]) + " failed");
  }
  fmt::print(
    "{} {:.0f} ms, {} KiB\n", name, Milliseconds(Clock::now() - start).count(), usage.ru_maxrss);
}

} // namespace

int main(int argc, char* argv[])
{
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "once" && argc > 3) {
    run_once(argv[2], argv + 3);
    return 0;
  }
  const int count = argc > 2 ? std::atoi(argv[2]) : 0;
  if (what == "fill" && argc == 4) {
    fill(count, argv[3]);
    return 0;
  }
  std::vector<Place> places;
  for (int i = 3; i + 1 < argc; i += 2) {
    places.push_back(open_place(argv[i], argv[i + 1]));
  }
  if (count < 1 || places.empty()) {
    fmt::print(stderr, "usage: measure latency|burst|fill|once ...\n");
    return 64;
  }
  if (what == "latency") {
    latency(count, places);
  } else if (what == "burst") {
    burst(count, places.front());
  }
  return 0;
}
