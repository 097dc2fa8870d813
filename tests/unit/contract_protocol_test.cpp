#include "audit/ledger.hpp"
#include "audit/reader.hpp"
#include "contract/exemption.hpp"
#include "contract/protocol.hpp"
#include "contract_site.hpp"
#include "sys/file.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::contract;

namespace {

const Time k_noon = parse_rfc3339("2026-11-21T12:00:00Z").value();

// Two protocols, of which B depends on A; and a file that is none.
struct Gates : ContractSite {
  Gates()
  {
    contract("A", check("way", "on_fail: halt"), "type: protocol\ntrigger: close the way\n");
    contract("B", check("door", "on_fail: warn"), "type: protocol\ndepends_on: [A]\n");
    contract("C", "  - name: c\n    path_exists: { path: / }\n");
  }

  static std::string check(const std::string& name, const std::string& more)
  {
    return fmt::format(
      "  - name: {0}\n    path_exists: {{ path: {0} }}\n    {1}\n    what: no {0}\n", name, more);
  }

  std::shared_ptr<const Loaded> loaded() const
  {
    return std::make_shared<const Loaded>(load({path}).value());
  }

  Gate ask(const std::string& id, const std::vector<Exemption>& exemptions = {}) const
  {
    return ask_gate(loaded(), id, exemptions).value();
  }
};

// Where exemptions of a machine are kept, without the machine.
struct Places : TempDir {
  Places()
  {
    places.ledger = path;
    places.file = path + "/contracts/exemptions.json";
    places.logs = path;
  }

  std::vector<std::string> rows() const
  {
    std::vector<std::string> out;
    const auto events = audit::Reader::open(path + "/audit.db").value().last(100).value();
    for (const auto& event : events) {
      out.push_back(event.type + " " + event.actor + " " + event.payload);
    }
    return out;
  }

  ExemptionPlaces places;
};

} // namespace

TEST_CASE("a protocol is clear when nothing says no", "[contract][protocol]")
{
  const Gates gates;
  CHECK_FALSE(gates.ask("A").is_clear());
  CHECK(gate_text(gates.ask("A"), "A").ends_with("[no way]\nBLOCKED: A: 1 check says no\n"));
  (void)gates.file("way", "");
  CHECK(gates.ask("A").is_clear());
  CHECK(gate_text(gates.ask("A"), "A") == "  pass     A/way\nOK: A\n");
}

TEST_CASE(
  "what a protocol depends on is asked too, and a warning lets through", "[contract][protocol]")
{
  const Gates gates;
  CHECK_FALSE(gates.ask("B").is_clear());
  (void)gates.file("way", "");
  const auto gate = gates.ask("B");
  CHECK(gate.is_clear());
  CHECK(gate.report.count(Status::warn) == 1);
}

TEST_CASE("what is let off does not block, and another check's exemption does not help",
  "[contract][protocol]")
{
  const Gates gates;
  CHECK(gates.ask("A", {{"A", "way", "there is a door", "alice", {}}}).is_clear());
  CHECK_FALSE(gates.ask("A", {{"A", "path", "there is a door", "alice", {}}}).is_clear());
  CHECK_FALSE(gates.ask("A", {{"A", "way", "x", "alice", now() - Duration(1)}}).is_clear());
}

TEST_CASE("a check that could not be made blocks", "[contract][protocol]")
{
  Gates gates;
  gates.contract("D", "  - name: d\n    command: { run: [/nowhere/tool] }\n", "type: protocol\n");
  CHECK_FALSE(gates.ask("D").is_clear());
}

TEST_CASE("a file that is no contract blocks no other protocol", "[contract][protocol]")
{
  const Gates gates;
  (void)gates.file("way", "");
  (void)gates.file("broken.yaml", "id: [");
  CHECK(gates.ask("A").is_clear());
  const auto unknown = find_protocol(*gates.loaded(), "E");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == Kind::bad_data);
  CHECK(unknown.error().what.find("some files are invalid") != std::string::npos);
}

