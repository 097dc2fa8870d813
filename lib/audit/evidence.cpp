#include "audit/evidence.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>

namespace conos::audit {

namespace {

using Json = nlohmann::json;

void find_fault(Evidence& evidence, std::string what)
{
  evidence.bad.push_back({0, std::move(what)});
}

void expect(const Checkpoint& checkpoint, std::string name, Evidence& evidence)
{
  evidence.expected.push_back(
    {checkpoint.rows, checkpoint.root, std::move(name), Expected::Of::tree});
}

// Notes in a file of checkpoints, called `name` by people.
std::vector<SignedCheckpoint> open_notes(
  std::string_view text, const std::string& name, Evidence& evidence)
{
  const auto notes = divide_notes(text);
  std::vector<SignedCheckpoint> opened;
  for (std::size_t i = 0; i < notes.notes.size(); ++i) {
    const auto which = fmt::format("{} in {}", i + 1, name);
    auto one = open_checkpoint(notes.notes[i], *evidence.key);
    if (!one) {
      find_fault(evidence, fmt::format("checkpoint {}: {}", which, one.error().text()));
      continue;
    }
    if (!opened.empty() && one->checkpoint.rows < opened.back().checkpoint.rows) {
      find_fault(
        evidence, fmt::format("checkpoint {} is of fewer rows than that before it", which));
    }
    expect(one->checkpoint, which, evidence);
    opened.push_back(*std::move(one));
  }
  if (!notes.unfinished.empty()) {
    evidence.notices.push_back(
      fmt::format("the last checkpoint in {} was cut short or has no signature", name));
  }
  return opened;
}

// The key is there, or there is nothing to judge by one.
Result<bool> has_key(const UniqueFd& dir, bool has_checkpoints, Evidence& evidence)
{
  if (evidence.key) {
    return true;
  }
  auto found = find_verifier_key(dir);
  if (!found && found.error().kind == Kind::bad_data) {
    find_fault(evidence, found.error().text());
    return false;
  }
  CONOS_TRY(evidence.key, std::move(found));
  if (!evidence.key && has_checkpoints) {
    find_fault(evidence,
      fmt::format("'{}' is not there, by which '{}' were to be judged: name the key with --key",
        k_verifier_key, k_checkpoints));
  }
  return evidence.key.has_value();
}

void gather_witness(const std::string& witness, const Journal& journal, Evidence& evidence)
{
  const auto has = ask_witness(witness, *evidence.key, journal);
  if (!has && (has.error().kind == Kind::bad_data || has.error().kind == Kind::denied)) {
    find_fault(evidence, has.error().text());
  } else if (!has) {
    evidence.notices.push_back(has.error().text());
  } else {
    for (std::size_t i = 0; i < has->size(); ++i) {
      expect(
        (*has)[i].checkpoint, fmt::format("{} of witness '{}'", i + 1, escaped(witness)), evidence);
    }
  }
}

Result<std::optional<std::string>> find_file(const UniqueFd& dir, const std::string& name)
{
  auto text = read_file(dir, name, k_max_checkpoints_bytes);
  if (!text && text.error().kind == Kind::not_found) {
    return std::optional<std::string>();
  }
  return std::move(text).map([](std::string found) {
    return std::optional(std::move(found));
  });
}

// --- day files -----------------------------------------------------------------------------------

// The last whole line, of the last bytes of a file: those of one row and more.
Result<std::string> last_line(const UniqueFd& dir, const std::string& name)
{
  constexpr off_t k_enough = 512 << 10; // two rows of the largest payload, escaped or not
  CONOS_TRY(const auto file, open_beneath(dir, name));
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode)) {
    return fail(Kind::bad_data, "'{}' is not a regular file", escaped(name));
  }
  if (::lseek(file.get(), std::max<off_t>(0, st.st_size - k_enough), SEEK_SET) < 0) {
    return os_error("read '{}'", name);
  }
  CONOS_TRY(auto text, read_all(file, 2 * static_cast<std::size_t>(k_enough)));
  const auto end = text.rfind('\n');
  if (end == text.npos) {
    return std::string();
  }
  text.resize(end);
  return text.substr(text.rfind('\n') + 1); // from the start where there is none
}

