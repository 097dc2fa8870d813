#include "gate/artifacts.hpp"

#include "artifact/store.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace conos::gate {

namespace {

using artifact::Artifact;
using Json = nlohmann::json;

std::string given(const Request& request, std::string_view name, std::string_view usual = "")
{
  const auto found = request.args.find(name);
  return found == request.args.end() ? std::string(usual) : found->second;
}

Result<Artifact> artifact_of(const Request& request, Time time)
{
  Artifact one;
  one.created_at = time;
  one.by = "a-" + request.agent;
  one.task = request.task.id;
  one.title = given(request, "title");
  CONOS_TRY(one.form, artifact::form_called(given(request, "kind", "file")));
  CONOS_TRY(one.exposure, artifact::exposure_called(given(request, "exposure", "private")));
  one.content_type = given(request, "content_type");
  one.file = artifact::file_name_of(
    given(request, "name", given(request, "file")), one.content_type, one.form);
  const auto life = given(request, "ttl");
  CONOS_TRY(const auto lives, life.empty() ? Result<Duration>(k_usual_life) : parse_duration(life));
  one.expires_at = time + lives;
  return one;
}

// Where nobody adds any meanwhile: many units may be at it at once.
Result<> has_room(const artifact::Store& store, const Artifact& another)
{
  CONOS_TRY(const auto all, store.all([](const Error& error) {
    log::warning("{}", escaped(error.text()));
  }));
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const auto& one : all) {
    if (one.by == another.by && artifact::is_valid(one, another.created_at)) {
      ++count;
      bytes += one.size;
    }
  }
  return count < k_max_artifacts && bytes + another.size <= k_max_artifact_bytes
           ? Result<>{}
           : fail(Kind::busy, "{} has {} artifacts of {} bytes already", another.by, count, bytes);
}

} // namespace

bool is_path_in_workspace(std::string_view path)
{
  const auto parts = split(path, '/');
  return parts.size() <= k_max_path_depth &&
         std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return is_plain_name(part);
         });
}

Result<UniqueFd> open_in_workspace(
  const Site& site, const std::string& agent, uid_t uid, const std::string& path)
{
  if (!is_path_in_workspace(path)) {
    return fail(Kind::bad_data, "'{}' is no file of a workspace", escaped(path, 100));
  }
  CONOS_TRY(const auto top, open_dir(site.agent(agent)));
  CONOS_TRY(auto dir, open_dir_at(top, "workspace"));
  const auto parts = split(path, '/');
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    CONOS_TRY(dir, open_dir_at(dir, std::string(parts[i])));
  }
  CONOS_TRY(auto file, open_beneath(dir, std::string(parts.back())));
  CONOS_TRY(const auto st, stat_of(file));
  // the agent may have put anything there, such as another name of a file of root's
  if (!S_ISREG(st.st_mode) || st.st_uid != uid || st.st_nlink != 1) {
    return fail(Kind::bad_data, "'{}' is no file of your own", escaped(path, 100));
  }
  if (st.st_size == 0 || static_cast<std::size_t>(st.st_size) > k_max_artifact) {
    return fail(Kind::bad_data, "'{}' has {} bytes: an artifact has from 1 to {}",
      escaped(path, 100), st.st_size, k_max_artifact);
  }
  return file;
}

Result<Kept> create_artifact(const Site& site, audit::Ledger& ledger, const Request& request)
{
  if (!ledger.has_room()) {
    return fail(Kind::unavailable, "the disk is full: nothing is kept that cannot be recorded");
  }
  CONOS_TRY(auto one, artifact_of(request, now()));
  CONOS_TRY(const auto store, artifact::Store::open(site.srv + "/" + artifact::k_place));
  CONOS_TRY(const auto content,
    open_in_workspace(site, request.agent, request.uid, given(request, "file")));
  const auto agree = [&](const Artifact& another) -> Result<> {
    CONOS_CHECK(has_room(store, another));
    return ledger.append({artifact::created_row(another)}).map([](const auto&) {});
  };
  // it may have grown meanwhile
  CONOS_TRY(one, store.add(std::move(one), content, agree, k_max_artifact));
  const Json result{{"artifact", one.id}, {"file", one.file}, {"content_type", one.content_type},
    {"sha256", one.sha256}, {"bytes", one.size}, {"exposure", to_string(one.exposure)},
    {"expires_at", rfc3339(*one.expires_at, 0)}};
  return Kept{one.id, result.dump(-1, ' ', true, Json::error_handler_t::replace)};
}

} // namespace conos::gate
