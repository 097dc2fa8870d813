#include "audit/foreign.hpp"

#include "audit/chain.hpp"
#include "audit/schema.hpp"
#include "audit/sqlite.hpp"
#include "sys/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <optional>

namespace conos::audit {

namespace {

using Json = nlohmann::json;
using sqlite::Statement;

constexpr std::size_t k_max_line_bytes = 16U << 20U;
constexpr std::string_view k_sqlite_magic = "SQLite format 3";

const std::string k_genesis_hex(64, '0');

Finding about_row(std::int64_t id, const std::string& what)
{
  return {id, fmt::format("row {}: {}", id, what)};
}

std::string beginning_of(const std::string& file)
{
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 16> bytes{};
  stream.read(bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(stream.gcount())};
}

Result<std::int64_t> application_of(const std::string& file)
{
  CONOS_TRY(const auto connection, sqlite::open_to_read(file, sqlite::Reading::no_trace));
  CONOS_TRY(auto statement, Statement::prepare(connection.get(), "PRAGMA application_id"));
  CONOS_TRY(const bool any, statement.step());
  return any ? statement.integer(0) : 0;
}

// --- molt-os -----------------------------------------------------------------------------------

// agentd's digests are text; what we hash is the same text, so no other form of them counts.
std::string hash_of_row(const Statement& row, const std::string& before)
{
  return sha256_hex(fmt::format("{}|{}|{}|{}|{}|{}", row.integer(0), row.text(1), row.text(2),
    row.text(3), row.text(4), before));
}

std::optional<Finding> judge_row(const Statement& row, Verdict& verdict)
{
  const auto id = row.integer(0);
  const auto next = verdict.rows + 1;
  if (id != next) {
    return about_row(next, fmt::format("is missing; row {} comes in its place", id));
  }
  for (int column = 1; column <= 6; ++column) {
    if (row.type(column) != SQLITE_TEXT) {
      return about_row(id, "a column is not text");
    }
  }
  // with a separator in one of these the text that is hashed could be read in two ways
  for (const int column : {1, 2, 3}) {
    if (row.text(column).find('|') != std::string_view::npos) {
      return about_row(id, "its time, type or actor holds the separator '|'");
    }
  }
  const auto before = verdict.rows == 0 ? k_genesis_hex : verdict.head;
  if (row.text(5) != before) {
    return about_row(id, fmt::format("does not continue row {}, whose hash is {}; it names {}",
                           id - 1, before, escaped(row.text(5), 80)));
  }
  const auto hash = hash_of_row(row, before);
  if (row.text(6) != hash) {
    return about_row(id,
      fmt::format("its hash is {}, and of what it says it is {}", escaped(row.text(6), 80), hash));
  }
  verdict.rows = id;
  verdict.head = hash;
  verdict.ts = row.text(1);
  return std::nullopt;
}

Result<> judge_rows(sqlite3* connection, Verdict& verdict)
{
  CONOS_TRY(
    auto rows, Statement::prepare(connection,
                 "SELECT id, ts, type, actor, payload, prev_hash, hash FROM events ORDER BY id"));
  for (;;) {
    CONOS_TRY(const bool any, rows.step());
    if (!any) {
      return {};
    }
    verdict.bad = judge_row(rows, verdict);
    if (verdict.bad) {
      return {};
    }
  }
}

// --- Covenant ----------------------------------------------------------------------------------

// A line without its newline; nothing at the end. What has none at the end was cut there.
std::optional<std::string> next_line(std::istream& stream, bool& cut)
{
  std::string line;
  if (!std::getline(stream, line)) {
    return std::nullopt;
  }
  cut = cut || stream.eof() || line.size() > k_max_line_bytes;
  return line;
}

// "events.jsonl" has "events.chain.jsonl" beside it.
std::string sidecar_of(const std::string& file)
{
  const auto dot = file.rfind('.');
  const auto slash = file.rfind('/');
  const bool has_end = dot != file.npos && (slash == file.npos || dot > slash);
  return has_end ? file.substr(0, dot) + ".chain" + file.substr(dot) : file + ".chain";
}

std::optional<Finding> judge_line(
  const std::string& line, const std::string& sidecar, Verdict& verdict)
{
  const auto id = verdict.rows + 1;
  const auto event = Json::parse(line, nullptr, false);
  const auto link = Json::parse(sidecar, nullptr, false);
  const auto text = [&](const char* key) -> std::string {
    const auto found = link.is_object() ? link.find(key) : link.end();
    return link.is_object() && found != link.end() && found->is_string() ? found->get<std::string>()
                                                                         : "";
  };
  if (!event.is_object()) {
    return about_row(id, "is not a JSON object");
  }
  if (!link.is_object()) {
    return about_row(id, "its line of the chain is not a JSON object");
  }
  if (link.value("index", Json()) != Json(verdict.rows)) {
    return about_row(id, fmt::format("its line of the chain has not the index {}", verdict.rows));
  }
  if (link.value("event_id", Json()) != event.value("id", Json()) ||
      link.value("timestamp_ms", Json()) != event.value("timestamp_ms", Json())) {
    return about_row(id, "its line of the chain is about another event");
  }
  if (const auto hash = sha256_hex(line); text("event_hash_hex") != hash) {
    return about_row(id, fmt::format("its hash is {}, and of what it says it is {}",
                           escaped(text("event_hash_hex"), 80), hash));
  }
  const auto before = verdict.rows == 0 ? k_genesis_hex : verdict.head;
  if (text("previous_hash_hex") != before) {
    return about_row(
      id, fmt::format("does not continue row {}, whose chain hash is {}; it names {}", id - 1,
            before, escaped(text("previous_hash_hex"), 80)));
  }
  const auto chain = sha256_hex(before + "\n" + text("event_hash_hex"));
  if (text("chain_hash_hex") != chain) {
    return about_row(id, fmt::format("its chain hash is {} and should be {}",
                           escaped(text("chain_hash_hex"), 80), chain));
  }
  verdict.rows = id;
  verdict.head = chain;
  const auto when = event.value("timestamp_ms", Json());
  verdict.ts = when.is_number_integer() ? fmt::format("{} ms", when.get<std::int64_t>()) : "";
  return std::nullopt;
}

Result<std::ifstream> open_lines(const std::string& file)
{
  std::ifstream stream(file, std::ios::binary);
  return stream ? Result<std::ifstream>(std::move(stream)) : os_error("open '{}'", file);
}

} // namespace

Result<Format> format_of(const std::string& file)
{
  struct stat st = {};
  if (::stat(file.c_str(), &st) < 0 || !S_ISREG(st.st_mode)) {
    return Format::conos;
  }
  const auto beginning = beginning_of(file);
  if (beginning.starts_with('{')) {
    return Format::covenant;
  }
  if (!beginning.starts_with(k_sqlite_magic)) {
    return Format::conos;
  }
  const auto application = application_of(file);
  return application && *application == 0 ? Format::molt_os : Format::conos;
}

Result<Verdict> verify_molt_os(const std::string& file)
{
  const auto purpose = during(fmt::format("verify '{}'", file));
  Verdict verdict;
  verdict.head = k_genesis_hex;
  CONOS_TRY(const auto connection,
    sqlite::open_to_read(file, sqlite::Reading::no_trace).map_error(purpose));
  const auto judged = judge_rows(connection.get(), verdict);
  if (!judged && judged.error().kind != Kind::bad_data && judged.error().kind != Kind::os) {
    return tl::unexpected<Error>(purpose(judged.error()));
  }
  if (!judged) {
    verdict.bad =
      Finding{0, fmt::format("the file is damaged, or no ledger ({})", judged.error().text())};
  } else if (verdict.rows == 0 && !verdict.bad) {
    verdict.bad = Finding{0, "has no rows"};
  }
  return verdict;
}

Result<Verdict> verify_covenant(const std::string& file)
{
  const auto sidecar = sidecar_of(file);
  CONOS_TRY(auto lines, open_lines(file));
  auto links = open_lines(sidecar);
  Verdict verdict;
  verdict.head = k_genesis_hex;
  if (!links) {
    verdict.bad = Finding{0, fmt::format("there is no '{}' beside it", escaped(sidecar))};
    return verdict;
  }
  for (;;) {
    bool cut = false;
    const auto line = next_line(lines, cut);
    const auto link = next_line(*links, cut);
    if (!line && !link) {
      break;
    }
    const auto id = verdict.rows + 1;
    verdict.bad = cut     ? about_row(id, "is cut off")
                  : !line ? about_row(id, "is in the chain, and its event is missing")
                  : !link ? about_row(id, "is not in the chain")
                          : judge_line(*line, *link, verdict);
    if (verdict.bad) {
      return verdict;
    }
  }
  if (verdict.rows == 0) {
    verdict.bad = Finding{0, "is empty"};
  }
  return verdict;
}

} // namespace conos::audit
