#include "audit/seal.hpp"

#include "audit/chain.hpp"
#include "audit/place.hpp"
#include "audit/reader.hpp"
#include "audit/verify.hpp"
#include "audit/view.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace conos::audit {

namespace {

constexpr std::string_view k_key_prefix = "checkpoint/";

std::string key_of(std::int64_t rows)
{
  return fmt::format("{}{}", k_key_prefix, rows);
}

// Held while one reads what was signed last, signs and adds to it: else two could sign what does
// not agree.
Result<UniqueFd> lock(const UniqueFd& dir)
{
  UniqueFd file(::openat(dir.get(), k_checkpoints.c_str(),
    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644));
  if (!file) {
    return os_error("open '{}'", k_checkpoints);
  }
  if (::flock(file.get(), LOCK_EX) < 0) {
    return os_error("lock '{}'", k_checkpoints);
  }
  return file;
}

// A ledger that says it was signed for is not given a new key.
Result<bool> tells_of_a_checkpoint(View& view)
{
  CONOS_TRY(
    auto find, sqlite::Statement::prepare(view.connection(),
                 "SELECT 1 FROM keys WHERE key >= 'checkpoint/' AND key < 'checkpoint0' LIMIT 1"));
  CONOS_TRY(const bool any, find.step());
  find.reset();
  return any;
}

Result<SigningKey> key_for(const UniqueFd& dir, const Notes& notes, View& view)
{
  CONOS_TRY(const bool tells, tells_of_a_checkpoint(view));
  if (notes.notes.empty() && !tells) {
    return find_or_make_signing_key(dir);
  }
  auto key = find_signing_key(dir);
  if (!key && key.error().kind == Kind::not_found) {
    return fail(Kind::bad_data, "'{}' is gone, and the ledger was signed with it", k_signing_key);
  }
  return key;
}

struct Known {
  Checkpoint checkpoint;
  std::string where;
};

// Of each place the last: those before it were seen to agree when it was signed.
Result<std::optional<SignedCheckpoint>> last_of(const Notes& notes, const VerifierKey& key)
{
  if (notes.notes.empty()) {
    return std::optional<SignedCheckpoint>();
  }
  auto opened = open_checkpoint(notes.notes.back(), key);
  return std::move(opened)
    .map_error(during(fmt::format("the last checkpoint in '{}'", k_checkpoints)))
    .map([](SignedCheckpoint one) {
      return std::optional(std::move(one));
    });
}

Result<std::vector<Known>> known_elsewhere(
  const UniqueFd& dir, const VerifierKey& key, const Journal& journal)
{
  CONOS_TRY(const auto witnesses, list_witnesses(dir));
  std::vector<Known> known;
  for (const auto& witness : witnesses) {
    const auto has = ask_witness(witness, key, journal);
    const bool disagrees =
      !has && (has.error().kind == Kind::bad_data || has.error().kind == Kind::denied);
    if (disagrees) {
      return tl::unexpected<Error>(has.error());
    }
    if (has && !has->empty()) {
      known.push_back({has->back().checkpoint, fmt::format("witness '{}'", escaped(witness))});
    }
  }
  return known;
}

Result<> is_consistent(View& view, const Known& known)
{
  const auto& before = known.checkpoint;
  if (before.rows > view.rows()) {
    return fail(Kind::bad_data,
      "will not sign: the ledger has {} rows, and the checkpoint of {} was signed for {}",
      view.rows(), known.where, before.rows);
  }
  CONOS_TRY(const auto root, view.root(before.rows));
  if (root != before.root) {
    return fail(Kind::bad_data,
      "will not sign: the first {} rows are not those that the checkpoint of {} was signed for",
      before.rows, known.where);
  }
  return {};
}

Result<> are_good_after(View& view, std::int64_t id)
{
  CONOS_TRY(auto end, view.head(id));
  CONOS_TRY(const auto bad, judge_rows_after(view.connection(), end));
  if (bad) {
    return fail(Kind::bad_data, "will not sign: {}", bad->what);
  }
  if (end.id != view.rows()) {
    return fail(Kind::bad_data, "will not sign: row {} is missing", end.id + 1);
  }
  return {};
}

// Whether the one row after a checkpoint is that which tells of it.
Result<bool> is_unchanged(View& view, const Checkpoint& last)
{
  if (view.rows() == last.rows) {
    return true;
  }
  if (view.rows() != last.rows + 1) {
    return false;
  }
  CONOS_TRY(const auto row, view.row(view.rows()));
  return row.type == k_signed_type;
}

Row row_of(const SignedCheckpoint& newest, const VerifierKey& key, const std::string& actor)
{
  return {std::string(k_signed_type), actor,
    fmt::format(R"({{"key":"{}+{:08x}","root":"{}","rows":{}}})", key.name, key.id,
      base64(newest.checkpoint.root), newest.checkpoint.rows),
    key_of(newest.checkpoint.rows)};
}

Result<> record(Ledger& ledger, Sealed& sealed)
{
  CONOS_TRY(auto recorded, ledger.append({sealed.row}));
  if (!recorded.front().already) {
    sealed.recorded = std::move(recorded.front());
  }
  return {};
}

Result<SignedCheckpoint> sign(View& view, const SigningKey& key)
{
  CONOS_TRY(const auto root, view.root(view.rows()));
  const Checkpoint checkpoint{key.verifier().name, view.rows(), root};
  CONOS_TRY(auto note, key.sign(to_text(checkpoint)));
  return SignedCheckpoint{checkpoint, std::move(note)};
}

// The newest checkpoint, signed just now or before. The lock is held.
Result<Sealed> seal_locked(const UniqueFd& dir, View& view, const SigningKey& key,
  const Notes& notes, const Journal& journal)
{
  CONOS_TRY(const auto last, last_of(notes, key.verifier()));
  CONOS_TRY(auto known, known_elsewhere(dir, key.verifier(), journal));
  if (last) {
    known.push_back({last->checkpoint, fmt::format("'{}'", k_checkpoints)});
  }
  for (const auto& each : known) {
    CONOS_CHECK(is_consistent(view, each));
  }
  CONOS_CHECK(are_good_after(view, last ? last->checkpoint.rows : 0));
  CONOS_TRY(
    const bool unchanged, last ? is_unchanged(view, last->checkpoint) : Result<bool>(false));
  Sealed sealed;
  sealed.is_new = !unchanged;
  if (unchanged) {
    sealed.newest = *last;
    return sealed;
  }
  CONOS_TRY(sealed.newest, sign(view, key));
  CONOS_CHECK(append_note(dir, k_checkpoints, sealed.newest.note, Missing::make));
  return sealed;
}

Result<> tell_witnesses(
  const UniqueFd& dir, const VerifierKey& key, const Journal& journal, Sealed& sealed)
{
  CONOS_TRY(const auto witnesses, list_witnesses(dir));
  for (const auto& witness : witnesses) {
    if (auto told = tell_witness(witness, sealed.newest, key, journal); !told) {
      sealed.unheard.push_back(std::move(told).error());
    }
  }
  return {};
}

// The end of a file, in which the last of its notes is whole.
Result<std::string> last_notes(const UniqueFd& dir)
{
  CONOS_TRY(const auto file, open_beneath(dir, k_checkpoints));
  CONOS_TRY(const auto st, stat_of(file));
  const auto most =
    static_cast<off_t>(2 * k_max_note_bytes); // one may have been cut short after it
  if (!S_ISREG(st.st_mode) || (st.st_size > most && ::lseek(file.get(), -most, SEEK_END) < 0)) {
    return fail(Kind::bad_data, "'{}' is not a regular file", k_checkpoints);
  }
  return read_all(file, k_max_checkpoints_bytes);
}

// Of the last checkpoint, by its own words; 0 when there is none.
Result<std::int64_t> rows_signed(const UniqueFd& dir)
{
  const auto text = last_notes(dir);
  if (!text && text.error().kind == Kind::not_found) {
    return 0;
  }
  CONOS_CHECK(text);
  const auto notes = divide_notes(*text).notes;
  if (notes.empty()) {
    return 0;
  }
  const auto body = notes.back().substr(0, notes.back().find("\n\n") + 1);
  return parse_checkpoint(body).map([](const Checkpoint& last) {
    return last.rows;
  });
}

} // namespace

