#include "contract/checks/look.hpp"

#include "sys/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>

namespace conos::contract {

namespace {

using Make = Outcome (*)(const Look&);

constexpr std::array<std::pair<std::string_view, Make>, 26> k_makers{{
  {"regex_in_file", look_for_pattern},
  {"no_regex_in_file", look_for_no_pattern},
  {"path_exists", look_for_path},
  {"path_not_exists", look_for_no_path},
  {"yaml_key", look_at_document},
  {"json_key", look_at_document},
  {"toml_key", look_at_document},
  {"env_var", look_at_variable},
  {"no_env_var", look_for_no_variable},
  {"command_available", look_for_program},
  {"file", look_at_file},
  {"tree", look_at_tree},
  {"acl", look_at_rights},
  {"user", look_at_user},
  {"group", look_at_group},
  {"unit", look_at_unit},
  {"process", look_at_process},
  {"port", look_at_port},
  {"mount", look_at_mount},
  {"memory", look_at_memory},
  {"load", look_at_load},
  {"sysctl", look_at_sysctl},
  {"package", look_at_package},
  {"nft", look_at_firewall},
  {"enforced", look_at_enforcement},
  {"ledger", look_at_ledger},
}};

constexpr std::size_t k_max_shown = 20;

Value fact_of(const Subject& subject, std::string_view key)
{
  for (const auto& [name, value] : subject.facts) {
    if (name == key) {
      return value;
    }
  }
  return {};
}

Type kind_of(const Key& key, const Assertion& assertion)
{
  return key.kind == Type::any ? assertion.kind : key.kind;
}

// What one subject has against it.
void judge_one(
  const Look& look, const Subject& subject, std::string_view existence, Findings& findings)
{
  const auto* exists = look.params().assertion(existence);
  if (exists != nullptr ? !holds(*exists, subject.exists) : !subject.exists) {
    findings.add(subject.exists ? subject.name + " is there" : "there is no " + subject.name);
    return;
  }
  if (!subject.exists) {
    return; // as it should be
  }
  for (const auto& [key, assertion] : look.params().assertions()) {
    if (key->role != Role::property || key->name == existence) {
      continue;
    }
    const auto seen = fact_of(subject, key->name);
    if (!holds(*assertion, seen)) {
      findings.add(fmt::format("{}: {} is {}, should be {}", subject.name, key->name,
        shown(kind_of(*key, *assertion), seen), wanted(*assertion)));
    }
  }
}

// What was seen of what was asked, when all is well.
std::string seen_of(const Look& look, const Subject& subject)
{
  std::string out;
  for (const auto& [key, assertion] : look.params().assertions()) {
    const auto seen = fact_of(subject, key->name);
    if (key->role == Role::property && !std::holds_alternative<std::monostate>(seen)) {
      out += fmt::format(
        "{}{} is {}", out.empty() ? "" : ", ", key->name, shown(kind_of(*key, *assertion), seen));
    }
  }
  return out;
}

} // namespace

std::string Look::path(std::string_view key) const
{
  auto text = params().text(key);
  return text.starts_with('/') || text.empty() ? text : contract.source.directory + "/" + text;
}

Outcome Outcome::good(std::string evidence)
{
  return {Verdict::good, "", std::move(evidence)};
}

Outcome Outcome::bad(std::string message, std::string evidence)
{
  return {Verdict::bad, std::move(message), std::move(evidence)};
}

Outcome Outcome::skipped(std::string message)
{
  return {Verdict::skipped, std::move(message), ""};
}

Outcome Outcome::broken(std::string message)
{
  return {Verdict::broken, std::move(message), ""};
}

Outcome Outcome::late()
{
  return {Verdict::late, "its time was up", ""};
}

void Findings::add(std::string text)
{
  ++m_count;
  if (m_count == 1) {
    m_first = text;
  }
  if (m_count <= k_max_shown && m_all.size() < k_max_evidence) {
    m_all += (m_all.empty() ? "" : "\n") + text;
  }
}

Outcome Findings::outcome() const
{
  if (m_count == 0) {
    return Outcome::good();
  }
  if (m_count == 1) {
    return Outcome::bad(m_first);
  }
  auto all = m_all;
  if (m_count > k_max_shown) {
    all += fmt::format("\n… {} in all", m_count);
  }
  return Outcome::bad(fmt::format("{} (and {} more)", m_first, m_count - 1),
    std::string(clipped(all, k_max_evidence)));
}

Outcome judge(const Look& look, const std::vector<Subject>& subjects, std::string_view existence)
{
  Findings findings;
  for (const auto& subject : subjects) {
    judge_one(look, subject, existence, findings);
  }
  if (findings.empty()) {
    return Outcome::good(subjects.size() == 1 ? seen_of(look, subjects.front()) : "");
  }
  return findings.outcome();
}

Outcome judge_files(const Look& look, const Result<std::vector<Subject>>& subjects)
{
  if (!subjects) {
    return subjects.error().kind == Kind::busy ? Outcome::late()
                                               : Outcome::broken(subjects.error().text());
  }
  if (!subjects->empty()) {
    return judge(look, *subjects);
  }
  const auto* exists = look.params().assertion("exists");
  const auto if_none = look.params().text("if_none");
  if (if_none == "pass" || (exists != nullptr && holds(*exists, false))) {
    return Outcome::good();
  }
  auto message = fmt::format("nothing matches '{}'", escaped(look.params().text("path"), 200));
  return if_none == "skip" ? Outcome::skipped(std::move(message))
                           : Outcome::bad(std::move(message));
}

Outcome look_at(const Look& look)
{
  const auto name = look.check.module->name;
  const auto found = std::find_if(k_makers.begin(), k_makers.end(), [&](const auto& entry) {
    return entry.first == name;
  });
  if (found == k_makers.end()) {
    return Outcome::broken(fmt::format("'{}' is not made here", name));
  }
  try {
    return found->second(look);
  } catch (const std::exception& error) { // one check must not end the run
    return Outcome::broken(escaped(error.what()));
  }
}

} // namespace conos::contract
