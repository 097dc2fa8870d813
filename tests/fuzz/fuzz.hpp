#pragma once

#include "sys/file.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

// Feeds readers what nobody would write, without coverage and without a fuzzer's library: mutations
// of good files, which reach deep into a parser of a structured language, under the sanitizers,
// which see what goes wrong. What kills it is in the file `last` beside it.
namespace conos::fuzz {

using Random = std::mt19937_64;
using Clock = std::chrono::steady_clock;

struct Target {
  std::string name;
  std::vector<std::string> pieces; // that mean something to one of the readers
  // Everything that reads such a text; results are looked at, or they might not be made. Gives the
  // bytes of what it saw, or throws what is wrong with it.
  std::function<std::size_t(const std::string& text, Random& random)> read;
};

constexpr std::size_t k_max_text = 64U << 10U;
constexpr auto k_slow = std::chrono::seconds(5);

inline std::size_t below(Random& random, std::size_t limit)
{
  return limit == 0 ? 0 : static_cast<std::size_t>(random() % limit);
}

inline std::string mutated(
  Random& random, const std::vector<std::string>& corpus, const std::vector<std::string>& pieces)
{
  auto text = corpus[below(random, corpus.size())];
  for (auto rounds = 1 + below(random, 8); rounds > 0 && text.size() < k_max_text; --rounds) {
    const auto at = below(random, text.size() + 1);
    const auto length = below(random, std::min<std::size_t>(text.size() - at, 64) + 1);
    switch (below(random, 6)) {
    case 0:
      text.insert(at, pieces[below(random, pieces.size())]);
      break;
    case 1:
      text.erase(at, length);
      break;
    case 2:
      text.insert(at, text.substr(at, length));
      break;
    case 3: { // of another file
      const auto& other = corpus[below(random, corpus.size())];
      text.insert(at, other.substr(below(random, other.size() + 1), 200));
      break;
    }
    case 4:
      text.replace(at, length, pieces[below(random, pieces.size())]);
      break;
    default:
      if (at < text.size()) {
        text[at] = static_cast<char>(random());
      }
    }
  }
  return text;
}

// NAME SECONDS SEED CORPUS...: files that are good to begin with. Gives the exit status.
inline int run(int argc, char* argv[], const Target& target)
{
  if (argc < 4) {
    fmt::print(stderr, "usage: {} SECONDS SEED CORPUS...\n", target.name);
    return 64;
  }
  const auto end = Clock::now() + std::chrono::seconds(std::atol(argv[1]));
  Random random(std::strtoull(argv[2], nullptr, 10));
  std::vector<std::string> corpus;
  for (int i = 3; i < argc; ++i) {
    if (const auto text = read_path(argv[i], 1U << 20U)) {
      corpus.push_back(*text);
    }
  }
  if (corpus.empty()) {
    fmt::print(stderr, "{}: nothing to begin with\n", target.name);
    return 65;
  }
  std::size_t runs = 0;
  std::size_t seen = 0;
  for (const auto& text : corpus) {
    seen += target.read(text, random);
  }
  while (Clock::now() < end) {
    const auto text = mutated(random, corpus, target.pieces);
    std::ofstream("last", std::ios::binary | std::ios::trunc) << text;
    const auto began = Clock::now();
    try {
      seen += target.read(text, random);
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}: {} bytes: {}\n", target.name, text.size(), error.what());
      return 1;
    }
    if (Clock::now() - began > k_slow) {
      fmt::print(stderr, "{}: {} bytes took more than 5 s\n", target.name, text.size());
      return 1;
    }
    ++runs;
  }
  fmt::print("{} inputs, {} bytes of what they say\n", runs, seen);
  return 0;
}

} // namespace conos::fuzz
