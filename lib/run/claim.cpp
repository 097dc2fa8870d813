#include "run/claim.hpp"

#include "audit/sha256.hpp"
#include "facts/facts.hpp"
#include "prompt/prompt.hpp"
#include "run/batch.hpp"
#include "run/compose.hpp"
#include "run/finish.hpp"
#include "run/intake.hpp"
#include "run/money.hpp"
#include "run/pace.hpp"
#include "run/step.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/landlock.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task/envelope.hpp"
#include "task/hold.hpp"
#include "task/id.hpp"

#include <algorithm>
#include <map>
#include <thread>

namespace conos {

namespace {

constexpr int k_max_claims = 20;

class Claim
{
public:
  Claim(Step& step, std::string invocation, std::size_t size)
      : m_step(step)
      , m_tree(step.tree())
      , m_invocation(std::move(invocation))
      , m_size(size)
      , m_budget_hold(budget_hold(step))
  {
  }

  Result<> run()
  {
    auto done = take_and_hand_over();
    if (!done) {
      let_go();
    }
    return done;
  }

private:
  Result<> take_and_hand_over()
  {
    CONOS_CHECK(forget_last_batch()); // if we die now, deliver must not believe an old one
    note(finish(m_step, {}));         // what an activation before this one decided
    CONOS_CHECK(look_at_claimed());
    if (!m_full) {
      CONOS_CHECK(look_at_inbox());
    }
    if (m_batch.empty() && !m_full && m_refused.empty() &&
        m_step.settings().mode == Mode::continuous) {
      CONOS_CHECK(make_continuous_task());
    }
    note(finish(m_step, m_refused));
    // what cannot be brought on does not stop the rest; with nothing else to do its error is ours,
    // so that our caller pauses before the path unit has us try again
    return m_batch.empty() ? m_first_error : hand_over();
  }

  // A batch that is still there is one whose deliver died.
  Result<> forget_last_batch()
  {
    const auto last = read_batch(m_tree.top);
    if (last) {
      m_last_batch = last->tasks;
    } else if (last.error().kind != Kind::not_found) {
      log::warning("{}", last.error().text());
    }
    CONOS_CHECK(remove_unfinished(m_tree.top));
    return remove_batch(m_tree.top);
  }

  // We fail and live: what we marked as ours is nobody's again, and no death is counted. Where that
  // cannot be written either, the next claim takes us for dead, which costs a pause.
  void let_go()
  {
    for (auto& [dir, meta] : m_batch) {
      meta.invocation.reset();
      --meta.attempt;
      --meta.claims;
      (void)write_meta(m_step, dir, meta, Durable::later);
    }
    for (const auto& [id, deaths] : m_marked) {
      if (const auto dir = open_claimed(m_step, id)) {
        (void)set_count(*dir, deaths);
      }
    }
  }

  void note(const Result<>& result)
  {
    if (!result) {
      log::error("{}", result.error().text());
      if (m_first_error) {
        m_first_error = result;
      }
    }
  }

  // --- what is in claimed/ already -------------------------------------------------------------

  Result<> look_at_claimed()
  {
    CONOS_TRY(auto names, list_names(m_tree.claimed, 4096, [](auto name) {
      return !name.starts_with('.'); // no id of ours: what is being removed
    }));
    std::sort(names.begin(), names.end());
    CONOS_TRY(const auto decided, read_decisions(m_step));
    for (const auto& receipt : decided) { // could not be finished just now
      std::erase(names, receipt.meta.id);
    }
    for (const auto& id : names) {
      note(look_at(id).map_error(during("take up '" + escaped(id) + "'")));
      if (m_full) {
        break;
      }
    }
    return {};
  }

  Result<> look_at(const std::string& id)
  {
    CONOS_TRY(auto dir, open_claimed(m_step, id));
    CONOS_TRY(const bool has_original, is_there(dir, "original"));
    auto meta = read_meta(dir);
    if (!meta && is_passing(meta.error())) {
      return tl::unexpected<Error>(meta.error());
    }
    if (!has_original && !meta) {
      return meta.error().kind == Kind::not_found
               ? remove_tree(m_tree.claimed, id) // a claim died before it moved anything
               : tl::unexpected<Error>(meta.error());
    }
    // beside the original neither meta.json nor task was flushed: after a power cut they may be
    // torn
    auto text = read_file(dir, "task", task_limit(m_step.settings()));
    const bool is_whole = meta && text && audit::sha256_hex(*text) == meta->sha256.task;
    if (has_original && !is_whole) {
      return take_in_again(
        std::move(dir), id, meta ? std::optional(std::move(*meta)) : std::nullopt);
    }
    if (!text && text.error().kind == Kind::bad_data) {
      return refuse(*meta, "too-large"); // a reply, or what a forwarder added to
    }
    if (!text) {
      return tl::unexpected<Error>(text.error());
    }
    return meta->invocation ? take_up_after_death({std::move(dir), std::move(*meta)})
                            : choose(std::move(dir), std::move(*meta), *text);
  }