std::optional<Expected> row_of_line(const std::string& line, const std::string& name)
{
  const auto row = Json::parse(line, nullptr, false);
  const bool whole = row.is_object() && row.contains("id") && row["id"].is_number_integer() &&
                     row.contains("hash") && row["hash"].is_string();
  const auto hash = whole ? digest_from_hex(row["hash"].get<std::string>()) : std::nullopt;
  return hash ? std::optional(Expected{row["id"].get<std::int64_t>(), *hash,
                  fmt::format("'{}'", escaped(name)), Expected::Of::row})
              : std::nullopt;
}

bool is_day_file(std::string_view name)
{
  constexpr std::size_t k_size = std::string_view("YYYY-MM-DD.jsonl").size();
  return name.size() == k_size && name.ends_with(".jsonl");
}

struct Said {
  std::int64_t rows = 0;
  Digest root{};
};

std::optional<Said> said_by(const SignedRow& row)
{
  const auto said = Json::parse(row.payload, nullptr, false);
  const bool whole = said.is_object() && said.contains("rows") &&
                     said["rows"].is_number_integer() && said.contains("root") &&
                     said["root"].is_string();
  const auto root = whole ? digest_from_base64(said["root"].get<std::string>()) : std::nullopt;
  return root ? std::optional(Said{said["rows"].get<std::int64_t>(), *root}) : std::nullopt;
}

} // namespace

Result<Evidence> gather(
  const std::string& directory, const std::optional<VerifierKey>& key, const Journal& journal)
{
  const auto purpose = during(fmt::format("look for checkpoints in '{}'", directory));
  Evidence evidence;
  evidence.key = key;
  const auto dir = open_dir(directory);
  if (!dir && dir.error().kind == Kind::not_found) {
    return evidence;
  }
  if (!dir) {
    return tl::unexpected<Error>(purpose(dir.error()));
  }
  CONOS_TRY(const auto text, find_file(*dir, k_checkpoints).map_error(purpose));
  CONOS_TRY(
    const bool judgeable, has_key(*dir, text && !text->empty(), evidence).map_error(purpose));
  if (!judgeable) {
    return evidence;
  }
  if (text) {
    evidence.kept = open_notes(*text, fmt::format("'{}'", k_checkpoints), evidence);
  }
  CONOS_TRY(const auto witnesses, list_witnesses(*dir).map_error(purpose));
  for (const auto& witness : witnesses) {
    gather_witness(witness, journal, evidence);
  }
  return evidence;
}

Result<> add_checkpoints(const std::string& file, Evidence& evidence)
{
  const auto name = fmt::format("'{}'", escaped(file));
  if (!evidence.key) {
    return fail(Kind::usage, "there is no key to judge {} by: name it with --key", name);
  }
  CONOS_TRY(const auto text, read_path(file, k_max_checkpoints_bytes));
  const auto known = evidence.expected.size();
  const auto faults = evidence.bad.size();
  (void)open_notes(text, name, evidence); // expected of the ledger, and not beside it
  if (known == evidence.expected.size() && faults == evidence.bad.size()) {
    find_fault(evidence, fmt::format("there is no checkpoint in {}, or it has no signature", name));
  }
  return {};
}

Result<> add_day_files(const std::string& directory, Evidence& evidence)
{
  constexpr std::size_t k_most = 100'000;
  const auto dir = open_dir(directory);
  if (!dir && dir.error().kind == Kind::not_found) {
    return {};
  }
  if (!dir) {
    return tl::unexpected<Error>(dir.error());
  }
  CONOS_TRY(auto names, list_names(*dir, k_most, is_day_file));
  for (const auto& name : names) {
    CONOS_TRY(const auto line, last_line(*dir, name));
    if (auto row = row_of_line(line, name)) {
      evidence.expected.push_back(*std::move(row));
    }
  }
  return {};
}

std::optional<Finding> judge_signed_rows(const Verdict& verdict, const Evidence& evidence)
{
  std::map<std::int64_t, Digest> kept;
  for (const auto& each : evidence.kept) {
    kept.emplace(each.checkpoint.rows, each.checkpoint.root);
  }
  for (const auto& row : verdict.signed_rows) {
    const auto said = said_by(row);
    if (!said) {
      continue; // somebody else's row of this type
    }
    const auto found = kept.find(said->rows);
    if (found == kept.end() || found->second != said->root) {
      return Finding{row.id,
        fmt::format("row {}: a checkpoint was signed for {} rows, and it is not in '{}', or not "
                    "with its signature: it was taken away",
          row.id, said->rows, k_checkpoints)};
    }
  }
  return std::nullopt;
}

} // namespace conos::audit
