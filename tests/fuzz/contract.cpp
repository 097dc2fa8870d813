// contract - feeds the readers of contracts and documents what nobody would write
//
//   contract SECONDS SEED CORPUS...   files that are good to begin with
#include "contract/load.hpp"
#include "fuzz.hpp"

namespace {

using namespace conos;

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
  return fuzz::run(argc, argv, {"contract", pieces(), [](const std::string& text, fuzz::Random&) {
                                  return read_all_ways(text);
                                }});
}