  // An activation died with this task in its hands: claim, deliver, or the machine.
  Result<> take_up_after_death(ClaimedTask task)
  {
    ++task.meta.claims;
    if (task.meta.claims > k_max_claims) {
      return refuse(task.meta, "attempts");
    }
    CONOS_TRY(const bool began, work_began(task.meta.id));
    if (!began) { // then it was no attempt
      task.meta.attempt = std::max(0, task.meta.attempt - 1);
    }
    log::warning("'{}' was left behind by an activation that died; held for {}", task.meta.id,
      for_people(brake(task.meta.claims)));
    const auto until = now() + brake(task.meta.claims);
    return hold_task(m_step, std::move(task), "retry", until, "left-behind");
  }

  Result<bool> work_began(const std::string& id) const
  {
    const auto drafts = open_dir_at(m_tree.drafts, id);
    if (!drafts) {
      return drafts.error().kind == Kind::not_found ? Result<bool>(false)
                                                    : tl::unexpected<Error>(drafts.error());
    }
    return is_there(*drafts, "response"); // the first thing work makes
  }

  // Perhaps a claim died over this file before it knew what it is, and of it: the deaths are
  // counted before it is looked at again, and after each but the first it is waited a while.
  Result<> take_in_again(UniqueFd dir, const std::string& id, std::optional<Meta> known)
  {
    const bool is_of_last_batch =
      std::find(m_last_batch.begin(), m_last_batch.end(), id) != m_last_batch.end();
    if (!known) {
      CONOS_TRY(known, identify(m_step, id));
      known->claims = known->attempt = is_of_last_batch ? 1 : 0;
    }
    CONOS_TRY(const int deaths, count_of(dir));
    if (deaths >= k_max_claims) {
      known->claims = deaths;
      return refuse(*known, "attempts");
    }
    if (deaths > known->claims) {
      known->claims = deaths;
      known->claimed_at = known->claimed_at.value_or(now());
      const auto pause = brake(deaths + 1);
      log::warning("{} claims died over '{}'; held for {}", deaths, id, for_people(pause));
      return hold_task(
        m_step, {std::move(dir), std::move(*known)}, "retry", now() + pause, "left-behind");
    }
    CONOS_CHECK(set_count(dir, deaths + 1));
    m_marked.emplace_back(id, deaths);
    auto examined = examine(m_step, id);
    if (!examined) {
      (void)set_count(dir, deaths); // as in let_go
      return tl::unexpected<Error>(examined.error());
    }
    auto& meta = examined->meta;
    meta.claims = known->claims;
    meta.attempt = known->attempt;
    meta.claimed_at = known->claimed_at;
    if (!examined->refusal && (known->invocation || is_of_last_batch)) {
      return take_up_after_death({std::move(dir), std::move(meta)});
    }
    return take_in(std::move(dir), std::move(*examined));
  }

  static constexpr const char* k_deaths = "deaths"; // in claimed/ID: as many bytes as claims died

  static Result<int> count_of(const UniqueFd& dir)
  {
    const auto st = stat_at(dir, k_deaths);
    if (!st && st.error().kind != Kind::not_found) {
      return tl::unexpected<Error>(st.error());
    }
    return st ? static_cast<int>(std::min<off_t>(st->st_size, k_max_claims)) : 0;
  }

  static Result<> set_count(const UniqueFd& dir, int deaths)
  {
    return replace(dir, k_deaths, std::string(static_cast<std::size_t>(deaths), '+'), 0400);
  }

  // --- what is in the inbox --------------------------------------------------------------------

