#pragma once

#include "audit/ledger.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "task/site.hpp"
#include "task_contract/check.hpp"
#include "task_contract/state.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

// Where task contracts are: /srv/conos/task-contracts, a file for each, root's, for group conos to
// read.
//
// A change is its row in the ledger. It is written whole to the file `.next`, recorded, and then
// takes the place of the old: whoever comes after a crash finds `.next` and puts it in place if the
// ledger has its row, and throws it away if not. One at a time changes any of them.
namespace conos::task_contract {

inline const std::string k_place = "task-contracts"; // in /srv/conos

constexpr std::size_t k_most = 5000;        // files
constexpr std::size_t k_most_waiting = 100; // of one agent's that have not ended
constexpr std::size_t k_most_ended = 100;   // of one agent's that are kept

// To look only: for root and members of group conos.
class Shelf
{
public:
  // Kind::denied for others, Kind::not_found where conos-bootstrap has made none.
  static Result<Shelf> open(const Site& site);

  // Kind::not_found when there is none of that id, Kind::bad_data when it is none of ours.
  Result<TaskContract> load(const std::string& id) const;

  struct All {
    std::vector<TaskContract> contracts;                // what changed last comes first
    std::vector<std::pair<std::string, Error>> trouble; // by id: what cannot be read
  };
  Result<All> all() const;

  const UniqueFd& dir() const { return m_dir; }

  // Whether somebody died over a change, or a lease has run out.
  Result<bool> is_unsettled(Time now) const;

private:
  explicit Shelf(UniqueFd dir)
      : m_dir(std::move(dir))
  {
  }
  UniqueFd m_dir;
};

// For root's steps. The ledger is the caller's and outlives it.
class Store
{
public:
  static Result<Store> open(const Site& site, audit::Ledger& ledger);

  const Shelf& shelf() const { return m_shelf; }

  // Kind::exists when there is one of that id, Kind::busy when there are too many,
  // Kind::unavailable when the ledger has no room. Of an agent that has many, those that ended
  // longest ago go.
  Result<TaskContract> open_new(const Draft& draft, const Actor& actor, Time now);

  // One change, as changed() says; not Deed::complete.
  Result<TaskContract> change(
    const std::string& id, const Wish& wish, const Actor& actor, Time now);

  // Completes it if its contracts pass, which are checked while nobody waits for us. `verdict` says
  // why not: then nothing has changed, and a row says that it was tried.
  struct Closing {
    TaskContract contract;
    Verdict verdict;
  };
  Result<Closing> complete(const std::string& id, const std::string& message, const Actor& actor,
    const Judge& judge, const std::function<Time()>& clock);

  // Ends what somebody died over, and takes leases that have run out.
  Result<> settle(Time now);

private:
  Store(Site site, Shelf shelf, audit::Ledger& ledger)
      : m_site(std::move(site))
      , m_shelf(std::move(shelf))
      , m_ledger(&ledger)
  {
  }
  Result<UniqueFd> hold() const;
  Result<> mend() const;
  Result<> finish(const std::string& id) const;
  Result<TaskContract> commit(TaskContract contract);
  Result<TaskContract> load_current(const std::string& id, Time now);
  Result<> make_room(const Actor& actor);

  Site m_site;
  Shelf m_shelf;
  audit::Ledger* m_ledger;
};

} // namespace conos::task_contract
