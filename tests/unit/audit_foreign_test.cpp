#include "audit/foreign.hpp"

#include "audit/chain.hpp"
#include "audit_samples.hpp"

#include <fstream>

using namespace conos;
using namespace conos::audit;

namespace {

constexpr std::string_view k_events[] = {
  R"({"id":"00000000-0000-0000-0000-000000000001","timestamp_ms":1000,"issuer":{"display":"operator@local","pubkey":"11111111111111111111111111111111"},"kind":{"type":"authentication_failed","transport":"ipc","reason":"unknown peer token"}})",
  R"({"id":"00000000-0000-0000-0000-000000000002","timestamp_ms":2000,"issuer":{"display":"operator@local","pubkey":"11111111111111111111111111111111"},"kind":{"type":"budget_unseeded","agent_display":"a@b","intent_id":"00000000-0000-0000-0000-0000000000d4","requested":1}})",
};
constexpr std::string_view k_second_chain_hash =
  "06427269dd451ef5e1bc5d1e7a4d2a148baa32e57cad7c395babeaf027d4162e";

std::vector<std::string> links()
{
  const std::string genesis(64, '0');
  const std::string e1 = "797fff199da17223ae7561ba51db5e51100a4b9b0c77fd52c5387a9653ebb92f";
  const std::string c1 = "753154fed9111b5b210c93d08f61b5cb5abc0773a2c93c1e1045adba6cdd94ca";
  const std::string e2 = "f28ec1bfb71b27cef352ff2ae24eb3252ae66ac8a2994e84469384a54780ae54";
  const auto link = [](int index, int ms, const std::string& event, const std::string& before,
                      std::string_view chain) {
    return fmt::format(R"({{"index":{},"event_id":"00000000-0000-0000-0000-00000000000{}",)"
                       R"("timestamp_ms":{},"event_hash_hex":"{}","previous_hash_hex":"{}",)"
                       R"("chain_hash_hex":"{}"}})",
      index, index + 1, ms, event, before, chain);
  };
  return {link(0, 1000, e1, genesis, c1), link(1, 2000, e2, c1, k_second_chain_hash)};
}

std::string write(
  const TempDir& dir, const std::string& name, const std::vector<std::string>& lines)
{
  const auto path = dir.path + "/" + name;
  std::ofstream stream(path);
  for (const auto& line : lines) {
    stream << line << "\n";
  }
  return path;
}

std::string covenant(const TempDir& dir, const std::vector<std::string>& chain = links(),
  const std::vector<std::string>& events = {std::string(k_events[0]), std::string(k_events[1])})
{
  write(dir, "events.chain.jsonl", chain);
  return write(dir, "events.jsonl", events);
}

// A ledger of agentd's, the digests as text.
std::string molt_os(const TempDir& dir, int rows)
{
  const auto file = dir.path + "/ledger.db";
  std::string sql = "CREATE TABLE events(id INTEGER PRIMARY KEY, ts TEXT, type TEXT, actor TEXT, "
                    "payload TEXT, prev_hash TEXT, hash TEXT);";
  std::string before(64, '0');
  for (int id = 1; id <= rows; ++id) {
    const auto text = fmt::format(
      "{}|2026-11-20T21:35:43.012Z|system.query|agentd|{{\"n\":{}}}|{}", id, id, before);
    const auto hash = sha256_hex(text);
    sql += fmt::format("INSERT INTO events VALUES({}, '2026-11-20T21:35:43.012Z', 'system.query', "
                       "'agentd', '{{\"n\":{}}}', '{}', '{}');",
      id, id, before, hash);
    before = hash;
  }
  std::ofstream(file).close();
  tamper(file, sql);
  return file;
}

std::string complaint_about(const Result<Verdict>& verdict)
{
  REQUIRE(verdict);
  REQUIRE(verdict->bad);
  return verdict->bad->what;
}

} // namespace

TEST_CASE("a ledger of molt-os verifies, and what was changed in it is named", "[audit][foreign]")
{
  TempDir dir;
  const auto file = molt_os(dir, 5);
  CHECK(format_of(file).value() == Format::molt_os);
  const auto good = verify_molt_os(file).value();
  CHECK_FALSE(good.bad);
  CHECK(good.rows == 5);

  tamper(file, "UPDATE events SET payload = '{}' WHERE id = 3");
  CHECK_THAT(complaint_about(verify_molt_os(file)), Catch::StartsWith("row 3: its hash is "));
  tamper(file, "DELETE FROM events WHERE id = 3");
  CHECK_THAT(complaint_about(verify_molt_os(file)), Catch::StartsWith("row 3: is missing"));
  tamper(file, "UPDATE events SET prev_hash = '00' WHERE id = 2");
  CHECK_THAT(complaint_about(verify_molt_os(file)), Catch::StartsWith("row 2: does not continue"));
  tamper(file, "UPDATE events SET actor = 'a|b' WHERE id = 1");
  CHECK_THAT(complaint_about(verify_molt_os(file)), Catch::Contains("separator"));
  tamper(file, "DELETE FROM events");
  CHECK_THAT(complaint_about(verify_molt_os(file)), Catch::Contains("has no rows"));
}

TEST_CASE("a log of Covenant verifies by its chain", "[audit][foreign]")
{
  TempDir dir;
  const auto file = covenant(dir);
  CHECK(format_of(file).value() == Format::covenant);
  const auto good = verify_covenant(file).value();
  CHECK_FALSE(good.bad);
  CHECK(good.rows == 2);
  CHECK(good.head == k_second_chain_hash);
}

TEST_CASE("what was changed in a log of Covenant is named", "[audit][foreign]")
{
  TempDir dir;
  const std::string first(k_events[0]);
  const std::string second(k_events[1]);
  const auto chain = links();
  const auto says = [&](
                      const std::vector<std::string>& events, const std::vector<std::string>& of) {
    return complaint_about(verify_covenant(covenant(dir, of, events)));
  };
  CHECK_THAT(
    says({first}, chain), Catch::Contains("row 2: is in the chain, and its event is missing"));
  CHECK_THAT(says({first, second}, {chain[0]}), Catch::Contains("row 2: is not in the chain"));
  CHECK_THAT(
    says({second, first}, chain), Catch::Contains("row 1: its line of the chain is about"));
  CHECK_THAT(says({first + " ", second}, chain), Catch::Contains("row 1: its hash is"));
  CHECK_THAT(says({"[]", second}, chain), Catch::Contains("row 1: is not a JSON object"));
  CHECK_THAT(
    says({first, second}, {chain[0], "x"}), Catch::Contains("row 2: its line of the chain is not"));
  CHECK_THAT(says({}, {}), Catch::Contains("is empty"));
  auto other = chain;
  other[1].replace(other[1].find("0642"), 4, "0643");
  CHECK_THAT(says({first, second}, other), Catch::Contains("row 2: its chain hash is"));
  const auto file = covenant(dir);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  CHECK_THAT(complaint_about(verify_covenant(file)), Catch::Contains("row 2: is cut off"));
  std::filesystem::remove(dir.path + "/events.chain.jsonl");
  CHECK_THAT(complaint_about(verify_covenant(file)), Catch::Contains("beside it"));
}

TEST_CASE("a ledger of ours is none of theirs", "[audit][foreign]")
{
  TempDir dir;
  make_ledger(dir, 3);
  CHECK(format_of(database_in(dir)).value() == Format::conos);
  CHECK(format_of(dir.path + "/missing").value() == Format::conos);
}
