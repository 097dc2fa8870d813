#pragma once

#include "contract/model.hpp"
#include "sys/error.hpp"

#include <string>
#include <string_view>
#include <vector>

// From files to contracts. Strict: what is not understood is said, with its place, and that file is
// no contract; the others are.
namespace conos::contract {

constexpr std::size_t k_max_contract_bytes = 4U << 20U;
constexpr std::size_t k_max_files = 10'000;
constexpr Duration k_default_timeout = std::chrono::seconds(30);

// Where contracts are looked for when nobody says: $CONOS_CONTRACTS_DIR, or the machine's own two
// directories.
std::vector<std::string> usual_directories();

// Reads files, and of directories all *.yaml and *.yml that are not hidden, by name. A file that
// cannot be read or is none is in Loaded::invalid, and so is one whose id another has already. A
// path that is not there is Type::not_found; of `optional_paths` it is passed over.
Result<Loaded> load(
  const std::vector<std::string>& paths, const std::vector<std::string>& optional_paths = {});

// One contract out of a text; all that is wrong with it at once.
tl::expected<Contract, std::vector<Problem>> parse_contract(
  std::string_view text, const Source& source);

// Whether root alone can have written the file: it is root's, and so is every directory above it,
// and nobody else may write there.
bool is_roots_alone(const std::string& path);

} // namespace conos::contract
