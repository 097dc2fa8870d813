// contract - feeds the readers of contracts and documents what nobody would write
//
//   contract SECONDS SEED CORPUS...   files that are good to begin with
//
// Without coverage and without a fuzzer's library: mutations of good files, which reach deep into a
// parser of a structured language, under the sanitizers, which see what goes wrong. What kills it
// is in the file `last` beside it.
#include "contract/load.hpp"
#include "sys/file.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace conos;
using Random = std::mt19937_64;
using Clock = std::chrono::steady_clock;

constexpr std::size_t k_max_text = 64U << 10U;
constexpr auto k_slow = std::chrono::seconds(5);

std::size_t below(Random& random, std::size_t limit)
{
  return limit == 0 ? 0 : static_cast<std::size_t>(random() % limit);
}

// Pieces that mean something to one of the parsers.
const std::vector<std::string>& pieces()
{
  static const std::vector<std::string> all{"{", "}", "[", "]", ": ", "- ", "\n", "\n  ",
    "\n    - ", "&a ", "*a", "<<: ", "!!binary ", "|\n", ">-\n", "\"", "'", "\\", "\\x", "\\u12",
    "---\n", "...\n", "%YAML 1.2\n", "#", "\t", "\xff", "\xc3", "\xe2\x80\xae", "\r\n", "? ", "~",
    "null", "[[", "=", "1e999", "0x", "-9223372036854775809", "99999999999999999999", "infinity",
    "{1000}", "(a{900}){900}", "(?:", "**", "*.", "\"\"",
    "not: ", "one_of: ", "matches: ", "equal: ", "checks:\n", "- name: x\n", "command: ", "file: ",
    "tree: ", "acl: ", "unit: ", "properties: ", "yaml_key: ", "depends_on: ", "on_fail: ",
    "scope: ", "skip_if: ", "timeout: ", "mode: ", "path: ", "key: ", "a[0]", "[*]",
    std::string(1, '\0'), std::string(300, '['), std::string(300, '{'), std::string(5000, 'a')};
  return all;
}

std::string mutated(Random& random, const std::vector<std::string>& corpus)
{
  auto text = corpus[below(random, corpus.size())];
  for (auto rounds = 1 + below(random, 8); rounds > 0 && text.size() < k_max_text; --rounds) {
    const auto at = below(random, text.size() + 1);
    const auto length = below(random, std::min<std::size_t>(text.size() - at, 64) + 1);
    switch (below(random, 6)) {
    case 0:
      text.insert(at, pieces()[below(random, pieces().size())]);
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
      text.replace(at, length, pieces()[below(random, pieces().size())]);
      break;
    default:
      if (at < text.size()) {
        text[at] = static_cast<char>(random());
      }
    }
  }
  return text;
}

// Everything that reads what others wrote; results are looked at, or they might not be made.
std::size_t read_all_ways(const std::string& text)
{
  std::size_t seen = 0;
  if (const auto contract = contract::parse_contract(text, {}); !contract) {
    for (const auto& problem : contract.error()) {
      seen += problem.what.size();
    }
  } else {
    seen += contract->checks.size();
  }
  const contract::NodeBounds bounds{.nodes = 10'000, .depth = 64, .aliases = true};
  for (const auto& node : {contract::parse_yaml(text, bounds), contract::parse_json(text, bounds),
         contract::parse_toml(text, bounds)}) {
    seen += node ? contract::select(*node, text.substr(0, 40)).size() : node.error().what.size();
  }
  return seen;
}

} // namespace

int main(int argc, char* argv[])
{
  if (argc < 4) {
    fmt::print(stderr, "usage: contract SECONDS SEED CORPUS...\n");
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
    fmt::print(stderr, "contract: nothing to begin with\n");
    return 65;
  }
  std::size_t runs = 0;
  std::size_t seen = 0;
  for (const auto& text : corpus) {
    seen += read_all_ways(text);
  }
  while (Clock::now() < end) {
    const auto text = mutated(random, corpus);
    std::ofstream("last", std::ios::binary | std::ios::trunc) << text;
    const auto began = Clock::now();
    seen += read_all_ways(text);
    if (Clock::now() - began > k_slow) {
      fmt::print(stderr, "contract: {} bytes took more than 5 s\n", text.size());
      return 1;
    }
    ++runs;
  }
  fmt::print("{} inputs, {} bytes of what they say\n", runs, seen);
  return 0;
}
