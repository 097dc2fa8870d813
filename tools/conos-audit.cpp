// conos-audit - append to the ledger, read it, and verify that nobody changed it
#include "audit/bodies.hpp"
#include "audit/chain.hpp"
#include "audit/day_files.hpp"
#include "audit/exchange.hpp"
#include "audit/follow.hpp"
#include "audit/foreign.hpp"
#include "audit/input.hpp"
#include "audit/place.hpp"
#include "audit/present.hpp"
#include "audit/sha256.hpp"
#include "audit/verify.hpp"
#include "audit/why.hpp"
#include "cli/tool.hpp"
#include "host/provenance.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>

namespace {

using namespace conos;
using cli::Exit;

const std::string k_machine_ledger = "/var/lib/conos";
const std::string k_srv = "/srv/conos";
const std::string k_day_files = k_srv + "/logs/audit";

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

Error only_for_root(Error error)
{
  if (error.kind == Kind::denied && ::geteuid() != 0) {
    error.what = "the ledger is root's: run this as root, or read the day files in " + k_day_files +
                 " as a member of group 'conos' (" + error.text() + ")";
    error.err = 0;
  }
  return error;
}

// --- append ------------------------------------------------------------------------------------

Result<std::string> actor_of(const cli::Args& args)
{
  if (!args.has("actor")) {
    return account_name(::geteuid());
  }
  if (::geteuid() != 0) {
    return fail(Kind::denied, "--actor: only root may speak for others");
  }
  return args["actor"];
}

Result<> put(const cli::Args& args, audit::Ledger& ledger, const std::vector<audit::Row>& rows)
{
  CONOS_TRY(const auto recorded, ledger.append(rows));
  for (const auto& one : recorded) {
    print(args.has("json")
            ? fmt::format("{{\"already\":{},\"hash\":\"{}\",\"id\":{},\"ts\":\"{}\"}}\n",
                one.already, one.hash, one.id, one.ts)
            : fmt::format("{} {}\n", one.id, one.hash));
  }
  (void)std::fflush(stdout); // a receipt is for now; cli::run hears of an error
  return {};
}

// The rows are recorded whatever becomes of their copies.
void copy_to_days(const std::string& ledger)
{
  constexpr std::size_t k_most = 100'000;
  if (ledger != k_machine_ledger) {
    return;
  }
  const auto copied = [&]() -> Result<std::size_t> {
    CONOS_TRY(auto reader, audit::Reader::open(ledger + "/" + audit::k_database));
    return audit::copy_to_day_files(reader, audit::day_files_in(k_srv), k_most);
  }();
  if (!copied && copied.error().kind != Kind::not_found) {
    log::warning("recorded, but not in the day files: {}", copied.error().text());
  }
}

Result<Exit> append(const cli::Args& args)
{
  audit::Row row;
  row.type = args["type"];
  row.key = args["key"];
  CONOS_TRY(row.actor, actor_of(args));
  if (!args.has("type")) {
    return fail(Kind::usage, "--type is missing");
  }
  CONOS_TRY(auto ledger, audit::Ledger::open(args["ledger"]).map_error(only_for_root));
  const auto put_rows = [&](const std::vector<audit::Row>& rows) {
    return put(args, ledger, rows);
  };
  if (args.has("payload") || ::isatty(STDIN_FILENO) == 1) {
    row.payload = args["payload"];
    CONOS_CHECK(put_rows({row}));
  } else {
    const auto read = audit::read_rows(STDIN_FILENO, row, put_rows);
    copy_to_days(args["ledger"]); // of an input that ends badly too
    CONOS_CHECK(read);
    return Exit::ok;
  }
  copy_to_days(args["ledger"]);
  return Exit::ok;
}

// --- receipt -----------------------------------------------------------------------------------

constexpr std::size_t k_largest_body = 64U << 20U;

// The digest of a file, which is kept by it when that is wanted.
Result<std::string> digest_of(const cli::Args& args, const std::string& file)
{
  CONOS_TRY(const auto bytes, read_path(file, k_largest_body));
  if (!args.has("keep")) {
    return audit::sha256_hex(bytes);
  }
  CONOS_TRY(const auto bodies, audit::Bodies::open(args["ledger"]).map_error(only_for_root));
  return bodies.put(bytes);
}

Result<Exit> receipt(const cli::Args& args)
{
  if (!args.has("request")) {
    return fail(Kind::usage, "--request is missing: a file with what was sent");
  }
  CONOS_TRY(const auto actor, actor_of(args));
  CONOS_TRY(auto ledger, audit::Ledger::open(args["ledger"]).map_error(only_for_root));
  audit::Exchange exchange{
    args["kind"], args.operands.front(), {}, std::nullopt, args["result"], std::nullopt};
  CONOS_TRY(exchange.request_sha256, digest_of(args, args["request"]));
  if (args.has("response")) {
    CONOS_TRY(exchange.response_sha256, digest_of(args, args["response"]));
  }
  if (args.has("why")) {
    exchange.why = args["why"];
  }
  CONOS_TRY(auto row, audit::row_of(exchange, actor));
  row.key = args["key"];
  CONOS_CHECK(put(args, ledger, {row}));
  copy_to_days(args["ledger"]);
  return Exit::ok;
}

// --- tail --------------------------------------------------------------------------------------

// A time, a day, or how long ago.
Result<Time> parse_since(const std::string& text)
{
  if (const auto ago = parse_duration(text)) {
    return now() - *ago;
  }
  auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
  return std::move(time).map_error([&](Error error) {
    error.kind = Kind::usage;
    error.what = "--since: " + error.what + ", a day or a duration such as 2h";
    return error;
  });
}

Result<audit::Filter> filter_of(const cli::Args& args)
{
  audit::Filter filter{args["type"], args["actor"], {}};
  if (args.has("since")) {
    CONOS_TRY(filter.since, parse_since(args["since"]));
  }
  return filter;
}

using Show = std::function<bool(const audit::Event&)>;

// Gives the id after which there is nothing left to show.
Result<std::int64_t> show_what_is_there(
  const cli::Args& args, const audit::Filter& filter, audit::Table& table, const Show& show)
{
  CONOS_TRY(auto reader, audit::Reader::open(args["ledger"] + "/" + audit::k_database));
  CONOS_TRY(auto last, reader.last_id());
  if (args.has("since") && !args.has("number")) {
    CONOS_CHECK(reader.each_after(0, filter, [&](const audit::Event& event) {
      last = std::max(last, event.id);
      return show(event);
    }));
    return last;
  }
  CONOS_TRY(const auto most, args.number("number", 0, std::numeric_limits<int>::max()));
  CONOS_TRY(const auto events, reader.last(static_cast<std::size_t>(most), filter));
  for (const auto& event : events) {
    table.fit(event);
  }
  for (const auto& event : events) {
    (void)show(event); // cli::run hears of an error
    last = std::max(last, event.id);
  }
  return last;
}

Result<Exit> tail(const cli::Args& args)
{
  CONOS_TRY(const auto filter, filter_of(args));
  audit::Table table(
    cli::colour(STDOUT_FILENO) ? audit::Table::Colour::yes : audit::Table::Colour::no);
  const auto show = [&](const audit::Event& event) {
    table.fit(event);
    print(args.has("json") ? audit::json_line(event) + "\n" : table.line(event));
    return std::ferror(stdout) == 0;
  };
  CONOS_TRY(
    const auto last, show_what_is_there(args, filter, table, show).map_error(only_for_root));
  if (args.has("follow")) {
    (void)std::fflush(stdout);
    CONOS_CHECK(audit::follow(args["ledger"], last, filter, STDOUT_FILENO, [&](const auto& event) {
      return show(event) && std::fflush(stdout) == 0;
    }));
  }
  return Exit::ok;
}

// --- show and why ------------------------------------------------------------------------------

Result<audit::Reader> open_ledger(const cli::Args& args)
{
  return audit::Reader::open(args["ledger"] + "/" + audit::k_database).map_error(only_for_root);
}

// None when nothing is kept.
Result<std::string> kept_body(const cli::Args& args, const std::string& sha256)
{
  CONOS_TRY(const auto bodies, audit::Bodies::open(args["ledger"]).map_error(only_for_root));
  return bodies.get(sha256, k_largest_body);
}

// As it is for a program, made safe for a terminal.
Result<Exit> show_body(const cli::Args& args, const std::string& sha256)
{
  CONOS_TRY(const auto body, kept_body(args, sha256));
  print(::isatty(STDOUT_FILENO) == 1 ? escaped_lines(body) : body);
  return Exit::ok;
}

Result<Exit> show_row(const cli::Args& args, std::int64_t id)
{
  CONOS_TRY(auto reader, open_ledger(args));
  std::optional<audit::Event> found;
  CONOS_CHECK(reader.each_after(id - 1, {}, [&](const audit::Event& event) {
    found = event;
    return false;
  }));
  if (!found || found->id != id) {
    CONOS_TRY(const auto last, reader.last_id());
    return fail(Kind::not_found, "there is no row {}: the last one is {}", id, last);
  }
  print(args.has("json") ? audit::json_line(*found) + "\n" : audit::in_full(*found));
  return Exit::ok;
}

Result<Exit> show(const cli::Args& args)
{
  const auto& what = args.operands.front();
  if (audit::digest_from_hex(what)) {
    return show_body(args, what);
  }
  std::int64_t id = 0;
  const auto* end = what.data() + what.size();
  const auto parsed = std::from_chars(what.data(), end, id);
  if (parsed.ec != std::errc() || parsed.ptr != end || id < 1) {
    return fail(
      Kind::usage, "'{}' is neither a row's number nor the SHA-256 of a text", escaped(what));
  }
  return show_row(args, id);
}

// A file is known by its path, and by what is in it.
std::vector<std::string> subjects_of(const std::string& what)
{
  std::vector<std::string> subjects{what};
  if (what.find('/') == std::string::npos) {
    return subjects;
  }
  std::error_code error;
  if (auto path = std::filesystem::weakly_canonical(what, error); !error) {
    subjects = {path.string()};
  }
  if (const auto content = read_path(what, k_largest_body)) {
    subjects.push_back(audit::sha256_hex(*content));
  }
  return subjects;
}

// The words of whoever asked for it, when they are still there.
std::string text_of(const cli::Args& args, const audit::Request& request)
{
  auto text = fmt::format("\nIt goes back to task '{}' of {} ({}), which {} took.\n",
    escaped(request.task), escaped(request.sender), escaped(request.trust), escaped(request.agent));
  const auto body = kept_body(args, request.sha256);
  if (!body) {
    return text;
  }
  const auto lines = escaped_lines(*body);
  for (const auto line : split(trimmed(lines), '\n')) {
    text += fmt::format("  | {}\n", line);
  }
  return text;
}

Result<Exit> why(const cli::Args& args)
{
  CONOS_TRY(auto reader, open_ledger(args));
  CONOS_TRY(const auto trace, audit::trace(reader, subjects_of(args.operands.front())));
  if (trace.events.empty()) {
    print(args.has("json") ? ""
                           : fmt::format("no row tells of '{}'\n", escaped(args.operands.front())));
    return Exit::no;
  }
  audit::Table table(
    cli::colour(STDOUT_FILENO) ? audit::Table::Colour::yes : audit::Table::Colour::no);
  for (const auto& event : trace.events) {
    table.fit(event);
  }
  for (const auto& event : trace.events) {
    print(args.has("json") ? audit::json_line(event) + "\n" : table.line(event));
  }
  if (trace.request && !args.has("json")) {
    print(text_of(args, *trace.request));
  }
  return Exit::ok;
}

// --- verify ------------------------------------------------------------------------------------

std::string text_of(const audit::Verdict& verdict, const std::string& file)
{
  const auto good = fmt::format("{} row{}{}", verdict.rows, verdict.rows == 1 ? "" : "s",
    verdict.rows == 0 ? "" : " up to " + verdict.ts);
  if (!verdict.bad) {
    return fmt::format("{}: {}, the chain holds, head {}\n", file, good, verdict.head);
  }
  auto text = fmt::format("{}: {}\n", file, verdict.bad->what);
  if (verdict.rows > 0) {
    text += fmt::format("{}: {} hold before that, head {}\n", file, good, verdict.head);
  }
  return text;
}

std::string json_of(const audit::Verdict& verdict, const std::string& file)
{
  const auto bad = verdict.bad ? fmt::format(R"({{"id":{},"what":{}}})", verdict.bad->id,
                                   audit::json_text(verdict.bad->what))
                               : "null";
  return fmt::format(R"({{"bad":{},"file":{},"head":"{}","ok":{},"rows":{},"ts":{}}})"
                     "\n",
    bad, audit::json_text(file), verdict.head, !verdict.bad, verdict.rows,
    verdict.rows == 0 ? "null" : audit::json_text(verdict.ts));
}

// A file may also be a ledger of somebody else's.
Result<audit::Verdict> judge(const std::string& file)
{
  CONOS_TRY(const auto format, audit::format_of(file));
  switch (format) {
  case audit::Format::molt_os:
    return audit::verify_molt_os(file);
  case audit::Format::covenant:
    return audit::verify_covenant(file);
  case audit::Format::conos:
    break;
  }
  return audit::verify(file);
}

Result<Exit> verify(const cli::Args& args)
{
  const bool own = args.operands.empty();
  const auto file = own ? args["ledger"] + "/" + audit::k_database : args.operands.front();
  CONOS_TRY(const auto verdict, own ? audit::verify(file).map_error(only_for_root) : judge(file));
  print(args.has("json") ? json_of(verdict, file) : text_of(verdict, escaped(file)));
  return verdict.bad ? Exit::no : Exit::ok;
}

const cli::Option k_ledger{"ledger", "directory of the ledger", "DIR", k_machine_ledger};

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-audit",
      .purpose = "append to the ledger, read it, and verify that nobody changed it",
      .verbs =
        {
          {
            "append",
            "record what is read, and print its number and hash",
            "",
            {
              {"type", "what happened, as noun.verb", "TYPE", "", 't'},
              {"payload", "a JSON object, instead of standard input", "JSON", "{}"},
              {"key", "record it once, however often this is asked", "KEY"},
              {"actor", "who did it (root only; default: the caller)", "NAME"},
              k_ledger,
              {"json", "print JSON lines"},
            },
            append,
          },
          {
            "receipt",
            "record what left the machine and what came back, by digest",
            "TO",
            {
              {"kind", "how it went: http, mail, package", "KIND", "http"},
              {"request", "a file with what was sent", "FILE"},
              {"response", "a file with what came back", "FILE"},
              {"result", "what the other side said of it: a status, a queue id", "TEXT"},
              {"why", "the task it was done for", "TASK"},
              {"keep", "keep both texts by their digest"},
              {"key", "record it once, however often this is asked", "KEY"},
              {"actor", "who did it (root only; default: the caller)", "NAME"},
              k_ledger,
              {"json", "print JSON lines"},
            },
            receipt,
          },
          {
            "tail",
            "print the last rows",
            "",
            {
              {"number", "how many", "N", "10", 'n'},
              {"follow", "go on with those to come", "", "", 'f'},
              {"type", "only of this type, or of this noun", "TYPE", "", 't'},
              {"actor", "only of this actor", "NAME"},
              {"since", "only from then on: a time, a day, or how long ago", "WHEN"},
              k_ledger,
              {"json", "print JSON lines, whole rows"},
            },
            tail,
          },
          {
            "show",
            "print all of one row, or the text whose SHA-256 a row names",
            "ID|SHA256",
            {
              k_ledger,
              {"json", "print the row as one line of JSON"},
            },
            show,
          },
          {
            "why",
            "print what touched a file, a package or a task, back to the request",
            "PATH|PACKAGE|TASK",
            {
              k_ledger,
              {"json", "print the rows as JSON lines"},
            },
            why,
          },
          {
            "verify",
            "recompute every hash of the ledger, or of a copy",
            "[FILE]",
            {
              k_ledger,
              {"json", "print one JSON object"},
            },
            verify,
          },
        },
      .section = "8",
    });
}
