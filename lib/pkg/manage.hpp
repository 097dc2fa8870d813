#pragma once

#include "audit/ledger.hpp"
#include "pkg/apt.hpp"
#include "pkg/book.hpp"
#include "sys/error.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

// Installing and removing packages so that it is known for whom and why, nothing is taken that
// somebody still needs, and the ledger says what was meant and what became of it.
namespace conos::pkg {

// Of conos.toml.
struct Rules {
  std::vector<std::string> deny; // patterns; nothing that fits is installed, nor comes along
  std::map<std::string, std::set<std::string>> named; // by package, the agents that name it
  std::set<std::string> agents; // all there are; who is none of them any more needs nothing
};

// Packages no person and no agent has conos remove, beside those Debian itself calls needed.
bool is_ours_to_keep(std::string_view name);

// What is to be done, and what apt would do for it.
struct Proposal {
  Deed deed;
  Plan plan;                     // empty: apt has nothing to do
  std::vector<std::string> kept; // why something stays: "jq stays: sysadmin needs it too"
  bool is_new = false;           // whether anything changes, if only who needs what
};

class Manager
{
public:
  // `lib` is /var/lib/conos, `logs` the directory of package.log, which need not be there. Waits
  // for another one; ends what one that was killed had begun: its row says what of it was done.
  static Result<Manager> open(
    const std::string& lib, std::string logs, Rules rules, const std::function<void()>& tell_wait);

  // Nothing is changed. Kind::denied with the rule that forbids it; Kind::not_found, and
  // Kind::unavailable with apt's words.
  Result<Proposal> propose(Deed deed, Refresh refresh) const;

  // Does it. The row `package.started` comes before, `package.installed`, `package.removed` or
  // `package.failed` after, and of what is done a line for each package in package.log.
  Result<> carry_out(const Proposal& proposal);

  const Contents& contents() const { return m_book.contents; }

private:
  Manager(Book book, audit::Ledger ledger, std::string logs, Rules rules)
      : m_book(std::move(book))
      , m_ledger(std::move(ledger))
      , m_logs(std::move(logs))
      , m_rules(std::move(rules))
  {
  }
  Result<Proposal> propose_install(Deed deed, Refresh refresh) const;
  Result<Proposal> propose_removal(Deed deed) const;
  std::set<std::string> agents_with(const std::string& name) const;
  Result<> check_plan(const Plan& plan, const Deed& deed, const AllInstalled& there) const;
  Result<> settle();
  Result<> record(const Deed& deed, const std::string& type, const std::string& trouble);
  Result<> conclude(const Deed& deed, const std::string& trouble);
  void note(const Deed& deed);

  Book m_book;
  audit::Ledger m_ledger;
  std::string m_logs;
  Rules m_rules;
};

} // namespace conos::pkg
