#include "run/finish.hpp"

#include "audit/bodies.hpp"
#include "audit/sha256.hpp"
#include "host/acl.hpp"
#include "prompt/thread.hpp"
#include "run/batch.hpp"
#include "run/transit.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task/envelope.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace conos {

namespace {

constexpr const char* k_decisions = "decided.json";
constexpr std::size_t k_max_decisions_bytes = 64U << 20U;
constexpr std::size_t k_max_prompt_bytes = 64U << 20U;

// Open at once to be flushed together; a process has 1024 descriptors unless told otherwise.
constexpr std::size_t k_most_unsynced = 256;

bool went_well(const Receipt& receipt)
{
  return receipt.outcome == Outcome::answered || receipt.outcome == Outcome::forwarded;
}

const UniqueFd& home_of(const Step& step, const Receipt& receipt)
{
  return went_well(receipt) ? step.tree().processed : step.tree().failed;
}

// Reasons for which a task was never taken on at all.
bool was_refused(const Receipt& receipt)
{
  return receipt.meta.attempt == 0 && receipt.outcome == Outcome::failed;
}

std::string row_type(const Receipt& receipt)
{
  switch (receipt.outcome) {
  case Outcome::answered:
    return "task.delivered";
  case Outcome::forwarded:
    return "task.forwarded";
  case Outcome::failed:
  case Outcome::expired:
  case Outcome::cancelled:
    break;
  }
  return was_refused(receipt) ? "task.refused" : "task.failed";
}

std::string optional_number(const std::optional<uid_t>& uid)
{
  return uid ? std::to_string(*uid) : "null";
}

audit::Row row_of(const Receipt& receipt)
{
  const auto& meta = receipt.meta;
  auto more = fmt::format(R"("attempt":{},"outcome":"{}","reason":{},"trust":"{}")", meta.attempt,
    to_string(receipt.outcome), json_text(receipt.reason), to_string(meta.trust));
  if (was_refused(receipt)) {
    more += fmt::format(
      R"(,"name":{},"uid":{})", json_text(meta.original_name), optional_number(meta.sender.uid));
  }
  if (receipt.response) {
    more += fmt::format(R"(,"response_bytes":{},"response_sha256":"{}")", receipt.response->bytes,
      receipt.response->sha256);
  }
  if (receipt.transcript) {
    more += fmt::format(R"(,"transcript_sha256":"{}")", receipt.transcript->sha256);
  }
  if (receipt.forwarded_to) {
    more += R"(,"to":)" + json_text(receipt.forwarded_to);
  }
  if (receipt.started_at) {
    const auto spent =
      std::chrono::duration_cast<Duration>(receipt.finished_at - *receipt.started_at);
    more += fmt::format(R"(,"duration_ms":{})", spent.count());
  }
  for (const auto& [key, value] : {std::pair("source", meta.source),
         std::pair("parent", meta.parent), std::pair("thread_key", meta.thread.key),
         std::pair("thread_id", meta.thread.id), std::pair("transport", meta.thread.transport),
         std::pair("channel", meta.thread.channel), std::pair("from", meta.thread.from)}) {
    more += value ? fmt::format(R"(,"{}":{})", key, json_text(value)) : "";
  }
  return row_about(meta, row_type(receipt), more);
}

// A decision, and whether it is one that was left: then a name that is there may have been given
// just before the power went, and what it names be torn.
struct Ending {
  Receipt receipt;
  bool was_left = false;
};

class Finisher
{
public:
  Finisher(Step& step, std::optional<gid_t> readers)
      : m_step(step)
      , m_tree(step.tree())
      , m_readers(readers)
  {
  }

