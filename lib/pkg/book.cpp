#include "pkg/book.hpp"

#include "sys/file.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>

namespace conos::pkg {

namespace {

using Json = nlohmann::json;

constexpr std::size_t k_max_book_bytes = 16U << 20U;

Json json_of(const Deed& deed)
{
  auto wanted = Json::array();
  for (const auto& one : deed.wanted) {
    wanted.push_back({{"name", one.name}, {"version", one.version}});
  }
  return {{"id", deed.id}, {"verb", to_string(deed.verb)}, {"wanted", wanted},
    {"before", deed.before}, {"untouched", deed.untouched}, {"also", deed.also},
    {"agent", deed.agent}, {"task", deed.task}, {"by", deed.by}};
}

Deed deed_of(const Json& json)
{
  Deed deed;
  deed.id = json.at("id");
  deed.verb = json.at("verb") == to_string(Verb::install) ? Verb::install : Verb::remove;
  for (const auto& one : json.at("wanted")) {
    deed.wanted.push_back({one.at("name"), one.at("version")});
  }
  json.at("before").get_to(deed.before);
  json.at("untouched").get_to(deed.untouched);
  json.at("also").get_to(deed.also);
  deed.agent = json.at("agent");
  deed.task = json.at("task");
  deed.by = json.at("by");
  return deed;
}

Entry entry_of(const Json& json)
{
  Entry entry;
  json.at("was_there").get_to(entry.was_there);
  json.at("by_hand").get_to(entry.by_hand);
  json.at("agents").get_to(entry.agents);
  json.at("since").get_to(entry.since);
  json.at("task").get_to(entry.task);
  return entry;
}

Result<Contents> contents_in(const UniqueFd& dir)
{
  const auto text = read_file(dir, k_book, k_max_book_bytes);
  if (!text) {
    return text.error().kind == Kind::not_found ? Result<Contents>(Contents())
                                                : tl::unexpected<Error>(text.error());
  }
  return contents_from_json(*text).map_error(during("read '" + k_book + "'"));
}

Result<UniqueFd> take_lock(const UniqueFd& dir, const std::function<void()>& tell_wait)
{
  UniqueFd file(
    ::openat(dir.get(), "packages.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return os_error("open the lock 'packages.lock'");
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
    return file;
  }
  if (errno == EWOULDBLOCK) {
    tell_wait();
  }
  while (::flock(file.get(), LOCK_EX) < 0) {
    if (errno != EINTR) {
      return os_error("take the lock 'packages.lock'");
    }
  }
  return file;
}

} // namespace

std::string_view to_string(Verb verb)
{
  return verb == Verb::install ? "install" : "remove";
}

std::string to_json(const Contents& contents)
{
  auto entries = Json::object();
  for (const auto& [name, entry] : contents.entries) {
    entries[name] = {{"was_there", entry.was_there}, {"by_hand", entry.by_hand},
      {"agents", entry.agents}, {"since", entry.since}, {"task", entry.task}};
  }
  const Json json{
    {"packages", entries}, {"begun", contents.begun ? json_of(*contents.begun) : Json()}};
  return json.dump(1, ' ', true, Json::error_handler_t::replace) + "\n";
}

Result<Contents> contents_from_json(std::string_view text)
{
  try {
    const auto json = Json::parse(text);
    Contents contents;
    for (const auto& [name, entry] : json.at("packages").items()) {
      contents.entries[name] = entry_of(entry);
    }
    if (!json.at("begun").is_null()) {
      contents.begun = deed_of(json.at("begun"));
    }
    return contents;
  } catch (const std::exception& error) {
    return fail(Kind::bad_data, "not what conos-pkg writes ({})", error.what());
  }
}

Result<Book> Book::open(const std::string& directory, const std::function<void()>& tell_wait)
{
  std::error_code error;
  if (std::filesystem::create_directories(directory, error)) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  }
  CONOS_TRY(auto dir, open_dir(directory));
  CONOS_TRY(auto lock, take_lock(dir, tell_wait));
  CONOS_TRY(auto contents, contents_in(dir));
  return Book(std::move(dir), std::move(lock), std::move(contents));
}

Result<Contents> Book::read(const std::string& directory)
{
  const auto dir = open_dir(directory);
  if (!dir) {
    return dir.error().kind == Kind::not_found ? Result<Contents>(Contents())
                                               : tl::unexpected<Error>(dir.error());
  }
  return contents_in(*dir);
}

Result<> Book::save() const
{
  return replace_alone(m_dir, k_book, to_json(contents), 0600);
}

} // namespace conos::pkg
