#include "run/finish.hpp"

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

constexpr const char* k_outcome_file = "outcome.json";

// From so many on, one syncfs is cheaper than an fsync for each file.
constexpr std::size_t k_sync_one_by_one = 3;

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
  if (receipt.forwarded_to) {
    more += R"(,"to":)" + json_text(receipt.forwarded_to);
  }
  if (receipt.started_at) {
    const auto spent =
      std::chrono::duration_cast<Duration>(receipt.finished_at - *receipt.started_at);
    more += fmt::format(R"(,"duration_ms":{})", spent.count());
  }
  return row_about(meta, row_type(receipt), more);
}

class Finisher
{
public:
  Finisher(Step& step, std::size_t tasks, std::optional<gid_t> readers)
      : m_step(step)
      , m_tree(step.tree())
      , m_readers(readers)
      , m_sync_all(tasks >= k_sync_one_by_one)
  {
  }

  Result<> names(const Receipt& receipt)
  {
    CONOS_TRY(const auto dir, open_claimed(m_step, receipt.meta.id));
    CONOS_TRY(const bool has_task, is_there(dir, "task"));
    if (has_task) { // else a run before this one came further
      CONOS_CHECK(send_on(dir, receipt));
    }
    CONOS_CHECK(name_response(receipt));
    CONOS_CHECK(keep_log(receipt));
    CONOS_CHECK(keep_task(dir, receipt));
    return write_receipts(receipt);
  }

  // The names of many tasks reach the disk together.
  Result<> sync()
  {
    if (m_sync_all) {
      return sync_filesystem(m_tree.outbox);
    }
    for (const auto& file : m_unsynced) {
      CONOS_CHECK(sync_file(file));
    }
    for (const auto* dir : {&m_tree.outbox, &m_tree.processed, &m_tree.failed}) {
      CONOS_CHECK(sync_file(*dir));
    }
    return {};
  }

  // outcome.json goes last: what is found with it is finished again, what is found without it is
  // an empty directory.
  Result<> clear(const std::string& id)
  {
    if (const auto removed = remove_tree(m_tree.drafts, id); !removed) {
      log::warning(
        "leave drafts/{}: {}", id, removed.error().text()); // a hostile nest, no reason to stay
    }
    CONOS_TRY(const auto dir, open_claimed(m_step, id));
    for (const auto* name :
      {"meta.json", "prompt", "facts.json", "name", "sidecar", "deaths", "task"}) {
      CONOS_CHECK(remove_name(dir, name));
    }
    CONOS_CHECK(remove_tree(dir, "original")); // which may be a directory
    CONOS_CHECK(remove_name(dir, k_outcome_file));
    const auto removed = remove_empty_dir(m_tree.claimed, id);
    return removed || removed.error().kind != Kind::exists // a replace that died left its file
             ? removed
             : remove_tree(m_tree.claimed, id);
  }

private:
  void sync_later(UniqueFd file)
  {
    if (!m_sync_all) {
      m_unsynced.push_back(std::move(file));
    }
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
    CONOS_TRY(const bool still_staged, is_there(m_tree.outbox, staged));
    return still_staged ? move_name(m_tree.outbox, staged, m_tree.outbox, receipt.response->file)
                        : Result<>{};
  }

  Result<> keep_log(const Receipt& receipt)
  {
    if (went_well(receipt) || receipt.meta.attempt == 0) {
      return {};
    }
    const auto drafts = open_dir_at(m_tree.drafts, receipt.meta.id);
    const auto log = drafts ? read_file(*drafts, "log", k_max_log_bytes)
                            : Result<std::string>(tl::unexpected<Error>(drafts.error()));
    if (!log && is_passing(log.error())) {
      return tl::unexpected<Error>(log.error());
    }
    if (!log || log->empty()) {
      return {}; // what the agent did not leave, or spoilt, is its own loss
    }
    return put(m_tree.failed, receipt.meta.id + ".log", *log);
  }