TEST_CASE("protocols are listed with what they stand before", "[contract][protocol]")
{
  const Gates gates;
  const auto loaded = gates.loaded();
  CHECK(
    protocols_text(*loaded) == "A  x  before: close the way\nB  x  before: (it does not say)\n");
  CHECK(protocols_json(*loaded).starts_with(R"([{"description":"x","file":)"));
  CHECK(protocols_text(Loaded()) == "there are no protocols\n");
}

TEST_CASE(
  "an exemption is recorded, said in the log, and kept until it expires", "[contract][exemption]")
{
  const Places site;
  const Exemption one{"A", "way", "a \"door\"\nthere", "alice", k_noon + std::chrono::hours(1)};

  REQUIRE(let_off(site.places, one, k_noon));

  CHECK(site.rows() == std::vector<std::string>{
                         R"(contract.exempted alice {"by":"alice","check":"way","contract":"A",)"
                         R"("reason":"a \"door\"\nthere","until":"2026-11-21T13:00:00.000Z"})"});
  CHECK(read_path(site.path + "/protocol.log", 4096).value() ==
        "2026-11-21T12:00:00Z [protocol:exempt] A/way reason=\"a \\\"door\\\"\\nthere\" "
        "actor=alice until=2026-11-21T13:00:00Z\n");
  const auto kept = load_exemptions(site.places, k_noon).value();
  REQUIRE(kept.size() == 1);
  CHECK(line_of(kept[0]) == line_of(one));
  CHECK(load_exemptions(site.places, k_noon + std::chrono::hours(1)).value().empty());
}

TEST_CASE("one that is for this time only is recorded and not kept", "[contract][exemption]")
{
  const Places site;
  REQUIRE(let_off(site.places, {"A", "way", "why", "alice", {}}, k_noon));
  CHECK(site.rows().size() == 1);
  CHECK(load_exemptions(site.places, k_noon).value().empty());
}

TEST_CASE("a machine without logs of conos has exemptions too", "[contract][exemption]")
{
  Places site;
  site.places.logs = site.path + "/nowhere";
  REQUIRE(let_off(site.places, {"A", "", "x", "alice", k_noon + Duration(1)}, k_noon));
  CHECK(load_exemptions(site.places, k_noon).value().size() == 1);
}

TEST_CASE("a new exemption stands for the one before, and can be ended", "[contract][exemption]")
{
  const Places site;
  const auto until = k_noon + std::chrono::hours(1);
  REQUIRE(let_off(site.places, {"A", "way", "one", "alice", until}, k_noon));
  REQUIRE(let_off(site.places, {"A", "way", "two", "alice", until}, k_noon));
  REQUIRE(let_off(site.places, {"A", "", "all", "alice", until}, k_noon));
  CHECK(load_exemptions(site.places, k_noon).value().size() == 2);

  CHECK(end_exemption(site.places, "A", "way", "bob", k_noon) == true);
  CHECK(end_exemption(site.places, "A", "way", "bob", k_noon) == false);

  const auto left = load_exemptions(site.places, k_noon).value();
  REQUIRE(left.size() == 1);
  CHECK(left[0].reason == "all");
  CHECK(site.rows().back() == R"(contract.unexempted bob {"check":"way","contract":"A"})");
}

TEST_CASE("nothing is let off where it cannot be recorded", "[contract][exemption]")
{
  Places site;
  site.places.ledger = "/dev/null/ledger";
  CHECK_FALSE(let_off(site.places, {"A", "", "x", "alice", k_noon + Duration(1)}, k_noon));
  CHECK(load_exemptions(site.places, k_noon).value().empty());
}

TEST_CASE("an exemption ends at a time that is to come, within a year", "[contract][exemption]")
{
  CHECK(parse_expiry("2h", k_noon) == k_noon + std::chrono::hours(2));
  CHECK(parse_expiry("2026-11-21T14:00:00+01:00", k_noon - Duration(1)) ==
        k_noon + std::chrono::hours(1));
  for (const auto* text : {"", "0", "never", "2026-11-21T12:00:00Z", "2020-01-01T00:00:00Z", "53w",
         "999999999w", "9999-12-31T23:59:59Z"}) {
    INFO(text);
    const auto until = parse_expiry(text, k_noon);
    REQUIRE_FALSE(until);
    CHECK(until.error().kind == Kind::usage);
  }
}