  Result<> look_at_inbox()
  {
    // a writer that is not done holds nobody up: what is ready goes first, and only when nothing
    // else is to be done is it waited for, or the path unit would start us over and over
    constexpr int k_looks = 50;
    constexpr std::size_t k_unready = 64;
    const InboxBounds bounds{
      m_step.settings().inbox_max_files, m_step.settings().inbox_max_per_sender};
    const auto last = read_turn(m_step.site(), m_step.settings().name);
    for (int look = 0; look < k_looks; ++look) {
      bool ripening = false;
      CONOS_TRY(auto waiting, look_over(m_tree.inbox, m_size + k_unready, bounds, last));
      by_priority(waiting.next);
      for (const auto& name : waiting.next) {
        if (readiness_of(m_tree.inbox, name) == Readiness::ripening) {
          ripening = true;
          continue;
        }
        if (!belongs(name)) {
          break;
        }
        CONOS_CHECK(take_from_inbox(name));
        if (m_full) {
          break;
        }
      }
      if (waiting.is_of_several && !m_batch.empty()) {
        note_turn(m_step.site(), m_step.settings().name, *m_batch.front().meta.sender.uid);
      }
      CONOS_CHECK(refuse_surplus(waiting.surplus));
      if (!ripening || !m_batch.empty() || !m_refused.empty()) {
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    return {};
  }

  // Few at a time, so that they hold up nobody; the path unit starts us again for the rest.
  Result<> refuse_surplus(const std::vector<std::string>& surplus)
  {
    constexpr std::size_t k_at_once = 64;
    const auto count = std::min(surplus.size(), k_at_once);
    for (std::size_t i = 0; i < count; ++i) {
      const auto purpose = during("refuse '" + escaped(surplus[i]) + "'");
      CONOS_TRY(const auto id, take(m_step, surplus[i]).map_error(purpose));
      if (id) {
        CONOS_TRY(const auto meta, identify(m_step, *id).map_error(purpose));
        m_refused.push_back(refusal_of(meta, "inbox-full", "refused"));
      }
    }
    if (count > 0) {
      log::warning("{} more wait for '{}' than may; {} of them are refused", surplus.size(),
        m_step.settings().name, count);
    }
    return {};
  }

  // Among those that come first by name: to read them all would cost what an inbox must not.
  void by_priority(std::vector<std::string>& names)
  {
    std::map<std::string, int> priorities;
    for (const auto& name : names) {
      priorities[name] = priority_of(m_step, name);
    }
    std::stable_sort(names.begin(), names.end(), [&](const auto& a, const auto& b) {
      return priorities[a] > priorities[b];
    });
  }

  // Before it is moved: a file of another sender is left for the next activation.
  bool belongs(const std::string& name) const
  {
    if (m_batch.empty()) {
      return true;
    }
    const auto st = stat_at(m_tree.inbox, name);
    return st && m_batch.front().meta.sender.uid == st->st_uid;
  }

  Result<> take_from_inbox(const std::string& name)
  {
    const auto purpose = during("take '" + escaped(name) + "'");
    CONOS_TRY(const auto id, take(m_step, name).map_error(purpose));
    if (!id) {
      return {};
    }
    CONOS_TRY(auto examined, examine(m_step, *id).map_error(purpose));
    CONOS_TRY(auto dir, open_claimed(m_step, *id));
    return take_in(std::move(dir), std::move(examined)).map_error(purpose);
  }

  Result<> take_in(UniqueFd dir, Examined examined)
  {
    if (examined.refusal) {
      m_refused.push_back(std::move(*examined.refusal));
      return {};
    }
    return choose(std::move(dir), std::move(examined.meta), examined.text);
  }

  // --- which of them ---------------------------------------------------------------------------

  Result<> choose(UniqueFd dir, Meta meta, const std::string& text)
  {
    // a hold that stands in claimed/ is one whose maker died before the move
    const bool for_a_person = meta.hold && *meta.hold != "retry";
    if (for_a_person || (meta.not_before && *meta.not_before > now())) {
      return hold_again({std::move(dir), std::move(meta)});
    }
    if (const auto reason = reason_to_fail(meta)) {
      return refuse(meta, *reason);
    }
    meta.not_before.reset();
    if (m_budget_hold) {
      meta.claimed_at = meta.claimed_at.value_or(now());
      return hold_task(
        m_step, {std::move(dir), std::move(meta)}, "budget", *m_budget_hold, "budget");
    }
    if (!fits(meta)) {
      m_full = true; // first come, first served: what follows waits too
      return write_meta(m_step, dir, meta, Durable::later);
    }
    CONOS_CHECK(prepare(dir, meta, text).map_error(during("prepare '" + meta.id + "'")));
    m_batch.push_back({std::move(dir), std::move(meta)});
    m_full = m_batch.size() >= m_size || m_batch.front().meta.thread.key.has_value();
    return {};
  }

  bool fits(const Meta& meta) const
  {
    if (m_batch.empty()) {
      return true;
    }
    const auto& first = m_batch.front().meta;
    return first.sender.uid == meta.sender.uid && first.sender.agent == meta.sender.agent &&
           first.trust == meta.trust && first.kind == meta.kind && !meta.thread.key;
  }

  std::optional<std::string> reason_to_fail(const Meta& meta) const
  {
    if (meta.hop > m_step.settings().max_hops) {
      return "hop-limit";
    }
    if (meta.deadline && *meta.deadline < now()) {
      return "deadline";
    }
    if (meta.attempt >= m_step.settings().attempts || meta.claims >= k_max_claims) {
      return "attempts";
    }
    return std::nullopt;
  }

  Result<> hold_again(ClaimedTask task)
  {
    task.meta.claimed_at = task.meta.claimed_at.value_or(now());
    const auto until = task.meta.not_before.value_or(now());
    const auto hold = task.meta.hold;
    return hold_task(m_step, std::move(task), hold, until, hold ? "left-behind" : "not-before");
  }

  Result<> refuse(const Meta& meta, const std::string& reason)
  {
    log::notice("'{}' fails: {}", meta.id, reason);
    m_refused.push_back(refusal_of(meta, reason, "not-started"));
    return {};
  }

  static Receipt refusal_of(const Meta& meta, const std::string& reason, const char* result)
  {
    Receipt receipt;
    receipt.meta = meta;
    receipt.meta.claimed_at = meta.claimed_at.value_or(now());
    receipt.outcome = reason == "deadline" ? Outcome::expired : Outcome::failed;
    receipt.reason = reason;
    receipt.finished_at = now();
    receipt.exit = {result, "none", 0};
    return receipt;
  }

  // A timer starts a continuous agent's unit again and again; with nothing else to do it gets this.
  Result<> make_continuous_task()
  {
    CONOS_TRY(const auto waiting, list_names(m_tree.held, 1));
    if (!waiting.empty()) {
      return {}; // its last one is held for another attempt: no second one meanwhile
    }
    const auto& settings = m_step.settings();
    Meta meta;
    CONOS_TRY(meta.id, new_task_id(now()));
    meta.root = meta.id;
    meta.agent = settings.name;
    meta.kind = TaskKind::continuous;
    meta.sender = {0, "root", std::nullopt};
    meta.trust = Trust::verified;
    meta.submitted_at = now();
    CONOS_CHECK(make_dir(m_tree.claimed, meta.id, 0750, 0, settings.gid));
    CONOS_TRY(auto dir, open_claimed(m_step, meta.id));
    const auto text = settings.cron_task.empty() ? "Continue your work.\n" : settings.cron_task;
    CONOS_CHECK(replace(dir, "task", text, 0440, {0, settings.gid}));
    return choose(std::move(dir), std::move(meta), text);
  }

  // --- to work ---------------------------------------------------------------------------------

  // The attempt is on disk before it begins: in batch.json.
  Result<> hand_over()
  {
    CONOS_CHECK(record());
    CONOS_CHECK(show_current(m_step, m_batch.front().meta));
    return write_batch(m_tree.top, batch(), m_step.settings().gid);
  }

  Result<> prepare(const UniqueFd& dir, Meta& meta, const std::string& text)
  {
    const auto& settings = m_step.settings();
    if (!m_briefing) {
      CONOS_TRY(m_briefing, read_briefing(m_step.site(), settings));
    }
    CONOS_CHECK(show_facts(dir));
    CONOS_CHECK(show_skills(dir));
    CONOS_TRY(auto envelope, parse_envelope(text));
    CONOS_TRY(const auto nonce, random_hex(16));
    const auto errand = errand_of(m_step.site(), settings, meta, std::move(envelope.body), m_known);
    const auto prompt = assemble_prompt(*m_briefing, meta, errand, nonce).text;
    CONOS_CHECK(replace(dir, "prompt", prompt, 0440, {0, settings.gid}, Durable::later));
    CONOS_CHECK(make_drafts(meta.id));

    meta.claimed_at = meta.claimed_at.value_or(now());
    meta.bytes = text.size();
    meta.sha256.task = meta.sha256.task ? meta.sha256.task : audit::sha256_hex(text);
    meta.sha256.prompt = audit::sha256_hex(prompt);
    meta.sha256.instructions = m_briefing->instructions_sha256;
    meta.policy = m_briefing->policy.files;
    meta.invocation = m_invocation;
    meta.hold.reset();
    ++meta.attempt;
    ++meta.claims;
    // beside the original it can be made again, and batch.json says that it was tried
    CONOS_TRY(const bool has_original, is_there(dir, "original"));
    return write_meta(m_step, dir, meta, has_original ? Durable::later : Durable::yes);
  }

  // One file under as many names as there are tasks: workers know nothing of the machine.
  Result<> show_facts(const UniqueFd& dir)
  {
    const auto& settings = m_step.settings();
    if (settings.tier == Tier::worker) {
      return {};
    }
    if (!m_facts) {
      m_known = facts_for(m_step.site(), settings.name);
      CONOS_TRY(m_facts, nameless(dir, to_json(*m_known), 0440, {0, settings.gid}));
    }
    CONOS_CHECK(remove_name(dir, "facts.json")); // of an attempt before
    return give_name(*m_facts, dir, "facts.json");
  }

  // The same for skills: a program that works with a model looks one up by its name.
  Result<> show_skills(const UniqueFd& dir)
  {
    if (m_briefing->skills.empty()) {
      return {};
    }
    if (!m_skills) {
      CONOS_TRY(
        m_skills, nameless(dir, to_json(m_briefing->skills), 0440, {0, m_step.settings().gid}));
    }
    CONOS_CHECK(remove_name(dir, "skills.json"));
    return give_name(*m_skills, dir, "skills.json");
  }

  Result<> make_drafts(const std::string& id)
  {
    CONOS_CHECK(remove_tree(m_tree.drafts, id)); // of an attempt before
    return make_dir(m_tree.drafts, id, 0700, m_step.settings().uid, m_step.settings().gid);
  }

  Result<> record()
  {
    std::vector<audit::Row> rows;
    for (const auto& [dir, meta] : m_batch) {
      auto claimed = row_about(meta, "task.claimed",
        fmt::format(R"("kind":"{}","sender":{},"sha256":{},"trust":"{}")", to_string(meta.kind),
          json_text(meta.sender.name), json_text(meta.sha256.task), to_string(meta.trust)));
      claimed.key = ledger_key(meta, 1, claimed.type); // once, whichever attempt comes to write it
      rows.push_back(std::move(claimed));
      rows.push_back(row_about(meta, "task.started",
        fmt::format(
          R"("attempt":{},"prompt_sha256":{})", meta.attempt, json_text(meta.sha256.prompt))));
    }
    CONOS_TRY(auto* ledger, m_step.ledger());
    CONOS_CHECK(may_begin(*ledger));
    CONOS_CHECK(ledger->append(rows));
    return {};
  }

  Batch batch() const
  {
    const auto& settings = m_step.settings();
    Batch batch;
    batch.invocation = m_invocation;
    batch.agent = settings.name;
    batch.uid = settings.uid;
    for (const auto& chosen : m_batch) {
      batch.tasks.push_back(chosen.meta.id);
    }
    batch.runner = settings.runner;
    // tasks of a conversation come alone
    if (settings.session == Session::sticky && !m_batch.empty()) {
      const auto& thread = m_batch.front().meta.thread;
      batch.environment.push_back(fmt::format("CONOS_SESSION=conos:{}{}{}", settings.name,
        thread.key ? ":" : "", thread.key.value_or("")));
    }
    batch.environment.insert(
      batch.environment.end(), settings.environment.begin(), settings.environment.end());
    batch.writable = settings.writable;
    batch.timeout = settings.timeout;
    batch.max_output_bytes = settings.max_output_bytes;
    return batch;
  }

  Step& m_step;
  const AgentTree& m_tree;
  std::string m_invocation;
  std::size_t m_size;
  std::optional<Time> m_budget_hold;
  bool m_full = false;
  Result<> m_first_error;
  std::optional<Briefing> m_briefing;
  std::optional<Facts> m_known;
  std::optional<UniqueFd> m_facts;
  std::optional<UniqueFd> m_skills;
  std::vector<std::string> m_last_batch;
  std::vector<ClaimedTask> m_batch;
  std::vector<std::pair<std::string, int>> m_marked; // whose deaths we have counted one up
  std::vector<Receipt> m_refused;
};

} // namespace

Result<> claim(const Site& site, const std::string& agent, const std::string& invocation)
{
  CONOS_TRY(auto step, Step::open(site, agent));
  std::string id = invocation;
  if (id.empty()) {
    CONOS_TRY(id, random_hex(32));
  }
  CONOS_TRY(const auto hold, read_hold(site, agent));
  if (hold) {
    CONOS_CHECK(remove_batch(step.tree().top));
    log::notice("'{}' is on hold: {}", agent, escaped(hold->reason));
    return {};
  }
  // what passes a door belongs to the task that is worked on, so there is one; and without Landlock
  // nothing would keep one task from the drafts of the next
  const bool alone = step.settings().has_door() || landlock_abi() == 0;
  const auto size = alone ? 1 : read_pace(site, agent);
  return Claim(step, id, size).run();
}

} // namespace conos