  // A file of root's in a directory of root's, readable by people; there already is fine.
  Result<> put(const UniqueFd& dir, const std::string& name, std::string_view text)
  {
    CONOS_TRY(auto file, nameless(dir, text, 0440, {0, m_step.settings().gid}));
    CONOS_CHECK(show_to_readers(file));
    const auto named = give_name(file, dir, name);
    if (!named && named.error().kind != Kind::exists) {
      return named;
    }
    sync_later(std::move(file));
    return {};
  }

  Result<> keep_task(const UniqueFd& dir, const Receipt& receipt)
  {
    const auto& home = home_of(m_step, receipt);
    const auto name = receipt.meta.id + ".task";
    CONOS_TRY(const bool has_task, is_there(dir, "task"));
    if (has_task) {
      CONOS_TRY(auto file, open_beneath(dir, "task"));
      CONOS_CHECK(show_to_readers(file));
      if (receipt.meta.attempt == 0) { // claim flushes only what goes to work
        sync_later(std::move(file));
      }
      return move_name(dir, "task", home, name);
    }
    CONOS_TRY(const bool kept, is_there(home, name));
    CONOS_TRY(const bool has_original, is_there(dir, "original"));
    // beside a task that is kept, the original is only what claim did not come to remove
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
    if (S_ISDIR(st.st_mode)) {
      CONOS_TRY(const auto directory, open_dir_at(dir, "original"));
      CONOS_TRY(const auto some, list_names(directory, 1));
      if (!some.empty()) {
        return move_name(dir, "original", home, name + ".directory");
      }
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
           : S_ISDIR(st.st_mode)  ? "(an empty directory)\n"
                                  : "(a device)\n";
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
      const auto named = give_name(file, *dir, name);
      if (!named && named.error().kind != Kind::exists) {
        return named;
      }
    }
    sync_later(std::move(file));
    return {};
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
        {true, receipt.finished_at, answer});
    }();
    if (!result) {
      log::warning("keep the conversation of '{}': {}", meta.id, result.error().text());
    }
  }

  Step& m_step;
  const AgentTree& m_tree;
  std::optional<gid_t> m_readers;
  bool m_sync_all;
  std::vector<UniqueFd> m_unsynced;
};

} // namespace

Result<> decide(
  const Step& step, const UniqueFd& claimed_dir, const Receipt& receipt, Durable durable)
{
  return replace(
    claimed_dir, k_outcome_file, to_json(receipt), 0440, {0, step.settings().gid}, durable);
}

std::string staged_response(const Meta& meta)
{
  return "." + outbox_stem(meta) + ".response";
}

Result<std::optional<Receipt>> read_decision(const UniqueFd& claimed_dir)
{
  const auto text = read_file(claimed_dir, k_outcome_file, k_max_meta_bytes);
  if (!text && text.error().kind == Kind::not_found) {
    return std::nullopt;
  }
  if (!text) {
    return tl::unexpected<Error>(text.error());
  }
  CONOS_TRY(auto receipt, receipt_from_json(*text));
  return std::optional(std::move(receipt));
}

Result<> finish(Step& step, std::vector<Receipt> decided)
{
  if (decided.empty()) {
    return {};
  }
  std::vector<audit::Row> rows;
  rows.reserve(decided.size());
  for (const auto& receipt : decided) {
    rows.push_back(row_of(receipt));
  }
  CONOS_TRY(auto* ledger, step.ledger());
  CONOS_TRY(const auto recorded, ledger->append(rows));

  CONOS_TRY(const auto readers, group_id("conos"));
  Finisher finisher(step, decided.size(), readers);
  Result<> first_error;
  const auto note = [&](Result<> result, const std::string& id) {
    if (!result && first_error) {
      first_error = result.map_error(during("finish '" + id + "'"));
    }
    return result.has_value();
  };
  std::vector<std::string> done;
  for (std::size_t i = 0; i < decided.size(); ++i) {
    decided[i].ledger_id = recorded[i].id;
    decided[i].ledger_hash = recorded[i].hash;
    if (note(finisher.names(decided[i]), decided[i].meta.id)) {
      done.push_back(decided[i].meta.id);
    }
  }
  CONOS_CHECK(finisher.sync());
  for (const auto& id : done) {
    (void)note(finisher.clear(id), id); // kept in first_error
  }
  return first_error;
}

} // namespace conos
