#include "run/intake.hpp"

#include "audit/sha256.hpp"
#include "prompt/thread.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"
#include "task/envelope.hpp"
#include "task/id.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace conos {

namespace {

constexpr std::string_view k_sidecar_end = ".meta.json";
constexpr std::size_t k_max_sidecar_bytes = 16U << 10U;

// The kernel grants a read lease only on a file that nobody has open for writing (fcntl(2)).
enum class Writers { none, some, unknown };

Writers writers_of(const UniqueFd& file)
{
  // whoever opens the file in that moment would have us killed by SIGIO
  (void)std::signal(SIGIO, SIG_IGN);
  if (::fcntl(file.get(), F_SETLEASE, F_RDLCK) == 0) {
    (void)::fcntl(file.get(), F_SETLEASE, F_UNLCK);
    return Writers::none;
  }
  return errno == EAGAIN ? Writers::some : Writers::unknown;
}

bool has_rested(const struct timespec& since, Duration rest)
{
  const auto age = now() - time_of(since);
  return age >= rest || age < Duration(0); // a time in the future is no reason to wait for it
}

bool is_old(const UniqueFd& file)
{
  struct statx sx = {};
  if (::statx(file.get(), "", AT_EMPTY_PATH, STATX_BTIME, &sx) < 0 ||
      (sx.stx_mask & STATX_BTIME) == 0) {
    return false;
  }
  return now() - time_of({sx.stx_btime.tv_sec, 0}) > std::chrono::minutes(1);
}

// What refuses a task, in the words of the receipt.
struct Refusal {
  std::string reason;
  std::string detail;
  std::optional<Error> passing; // the machine's trouble: no refusal at all
};

template<class T>
using Judged = tl::expected<T, Refusal>;

tl::unexpected<Refusal> refuse(std::string reason, std::string detail = {})
{
  return tl::unexpected<Refusal>(Refusal{std::move(reason), std::move(detail), {}});
}

tl::unexpected<Refusal> unreadable(const Error& error)
{
  return tl::unexpected<Refusal>(
    Refusal{"unreadable", error.text(), is_passing(error) ? std::optional(error) : std::nullopt});
}

Judged<std::string> read_original(const UniqueFd& dir, const struct stat& named, std::size_t limit)
{
  if (S_ISLNK(named.st_mode)) {
    return refuse("symlink");
  }
  if (!S_ISREG(named.st_mode)) {
    return refuse("not-a-file");
  }
  const auto file = open_beneath(dir, "original");
  if (!file) {
    return unreadable(file.error());
  }
  const auto st = stat_of(*file);
  if (!st) {
    return unreadable(st.error());
  }
  if (st->st_ino != named.st_ino) {
    return refuse("unreadable", "it was replaced while it was looked at");
  }
  if (st->st_nlink != 1) {
    return refuse("hard-link");
  }
  if (st->st_size > static_cast<off_t>(limit)) {
    return refuse("too-large", fmt::format("{} bytes", st->st_size));
  }
  auto text = read_all(*file, limit);
  if (!text) {
    return text.error().kind == Kind::bad_data ? refuse("too-large", text.error().text())
                                               : unreadable(text.error());
  }
  return std::move(*text);
}

Judged<Envelope> read_text(std::string_view text)
{
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) {
    return refuse("not-utf8");
  }
  auto envelope = parse_envelope(text);
  if (!envelope) {
    return refuse("bad-header", envelope.error().text());
  }
  if (trimmed(envelope->body).empty()) {
    return refuse("empty-task");
  }
  return std::move(*envelope);
}