Result<std::int64_t> rows_not_signed(const std::string& directory)
{
  const auto purpose = during(fmt::format("the checkpoints in '{}'", directory));
  auto reader = Reader::open(directory + "/" + k_database);
  if (!reader) {
    return reader.error().kind == Kind::not_found ? Result<std::int64_t>(0)
                                                  : tl::unexpected<Error>(reader.error());
  }
  CONOS_TRY(const auto rows, reader->last_id());
  CONOS_TRY(const auto dir, open_dir(directory).map_error(purpose));
  CONOS_TRY(const auto covered, rows_signed(dir).map_error(purpose));
  return std::max<std::int64_t>(0, rows - covered);
}

Result<Sealed> seal(const std::string& directory, const std::string& actor, const Journal& journal)
{
  const auto purpose = during(fmt::format("checkpoint of the ledger in '{}'", directory));
  CONOS_TRY(const auto dir, open_dir(directory).map_error(purpose));
  CONOS_TRY(const bool has_ledger, is_there(dir, k_database).map_error(purpose));
  if (!has_ledger) { // Ledger::open would make one
    return fail(Kind::not_found, "there is no ledger in '{}'", directory);
  }
  CONOS_TRY(auto ledger, Ledger::open(directory)); // and gives an old one its tree
  CONOS_TRY(const auto locked, lock(dir).map_error(purpose));
  CONOS_TRY(const auto text, read_all(locked, k_max_checkpoints_bytes).map_error(purpose));
  const auto notes = divide_notes(text);

  auto sealed = Result<Sealed>();
  std::optional<VerifierKey> verifier;
  { // not longer than it takes: a view that stays open makes the ledger's log grow
    CONOS_TRY(auto view, View::open(directory + "/" + k_database));
    if (view.rows() == 0 && notes.notes.empty()) {
      return fail(Kind::not_found, "the ledger in '{}' has no rows yet", directory);
    }
    CONOS_TRY(const auto key, key_for(dir, notes, view).map_error(purpose));
    verifier = key.verifier();
    sealed = seal_locked(dir, view, key, notes, journal);
    if (sealed && !sealed->is_new && view.rows() == sealed->newest.checkpoint.rows) {
      // no row tells of it: whoever added it may have died before it was flushed
      CONOS_CHECK(sync_file(locked).map_error(purpose));
      CONOS_CHECK(sync_file(dir).map_error(purpose));
    }
  }
  CONOS_CHECK(sealed.map_error(purpose));
  sealed->row = row_of(sealed->newest, *verifier, actor);
  CONOS_CHECK(record(ledger, *sealed).map_error(purpose));
  CONOS_CHECK(tell_witnesses(dir, *verifier, journal, *sealed).map_error(purpose));
  return sealed;
}

} // namespace conos::audit