  Result<> names(const Ending& ending)
  {
    const auto& receipt = ending.receipt;
    auto dir = open_claimed(m_step, receipt.meta.id);
    if (!dir && dir.error().kind == Kind::not_found) {
      return {}; // it goes last: all is done
    }
    if (!dir) {
      return tl::unexpected<Error>(dir.error());
    }
    m_was_left = ending.was_left;
    if (m_was_left) {
      CONOS_CHECK(mend_copy(*dir, receipt));
    }
    CONOS_TRY(const bool has_task, is_there(*dir, "task"));
    if (has_task) { // else a run before this one came further
      CONOS_CHECK(send_on(*dir, receipt));
    }
    CONOS_CHECK(name_response(receipt));
    CONOS_CHECK(keep_log(receipt));
    CONOS_CHECK(keep_task(*dir, receipt, has_task));
    keep_bodies(*dir, receipt);
    return write_receipts(receipt);
  }

  Result<> sync()
  {
    CONOS_CHECK(sync_some());
    for (const auto* dir : {&m_tree.outbox, &m_tree.processed, &m_tree.failed}) {
      CONOS_CHECK(sync_file(*dir));
    }
    return {};
  }

  Result<> clear(const std::string& id)
  {
    if (const auto removed = remove_tree(m_tree.drafts, id); !removed) {
      log::warning("leave drafts/{}: {}", id, removed.error().text()); // the sweep tries again
    }
    return remove_tree(m_tree.claimed, id);
  }

private:
  Result<> sync_later(UniqueFd file)
  {
    m_unsynced.push_back(std::move(file));
    return m_unsynced.size() < k_most_unsynced ? Result<>{} : sync_some();
  }

  Result<> sync_some()
  {
    auto synced = sync_files(m_unsynced);
    m_unsynced.clear();
    return synced;
  }

  Result<> show_to_readers(const UniqueFd& file)
  {
    return m_readers ? let_group_read(file, *m_readers) : Result<>{};
  }

  // Forwards and replies go first: while the task is still here, this is repeated after a crash.
  Result<> send_on(const UniqueFd& dir, const Receipt& receipt)
  {
    if (receipt.outcome == Outcome::forwarded) {
      CONOS_TRY(const auto task, read_file(dir, "task", task_limit(m_step.settings())));
      CONOS_TRY(const auto envelope, parse_envelope(task));
      CONOS_TRY(const auto remark, response_text(receipt));
      auto rest = std::string_view(remark);
      rest.remove_prefix(std::min(rest.size(), rest.find('\n')));
      auto body = envelope.body;
      if (!trimmed(rest).empty()) {
        body += fmt::format("\n---\n{} adds: {}\n", receipt.meta.agent, trimmed(rest));
      }
      Envelope next;
      next.body = body;
      const auto meta = follow_up(receipt, TaskKind::forward, *receipt.forwarded_to);
      return put_in_transit(m_step.site(), meta, to_text(next));
    }
    if (receipt.outcome == Outcome::answered && receipt.meta.reply_to) {
      CONOS_TRY(const auto answer, response_text(receipt));
      Envelope next;
      next.body = answer;
      const auto meta = follow_up(receipt, TaskKind::reply, *receipt.meta.reply_to);
      return put_in_transit(m_step.site(), meta, to_text(next));
    }
    return {};
  }

  Result<std::string> response_text(const Receipt& receipt)
  {
    const auto limit = m_step.settings().max_output_bytes;
    auto text = read_file(m_tree.outbox, staged_response(receipt.meta), limit);
    if (!text && text.error().kind == Kind::not_found) {
      text = read_file(m_tree.outbox, receipt.response->file, limit);
    }
    return text;
  }

  Result<> name_response(const Receipt& receipt)
  {
    const auto staged = staged_response(receipt.meta);
    if (!receipt
           .response) { // an attempt before the last may have died between staging and deciding
      return remove_name(m_tree.outbox, staged);
    }
    const auto moved = move_name(m_tree.outbox, staged, m_tree.outbox, receipt.response->file);
    return !moved && moved.error().kind == Kind::not_found ? Result<>{} : moved;
  }