// A sidecar counts only if the same uid owns it: it says what the header could say. It is kept with
// its task until that is prepared, for a claim that died would find it nowhere else.
Result<std::optional<std::string>> take_sidecar(
  const Step& step, const UniqueFd& dir, const std::string& task_name, uid_t owner)
{
  constexpr const char* k_kept = "sidecar";
  const auto name = task_name + std::string(k_sidecar_end);
  CONOS_TRY(const bool kept, is_there(dir, k_kept));
  if (!kept) {
    CONOS_TRY(const bool offered,
      is_plain_name(name) ? is_there(step.tree().inbox, name) : Result<bool>(false));
    if (!offered) {
      return std::nullopt;
    }
    CONOS_TRY(const auto st, stat_at(step.tree().inbox, name));
    if (!S_ISREG(st.st_mode) || st.st_uid != owner || st.st_nlink != 1) {
      return std::nullopt; // alone it is refused as a file that is no task
    }
    CONOS_CHECK(move_name(step.tree().inbox, name, dir, k_kept));
  }
  CONOS_TRY(const auto file, open_beneath(dir, k_kept)); // what was looked at and what was moved
  CONOS_TRY(const auto st, stat_of(file));               // may be two
  if (!S_ISREG(st.st_mode) || st.st_uid != owner || st.st_nlink != 1) {
    return std::nullopt;
  }
  auto text = read_all(file, k_max_sidecar_bytes);
  if (!text && text.error().kind != Kind::bad_data) {
    return tl::unexpected<Error>(text.error());
  }
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

void take_over(const Envelope& envelope, Meta& meta)
{
  meta.title = envelope.title;
  meta.source = envelope.source;
  meta.deadline = envelope.deadline;
  meta.not_before = envelope.not_before;
  meta.priority = envelope.priority.value_or(5);
  meta.reply = envelope.reply.value_or("outbox");
  meta.claimed = envelope.claimed;
  if (envelope.thread) {
    meta.thread = {{}, envelope.thread, envelope.transport, envelope.channel, envelope.from};
    meta.thread.key = thread_key(meta.thread, meta.sender);
  }
  if (meta.reply == "inbox" && meta.sender.agent) {
    meta.reply_to = meta.sender.agent;
  }
}

// As it was in the inbox, byte for byte. Empty where the power went before it was flushed.
Result<std::string> original_name(const UniqueFd& dir, const std::string& id)
{
  auto kept = read_file(dir, "name", 255);
  const bool none = kept ? kept->empty() : kept.error().kind == Kind::not_found;
  return none ? id + ".task" : std::move(kept);
}

Result<Meta> meta_of_original(
  Step& step, const std::string& name, const std::string& id, const struct stat& st)
{
  Meta meta;
  meta.id = id;
  meta.root = id;
  meta.agent = step.settings().name;
  meta.sender.uid = st.st_uid;
  CONOS_TRY(meta.sender.name, account_name(st.st_uid));
  meta.sender.agent = agent_of_account(*meta.sender.name);
  CONOS_TRY(const bool trusted, step.trusted().trusts(st.st_uid));
  meta.trust =
    S_ISREG(st.st_mode) && st.st_nlink == 1 && trusted ? Trust::verified : Trust::unverified;
  meta.submitted_at = std::min(now(), time_of(st.st_mtim));
  meta.original_name = escaped(name, 1024);
  meta.bytes = S_ISREG(st.st_mode) ? static_cast<std::size_t>(st.st_size) : 0;
  return meta;
}

// To: may name another agent when the file was dropped here directly: then this inbox wins, but a
// name that is nobody's is a mistake its sender should hear of.
Judged<void> check_address(const Step& step, const Envelope& envelope)
{
  if (!envelope.to || *envelope.to == step.settings().name) {
    return {};
  }
  // by what bootstrap compiled: the other agents' directories are not in this step's view
  const auto compiled = step.site().compiled() + "/" + *envelope.to + ".json";
  const bool known = is_agent_name(*envelope.to) && ::access(compiled.c_str(), F_OK) == 0;
  if (!known) {
    return refuse("no-route", "there is no agent '" + escaped(*envelope.to, 64) + "'");
  }
  return {};
}

Receipt receipt_of(const Meta& meta, const Refusal& refusal)
{
  Receipt receipt;
  receipt.meta = meta;
  receipt.meta.claimed_at = now();
  receipt.outcome = Outcome::failed;
  receipt.reason = refusal.reason;
  receipt.finished_at = now();
  receipt.exit = {"refused", "none", 0};
  log::notice("'{}' from {} is refused: {}{}{}", escaped(meta.original_name.value_or(meta.id)),
    escaped(meta.sender.name.value_or("?")), refusal.reason, refusal.detail.empty() ? "" : ": ",
    escaped(refusal.detail));
  return receipt;
}

Result<std::string> id_for(const Step& step, const std::string& name)
{
  const std::string stem(task_stem(name));
  if (!is_task_id(stem)) {
    return new_task_id(now());
  }
  CONOS_TRY(const bool used, id_is_used(step.tree(), stem));
  if (!used) {
    return stem;
  }
  CONOS_TRY(const auto salt, random_hex(8));
  return stem.substr(0, 119) + "-" + salt;
}

} // namespace

