// conos-artifact - keep what was made, and let others see it by links that end
#include "artifact/store.hpp"
#include "audit/ledger.hpp"
#include "cli/tool.hpp"
#include "host/provenance.hpp"
#include "sys/file.hpp"
#include "sys/id.hpp"
#include "sys/text.hpp"
#include "task/site.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>

namespace {

using namespace conos;
using namespace conos::artifact;
using cli::Exit;
using Json = nlohmann::json;

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

Result<> need_root()
{
  return ::geteuid() == 0 ? Result<>{} : fail(Kind::denied, "only root may do this");
}

Result<Store> open_store()
{
  return Store::open(Site().srv + "/" + k_place).map_error(only_for_members);
}

Result<> record(const std::string& type, const Artifact& artifact, Json more = Json::object())
{
  const auto by = acting_account();
  Json payload{{"artifact", artifact.id}, {"by", by}, {"sha256", artifact.sha256}};
  if (!artifact.task.empty()) {
    payload["id"] = artifact.task;
  }
  payload.update(more);
  CONOS_TRY(auto ledger, audit::Ledger::open(Site().lib));
  audit::Row row;
  row.type = type;
  row.actor = by;
  row.payload = payload.dump(-1, ' ', true, Json::error_handler_t::replace);
  return ledger.append({row}).map_error(during("done, and not recorded")).map([](const auto&) {});
}

// --- making -------------------------------------------------------------------------------------

// The file a person names, or standard input.
Result<UniqueFd> open_content(const std::string& path)
{
  if (path.empty()) {
    return UniqueFd(::dup(STDIN_FILENO));
  }
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    return os_error("open '{}'", escaped(path));
  }
  CONOS_TRY(const auto st, stat_of(file));
  return S_ISREG(st.st_mode) ? Result<UniqueFd>(std::move(file))
                             : fail(Kind::usage, "'{}' is not a file", escaped(path));
}

Result<std::optional<Time>> end_of(const cli::Args& args, Time from)
{
  if (!args.has("ttl")) {
    return std::nullopt;
  }
  CONOS_TRY(const auto time, parse_duration(args["ttl"]));
  return std::optional(Time(from + time));
}

Result<Exit> create(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  Artifact artifact;
  artifact.created_at = now();
  artifact.by = acting_account();
  artifact.task = args["task-id"];
  artifact.title = args["title"];
  CONOS_TRY(artifact.form, form_called(args["kind"]));
  CONOS_TRY(artifact.audience, audience_called(args["audience"]));
  CONOS_TRY(artifact.exposure, exposure_called(args["exposure"]));
  CONOS_TRY(artifact.expires_at, end_of(args, artifact.created_at));
  artifact.content_type = args["content-type"];
  if (!artifact.content_type.empty() && !is_content_type(artifact.content_type)) {
    return fail(Kind::usage, "'{}' is no type of content: 'text/html; charset=utf-8' is one",
      escaped(artifact.content_type, 100));
  }
  if (!is_utf8(artifact.title) || artifact.title.size() > 500) {
    return fail(Kind::usage, "a title is at most 500 bytes of UTF-8");
  }
  const auto& name = args["name"].empty() ? args["from"] : args["name"];
  artifact.file = file_name_of(name, artifact.content_type, artifact.form);
  CONOS_TRY(const auto content, open_content(args["from"]));
  CONOS_TRY(const auto store, open_store());
  CONOS_TRY(auto ledger, audit::Ledger::open(Site().lib));
  CONOS_TRY(artifact, store.add(std::move(artifact), content, [&](const Artifact& one) {
    return ledger.append({created_row(one)}).map([](const auto&) {});
  }));
  print(to_json(artifact));
  return Exit::ok;
}

// --- looking ------------------------------------------------------------------------------------

Result<Exit> show(const cli::Args& args)
{
  CONOS_TRY(const auto store, open_store());
  CONOS_TRY(const auto artifact, store.get(args.operands.front()));
  if (!args.has("content")) {
    print(to_json(artifact));
    return Exit::ok;
  }
  CONOS_TRY(const auto content, store.content(artifact));
  std::array<char, 64U << 10U> buffer{};
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  for (;;) {
    const auto got = ::read(content.get(), buffer.data(), buffer.size());
    if (got < 0) {
      return os_error("read '{}'", artifact.sha256);
    }
    if (got == 0) {
      return Exit::ok;
    }
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    print(is_terminal ? escaped_lines(piece) : std::string(piece));
  }
}

