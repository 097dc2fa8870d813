#pragma once

#include "gate/granted.hpp"

#include <cstddef>
#include <string>
#include <string_view>

// What an agent made and others are to see: a file of its workspace becomes an artifact.
namespace conos::gate {

constexpr std::size_t k_max_artifact = 16U << 20U;        // bytes of one
constexpr std::size_t k_max_artifacts = 100;              // of one agent's that have not ended
constexpr std::size_t k_max_artifact_bytes = 256U << 20U; // of all of those
constexpr std::size_t k_max_path_depth = 8;
constexpr Duration k_usual_life = std::chrono::hours(24 * 30);
constexpr Duration k_longest_life = std::chrono::hours(24 * 90);

// Names with '/' between them, none of them "." or "..", at most k_max_path_depth.
bool is_path_in_workspace(std::string_view path);

// Of the file that path names in the agent's workspace, nothing followed on the way: a regular one,
// its own, with one name. Kind::bad_data when it is none, or larger than k_max_artifact.
Result<UniqueFd> open_in_workspace(
  const Site& site, const std::string& agent, uid_t uid, const std::string& path);

struct Kept {
  std::string id;
  std::string result; // a JSON object
};

// artifact.create: by the agent's account and for its task, whatever it says. Kind::busy when it
// has too many.
Result<Kept> create_artifact(const Site& site, audit::Ledger& ledger, const Request& request);

} // namespace conos::gate