Readiness readiness_of(const UniqueFd& inbox, const std::string& name)
{
  constexpr Duration k_rest = std::chrono::seconds(1);
  constexpr Duration k_sidecars_wait = std::chrono::seconds(5);
  const auto file = open_beneath(inbox, name);
  if (!file) {
    return is_passing(file.error()) ? Readiness::ripening : Readiness::ready;
  }
  const auto st = stat_of(*file);
  if (!st || !S_ISREG(st->st_mode)) {
    return Readiness::ready;
  }
  // route moves the sidecar first and then its task, and may die in between: what counts is how
  // long it has lain here, not how old it is
  if (name.ends_with(k_sidecar_end) && !has_rested(st->st_ctim, k_sidecars_wait)) {
    return Readiness::ripening;
  }
  if (has_rested(st->st_mtim, k_rest)) {
    return Readiness::ready;
  }
  // an empty file may be the first half of "touch x; echo … > x", a sidecar the second half of a
  // pair whose task is about to be written
  const bool complete =
    st->st_size > 0 && name.ends_with(".task") && writers_of(*file) == Writers::none;
  return complete || is_old(*file) ? Readiness::ready : Readiness::ripening;
}

Waiting arrange(
  Senders senders, std::size_t limit, const InboxBounds& bounds, std::optional<uid_t> last)
{
  constexpr std::size_t k_spare = 64; // of each: some may be no more than half written
  Waiting waiting;
  if (senders.empty()) {
    return waiting;
  }
  waiting.is_of_several = senders.size() > 1;
  std::size_t total = 0;
  for (const auto& [uid, names] : senders) {
    total += names.size();
  }
  const auto share = std::max<std::size_t>(1, bounds.files / senders.size());
  const auto may_wait =
    total > bounds.files ? std::min(share, bounds.per_sender) : bounds.per_sender;
  const auto wanted = limit / senders.size() + (waiting.is_of_several ? k_spare : 1);

  const auto first = last ? senders.upper_bound(*last) : senders.begin();
  auto at = first == senders.end() ? senders.begin() : first;
  for (std::size_t turn = 0; turn < senders.size(); ++turn) {
    auto& names = at->second;
    std::sort(names.begin(), names.end());
    const auto kept = std::min(names.size(), may_wait);
    const auto end_of = [&](std::size_t count) {
      return names.begin() + static_cast<std::ptrdiff_t>(count);
    };
    std::move(end_of(kept), names.end(), std::back_inserter(waiting.surplus));
    std::move(names.begin(), end_of(std::min(kept, wanted)), std::back_inserter(waiting.next));
    at = std::next(at) == senders.end() ? senders.begin() : std::next(at);
  }
  return waiting;
}

Result<Waiting> look_over(
  const UniqueFd& inbox, std::size_t limit, const InboxBounds& bounds, std::optional<uid_t> last)
{
  constexpr std::size_t k_most_looked_at = 65536;
  const auto is_offered = [&](std::string_view name) {
    const bool sidecar =
      name.ends_with(k_sidecar_end) &&
      exists_at(inbox, std::string(name.substr(0, name.size() - k_sidecar_end.size())));
    return !name.starts_with('.') && !sidecar;
  };
  CONOS_TRY(auto names, list_names(inbox, k_most_looked_at, is_offered));
  Senders senders;
  for (auto& name : names) {
    if (const auto st = stat_at(inbox, name)) { // else it is gone
      senders[st->st_uid].push_back(std::move(name));
    }
  }
  return arrange(std::move(senders), limit, bounds, last);
}

