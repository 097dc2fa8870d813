// conos-audit - append to the ledger, read it, and verify that nobody changed it
#include "audit/bodies.hpp"
#include "audit/chain.hpp"
#include "audit/client.hpp"
#include "audit/day_files.hpp"
#include "audit/evidence.hpp"
#include "audit/exchange.hpp"
#include "audit/follow.hpp"
#include "audit/foreign.hpp"
#include "audit/input.hpp"
#include "audit/place.hpp"
#include "audit/present.hpp"
#include "audit/proof.hpp"
#include "audit/prune.hpp"
#include "audit/seal.hpp"
#include "audit/sha256.hpp"
#include "audit/stats.hpp"
#include "audit/tiles.hpp"
#include "audit/verify.hpp"
#include "audit/why.hpp"
#include "cli/tool.hpp"
#include "host/journal.hpp"
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
#include <memory>

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
    error.what = "the ledger is root's: run this as root (" + error.text() + ")";
    error.err = 0;
  }
  return error;
}

Error only_for_members(Error error)
{
  if (error.kind == Kind::denied && error.err != 0) {
    error.what = "the ledger is for root and members of group 'conos' (" + error.text() + ")";
    error.err = 0;
  }
  return error;
}

// The machine's own is root's; others come by its sockets.
bool goes_by_socket(const cli::Args& args)
{
  return args["ledger"] == k_machine_ledger && ::geteuid() != 0;
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

void print_receipt(const cli::Args& args, const audit::Recorded& recorded)
{
  print(args.has("json") ? audit::receipt_line(recorded)
                         : fmt::format("{} {}\n", recorded.id, recorded.hash));
  (void)std::fflush(stdout); // a receipt is for now; cli::run hears of an error
}

Result<> put(const cli::Args& args, audit::Ledger& ledger, const std::vector<audit::Row>& rows)
{
  CONOS_TRY(const auto recorded, ledger.append(rows));
  for (const auto& one : recorded) {
    print_receipt(args, one);
  }
  return {};
}

// The rows are recorded whatever becomes of their copies.
void copy_to_days(const std::string& ledger)
{
  constexpr std::size_t k_most = 100'000;
  if (ledger != k_machine_ledger || ::geteuid() != 0) {
    return; // who came by the socket leaves that to the service
  }
  const auto copied = [&]() -> Result<std::size_t> {
    CONOS_TRY(auto reader, audit::Reader::open(ledger + "/" + audit::k_database));
    return audit::copy_to_day_files(reader, audit::day_files_in(k_srv), k_most);
  }();
  if (!copied && copied.error().kind != Kind::not_found) {
    log::warning("recorded, but not in the day files: {}", copied.error().text());
  }
}

// The rows' actor is not asked for: the service sees who we are.
Result<> put_by_socket(
  const cli::Args& args, audit::Appender& appender, const std::vector<audit::Row>& rows)
{
  return appender.append(rows, [&](const audit::Recorded& recorded) {
    print_receipt(args, recorded);
  });
}

using Put = std::function<Result<>(const std::vector<audit::Row>&)>;

Result<Put> put_for(const cli::Args& args)
{
  if (goes_by_socket(args)) {
    CONOS_TRY(
      auto appender, audit::Appender::connect(audit::k_append_socket).map_error(only_for_members));
    auto shared = std::make_shared<audit::Appender>(std::move(appender));
    return Put([&args, shared](const auto& rows) {
      return put_by_socket(args, *shared, rows);
    });
  }
  CONOS_TRY(auto ledger, audit::Ledger::open(args["ledger"]).map_error(only_for_root));
  auto shared = std::make_shared<audit::Ledger>(std::move(ledger));
  return Put([&args, shared](const auto& rows) {
    return put(args, *shared, rows);
  });
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
  CONOS_TRY(const auto put_rows, put_for(args));
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

void warn(const std::string& text)
{
  log::warning("{}", text);
}

Result<std::unique_ptr<audit::Source>> open_day_files(const Error& why)
{
  CONOS_TRY(auto files, audit::DayReader::open(k_day_files).map_error([&](Error error) {
    return error.kind == Kind::denied ? only_for_members(error) : why;
  }));
  log::warning("{}: reading the day files, which may lack rows", why.text());
  return std::make_unique<audit::DayReader>(std::move(files));
}

Result<std::unique_ptr<audit::Source>> open_source(const cli::Args& args)
{
  if (!goes_by_socket(args)) {
    CONOS_TRY(auto reader,
      audit::Reader::open(args["ledger"] + "/" + audit::k_database).map_error(only_for_root));
    return std::make_unique<audit::Reader>(std::move(reader));
  }
  auto remote = audit::Remote::connect(audit::k_query_socket, warn);
  if (!remote && remote.error().kind == Kind::unavailable) {
    return open_day_files(remote.error());
  }
  CONOS_TRY(auto connected, std::move(remote).map_error(only_for_members));
  return std::make_unique<audit::Remote>(std::move(connected));
}

// A time, a day, or how long ago.
Result<Time> parse_when(const std::string& option, const std::string& text)
{
  if (const auto ago = parse_duration(text)) {
    return now() - *ago;
  }
  auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
  return std::move(time).map_error([&](Error error) {
    error.kind = Kind::usage;
    error.what = option + ": " + error.what + ", a day or a duration such as 2h";
    return error;
  });
}

Result<audit::Filter> filter_of(const cli::Args& args)
{
  audit::Filter filter{args["type"], args["actor"]};
  if (args.has("since")) {
    CONOS_TRY(filter.since, parse_when("--since", args["since"]));
  }
  if (args.has("until")) {
    CONOS_TRY(filter.until, parse_when("--until", args["until"]));
  }
  filter.grep = args["grep"];
  CONOS_CHECK(audit::check_grep(filter.grep).map_error(during("--grep")));
  return filter;
}

using Show = std::function<bool(const audit::Event&)>;

// Gives the id after which there is nothing left to show.
Result<std::int64_t> show_what_is_there(const cli::Args& args, audit::Source& source,
  const audit::Filter& filter, audit::Table& table, const Show& show)
{
  CONOS_TRY(auto last, source.last_id());
  if (args.has("since") && !args.has("number")) {
    CONOS_CHECK(source.each_after(0, filter, [&](const audit::Event& event) {
      last = std::max(last, event.id);
      return show(event);
    }));
    return last;
  }
  CONOS_TRY(const auto most, args.number("number", 0, std::numeric_limits<int>::max()));
  CONOS_TRY(const auto events, source.last(static_cast<std::size_t>(most), filter));
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
    print(args.has("json")    ? audit::json_line(event) + "\n"
          : args.has("lines") ? audit::log_line(event) + "\n"
                              : table.line(event));
    return std::ferror(stdout) == 0;
  };
  CONOS_TRY(const auto source, open_source(args));
  CONOS_TRY(const auto last, show_what_is_there(args, *source, filter, table, show));
  if (args.has("follow")) {
    (void)std::fflush(stdout);
    const auto show_now = [&](const auto& event) {
      return show(event) && std::fflush(stdout) == 0;
    };
    return (goes_by_socket(args)
              ? audit::follow(*source, last, filter, STDOUT_FILENO, show_now)
              : audit::follow(args["ledger"], last, filter, STDOUT_FILENO, show_now))
      .map([] {
        return Exit::ok;
      });
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
  CONOS_TRY(const auto source, open_source(args));
  std::optional<audit::Event> found;
  CONOS_CHECK(source->each_after(id - 1, {}, [&](const audit::Event& event) {
    found = event;
    return false;
  }));
  if (!found || found->id != id) {
    CONOS_TRY(const auto last, source->last_id());
    return id <= last ? fail(Kind::not_found, "row {} was pruned: only its hash is left", id)
                      : fail(Kind::not_found, "there is no row {}: the last one is {}", id, last);
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
    print(audit::request_text(args["ledger"], *trace.request));
  }
  return Exit::ok;
}

// --- stats -------------------------------------------------------------------------------------

Result<Exit> stats(const cli::Args& args)
{
  CONOS_TRY(const auto filter, filter_of(args));
  CONOS_TRY(const auto source, open_source(args));
  CONOS_TRY(auto counts, audit::count_rows(*source, filter));
  if (!goes_by_socket(args)) {
    CONOS_TRY(counts.file_bytes, audit::bytes_on_disk(args["ledger"]));
  }
  print(args.has("json") ? audit::json_of(counts) : audit::text_of(counts));
  return Exit::ok;
}

// --- checkpoints and witnesses -------------------------------------------------------------------

constexpr auto* k_checkpoint_field = "CONOS_CHECKPOINT"; // the note
constexpr auto* k_ledger_field = "CONOS_LEDGER";         // its origin

audit::Journal journal()
{
  const auto put_note = [](const audit::SignedCheckpoint& one) {
    const auto& what = one.checkpoint;
    return journal_send(fmt::format("checkpoint of ledger {}: {} rows, root {}", what.origin,
                          what.rows, audit::base64(what.root)),
      {{k_ledger_field, what.origin}, {k_checkpoint_field, one.note}});
  };
  const auto notes = [](const std::string& origin) {
    constexpr std::size_t k_last = 4; // each tells of all rows before it
    return journal_values(k_checkpoint_field, {{k_ledger_field, origin}}, k_last);
  };
  return {put_note, notes};
}

Result<std::string> own_actor()
{
  CONOS_TRY(const auto account, account_name(::geteuid()));
  return account + "/conos-audit";
}

std::string json_of(const audit::Sealed& sealed)
{
  const auto& what = sealed.newest.checkpoint;
  return fmt::format(R"({{"new":{},"note":{},"origin":{},"root":"{}","rows":{},"unheard":{}}})"
                     "\n",
    sealed.is_new, audit::json_text(sealed.newest.note), audit::json_text(what.origin),
    audit::base64(what.root), what.rows, sealed.unheard.size());
}

Result<Exit> checkpoint(const cli::Args& args)
{
  CONOS_TRY(const auto actor, own_actor());
  CONOS_TRY(
    const auto sealed, audit::seal(args["ledger"], actor, journal()).map_error(only_for_root));
  copy_to_days(args["ledger"]);
  print(args.has("json") ? json_of(sealed) : sealed.newest.note);
  for (const auto& each : sealed.unheard) {
    log::warning("signed, but a witness has not got it: {}", each.text());
  }
  return sealed.unheard.empty() ? Exit::ok : Exit::no;
}

Result<Exit> key(const cli::Args& args)
{
  CONOS_TRY(const auto dir, open_dir(args["ledger"]).map_error(only_for_root));
  CONOS_TRY(const auto found, audit::find_verifier_key(dir).map_error(only_for_root));
  if (!found) {
    return fail(Kind::not_found,
      "the ledger in '{}' has no key yet; its first checkpoint makes one", args["ledger"]);
  }
  print(audit::to_text(*found) + "\n");
  return Exit::ok;
}

Result<Exit> list_witnesses(const cli::Args& args, const UniqueFd& dir)
{
  CONOS_TRY(const auto witnesses, audit::list_witnesses(dir));
  CONOS_TRY(const auto found, audit::find_verifier_key(dir));
  bool all_there = true;
  for (const auto& witness : witnesses) {
    const auto has = found ? audit::ask_witness(witness, *found, journal())
                           : Result<std::vector<audit::SignedCheckpoint>>();
    const auto rows = has && !has->empty() ? has->back().checkpoint.rows : 0;
    all_there = all_there && has;
    print(args.has("json") ? fmt::format(R"({{"rows":{},"there":{},"witness":{}}})"
                                         "\n",
                               rows, has.has_value(), audit::json_text(witness))
          : has            ? fmt::format("{}  {} rows\n", escaped(witness), rows)
                           : fmt::format("{}  {}\n", escaped(witness), has.error().text()));
  }
  return all_there ? Exit::ok : Exit::no;
}

Result<> record_witness(const cli::Args& args, audit::Witnessing what, const std::string& witness)
{
  CONOS_TRY(const auto actor, own_actor());
  CONOS_TRY(auto ledger, audit::Ledger::open(args["ledger"]));
  CONOS_TRY(const auto row, audit::row_of_witness(args["ledger"], what, witness, actor));
  CONOS_CHECK(ledger.append({row}));
  copy_to_days(args["ledger"]);
  return {};
}

Result<bool> is_witness(const UniqueFd& dir, const std::string& witness)
{
  CONOS_TRY(const auto witnesses, audit::list_witnesses(dir));
  return std::find(witnesses.begin(), witnesses.end(), witness) != witnesses.end();
}

// Of one that is a witness already, what was not done is done.
Result<Exit> add_witness(const cli::Args& args, const UniqueFd& dir, const std::string& witness)
{
  CONOS_TRY(const auto signer, audit::find_or_make_signing_key(dir));
  CONOS_TRY(const bool known, is_witness(dir, witness));
  if (!known) {
    CONOS_CHECK(audit::add_witness(dir, witness, signer.verifier()));
  }
  CONOS_CHECK(record_witness(args, audit::Witnessing::added, witness));
  return checkpoint(args);
}

Result<Exit> remove_witness(const cli::Args& args, const UniqueFd& dir, const std::string& witness)
{
  CONOS_TRY(const bool known, is_witness(dir, witness));
  if (!known) {
    return fail(Kind::not_found, "'{}' is not a witness", escaped(witness));
  }
  CONOS_CHECK(record_witness(args, audit::Witnessing::removed, witness));
  CONOS_CHECK(audit::remove_witness(dir, witness));
  return Exit::ok;
}

Result<Exit> witness(const cli::Args& args)
{
  const auto& action = args.operands.front();
  const auto is = [&](std::string_view name, std::size_t operands) {
    return action == name && args.operands.size() == operands;
  };
  CONOS_TRY(const auto dir, open_dir(args["ledger"]).map_error(only_for_root));
  if (is("list", 1)) {
    return list_witnesses(args, dir).map_error(only_for_root);
  }
  if (is("add", 2)) {
    return add_witness(args, dir, args.operands[1]).map_error(only_for_root);
  }
  if (is("remove", 2)) {
    return remove_witness(args, dir, args.operands[1]).map_error(only_for_root);
  }
  return fail(Kind::usage, "witness add DIR, add journal, remove DIR, or list");
}

// --- verify ------------------------------------------------------------------------------------

// A verdict and what it was reached with.
struct Judged {
  audit::Verdict verdict;
  audit::Evidence evidence;
};

std::string text_of(const Judged& judged, const std::string& file)
{
  const auto& verdict = judged.verdict;
  const auto good = fmt::format("{} row{}{}", verdict.rows, verdict.rows == 1 ? "" : "s",
    verdict.ts.empty() ? "" : " up to " + verdict.ts);
  std::string text;
  if (!verdict.bad) {
    text = verdict.head.empty()
             ? fmt::format("{}: {}\n", file, good)
             : fmt::format("{}: {}, the chain holds, head {}\n", file, good, verdict.head);
  } else {
    text = fmt::format("{}: {}\n", file, verdict.bad->what);
    if (verdict.rows > 0 && !verdict.head.empty()) {
      text += fmt::format("{}: {} hold before that, head {}\n", file, good, verdict.head);
    }
  }
  if (verdict.sealed > 0) {
    text += fmt::format("{}: rows 1 to {} are those a checkpoint of {} was signed for\n", file,
      verdict.sealed, judged.evidence.key ? escaped(judged.evidence.key->name) : "it");
  }
  if (verdict.pruned > 0) {
    text += fmt::format("{}: of rows 1 to {} only the hashes are left\n", file, verdict.pruned);
  }
  for (const auto& notice : judged.evidence.notices) {
    text += fmt::format("{}: not asked: {}\n", file, notice);
  }
  return text;
}

std::string json_of(const Judged& judged, const std::string& file)
{
  const auto& verdict = judged.verdict;
  const auto bad = verdict.bad ? fmt::format(R"({{"id":{},"what":{}}})", verdict.bad->id,
                                   audit::json_text(verdict.bad->what))
                               : "null";
  std::vector<std::string> notices;
  for (const auto& notice : judged.evidence.notices) {
    notices.push_back(audit::json_text(notice));
  }
  return fmt::format(
    R"({{"bad":{},"file":{},"head":"{}","notices":[{}],"ok":{},"pruned":{},"root":"{}","rows":{},"sealed":{},"ts":{}}})"
    "\n",
    bad, audit::json_text(file), verdict.head, join(notices, ","), !verdict.bad, verdict.pruned,
    verdict.root, verdict.rows, verdict.sealed,
    verdict.ts.empty() ? "null" : audit::json_text(verdict.ts));
}

Result<std::optional<audit::VerifierKey>> given_key(const cli::Args& args)
{
  if (!args.has("key")) {
    return std::optional<audit::VerifierKey>();
  }
  constexpr std::size_t k_most = 4096;
  CONOS_TRY(const auto text, read_path(args["key"], k_most));
  CONOS_TRY(auto parsed, audit::parse_verifier_key(text));
  return std::optional(std::move(parsed));
}

// Beside a copy under another name lies somebody else's evidence.
Result<audit::Evidence> evidence_for(const cli::Args& args, const std::string& file, bool own)
{
  CONOS_TRY(const auto named, given_key(args));
  const std::filesystem::path path(file);
  audit::Evidence evidence;
  evidence.key = named;
  if (path.filename() == audit::k_database) {
    const auto dir = path.has_parent_path() ? path.parent_path().string() : ".";
    CONOS_TRY(evidence, audit::gather(dir, named, journal()));
  }
  if (args.has("at-least")) {
    CONOS_CHECK(audit::add_checkpoints(args["at-least"], evidence));
  }
  if (own && args["ledger"] == k_machine_ledger) {
    CONOS_CHECK(audit::add_day_files(k_day_files, evidence));
  }
  return evidence;
}

void judge_evidence(Judged& judged, bool has_directory)
{
  auto& bad = judged.verdict.bad;
  if (!bad && !judged.evidence.bad.empty()) {
    bad = judged.evidence.bad.front();
  }
  if (!bad && has_directory) {
    bad = audit::judge_signed_rows(judged.verdict, judged.evidence);
  }
}

Result<Judged> judge_own_kind(const cli::Args& args, const std::string& file, bool own)
{
  Judged judged;
  CONOS_TRY(judged.evidence, evidence_for(args, file, own));
  CONOS_TRY(judged.verdict, audit::verify(file, judged.evidence.expected));
  const bool beside = std::filesystem::path(file).filename() == audit::k_database;
  judge_evidence(judged, own || (beside && !judged.evidence.kept.empty()));
  return judged;
}

// A file may also be a ledger of somebody else's.
Result<Judged> judge(const cli::Args& args, const std::string& file, bool own)
{
  const auto alone = [](audit::Verdict verdict) {
    return Judged{std::move(verdict), {}};
  };
  CONOS_TRY(const auto format, own ? audit::Format::conos : audit::format_of(file));
  switch (format) {
  case audit::Format::molt_os:
    return audit::verify_molt_os(file).map(alone);
  case audit::Format::covenant:
    return audit::verify_covenant(file).map(alone);
  case audit::Format::conos:
    break;
  }
  return judge_own_kind(args, file, own);
}

// The key of this machine's ledger where none was named.
Result<audit::VerifierKey> key_for(const cli::Args& args)
{
  CONOS_TRY(const auto named, given_key(args));
  if (named) {
    return *named;
  }
  CONOS_TRY(const auto dir, open_dir(args["ledger"]));
  CONOS_TRY(const auto own, audit::find_verifier_key(dir));
  if (!own) {
    return fail(
      Kind::not_found, "there is no public key in '{}'; name one with --key", args["ledger"]);
  }
  return *own;
}

bool is_export(const std::string& path)
{
  std::error_code failed;
  return std::filesystem::is_directory(path, failed);
}

Result<Judged> judge_export(const cli::Args& args, const std::string& directory)
{
  Judged judged;
  CONOS_TRY(judged.evidence.key, key_for(args));
  CONOS_TRY(auto tiles, audit::verify_tiles(directory, *judged.evidence.key));
  judged.verdict.rows = tiles.rows;
  judged.verdict.sealed = tiles.bad ? 0 : tiles.rows;
  judged.verdict.root = audit::base64(tiles.root);
  judged.verdict.bad = std::move(tiles.bad);
  return judged;
}

Result<Exit> verify(const cli::Args& args)
{
  const bool own = args.operands.empty();
  const auto file = own ? args["ledger"] + "/" + audit::k_database : args.operands.front();
  CONOS_TRY(
    const auto judged, (!own && is_export(file) ? judge_export(args, file) : judge(args, file, own))
                         .map_error(only_for_root));
  print(args.has("json") ? json_of(judged, file) : text_of(judged, escaped(file)));
  return judged.verdict.bad ? Exit::no : Exit::ok;
}

// --- proofs and exports --------------------------------------------------------------------------

// The last checkpoint beside the ledger.
Result<audit::SignedCheckpoint> last_checkpoint(const cli::Args& args)
{
  CONOS_TRY(const auto dir, open_dir(args["ledger"]));
  CONOS_TRY(const auto own, audit::find_verifier_key(dir));
  auto text = read_file(dir, audit::k_checkpoints, audit::k_max_checkpoints_bytes);
  if (!own || (!text && text.error().kind == Kind::not_found)) {
    return fail(Kind::unavailable,
      "there is no checkpoint in '{}'; conos-audit checkpoint signs one", args["ledger"]);
  }
  CONOS_CHECK(text);
  const auto notes = audit::divide_notes(*text);
  if (notes.notes.empty()) {
    return fail(Kind::unavailable,
      "there is no checkpoint in '{}'; conos-audit checkpoint signs one", args["ledger"]);
  }
  return audit::open_checkpoint(notes.notes.back(), *own);
}

Result<std::int64_t> parse_id(const std::string& text)
{
  constexpr std::size_t k_most_digits = 18;
  const bool digits = !text.empty() && text.size() <= k_most_digits &&
                      std::all_of(text.begin(), text.end(), [](char c) {
                        return c >= '0' && c <= '9';
                      });
  if (!digits) {
    return fail(Kind::usage, "'{}' is not the number of a row", escaped(text));
  }
  return std::stoll(text);
}

Result<Exit> prove(const cli::Args& args)
{
  CONOS_TRY(const auto id, parse_id(args.operands.front()));
  CONOS_TRY(const auto last, last_checkpoint(args).map_error(only_for_root));
  CONOS_TRY(const auto proof,
    audit::prove(args["ledger"] + "/" + audit::k_database, id, last).map_error(only_for_root));
  print(audit::to_text(proof));
  return Exit::ok;
}

std::string json_of(const audit::Proved& proved)
{
  const auto& row = proved.fields;
  return fmt::format(
    R"({{"actor":{},"hash":"{}","id":{},"origin":{},"payload":{},"rows":{},"ts":"{}","type":"{}"}})"
    "\n",
    audit::json_text(row.actor), audit::hex(proved.hash), row.id,
    audit::json_text(proved.checkpoint.origin),
    audit::is_payload(row.payload) ? std::string(row.payload) : audit::json_text(row.payload),
    proved.checkpoint.rows, row.ts, row.type);
}

Result<Exit> check_proof(const cli::Args& args)
{
  CONOS_TRY(const auto trusted, key_for(args).map_error(only_for_root));
  CONOS_TRY(const auto text, read_path(args.operands.front(), audit::k_max_proof_bytes));
  const auto proof = audit::parse_proof(text);
  const auto proved = proof ? audit::check_proof(*proof, trusted)
                            : Result<audit::Proved>(tl::unexpected<Error>(proof.error()));
  const auto file = escaped(args.operands.front());
  if (!proved) {
    print(args.has("json")
            ? fmt::format("{{\"bad\":{}}}\n", audit::json_text(proved.error().text()))
            : fmt::format("{}: {}\n", file, proved.error().text()));
    return Exit::no;
  }
  const auto& row = proved->fields;
  print(args.has("json")
          ? json_of(*proved)
          : fmt::format("{}: row {}, {}, {} by {}, is among the {} rows that {} signed "
                        "for\n{}\n",
              file, row.id, row.ts, row.type, row.actor, proved->checkpoint.rows,
              escaped(proved->checkpoint.origin), escaped(row.payload, 4096)));
  return Exit::ok;
}

// --- prune ---------------------------------------------------------------------------------------

// What was copied out of the rows, or is named by them.
struct Copies {
  std::size_t bodies = 0;
  std::size_t days = 0;
};

Result<Copies> prune_copies(const std::string& ledger, Time before)
{
  Copies gone;
  CONOS_TRY(const auto bodies, audit::Bodies::open(ledger));
  CONOS_TRY(gone.bodies, bodies.remove_older(before));
  if (ledger == k_machine_ledger) {
    const auto days = audit::remove_days_before(audit::day_files_in(k_srv), before);
    if (!days && days.error().kind != Kind::not_found) {
      return tl::unexpected<Error>(days.error());
    }
    gone.days = days.value_or(0);
  }
  return gone;
}

Result<Exit> prune(const cli::Args& args)
{
  if (!args.has("before")) {
    return fail(Kind::usage, "--before is missing");
  }
  CONOS_TRY(const auto before, parse_when("--before", args["before"]));
  CONOS_TRY(const auto actor, own_actor());
  const auto how = args.has("dry-run") ? audit::Prune::look : audit::Prune::go;
  CONOS_TRY(const auto done,
    audit::prune(args["ledger"], before, actor, journal(), how).map_error(only_for_root));
  copy_to_days(args["ledger"]);
  CONOS_TRY(const auto copies,
    how == audit::Prune::look ? Result<Copies>(Copies()) : prune_copies(args["ledger"], before));
  const auto rows = std::max<std::int64_t>(0, done.rows - done.already);
  if (args.has("json")) {
    print(fmt::format(
      R"({{"bodies":{},"bytes":{},"days":{},"dry_run":{},"pruned":{},"rows":{},"uncovered":{}}})"
      "\n",
      copies.bodies, done.bytes, copies.days, how == audit::Prune::look,
      std::max(done.rows, done.already), rows, done.uncovered));
    return Exit::ok;
  }
  print(how == audit::Prune::look ? fmt::format("{} rows, {} bytes would go\n", rows, done.bytes)
                                  : fmt::format("{} rows, {} bytes, {} texts, {} days of copies\n",
                                      rows, done.bytes, copies.bodies, copies.days));
  if (done.uncovered > 0) {
    print(
      fmt::format("{} more are older and under no checkpoint yet: they stay\n", done.uncovered));
  }
  return Exit::ok;
}

Result<Exit> export_days(const cli::Args& args)
{
  constexpr std::size_t k_all = std::numeric_limits<std::size_t>::max();
  CONOS_TRY(auto reader, open_ledger(args));
  CONOS_TRY(
    const auto copied, audit::copy_to_day_files(reader, {args["days"], args["days"]}, k_all));
  print(fmt::format("{} rows\n", copied));
  return Exit::ok;
}

Result<Exit> export_tree(const cli::Args& args)
{
  CONOS_TRY(const auto last, last_checkpoint(args).map_error(only_for_root));
  CONOS_CHECK(audit::export_tiles(args["ledger"] + "/" + audit::k_database, last, args["tiles"])
                .map_error(only_for_root));
  print(fmt::format("{} rows\n", last.checkpoint.rows));
  return Exit::ok;
}

Result<Exit> export_files(const cli::Args& args)
{
  if (args.has("tiles") == args.has("days")) {
    return fail(Kind::usage, "one of --tiles and --days is needed");
  }
  return args.has("tiles") ? export_tree(args) : export_days(args);
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
              {"until", "only up to then", "WHEN"},
              {"grep", "only where this is found in the payload", "RE"},
              k_ledger,
              {"lines", "print them as the day's log has them"},
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
            "stats",
            "count the rows of each type, actor and day",
            "",
            {
              {"type", "only of this type, or of this noun", "TYPE", "", 't'},
              {"actor", "only of this actor", "NAME"},
              {"since", "only from then on: a time, a day, or how long ago", "WHEN"},
              {"until", "only up to then", "WHEN"},
              {"grep", "only where this is found in the payload", "RE"},
              k_ledger,
              {"json", "print one JSON object"},
            },
            stats,
          },
          {
            "verify",
            "recompute every hash of the ledger, or of a copy",
            "[FILE]",
            {
              {"at-least", "it must have the rows of these checkpoints", "FILE"},
              {"key", "file with the public key, instead of the ledger's own", "FILE"},
              k_ledger,
              {"json", "print one JSON object"},
            },
            verify,
          },
          {
            "checkpoint",
            "sign how many rows there are and the root of their tree, and print it",
            "",
            {
              k_ledger,
              {"json", "print one JSON object"},
            },
            checkpoint,
          },
          {
            "witness",
            "add DIR, add journal, remove one, or list: where checkpoints are kept too",
            "ACTION [WHERE]",
            {
              k_ledger,
              {"json", "print JSON lines"},
            },
            witness,
          },
          {
            "prove",
            "print a proof that a row is in the ledger, to be checked without it",
            "ID",
            {k_ledger},
            prove,
          },
          {
            "check-proof",
            "check a proof, with the public key alone",
            "FILE",
            {
              {"key", "file with the public key, instead of the ledger's own", "FILE"},
              k_ledger,
              {"json", "print one JSON object"},
            },
            check_proof,
          },
          {
            "export",
            "write the tree as files that any web server can publish, or the day files anew",
            "",
            {
              {"tiles", "directory to write the tree to", "DIR"},
              {"days", "directory to write day files to; those that are there go on", "DIR"},
              k_ledger,
            },
            export_files,
          },
          {
            "prune",
            "drop what old rows say, and keep their hashes",
            "",
            {
              {"before", "a time, a day, or how long ago", "WHEN"},
              {"dry-run", "only print what would go"},
              k_ledger,
              {"json", "print one JSON object"},
            },
            prune,
          },
          {
            "key",
            "print the public key of the ledger",
            "",
            {k_ledger},
            key,
          },
        },
      .section = "8",
    });
}
