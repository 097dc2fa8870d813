#include "run/compose.hpp"

#include "audit/bodies.hpp"
#include "facts/status.hpp"
#include "host/provenance.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/text.hpp"
#include "task/envelope.hpp"
#include "task/find.hpp"

namespace conos {

namespace {

constexpr std::size_t k_max_prompt_bytes = 64U << 20U;

std::optional<std::string> written_state(const Site& site)
{
  const auto dir = open_dir(site.srv + "/context");
  const auto file = dir ? open_beneath(*dir, "system-state.md")
                        : Result<UniqueFd>(tl::unexpected<Error>(dir.error()));
  const auto st = file ? stat_of(*file) : Result<struct stat>(tl::unexpected<Error>(file.error()));
  if (!st || !S_ISREG(st->st_mode) || st->st_uid != 0) {
    return std::nullopt; // nobody else's word
  }
  auto text = read_all(*file, 1U << 20U);
  return text && is_utf8(*text) ? std::optional(std::move(*text)) : std::nullopt;
}

Thread thread_of(const Site& site, const AgentSettings& settings, const Meta& meta)
{
  if (!meta.thread.key || settings.session == Session::stateless) {
    return {};
  }
  const auto threads = open_dir(site.agent(settings.name) + "/threads");
  return threads ? read_thread(*threads, *meta.thread.key) : Thread();
}

// What claim would write down of a file that still waits.
Result<Meta> meta_of_waiting(
  const std::string& id, const std::string& agent, const Envelope& envelope, uid_t owner)
{
  Meta meta;
  meta.id = id;
  meta.root = id;
  meta.agent = agent;
  CONOS_TRY(const auto account, account_name(owner));
  meta.sender = {owner, account, agent_of_account(account)};
  TrustedUsers users;
  CONOS_TRY(const bool trusted, users.trusts(owner));
  meta.trust = trusted ? Trust::verified : Trust::unverified;
  meta.title = envelope.title;
  meta.thread = {{}, envelope.thread, envelope.transport, envelope.channel, envelope.from};
  if (meta.thread.id) {
    meta.thread.key = thread_key(meta.thread, meta.sender);
  }
  return meta;
}

Result<std::string> prompt_of_waiting(
  const Site& site, const AgentSettings& settings, const FoundTask& task)
{
  const auto slash = task.place.rfind('/');
  CONOS_TRY(const auto dir, open_dir(task.place.substr(0, slash)));
  CONOS_TRY(const auto file, open_beneath(dir, task.place.substr(slash + 1)));
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::bad_data, "'{}' is not a plain file", escaped(task.id));
  }
  CONOS_TRY(const auto text, read_all(file, settings.max_task_bytes));
  CONOS_TRY(auto envelope, parse_envelope(text));
  CONOS_TRY(const auto meta, meta_of_waiting(task.id, settings.name, envelope, st.st_uid));
  CONOS_TRY(const auto briefing, read_briefing(site, settings));
  CONOS_TRY(const auto nonce, random_hex(16));
  const auto facts =
    settings.tier == Tier::operator_ ? std::optional(facts_for(site, settings.name)) : std::nullopt;
  const auto errand = errand_of(site, settings, meta, std::move(envelope.body), facts);
  return assemble_prompt(briefing, meta, errand, nonce).text;
}

} // namespace

Errand errand_of(const Site& site, const AgentSettings& settings, const Meta& meta,
  std::string body, const std::optional<Facts>& facts)
{
  Errand errand;
  if (settings.tier == Tier::operator_) {
    errand.state =
      written_state(site).value_or(facts ? escaped_lines(status_text(*facts)) : std::string());
  }
  errand.thread = thread_of(site, settings, meta);
  errand.body = std::move(body);
  return errand;
}

Result<std::string> prompt_of_task(
  const Site& site, const std::string& agent, const std::string& id)
{
  CONOS_CHECK(check_agent(site, agent));
  CONOS_TRY(const auto compiled, open_dir(site.compiled()));
  CONOS_TRY(const auto settings, load_agent_settings(compiled, agent));
  CONOS_TRY(const auto chain, find_chain(site, id));
  for (const auto& task : chain.tasks) {
    if (task.id != id || (task.agent && *task.agent != agent)) {
      continue;
    }
    if (!task.meta) {
      return prompt_of_waiting(site, settings, task);
    }
    if (!task.meta->sha256.prompt) {
      return fail(Kind::not_found, "'{}' never came to '{}': it has no prompt", id, agent);
    }
    if (!task.receipt && (task.state == "working" || task.state == "held")) {
      CONOS_TRY(const auto dir, open_dir(task.place));
      return read_file(dir, "prompt", k_max_prompt_bytes);
    }
    CONOS_TRY(const auto bodies, audit::Bodies::open(site.lib));
    return bodies.get(*task.meta->sha256.prompt, k_max_prompt_bytes);
  }
  return fail(Kind::not_found, "'{}' has no task '{}'", agent, escaped(id));
}

std::string sizes_text(std::string_view prompt)
{
  std::string text;
  for (const auto& section : sections_of(prompt)) {
    text += fmt::format("{:<14}{:>9}\n", section.name, section.bytes);
  }
  return text + fmt::format("{:<14}{:>9}\n", "all", prompt.size());
}

} // namespace conos