int priority_of(Step& step, const std::string& name)
{
  constexpr int k_usual = 5;
  const auto file = open_beneath(step.tree().inbox, name);
  const auto st = file ? stat_of(*file) : Result<struct stat>(tl::unexpected<Error>(file.error()));
  if (!st || !S_ISREG(st->st_mode)) {
    return k_usual;
  }
  std::array<char, 4096> head; // the header of any task that was not made to be long
  const auto got = ::read(file->get(), head.data(), head.size());
  const auto envelope =
    parse_envelope(std::string_view(head.data(), got > 0 ? static_cast<std::size_t>(got) : 0));
  const int wanted = envelope ? envelope->priority.value_or(k_usual) : k_usual;
  return wanted > k_usual && !step.trusted().trusts(st->st_uid).value_or(false) ? k_usual : wanted;
}

Result<std::optional<std::string>> take(Step& step, const std::string& name)
{
  const auto& tree = step.tree();
  CONOS_TRY(const auto id, id_for(step, name));
  CONOS_CHECK(make_dir(tree.claimed, id, 0750, 0, step.settings().gid));
  CONOS_TRY(const auto dir, open_dir_at(tree.claimed, id));
  if (name != id + ".task") {
    CONOS_CHECK(replace(dir, "name", name, 0400, {}, Durable::later)); // before the name is gone
  }
  auto moved = move_name(tree.inbox, name, dir, "original");
  if (!moved) {
    (void)remove_name(dir, "name"); // the next claim would remove both; and should the move have
    (void)remove_empty_dir(tree.claimed, id); // happened after all, what it moved stays
    if (moved.error().kind == Kind::not_found) {
      return std::nullopt;
    }
    return tl::unexpected<Error>(moved.error());
  }
  return id;
}

Result<Meta> identify(Step& step, const std::string& id)
{
  CONOS_TRY(const auto dir, open_claimed(step, id));
  CONOS_TRY(const auto st, stat_at(dir, "original"));
  CONOS_TRY(const auto name, original_name(dir, id));
  return meta_of_original(step, name, id, st);
}

Result<Examined> examine(Step& step, const std::string& id)
{
  const auto& settings = step.settings();
  CONOS_TRY(const auto dir, open_claimed(step, id));
  CONOS_TRY(const auto st, stat_at(dir, "original"));
  CONOS_TRY(const auto name, original_name(dir, id));
  CONOS_TRY(auto meta, meta_of_original(step, name, id, st));
  CONOS_TRY(const auto sidecar, take_sidecar(step, dir, name, st.st_uid));
  const auto refused = [&](const Refusal& refusal) -> Result<Examined> {
    if (refusal.passing) {
      return tl::unexpected<Error>(*refusal.passing);
    }
    return Examined{meta, {}, receipt_of(meta, refusal)};
  };

  if (task_stem(name).empty()) {
    return refused({"bad-name", "a task's name ends in .task", {}});
  }
  auto text = read_original(dir, st, settings.max_task_bytes);
  if (!text) {
    return refused(text.error());
  }
  auto envelope = read_text(*text);
  if (!envelope) {
    return refused(envelope.error());
  }
  if (const auto addressed = check_address(step, *envelope); !addressed) {
    return refused(addressed.error());
  }
  if (sidecar) {
    if (const auto added = add_sidecar(*envelope, *sidecar); !added) {
      log::warning("skip the sidecar of '{}': {}", id, added.error().text());
    }
  }
  take_over(*envelope, meta);
  meta.bytes = text->size();
  meta.sha256.task = audit::sha256_hex(*text);

  CONOS_CHECK(replace(dir, "task", *text, 0440, {0, settings.gid}, Durable::later));
  return Examined{std::move(meta), std::move(*text), std::nullopt};
}

} // namespace conos