  Result<> keep_log(const Receipt& receipt)
  {
    if (went_well(receipt) || receipt.meta.attempt == 0) {
      return {};
    }
    const auto drafts = open_dir_at(m_tree.drafts, receipt.meta.id);
    const auto log = drafts ? read_draft(m_step, *drafts, "log", k_max_log_bytes)
                            : Result<std::string>(tl::unexpected<Error>(drafts.error()));
    if (!log && is_passing(log.error())) {
      return tl::unexpected<Error>(log.error());
    }
    if (!log || log->empty()) {
      return {}; // what the agent did not leave, or spoilt, is its own loss
    }
    return put(m_tree.failed, receipt.meta.id + ".log", *log);
  }

  // A file of root's in a directory of root's, readable by people.
  Result<> put(const UniqueFd& dir, const std::string& name, std::string_view text)
  {
    CONOS_TRY(auto file, nameless(dir, text, 0440, {0, m_step.settings().gid}));
    CONOS_CHECK(show_to_readers(file));
    CONOS_CHECK(name_it(file, dir, name));
    return sync_later(std::move(file));
  }

  Result<> name_it(const UniqueFd& file, const UniqueFd& dir, const std::string& name) const
  {
    if (m_was_left) {
      CONOS_CHECK(remove_name(dir, name));
    }
    const auto named = give_name(file, dir, name);
    return !named && named.error().kind == Kind::exists ? Result<>{} : named;
  }

  // `task` beside `original` is a copy that nobody flushed: after a power cut it may be torn.
  Result<> mend_copy(const UniqueFd& dir, const Receipt& receipt)
  {
    const auto& digest = receipt.meta.sha256.task;
    const auto& home = home_of(m_step, receipt);
    const auto name = receipt.meta.id + ".task";
    const auto limit = task_limit(m_step.settings());
    CONOS_TRY(const bool kept, is_there(home, name));
    CONOS_TRY(const bool has_original, is_there(dir, "original"));
    const auto copy = kept ? read_file(home, name, limit) : read_file(dir, "task", limit);
    if (!digest || !has_original || (copy && audit::sha256_hex(*copy) == *digest)) {
      return {};
    }
    const auto original = read_file(dir, "original", limit);
    if (!original || audit::sha256_hex(*original) != *digest) {
      log::warning("the text of '{}' was lost when the machine stopped", receipt.meta.id);
      return {};
    }
    CONOS_CHECK(remove_name(home, name));
    return replace(dir, "task", *original, 0440, {0, m_step.settings().gid}, Durable::later);
  }

  Result<> keep_task(const UniqueFd& dir, const Receipt& receipt, bool has_task)
  {
    const auto& home = home_of(m_step, receipt);
    const auto name = receipt.meta.id + ".task";
    if (has_task) {
      CONOS_TRY(auto file, open_beneath(dir, "task"));
      CONOS_CHECK(show_to_readers(file));
      CONOS_CHECK(move_name(dir, "task", home, name));
      return sync_later(std::move(file));
    }
    CONOS_TRY(const bool kept, is_there(home, name));
    CONOS_TRY(const bool has_original, is_there(dir, "original"));
    // beside a task that is kept, the original is only what goes in a moment
    return has_original && !kept ? keep_what_was_no_task(dir, home, name) : Result<>{};
  }

  // Somebody else's inode: its owner, mode and links are left as they are (a hard link shares them
  // with a file elsewhere), and what could act on a reader is replaced by a description.
  Result<> keep_what_was_no_task(const UniqueFd& dir, const UniqueFd& home, const std::string& name)
  {
    CONOS_TRY(const auto st, stat_at(dir, "original"));
    if (S_ISREG(st.st_mode) && st.st_nlink == 1) {
      return move_name(dir, "original", home, name);
    }
    return put(home, name, describe(dir, st)); // first: what it describes goes when all is kept
  }

