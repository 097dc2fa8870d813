#pragma once

#include "audit/ledger.hpp"
#include "audit/reader.hpp"
#include "gate/record.hpp"
#include "gate/store.hpp"
#include "sys/error.hpp"
#include "task/site.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

// What happens to requests, with its rows. What the ledger says is what counts: a decision is its
// row, a request is used by its row, and each of these rows is there once, whatever files say and
// however often a step is repeated. Any step may be killed anywhere; mend() goes on from there.
namespace conos::gate {

// The unit a request is carried out by: "conos-granted@ID.service".
std::string unit_of(const std::string& id);

class Desk
{
public:
  // `actor` is who speaks in the ledger: "root/conos-gate".
  static Result<Desk> open(const Site& site, std::string actor);

  const Site& site() const { return m_site; }
  const Requests& requests() const { return m_requests; }
  const std::string& actor() const { return m_actor; }

  // Opened at their first use.
  Result<audit::Ledger*> ledger();
  Result<audit::Reader*> reader();
  // The row with that key.
  Result<std::optional<audit::Event>> find_row(const std::string& key);

private:
  Desk(Site site, Requests requests, std::string actor)
      : m_site(std::move(site))
      , m_requests(std::move(requests))
      , m_actor(std::move(actor))
  {
  }
  Site m_site;
  Requests m_requests;
  std::string m_actor;
  std::optional<audit::Ledger> m_ledger;
  std::optional<audit::Reader> m_reader;
};

// A sealed request waits for a person from now on. The row stands for `requested`.
Result<> file_pending(Desk& desk, const Request& request);

// A sealed request is allowed without one, as `decision` says.
Result<Request> file_allowed(Desk& desk, Request request, Decision decision);

// A person's decision. Where there is one already, or it is too late, Kind::denied.
Result<Request> decide(
  Desk& desk, const std::string& id, bool is_allowed, const Decision& decision);

// It is carried out from now on, by the caller, who has its work lock, and by nobody else ever.
// Kind::denied when it may not be; one that was begun before by somebody who died is `unknown` from
// now on, and Kind::denied too.
Result<Request> begin(Desk& desk, const std::string& id);

// `state` is done, failed or unknown. Where the ledger has another end already, that one counts.
Result<Request> end(Desk& desk, const std::string& id, State state, const Ending& ending);

// Gives the agent a task that says how it ended, once; nothing for what nobody was asked about.
Result<> tell(Desk& desk, const std::string& id);

// The text of such a task.
std::string report_of(const Request& request);

// Starts what carries a request out, and comes back at once.
using Start = std::function<Result<>(const std::string& id)>;

// Its unit, unit_of().
Result<> start_unit(const std::string& id);

// Goes on with whatever somebody died over, ends what is over, and throws away what has long ended.
// One request that cannot be mended does not stop the others; the first error is kept.
Result<> mend(Desk& desk, const Start& start, Time now);

// The same for one. Gives it as it is afterwards.
Result<Request> mend_one(Desk& desk, const Start& start, const std::string& id, Time now);

} // namespace conos::gate
