#include "audit/witness.hpp"

#include "audit/place.hpp"
#include "audit/present.hpp"
#include "audit/sqlite.hpp"
#include "audit/view.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>

namespace conos::audit {

namespace {

constexpr std::size_t k_max_list_bytes = 64U << 10U;
constexpr std::size_t k_max_key_file = 1024;

std::string notes_name(const VerifierKey& key)
{
  return fmt::format("conos-{:08x}.checkpoints", key.id);
}

std::string key_name(const VerifierKey& key)
{
  return fmt::format("conos-{:08x}.pub", key.id);
}

Result<> check_path(const std::string& witness)
{
  if (witness.empty() || witness.front() != '/' || escaped(witness, witness.size()) != witness) {
    return fail(Kind::usage, "a witness is 'journal' or the absolute path of a directory, not '{}'",
      escaped(witness));
  }
  return {};
}

Result<> keep_list(const UniqueFd& dir, const std::vector<std::string>& witnesses)
{
  std::string text;
  for (const auto& each : witnesses) {
    text += each + "\n";
  }
  return replace(dir, k_witnesses, text, 0644);
}

Result<> write_key(const UniqueFd& file, const VerifierKey& key)
{
  CONOS_CHECK(write_all(file, to_text(key) + "\n"));
  return sync_file(file);
}

// A crash while the key was written leaves its beginning, or nothing of it.
Result<> complete_key(const UniqueFd& place, const VerifierKey& key)
{
  CONOS_TRY(const auto text, read_file(place, key_name(key), k_max_key_file));
  const auto whole = to_text(key) + "\n";
  if (text == whole || !whole.starts_with(text)) {
    return {};
  }
  const UniqueFd file(
    ::openat(place.get(), key_name(key).c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return file ? write_key(file, key) : os_error("open '{}'", key_name(key));
}

// Its name is of the key's id, which is short; what it holds tells.
Result<> check_key(const UniqueFd& place, const VerifierKey& key)
{
  CONOS_TRY(const auto text, read_file(place, key_name(key), k_max_key_file));
  if (text != to_text(key) + "\n") {
    return fail(Kind::bad_data, "'{}' is the key of another ledger", key_name(key));
  }
  return {};
}

Result<> prepare_place(const std::string& witness, const VerifierKey& key)
{
  CONOS_TRY(const auto place, open_dir(witness));
  CONOS_TRY(const bool known, is_there(place, key_name(key)));
  if (known) {
    CONOS_CHECK(complete_key(place, key));
    CONOS_CHECK(check_key(place, key));
  } else { // plain writes: sticks and shares know no files without names
    const UniqueFd file(::openat(place.get(), key_name(key).c_str(),
      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) {
      return os_error("make '{}'", key_name(key));
    }
    CONOS_CHECK(write_key(file, key));
  }
  return append_note(place, notes_name(key), "", Missing::make);
}

Result<std::vector<SignedCheckpoint>> open_all(const auto& notes, const VerifierKey& key)
{
  std::vector<SignedCheckpoint> opened;
  for (const auto& note : notes) {
    CONOS_TRY(auto one, open_checkpoint(note, key).map_error(
                          during(fmt::format("checkpoint {}", opened.size() + 1))));
    opened.push_back(std::move(one));
  }
  return opened;
}

// How many rows with keys `prefix`1, `prefix`2, … there are.
Result<std::int64_t> count_of(View& view, const std::string& prefix)
{
  const auto first = prefix + "1";
  const auto end = prefix + ":"; // comes after all digits
  CONOS_TRY(auto count, sqlite::Statement::prepare(view.connection(),
                          "SELECT count(*) FROM keys WHERE key >= ? AND key < ?"));
  count.bind(1, first);
  count.bind(2, end);
  CONOS_TRY([[maybe_unused]] const bool any, count.step());
  const auto found = count.integer(0);
  count.reset();
  return found;
}

Result<std::vector<SignedCheckpoint>> ask_directory(
  const std::string& witness, const VerifierKey& key)
{
  CONOS_TRY(const auto place, open_dir(witness));
  CONOS_CHECK(check_key(place, key));
  CONOS_TRY(const auto text, read_file(place, notes_name(key), k_max_checkpoints_bytes));
  return open_all(divide_notes(text).notes, key);
}

// Who changes the list holds the directory: of two that come at once neither is lost.
Result<UniqueFd> hold_list(const UniqueFd& dir)
{
  UniqueFd held(::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); // a lock of its own
  while (!held || ::flock(held.get(), LOCK_EX) < 0) {
    if (!held || errno != EINTR) {
      return os_error("lock the list of witnesses");
    }
  }
  return held;
}

} // namespace

Result<std::vector<std::string>> list_witnesses(const UniqueFd& dir)
{
  const auto text = read_file(dir, k_witnesses, k_max_list_bytes);
  if (!text && text.error().kind == Kind::not_found) {
    return std::vector<std::string>();
  }
  CONOS_CHECK(text);
  std::vector<std::string> witnesses;
  for (const auto line : split(*text, '\n')) {
    if (!line.empty()) {
      witnesses.emplace_back(line);
    }
  }
  return witnesses;
}

Result<> add_witness(const UniqueFd& dir, const std::string& witness, const VerifierKey& key)
{
  const auto purpose = during(fmt::format("witness '{}'", escaped(witness)));
  CONOS_TRY(const auto locked, hold_list(dir));
  CONOS_TRY(auto witnesses, list_witnesses(dir));
  if (std::find(witnesses.begin(), witnesses.end(), witness) != witnesses.end()) {
    return fail(Kind::exists, "'{}' is a witness already", escaped(witness));
  }
  if (witness != k_journal_witness) {
    CONOS_CHECK(check_path(witness));
    CONOS_CHECK(prepare_place(witness, key).map_error(purpose));
  }
  witnesses.push_back(witness);
  return keep_list(dir, witnesses);
}

Result<> remove_witness(const UniqueFd& dir, const std::string& witness)
{
  CONOS_TRY(const auto locked, hold_list(dir));
  CONOS_TRY(auto witnesses, list_witnesses(dir));
  if (std::erase(witnesses, witness) == 0) {
    return fail(Kind::not_found, "'{}' is not a witness", escaped(witness));
  }
  return keep_list(dir, witnesses);
}

Result<Row> row_of_witness(const std::string& directory, Witnessing what,
  const std::string& witness, const std::string& actor)
{
  const auto prefix = fmt::format("witness/{}/", sha256_hex(witness));
  CONOS_TRY(auto view, View::open(directory + "/" + k_database));
  const bool added = what == Witnessing::added;
  // it comes and goes: what is to be added was removed as often, what is removed was added before
  CONOS_TRY(const auto times, count_of(view, prefix + (added ? "removed/" : "added/")));
  return Row{added ? "witness.added" : "witness.removed", actor,
    fmt::format(R"({{"witness":{}}})", json_text(witness)),
    fmt::format("{}{}/{}", prefix, added ? "added" : "removed", added ? times + 1 : times)};
}

Result<std::vector<SignedCheckpoint>> ask_witness(
  const std::string& witness, const VerifierKey& key, const Journal& journal)
{
  const auto purpose = during(fmt::format("witness '{}'", escaped(witness)));
  if (witness != k_journal_witness) {
    return ask_directory(witness, key).map_error(purpose);
  }
  CONOS_TRY(const auto notes, journal.notes(key.name).map_error(purpose));
  return open_all(notes, key).map_error(purpose);
}

Result<> tell_witness(const std::string& witness, const SignedCheckpoint& newest,
  const VerifierKey& key, const Journal& journal)
{
  CONOS_TRY(const auto has, ask_witness(witness, key, journal));
  if (!has.empty() && has.back().checkpoint == newest.checkpoint) {
    return {};
  }
  const auto purpose = during(fmt::format("witness '{}'", escaped(witness)));
  if (witness == k_journal_witness) {
    return journal.put(newest).map_error(purpose);
  }
  CONOS_TRY(const auto place, open_dir(witness).map_error(purpose));
  return append_note(place, notes_name(key), newest.note, Missing::is_error).map_error(purpose);
}

} // namespace conos::audit
