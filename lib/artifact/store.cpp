#include "artifact/store.hpp"

#include "audit/sha256.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

namespace conos::artifact {

namespace {

constexpr std::size_t k_max_record_bytes = 1U << 20U;
constexpr std::size_t k_max_artifacts = 1'000'000;
constexpr std::size_t k_max_keys_bytes = 64U << 10U;
constexpr mode_t k_mode = 0640; // its group is that of the directory, who serve it

std::string record_of(const std::string& id)
{
  return id + ".json";
}

Result<gid_t> group_of(const UniqueFd& dir)
{
  CONOS_TRY(const auto st, stat_of(dir));
  return st.st_gid;
}

struct Kept {
  UniqueFd file; // without a name yet
  std::size_t size = 0;
  std::string sha256;
  std::string begin; // of it
};

Result<Kept> copy_of(const UniqueFd& content, const UniqueFd& dir, std::size_t most)
{
  constexpr std::size_t k_begin = 4096;
  Kept kept;
  CONOS_TRY(const auto group, group_of(dir));
  CONOS_TRY(kept.file, nameless(dir, "", k_mode, {0, group}));
  audit::Hasher hasher;
  std::array<char, 64U << 10U> buffer{};
  for (;;) {
    const auto got = ::read(content.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return os_error("read the content");
    }
    if (got == 0) {
      break;
    }
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    kept.size += piece.size();
    if (kept.size > most) {
      return fail(Kind::bad_data, "the content has more than {} bytes", most);
    }
    hasher.update(piece);
    kept.begin += piece.substr(0, k_begin - std::min(k_begin, kept.begin.size()));
    CONOS_CHECK(write_all(kept.file, piece));
  }
  if (kept.size == 0) {
    return fail(Kind::bad_data, "there is no content");
  }
  kept.sha256 = hasher.finish();
  CONOS_CHECK(sync_file(kept.file));
  return kept;
}

Result<std::vector<Key>> read_keys(const UniqueFd& dir)
{
  const auto text = read_file(dir, k_keys_file, k_max_keys_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found
             ? std::vector<Key>()
             : Result<std::vector<Key>>(tl::unexpected<Error>(text.error()));
  }
  return keys_from_text(*text);
}

Result<UniqueFd> hold_directory(const UniqueFd& dir)
{
  UniqueFd held(::openat(dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); // a lock of its own
  while (!held || ::flock(held.get(), LOCK_EX) < 0) {
    if (!held || errno != EINTR) {
      return os_error("lock the directory");
    }
  }
  return held;
}

} // namespace

Result<Store> Store::open(const std::string& directory)
{
  CONOS_TRY(auto dir, open_dir(directory));
  CONOS_TRY(auto contents, open_dir_at(dir, "content"));
  return Store(std::move(dir), std::move(contents));
}

Result<UniqueFd> Store::hold() const
{
  return hold_directory(m_dir);
}

Result<UniqueFd> Store::nameless_record(const Artifact& artifact) const
{
  CONOS_TRY(const auto group, group_of(m_dir));
  CONOS_TRY(auto record, nameless(m_dir, to_json(artifact), k_mode, {0, group}));
  CONOS_CHECK(sync_file(record));
  return record;
}

// The content first: a record without one would be an artifact that cannot be shown, a content
// without a record is cleared.
Result<> Store::name_both(
  const UniqueFd& content, const UniqueFd& record, const Artifact& artifact) const
{
  const auto named = give_name(content, m_contents, artifact.sha256);
  if (!named && named.error().kind != Kind::exists) {
    return named;
  }
  CONOS_CHECK(sync_file(m_contents));
  CONOS_CHECK(give_name(record, m_dir, record_of(artifact.id)));
  return sync_file(m_dir);
}

Result<Artifact> Store::add(
  Artifact artifact, const UniqueFd& content, const Agree& agree, std::size_t most) const
{
  CONOS_TRY(const auto kept, copy_of(content, m_contents, most));
  CONOS_TRY(const auto digits, random_hex(16));
  artifact.id = "art_" + digits;
  artifact.size = kept.size;
  artifact.sha256 = kept.sha256;
  if (artifact.content_type.empty()) {
    artifact.content_type = content_type_of(artifact.file, kept.begin);
  }
  CONOS_TRY(const auto record, nameless_record(artifact));
  CONOS_TRY(const auto held, hold()); // so that nobody clears the content before it has a record
  CONOS_CHECK(agree(artifact));
  CONOS_CHECK(
    name_both(kept.file, record, artifact).map_error(during("keep '" + artifact.id + "'")));
  return artifact;
}

Result<Artifact> Store::get(const std::string& id) const
{
  if (!is_artifact_id(id)) {
    return fail(
      Kind::usage, "'{}' is no artifact: one is called art_ and 16 hex digits", escaped(id, 64));
  }
  const auto text = read_file(m_dir, record_of(id), k_max_record_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found
             ? fail(Kind::not_found, "there is no artifact '{}'", id)
             : Result<Artifact>(tl::unexpected<Error>(text.error()));
  }
  return artifact_from_json(*text).map_error(during(id));
}

Result<std::vector<Artifact>> Store::all(const std::function<void(const Error&)>& trouble) const
{
  CONOS_TRY(const auto names, list_names(m_dir, k_max_artifacts, [](std::string_view name) {
    return name.ends_with(".json") && is_artifact_id(name.substr(0, name.size() - 5));
  }));
  std::vector<Artifact> all;
  for (const auto& name : names) {
    auto artifact = get(name.substr(0, name.size() - 5));
    if (artifact) {
      all.push_back(std::move(*artifact));
    } else if (artifact.error().kind != Kind::not_found) { // cleared meanwhile
      trouble(artifact.error());
    }
  }
  std::sort(all.begin(), all.end(), [](const Artifact& a, const Artifact& b) {
    return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id);
  });
  return all;
}

Result<UniqueFd> Store::content(const Artifact& artifact) const
{
  return open_beneath(m_contents, artifact.sha256);
}

Result<Artifact> Store::change(
  const std::string& id, const std::function<Result<>(Artifact&)>& change) const
{
  CONOS_TRY(const auto held, hold());
  CONOS_TRY(auto artifact, get(id));
  CONOS_CHECK(change(artifact));
  CONOS_TRY(const auto group, group_of(m_dir));
  CONOS_CHECK(replace_alone(m_dir, record_of(id), to_json(artifact), k_mode, {0, group}));
  return artifact;
}

Result<Store::Cleared> Store::clear(Time before, bool only_look) const
{
  CONOS_TRY(const auto held, hold());
  Cleared cleared;
  bool all_read = true;
  CONOS_TRY(const auto artifacts, all([&](const Error&) {
    all_read = false;
  }));
  std::set<std::string> needed;
  for (const auto& artifact : artifacts) {
    const auto ended = artifact.revoked_at ? artifact.revoked_at : artifact.expires_at;
    if (!ended || *ended >= before) {
      needed.insert(artifact.sha256);
      continue;
    }
    cleared.artifacts.push_back(artifact.id);
    CONOS_CHECK(only_look ? Result<>{} : remove_name(m_dir, record_of(artifact.id)));
  }
  if (!all_read) {
    return cleared; // what cannot be read may need any of them
  }
  CONOS_TRY(const auto contents, list_names(m_contents, k_max_artifacts));
  for (const auto& name : contents) {
    if (!needed.contains(name)) {
      CONOS_TRY(const auto st, stat_at(m_contents, name));
      ++cleared.contents;
      cleared.bytes += static_cast<std::size_t>(st.st_size);
      CONOS_CHECK(only_look ? Result<>{} : remove_name(m_contents, name));
    }
  }
  return cleared;
}

audit::Row created_row(const Artifact& artifact)
{
  nlohmann::json payload{{"artifact", artifact.id}, {"by", artifact.by}, {"file", artifact.file},
    {"sha256", artifact.sha256}, {"exposure", to_string(artifact.exposure)}};
  if (!artifact.task.empty()) {
    payload["id"] = artifact.task;
  }
  audit::Row row;
  row.type = "artifact.created";
  row.actor = artifact.by;
  row.payload = payload.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return row;
}

Result<std::vector<Key>> find_or_make_keys(const std::string& directory)
{
  CONOS_TRY(const auto dir, open_dir(directory));
  CONOS_TRY(const auto held, hold_directory(dir));
  CONOS_TRY(auto keys, read_keys(dir));
  if (keys.empty()) {
    CONOS_TRY(auto key, new_key(now()));
    keys.push_back(std::move(key));
    CONOS_CHECK(replace_alone(dir, k_keys_file, to_text(keys), 0600));
  }
  return keys;
}

Result<std::vector<Key>> rotate_keys(const std::string& directory, std::size_t keep)
{
  CONOS_TRY(const auto dir, open_dir(directory));
  CONOS_TRY(const auto held, hold_directory(dir));
  CONOS_TRY(auto keys, read_keys(dir));
  CONOS_TRY(auto key, new_key(now()));
  keys.insert(keys.begin(), std::move(key));
  keys.erase(
    keys.begin() + static_cast<std::ptrdiff_t>(std::min(keys.size(), keep + 1)), keys.end());
  CONOS_CHECK(replace_alone(dir, k_keys_file, to_text(keys), 0600));
  return keys;
}

} // namespace conos::artifact
