// judge - what conos-audit verify would say, asked many thousand times by one process
//
//   judge      reads lines "ledger DIR" or "tiles DIR KEYFILE", answers each with a line of JSON:
//              null, or {"id":…,"what":…}
#include "audit/evidence.hpp"
#include "audit/place.hpp"
#include "audit/present.hpp"
#include "audit/tiles.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <string>

namespace {

using namespace conos;
using namespace conos::audit;

// As judge_own_kind() of conos-audit.
Result<std::optional<Finding>> judge_ledger(const std::string& dir)
{
  CONOS_TRY(const auto evidence, gather(dir, std::nullopt, {}));
  CONOS_TRY(const auto verdict, verify(dir + "/" + k_database, evidence.expected));
  if (verdict.bad) {
    return verdict.bad;
  }
  return evidence.bad.empty() ? judge_signed_rows(verdict, evidence) : evidence.bad.front();
}

Result<std::optional<Finding>> judge_tiles(const std::string& dir, const std::string& key_file)
{
  CONOS_TRY(const auto text, read_path(key_file, k_max_note_bytes));
  CONOS_TRY(const auto key, parse_verifier_key(text));
  CONOS_TRY(auto verdict, verify_tiles(dir, key));
  return verdict.bad;
}

std::string answer(const std::string& line)
{
  const auto words = split(line, ' ');
  const auto judged = words.front() == "ledger"
                        ? judge_ledger(std::string(words.at(1)))
                        : judge_tiles(std::string(words.at(1)), std::string(words.at(2)));
  if (!judged) {
    return fmt::format(R"({{"id":0,"what":{}}})", json_text("error: " + judged.error().text()));
  }
  return *judged
           ? fmt::format(R"({{"id":{},"what":{}}})", (*judged)->id, json_text((*judged)->what))
           : "null";
}

} // namespace

int main()
{
  std::string line;
  while (std::getline(std::cin, line)) {
    fmt::print("{}\n", answer(line));
    (void)std::fflush(stdout);
  }
}
