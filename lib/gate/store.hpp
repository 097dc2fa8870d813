#pragma once

#include "gate/record.hpp"
#include "sys/fd.hpp"
#include "task/site.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Where requests that are carried out outside of the gate lie: /var/lib/conos/approvals, root only,
// a file for each.
namespace conos::gate {

inline const std::string k_approvals = "approvals"; // in /var/lib/conos
inline const std::string k_proposals = "proposals"; // their longer texts, for people and tools

class Requests
{
public:
  static Result<Requests> open(const Site& site);

  // Nobody else changes a request for as long as it lives. One at a time, and not for long.
  class Lock
  {
  private:
    friend class Requests;
    explicit Lock(UniqueFd file)
        : m_file(std::move(file))
    {
    }
    UniqueFd m_file;
  };
  Result<Lock> lock() const;

  // Held by whoever carries a request out, for as long as they live: the kernel lets go of it
  // however they end. Nothing when somebody has it.
  Result<std::optional<Lock>> take_work(const std::string& id) const;

  // Kind::not_found when there is none of that id, Kind::bad_data when it is no file of ours alone,
  // or says something else than what was asked for.
  Result<Request> load(const std::string& id) const;

  // Durably. `add` is Kind::exists when there is one of that id. Who saves holds the lock, or the
  // request is new.
  Result<> add(const Request& request) const;
  Result<> save(const Request& request) const;

  // Gone for good, with its proposal.
  Result<> remove(const std::string& id) const;

  // Ids of all there are, sorted; at most 100,000.
  Result<std::vector<std::string>> ids() const;

  // All that can be read, oldest first; what cannot is told of by `trouble`.
  struct All {
    std::vector<Request> requests;
    std::vector<std::pair<std::string, Error>> trouble; // by id
  };
  Result<All> all() const;

  // The text of a proposal, as a file with a path that a tool can be given.
  Result<std::string> keep_proposal(
    const std::string& id, std::string_view end, std::string_view text) const;

  // Kind::denied when the file says something else than `text` by now.
  Result<std::string> proposal_of(
    const std::string& id, std::string_view end, std::string_view text) const;

  const std::string& path() const { return m_path; } // of the directory

private:
  Requests(std::string path, std::string proposals_path, UniqueFd dir, UniqueFd proposals)
      : m_path(std::move(path))
      , m_proposals_path(std::move(proposals_path))
      , m_dir(std::move(dir))
      , m_proposals(std::move(proposals))
  {
  }
  std::string m_path;
  std::string m_proposals_path;
  UniqueFd m_dir;
  UniqueFd m_proposals;
};

} // namespace conos::gate