std::string_view state_of(const Artifact& artifact)
{
  return artifact.revoked_at ? "revoked" : is_valid(artifact, now()) ? "" : "expired";
}

Result<Exit> list(const cli::Args& args)
{
  CONOS_TRY(const auto store, open_store());
  bool all_read = true;
  CONOS_TRY(const auto all, store.all([&](const Error& error) {
    all_read = false;
    (void)std::fprintf(stderr, "conos-artifact: %s\n", escaped(error.text()).c_str());
  }));
  for (const auto& artifact : all) {
    print(args.has("json")
            ? Json::parse(to_json(artifact)).dump() + "\n"
            : fmt::format("{}  {}  {:>10}  {:<15}  {:<8} {}  {}\n", artifact.id,
                rfc3339(artifact.created_at, 0), artifact.size, to_string(artifact.exposure),
                state_of(artifact), artifact.file, escaped(artifact.title, 60)));
  }
  return all_read ? Exit::ok : Exit::bad_data;
}

// --- links --------------------------------------------------------------------------------------

Result<Exit> make_link(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto store, open_store());
  CONOS_TRY(const auto time, parse_duration(args["ttl"]));
  CONOS_TRY(const auto keys, find_or_make_keys(Site().lib));
  CONOS_TRY(const auto digits, random_hex(16));
  Link link{digits, keys.front().id, now() + time, acting_account()};
  CONOS_TRY(const auto artifact, store.change(args.operands.front(), [&](Artifact& a) -> Result<> {
    if (a.exposure == Exposure::private_) {
      return fail(Kind::denied, "'{}' is private: it has no links", a.id);
    }
    if (!is_valid(a, now())) {
      return fail(Kind::denied, "'{}' is {}", a.id, state_of(a));
    }
    if (a.expires_at && *a.expires_at < link.expires_at) {
      link.expires_at = *a.expires_at;
    }
    std::erase_if(a.links, [](const Link& old) { // or they would be ever more
      return old.expires_at < now();
    });
    a.links.push_back(link);
    return {};
  }));
  CONOS_CHECK(record(
    "artifact.linked", artifact, {{"link", link.id}, {"until", rfc3339(link.expires_at, 0)}}));
  const Json json{{"url", args["base-url"] + path_with(artifact, link, keys.front())},
    {"expires_at", rfc3339(link.expires_at, 0)}, {"link", link.id}};
  print(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  return Exit::ok;
}

// By hand what the web server asks: of a whole link, as it was given out.
Result<Exit> verify(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const auto& url = args.operands.front();
  const auto path = url.find("/artifacts/");
  CONOS_TRY(const auto asked, parse_asked(path == url.npos ? url : url.substr(path)));
  CONOS_TRY(const auto store, open_store());
  CONOS_TRY(const auto artifact, store.get(asked.id));
  CONOS_TRY(const auto keys, find_or_make_keys(Site().lib));
  if (const auto why = objection_to(asked, artifact, keys, now())) {
    print(*why + "\n");
    return Exit::no;
  }
  print("ok\n");
  return Exit::ok;
}

Result<Exit> take_back(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto store, open_store());
  const auto& one = args["link"];
  bool is_new = true;
  CONOS_TRY(const auto artifact, store.change(args.operands.front(), [&](Artifact& a) -> Result<> {
    if (one.empty()) {
      is_new = !a.revoked_at;
      a.revoked_at = a.revoked_at.value_or(now());
      return {};
    }
    return std::erase_if(a.links,
             [&](const Link& link) {
               return link.id == one;
             }) > 0
             ? Result<>{}
             : fail(Kind::not_found, "'{}' has no link '{}'", a.id, escaped(one, 64));
  }));
  if (!is_new) {
    print(fmt::format("{} was revoked already\n", artifact.id));
    return Exit::ok;
  }
  CONOS_CHECK(
    record("artifact.revoked", artifact, one.empty() ? Json::object() : Json{{"link", one}}));
  print(one.empty() ? fmt::format("{} is revoked\n", artifact.id)
                    : fmt::format("link {} of {} is revoked\n", one, artifact.id));
  return Exit::ok;
}