  static std::string describe(const UniqueFd& dir, const struct stat& st)
  {
    if (S_ISLNK(st.st_mode)) {
      std::array<char, 512> target{};
      const auto length = ::readlinkat(dir.get(), "original", target.data(), target.size());
      const std::string_view text(target.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
      return "(a symbolic link to '" + escaped(text) + "')\n";
    }
    if (S_ISREG(st.st_mode)) {
      return fmt::format("(a file with {} names)\n", st.st_nlink);
    }
    return S_ISFIFO(st.st_mode)   ? "(a FIFO)\n"
           : S_ISSOCK(st.st_mode) ? "(a socket)\n"
           : S_ISDIR(st.st_mode)  ? describe_directory(dir)
                                  : "(a device)\n";
  }

  // Its maker may hold it open and fill it for as long as it is there.
  static std::string describe_directory(const UniqueFd& dir)
  {
    constexpr std::size_t k_most = 1000;
    const auto directory = open_dir_at(dir, "original");
    const auto names = directory ? list_names(*directory, k_most)
                                 : Result<std::vector<std::string>>(std::vector<std::string>());
    const auto count = names ? names->size() : 0;
    return fmt::format("(a directory with {}{} in it)\n", count, count == k_most ? " or more" : "");
  }

  Result<> write_receipts(const Receipt& receipt)
  {
    const auto& meta = receipt.meta;
    if (meta.thread.key && receipt.outcome == Outcome::answered) {
      remember(receipt);
    }
    CONOS_TRY(auto file,
      nameless(home_of(m_step, receipt), to_json(receipt), 0440, {0, m_step.settings().gid}));
    CONOS_CHECK(show_to_readers(file));
    for (const auto& [dir, name] : {std::pair(&home_of(m_step, receipt), meta.id + ".json"),
           std::pair(&m_tree.outbox, outbox_stem(meta) + ".json")}) {
      CONOS_CHECK(name_it(file, *dir, name));
    }
    return sync_later(std::move(file));
  }

  // What the rows of this task name by digest only. Lost, it is missed and nothing else: the digest
  // still tells whether a text that turns up is the one.
  void keep_bodies(const UniqueFd& dir, const Receipt& receipt)
  {
    const auto& meta = receipt.meta;
    const auto& settings = m_step.settings();
    keep_body(home_of(m_step, receipt), meta.id + ".task", meta.sha256.task, task_limit(settings));
    keep_body(dir, "prompt", meta.sha256.prompt, k_max_prompt_bytes);
    if (receipt.response) {
      keep_body(
        m_tree.outbox, receipt.response->file, receipt.response->sha256, settings.max_output_bytes);
    }
  }

  void keep_body(const UniqueFd& dir, const std::string& name,
    const std::optional<std::string>& sha256, std::size_t limit)
  {
    const auto result = [&]() -> Result<> {
      if (!m_bodies) {
        CONOS_TRY(m_bodies, audit::Bodies::open(m_step.site().lib));
      }
      CONOS_TRY(const auto file, open_beneath(dir, name));
      return m_bodies->keep(file, *sha256, limit);
    };
    if (!sha256) {
      return;
    }
    if (const auto kept = result(); !kept && kept.error().kind != Kind::not_found) {
      log::warning("keep a copy of '{}': {}", name, kept.error().text());
    }
  }

  // A conversation that cannot be kept costs memory of it, not the answer.
  void remember(const Receipt& receipt)
  {
    const auto& meta = receipt.meta;
    const auto result = [&]() -> Result<> {
      CONOS_TRY(const auto threads, open_dir_at(m_tree.top, "threads"));
      const auto& home = home_of(m_step, receipt);
      CONOS_TRY(const auto task, read_file(home, meta.id + ".task", task_limit(m_step.settings())));
      CONOS_TRY(const auto envelope, parse_envelope(task));
      CONOS_TRY(const auto answer, response_text(receipt));
      return add_turns(threads, *meta.thread.key,
        {false, meta.claimed_at.value_or(meta.submitted_at), envelope.body},
        {true, receipt.finished_at, answer},
        {m_step.settings().recent_turns, m_step.settings().brief_max_bytes});
    }();
    if (!result) {
      log::warning("keep the conversation of '{}': {}", meta.id, result.error().text());
    }
  }

  Step& m_step;
  const AgentTree& m_tree;
  std::optional<gid_t> m_readers;
  bool m_was_left = false;
  std::optional<audit::Bodies> m_bodies; // opened at the first use
  std::vector<UniqueFd> m_unsynced;
};

Result<> write_decisions(const Step& step, const std::vector<Receipt>& decided)
{
  std::string text;
  for (const auto& receipt : decided) {
    text += (text.empty() ? "[" : ",") + to_json(receipt);
  }
  return replace(step.tree().top, k_decisions, text + "]\n", 0400);
}

// Returns those that could not be carried out, with the first error.
Result<std::pair<std::vector<Receipt>, Result<>>> carry_out(Step& step, std::vector<Ending> endings)
{
  std::vector<audit::Row> rows;
  rows.reserve(endings.size());
  for (const auto& ending : endings) {
    rows.push_back(row_of(ending.receipt));
  }
  CONOS_TRY(auto* ledger, step.ledger());
  CONOS_TRY(const auto recorded, ledger->append(rows));

  CONOS_TRY(const auto readers, group_id("conos"));
  Finisher finisher(step, readers);
  std::vector<Receipt> undone;
  Result<> first_error;
  const auto note = [&](const Result<>& result, const Receipt& receipt) {
    if (!result) {
      undone.push_back(receipt);
      if (first_error) {
        first_error = Result<>(result).map_error(during("finish '" + receipt.meta.id + "'"));
      }
    }
    return result.has_value();
  };
  std::vector<const Receipt*> named;
  for (std::size_t i = 0; i < endings.size(); ++i) {
    auto& receipt = endings[i].receipt;
    receipt.ledger_id = recorded[i].id;
    receipt.ledger_hash = recorded[i].hash;
    if (note(finisher.names(endings[i]), receipt)) {
      named.push_back(&receipt);
    }
  }
  CONOS_CHECK(finisher.sync());
  for (const auto* receipt : named) {
    (void)note(finisher.clear(receipt->meta.id), *receipt); // kept in first_error
  }
  return std::pair(std::move(undone), std::move(first_error));
}

} // namespace

std::string staged_response(const Meta& meta)
{
  return "." + meta.id + ".response"; // not by the time of the claim, which a power cut may take
}

Result<std::vector<Receipt>> read_decisions(const Step& step)
{
  const auto text = read_file(step.tree().top, k_decisions, k_max_decisions_bytes);
  if (!text && text.error().kind == Kind::not_found) {
    return std::vector<Receipt>();
  }
  if (!text) {
    return tl::unexpected<Error>(text.error());
  }
  return receipts_from_json(*text).map_error(during(fmt::format("read '{}'", k_decisions)));
}

Result<> decide(const Step& step, const std::vector<Receipt>& decided)
{
  CONOS_TRY(auto all, read_decisions(step));
  for (const auto& receipt : decided) {
    std::erase_if(all, [&](const Receipt& old) {
      return old.meta.id == receipt.meta.id;
    });
  }
  all.insert(all.end(), decided.begin(), decided.end());
  return write_decisions(step, all);
}

Result<> finish(Step& step, const std::vector<Receipt>& decided)
{
  CONOS_TRY(const auto left, read_decisions(step));
  if (left.empty() && decided.empty()) {
    return {};
  }
  if (!decided.empty()) {
    CONOS_CHECK(decide(step, decided));
  }
  std::vector<Ending> endings;
  endings.reserve(left.size() + decided.size());
  for (const auto& receipt : left) {
    endings.push_back({receipt, true});
  }
  for (const auto& receipt : decided) {
    endings.push_back({receipt, false});
  }
  CONOS_TRY(auto carried, carry_out(step, std::move(endings)));
  auto& [undone, first_error] = carried;
  CONOS_CHECK(
    undone.empty() ? remove_name(step.tree().top, k_decisions) : write_decisions(step, undone));
  return first_error;
}

} // namespace conos
