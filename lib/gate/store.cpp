#include "gate/store.hpp"

#include "sys/file.hpp"
#include "sys/text.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace conos::gate {

namespace {

constexpr std::size_t k_max_requests = 100'000;
constexpr std::string_view k_end = ".json";
constexpr const char* k_lock = ".lock";

std::string file_of(const std::string& id)
{
  return id + std::string(k_end);
}

std::string work_of(const std::string& id)
{
  return "." + id + ".work";
}

// What anybody else could have written, or still can, is nothing that anything follows from.
Result<> check_is_ours(const UniqueFd& file, const std::string& name)
{
  CONOS_TRY(const auto st, stat_of(file));
  if (!S_ISREG(st.st_mode) || st.st_uid != ::geteuid() || st.st_nlink != 1 ||
      (st.st_mode & 0077U) != 0) {
    return fail(Kind::bad_data, "'{}' is no file of root's alone", escaped(name));
  }
  return {};
}

Result<std::string> read_ours(const UniqueFd& dir, const std::string& name, std::size_t limit)
{
  CONOS_TRY(const auto file, open_beneath(dir, name));
  CONOS_CHECK(check_is_ours(file, name));
  return read_all(file, limit);
}

Result<UniqueFd> open_private_dir(const std::string& path)
{
  CONOS_TRY(auto dir, open_dir(path));
  CONOS_TRY(const auto st, stat_of(dir));
  if (st.st_uid != ::geteuid() || (st.st_mode & 0077U) != 0) {
    return fail(Kind::denied, "'{}' is not root's alone", path);
  }
  return dir;
}

} // namespace

Result<Requests> Requests::open(const Site& site)
{
  const auto path = site.lib + "/" + k_approvals;
  const auto proposals_path = site.lib + "/" + k_proposals;
  CONOS_TRY(auto dir, open_private_dir(path));
  CONOS_TRY(auto proposals, open_private_dir(proposals_path));
  return Requests(path, proposals_path, std::move(dir), std::move(proposals));
}

Result<Requests::Lock> Requests::lock() const
{
  UniqueFd file(::openat(m_dir.get(), k_lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return os_error("open the lock of '{}'", m_path);
  }
  while (::flock(file.get(), LOCK_EX) < 0) {
    if (errno != EINTR) {
      return os_error("lock '{}'", m_path);
    }
  }
  return Lock(std::move(file));
}

Result<std::optional<Requests::Lock>> Requests::take_work(const std::string& id) const
{
  const auto name = work_of(id);
  UniqueFd file(
    ::openat(m_dir.get(), name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return os_error("open '{}/{}'", m_path, name);
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
    return std::optional(Lock(std::move(file)));
  }
  return errno == EWOULDBLOCK ? Result<std::optional<Lock>>(std::nullopt)
                              : os_error("lock '{}/{}'", m_path, name);
}

Result<Request> Requests::load(const std::string& id) const
{
  if (!is_request_id(id)) {
    return fail(Kind::not_found, "'{}' is not the id of a request: 16 of 0-9a-f", escaped(id, 40));
  }
  const auto text = read_ours(m_dir, file_of(id), k_max_record_bytes);
  if (!text && text.error().kind == Kind::not_found) {
    return fail(Kind::not_found, "there is no request {}", id);
  }
  if (!text) {
    return tl::unexpected<Error>(during("read request " + id)(text.error()));
  }
  CONOS_TRY(auto request, request_from_json(*text).map_error(during("read request " + id)));
  if (request.id != id) {
    return fail(Kind::bad_data, "read request {}: it is request {}", id, request.id);
  }
  return request;
}

Result<> Requests::add(const Request& request) const
{
  return publish(m_dir, file_of(request.id), to_json(request), 0600);
}

Result<> Requests::save(const Request& request) const
{
  return replace(m_dir, file_of(request.id), to_json(request), 0600);
}

Result<> Requests::remove(const std::string& id) const
{
  for (const auto* end : {".yaml", ".toml"}) {
    CONOS_CHECK(remove_name(m_proposals, id + end));
  }
  CONOS_CHECK(remove_name(m_dir, file_of(id)));
  return remove_name(m_dir, work_of(id));
}

Result<std::vector<std::string>> Requests::ids() const
{
  CONOS_TRY(auto names, list_names(m_dir, k_max_requests, [](std::string_view name) {
    return name.ends_with(k_end) && is_request_id(name.substr(0, name.size() - k_end.size()));
  }));
  for (auto& name : names) {
    name.resize(name.size() - k_end.size());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<Requests::All> Requests::all() const
{
  CONOS_TRY(const auto names, ids());
  All all;
  for (const auto& id : names) {
    auto request = load(id);
    if (request) {
      all.requests.push_back(std::move(*request));
    } else if (request.error().kind != Kind::not_found) { // somebody has just removed it
      all.trouble.emplace_back(id, request.error());
    }
  }
  std::stable_sort(
    all.requests.begin(), all.requests.end(), [](const Request& a, const Request& b) {
      return a.requested_at < b.requested_at;
    });
  return all;
}

Result<std::string> Requests::keep_proposal(
  const std::string& id, std::string_view end, std::string_view text) const
{
  const auto name = id + std::string(end);
  CONOS_CHECK(publish(m_proposals, name, text, 0600));
  return m_proposals_path + "/" + name;
}

Result<std::string> Requests::proposal_of(
  const std::string& id, std::string_view end, std::string_view text) const
{
  const auto name = id + std::string(end);
  CONOS_TRY(const auto kept, read_ours(m_proposals, name, k_max_record_bytes));
  if (kept != text) {
    return fail(Kind::denied, "'{}/{}' is no longer what was proposed: somebody has changed it",
      m_proposals_path, name);
  }
  return m_proposals_path + "/" + name;
}

} // namespace conos::gate