Result<Exit> rotate(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto keep, args.number("keep", 0, 16));
  CONOS_TRY(const auto keys, rotate_keys(Site().lib, static_cast<std::size_t>(keep)));
  audit::Row row;
  row.type = "artifact.key_rotated";
  row.actor = acting_account();
  row.payload = Json{{"by", row.actor}, {"key", keys.front().id}, {"keys", keys.size()}}.dump();
  CONOS_TRY(auto ledger, audit::Ledger::open(Site().lib));
  CONOS_CHECK(ledger.append({row}).map_error(during("done, and not recorded")));
  print(fmt::format("links are signed by {} now; {} before it still {}\n", keys.front().id,
    keys.size() - 1, keys.size() == 2 ? "verifies" : "verify"));
  return Exit::ok;
}

Result<Exit> gc(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto age, parse_duration(args["older-than"]));
  CONOS_TRY(const auto store, open_store());
  const bool only_looks = args.has("dry-run");
  CONOS_TRY(const auto cleared, store.clear(now() - age, only_looks));
  for (const auto& id : cleared.artifacts) {
    print(id + "\n");
  }
  print(fmt::format("{} artifact{} and {} content{} of {} bytes {}\n", cleared.artifacts.size(),
    cleared.artifacts.size() == 1 ? "" : "s", cleared.contents, cleared.contents == 1 ? "" : "s",
    cleared.bytes, only_looks ? "would go" : "are gone"));
  if (only_looks) {
    return cleared.artifacts.empty() && cleared.contents == 0 ? Exit::ok : Exit::no;
  }
  if (!cleared.artifacts.empty()) {
    audit::Row row;
    row.type = "artifact.cleared";
    row.actor = acting_account();
    row.payload =
      Json{{"artifacts", cleared.artifacts}, {"by", row.actor}, {"contents", cleared.contents}}
        .dump();
    CONOS_TRY(auto ledger, audit::Ledger::open(Site().lib));
    CONOS_CHECK(ledger.append({row}).map_error(during("done, and not recorded")));
  }
  return Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-artifact",
      .purpose = "keep what was made, and let others see it by links that end",
      .verbs =
        {
          {"create", "keep a file, or standard input", "",
            {{"title", "what it is called", "TEXT"},
              {"kind", "file, report, data, image or archive", "KIND", "file"},
              {"content-type", "its type; by default as its name says", "TYPE"},
              {"name", "its file name; by default that of --from", "NAME"},
              {"from", "the file; by default standard input", "FILE"},
              {"task-id", "the task it was made for", "ID"},
              {"audience", "user, operator or public", "WHO", "user"},
              {"exposure", "private, link or dashboard_local", "HOW", "private"},
              {"ttl", "it ends after this long", "DURATION"}},
            create},
          {"show", "print what is known of an artifact, or its content", "ID",
            {{"content", "print its content"}}, show},
          {"list", "print all of them, the newest last", "",
            {{"json", "print a line of JSON for each"}}, list},
          {"link", "make a link by which it can be seen for some time", "ID",
            {{"ttl", "how long", "DURATION", "1h"},
              {"base-url", "put before the path, the web server's address", "URL"}},
            make_link},
          {"verify", "say whether a link lets its artifact be seen", "LINK", {}, verify},
          {"revoke", "take an artifact back, with all its links, or one of them", "ID",
            {{"link", "this link only", "LINK"}}, take_back},
          {"rotate", "sign links with a new key", "",
            {{"keep", "so many of the former still verify", "N", "1"}}, rotate},
          {"gc", "remove what has ended, and contents nobody has", "",
            {{"older-than", "that ended longer ago than this", "DURATION", "7d"},
              {"dry-run", "say what would go", "", "", 'n'}},
            gc},
        },
      .section = "8",
    });
}
