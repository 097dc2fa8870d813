#include "audit/verify.hpp"
#include "contract/checks/look.hpp"
#include "sys/clock.hpp"
#include "sys/text.hpp"

#include <algorithm>

namespace conos::contract {

Outcome look_at_ledger(const Look& look)
{
  const auto path = look.path("path");
  const auto verdict = audit::verify(path + "/audit.db");
  if (!verdict) {
    return Outcome::broken(verdict.error().text());
  }
  Subject subject;
  subject.name = "ledger '" + escaped(path, 200) + "'";
  subject.add("verifies", !verdict->bad.has_value());
  subject.add("rows", verdict->rows);
  if (const auto last = parse_rfc3339(verdict->ts)) {
    const auto age = std::chrono::duration_cast<Duration>(now() - *last).count();
    subject.add("age", std::max<std::int64_t>(0, age));
  }
  const auto* asserted = look.params().assertion("verifies");
  if (verdict->bad && asserted == nullptr) {
    return Outcome::bad(subject.name + ": " + escaped(verdict->bad->what, 200));
  }
  auto outcome = judge(look, {subject});
  if (verdict->bad && outcome.verdict == Outcome::Verdict::bad) {
    outcome.evidence = escaped(verdict->bad->what, 200);
  }
  return outcome;
}

} // namespace conos::contract
