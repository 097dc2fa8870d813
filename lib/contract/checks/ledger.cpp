#include "audit/evidence.hpp"
#include "audit/place.hpp"
#include "audit/reader.hpp"
#include "audit/verify.hpp"
#include "contract/checks/look.hpp"
#include "sys/clock.hpp"
#include "sys/text.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace conos::contract {

namespace {

std::int64_t age_of(Time time)
{
  return std::max<std::int64_t>(0, std::chrono::duration_cast<Duration>(now() - time).count());
}

// The journal would have to be searched: that is for conos-audit verify.
audit::Journal no_journal()
{
  return {
    .put = [](const audit::SignedCheckpoint&) -> Result<> {
      return fail(Kind::unavailable, "the journal is not asked here");
    },
    .notes = [](const std::string&) -> Result<std::vector<std::string>> {
      return fail(Kind::unavailable, "the journal is not asked here");
    },
  };
}

struct Ledger {
  audit::Evidence evidence;
  audit::Verdict verdict;
};

// By all that lies beside it and with its witnesses.
Result<Ledger> judge_ledger(const std::string& directory)
{
  Ledger out;
  CONOS_TRY(out.evidence, audit::gather(directory, std::nullopt, no_journal()));
  CONOS_TRY(out.verdict, audit::verify(directory + "/" + audit::k_database, out.evidence.expected));
  if (!out.verdict.bad && !out.evidence.bad.empty()) {
    out.verdict.bad = out.evidence.bad.front();
  }
  if (!out.verdict.bad) {
    out.verdict.bad = audit::judge_signed_rows(out.verdict, out.evidence);
  }
  return out;
}

// How old the first row after `id` is, in ms; 0 when there is none.
Result<std::int64_t> age_after(const std::string& directory, std::int64_t id)
{
  std::int64_t age = 0;
  CONOS_TRY(auto reader, audit::Reader::open(directory + "/" + audit::k_database));
  CONOS_CHECK(reader.each_after(id, {}, [&](const audit::Event& event) {
    const auto at = parse_rfc3339(event.ts);
    age = at ? age_of(*at) : 0;
    return false;
  }));
  return age;
}

Subject subject_of(const std::string& directory, const Ledger& ledger)
{
  const auto& verdict = ledger.verdict;
  Subject subject;
  subject.name = "ledger '" + escaped(directory, 200) + "'";
  subject.add("verifies", !verdict.bad.has_value());
  subject.add("rows", verdict.rows);
  if (const auto last = parse_rfc3339(verdict.ts)) {
    subject.add("age", age_of(*last));
  }
  const auto& kept = ledger.evidence.kept;
  struct stat status = {};
  const auto file = directory + "/" + audit::k_checkpoints; // grows by a note for each
  if (!kept.empty() && ::stat(file.c_str(), &status) == 0) {
    subject.add("checkpoint_age", age_of(time_of(status.st_mtim)));
    subject.add("unsealed", verdict.rows - kept.back().checkpoint.rows);
  }
  return subject;
}

} // namespace

Outcome look_at_ledger(const Look& look)
{
  const auto path = look.path("path");
  const auto ledger = judge_ledger(path);
  if (!ledger && ledger.error().kind == Kind::not_found) {
    return Outcome::bad("there is no ledger '" + escaped(path, 200) + "'");
  }
  if (!ledger) {
    return Outcome::broken(ledger.error().text());
  }
  auto subject = subject_of(path, *ledger);
  if (look.asks("unsealed_age")) {
    const auto& kept = ledger->evidence.kept;
    const auto age = age_after(path, kept.empty() ? 0 : kept.back().checkpoint.rows);
    if (!age) {
      return Outcome::broken(age.error().text());
    }
    subject.add("unsealed_age", *age);
  }
  const auto& bad = ledger->verdict.bad;
  if (bad && !look.asks("verifies")) {
    return Outcome::bad(subject.name + ": " + escaped(bad->what, 200));
  }
  auto outcome = judge(look, {subject});
  if (bad && outcome.verdict == Outcome::Verdict::bad) {
    outcome.evidence = escaped(bad->what, 200);
  }
  return outcome;
}

} // namespace conos::contract
