#include "task_contract/check.hpp"
#include "task_contract/record.hpp"
#include "task_contract/state.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>
#include <tuple>

using namespace conos;
using namespace conos::task_contract;

namespace {

const Time k_start = parse_rfc3339("2026-11-20T10:00:00Z").value();
const Actor k_opener{"a-opener", false, "t1"};
const Actor k_holder{"a-holder", false, "t2"};
const Actor k_other{"a-other", false, "t3"};
const Actor k_root{"alice", true};

Time after(Duration time)
{
  return k_start + time;
}

TaskContract fresh()
{
  return opened({"fix-disk", "Make room", "On /srv.", {"CON-SYS-001"}}, k_opener, k_start).value();
}

// One that has come to this state; where somebody has it, that is k_holder.
TaskContract in_state(State state)
{
  auto contract = fresh();
  if (state != State::open) {
    contract = changed(contract, {Deed::claim}, k_holder, k_start).value();
  }
  if (state == State::blocked) {
    contract = changed(contract, {Deed::block}, k_holder, k_start).value();
  }
  if (state == State::completed) {
    contract = changed(contract, {Deed::complete}, k_holder, k_start).value();
  }
  if (state == State::cancelled) {
    contract = changed(contract, {Deed::cancel}, k_opener, k_start).value();
  }
  REQUIRE(contract.state == state);
  return contract;
}

using Cell = std::tuple<Deed, State, std::string>; // done by whom

// Written down once more, by who may do what: whatever is not here is refused.
std::map<Cell, State> allowed()
{
  std::map<Cell, State> all;
  for (const auto* anybody : {"opener", "holder", "other", "root"}) {
    all[{Deed::claim, State::open, anybody}] = State::in_progress;
  }
  for (const auto state : {State::in_progress, State::blocked}) {
    all[{Deed::renew, state, "holder"}] = state;
    for (const auto* who : {"holder", "root"}) {
      all[{Deed::release, state, who}] = State::open;
    }
    for (const auto* who : {"holder", "opener", "root"}) {
      all[{Deed::note, state, who}] = state;
    }
    for (const auto* who : {"opener", "root"}) {
      all[{Deed::cancel, state, who}] = State::cancelled;
    }
  }
  for (const auto* who : {"opener", "root"}) {
    all[{Deed::note, State::open, who}] = State::open;
    all[{Deed::cancel, State::open, who}] = State::cancelled;
  }
  for (const auto* who : {"holder", "root"}) {
    all[{Deed::block, State::in_progress, who}] = State::blocked;
    all[{Deed::go_on, State::blocked, who}] = State::in_progress;
    all[{Deed::complete, State::in_progress, who}] = State::completed;
  }
  all[{Deed::complete, State::open, "root"}] = State::completed;
  return all;
}

} // namespace

TEST_CASE("every deed, in every state, by everybody", "[task_contract][state]")
{
  const auto expected = allowed();
  const std::map<std::string, Actor> actors{
    {"opener", k_opener}, {"holder", k_holder}, {"other", k_other}, {"root", k_root}};
  std::size_t done = 0;
  for (const auto deed : k_deeds) {
    for (const auto state : k_states) {
      for (const auto& [name, actor] : actors) {
        INFO(past_of(deed) << " from " << to_string(state) << " by " << name);
        const auto before = in_state(state);
        const auto result = changed(before, {deed, "m"}, actor, after(std::chrono::seconds(1)));
        const auto cell = expected.find({deed, state, name});
        REQUIRE(result.has_value() == (cell != expected.end()));
        if (!result) {
          CHECK((result.error().kind == Kind::denied || result.error().kind == Kind::busy));
          continue;
        }
        ++done;
        CHECK(result->state == cell->second);
        const bool is_held = result->state == State::in_progress || result->state == State::blocked;
        CHECK(result->lease.has_value() == is_held);
        CHECK(result->history.size() == before.history.size() + 1);
        CHECK(result->history.back().what == past_of(deed));
        CHECK(result->history.back().by == actor.account);
        CHECK(result->history.back().message == "m");
        CHECK(result->opened_by == "a-opener");
      }
    }
  }
  CHECK(done == expected.size());
}

TEST_CASE("the table has each step once, and every state can be left or is an end",
  "[task_contract][state]")
{
  std::set<std::pair<Deed, State>> seen;
  std::set<State> left;
  for (const auto& step : k_transitions) {
    CHECK(seen.insert({step.deed, step.from}).second);
    CHECK_FALSE(has_ended(step.from));
    left.insert(step.from);
  }
  for (const auto state : k_states) {
    CHECK(left.contains(state) != has_ended(state));
  }
}

TEST_CASE("a lease that has run out is nobody's", "[task_contract][state]")
{
  auto contract = fresh();
  contract =
    changed(contract, {Deed::claim, "", std::chrono::minutes(5)}, k_holder, k_start).value();
  CHECK_FALSE(has_lapsed(contract, after(std::chrono::seconds(299))));
  CHECK(has_lapsed(contract, after(std::chrono::seconds(300))));
  const auto late = after(std::chrono::minutes(6));

  for (const auto deed : {Deed::renew, Deed::release, Deed::block, Deed::complete, Deed::note}) {
    INFO(past_of(deed));
    CHECK(changed(contract, {deed}, k_holder, late).error().kind == Kind::denied);
  }
  const auto taken = changed(contract, {Deed::claim}, k_other, late);
  REQUIRE(taken);
  CHECK(taken->lease->owner == "a-other");
  CHECK(taken->history[2].what == "lapsed");
  CHECK(taken->history[2].message == "the lease of a-holder ran out");
}

TEST_CASE("who is late hears until when another has it", "[task_contract][state]")
{
  const auto contract = in_state(State::in_progress);
  const auto error = changed(contract, {Deed::claim}, k_other, k_start).error();
  CHECK(error.kind == Kind::busy);
  CHECK(error.what.find("a-holder has it until 2026-11-20T10:05:00Z") != std::string::npos);
}

TEST_CASE("a renewed lease counts from now", "[task_contract][state]")
{
  const auto contract = in_state(State::in_progress);
  const auto later = after(std::chrono::minutes(4));
  const auto renewed =
    changed(contract, {Deed::renew, "", std::chrono::hours(1)}, k_holder, later).value();
  CHECK(renewed.lease->until == later + std::chrono::hours(1));
  CHECK(renewed.lease->claimed_at == k_start);
}

TEST_CASE("what cannot be is refused when it is opened", "[task_contract][state]")
{
  for (const auto* id : {"", ".", "..", ".x", "-x", "a/b", "a b", "a\nb", "\xc3\xa4"}) {
    CHECK(opened({id, "t"}, k_opener, k_start).error().kind == Kind::bad_data);
  }
  CHECK_FALSE(opened({std::string(65, 'a'), "t"}, k_opener, k_start));
  CHECK_FALSE(opened({"a", ""}, k_opener, k_start));
  CHECK_FALSE(opened({"a", " \t"}, k_opener, k_start));
  CHECK_FALSE(opened({"a", "two\nlines"}, k_opener, k_start));
  CHECK_FALSE(opened({"a", std::string(257, 'x')}, k_opener, k_start));
  CHECK_FALSE(opened({"a", "\xff"}, k_opener, k_start));
  CHECK_FALSE(opened({"a", "t", std::string(k_max_description + 1, 'x')}, k_opener, k_start));
  CHECK_FALSE(opened({"a", "t", "", {"--id"}}, k_opener, k_start));
  CHECK_FALSE(opened({"a", "t", "", std::vector<std::string>(17, "x")}, k_opener, k_start));
  CHECK(opened({"A.b_c-9", "t", "", {"CON-1/a"}}, k_opener, k_start));

  const auto contract = in_state(State::in_progress);
  for (const auto lease : {Duration(0), Duration(-1), Duration(999), Duration(86'400'001)}) {
    CHECK(changed(contract, {Deed::renew, "", lease}, k_holder, k_start).error().kind ==
          Kind::bad_data);
  }
  CHECK_FALSE(changed(contract, {Deed::note, std::string(1001, 'x')}, k_holder, k_start));
  CHECK_FALSE(changed(contract, {Deed::note, "\xff"}, k_holder, k_start));
}

TEST_CASE("the history has an end, and who opened it stays in it", "[task_contract][state]")
{
  auto contract = in_state(State::in_progress);
  for (int i = 0; i < 300; ++i) {
    contract = changed(contract, {Deed::note, std::to_string(i)}, k_holder, k_start).value();
  }
  CHECK(contract.history.size() == k_kept_changes);
  CHECK(contract.history.front().what == k_opened);
  CHECK(contract.history.back().message == "299");
  CHECK(to_json(contract).size() < k_max_record_bytes);
}

TEST_CASE("what is written is what is read", "[task_contract][record]")
{
  for (const auto state : k_states) {
    auto contract = in_state(state);
    contract.due_at = k_start;
    contract.title = "t\u2028 \"x\"";
    const auto again = from_json(to_json(contract));
    REQUIRE(again);
    CHECK(to_json(*again) == to_json(contract));
  }
  CHECK_FALSE(from_json("{}"));
  CHECK_FALSE(from_json(""));
  const auto text = to_json(in_state(State::in_progress));
  const auto edited = [&](const char* key, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(text);
    json[key] = value;
    return from_json(json.dump());
  };
  CHECK_FALSE(edited("status", "open"));
  CHECK_FALSE(edited("status", "done"));
  CHECK_FALSE(edited("owner", nullptr));
  CHECK_FALSE(edited("id", "../x"));
  CHECK_FALSE(edited("history", nlohmann::json::array()));
}

TEST_CASE("a row says what changed and who did it", "[task_contract][record]")
{
  const auto row = row_of(in_state(State::blocked), "k");
  CHECK(row.type == "taskcontract.blocked");
  CHECK(row.actor == "a-holder");
  CHECK(row.key == "k");
  const auto payload = nlohmann::json::parse(row.payload);
  CHECK(payload["contract"] == "fix-disk");
  CHECK(payload["agent"] == "holder");
  CHECK(payload["id"] == "t2");
  CHECK(payload["owner"] == "a-holder");
}

TEST_CASE("what others wrote cannot act on a terminal", "[task_contract][record]")
{
  auto contract = in_state(State::in_progress);
  contract.description = "\x1b[2J\nsecond";
  contract.title = "\x1b[2J";
  contract.history.back().message = "\x1b]0;x\x07";
  for (const auto& text : {describe(contract, k_start), table_of({contract}, k_start)}) {
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
  }
}

TEST_CASE("all named contracts pass, or it is not complete", "[task_contract][check]")
{
  const auto verdict = [](const std::string& results, const std::vector<std::string>& checks) {
    return verdict_of("{\"results\":[" + results + "]}", checks).value();
  };
  const auto result = [](const std::string& id, const std::string& status) {
    return R"({"contract_id":")" + id + R"(","check_name":"n","status":")" + status +
           R"(","what":"w"})";
  };
  CHECK(verdict(result("a", "pass"), {"a"}).is_good);
  CHECK(verdict(result("a", "pass") + "," + result("b", "pass"), {"a", "b"}).is_good);
  CHECK(verdict(result("a", "pass") + "," + result("a", "skip"), {"a/n"}).is_good);
  CHECK(verdict(result("a", "pass") + "," + result("a", "exempt"), {"a"}).is_good);
  for (const auto* bad : {"fail", "warn", "halt", "error", "timeout"}) {
    const auto failed = verdict(result("a", "pass") + "," + result("a", bad), {"a"});
    CHECK_FALSE(failed.is_good);
    CHECK(failed.findings == std::string("a/n: ") + bad + ": w");
  }
  // nothing that was looked at is no proof
  CHECK(verdict(result("a", "skip"), {"a"}).findings == "a: was not seen to pass");
  CHECK_FALSE(verdict(result("a", "pass"), {"a", "b"}).is_good);
  CHECK_FALSE(verdict("", {"a"}).is_good);
  // nor does one check speak for another of the same contract
  CHECK(verdict(result("a", "pass"), {"a/n", "a/m"}).findings == "a/m: was not seen to pass");
  // what it depends on counts, another file that is no contract does not
  CHECK_FALSE(verdict(result("a", "pass") + "," + result("c", "fail"), {"a"}).is_good);
  CHECK(verdict(result("a", "pass") +
                  R"(,{"contract_id":"contract.invalid","check_name":"f","status":"fail",)"
                  R"("what":"w","problems":[]})",
    {"a"})
          .is_good);
  CHECK_FALSE(verdict_of("not json", {"a"}));
}

TEST_CASE("the checks are made by conos-contract", "[task_contract][check]")
{
  std::vector<std::string> ran;
  Ended ended;
  const auto judge = by_conos_contract([&](const Command& command, const Bounds&) {
    ran = command.argv;
    return Result<Ended>(ended);
  });
  CHECK(judge({})->is_good);
  CHECK(ran.empty());
  ended.out = R"({"results":[{"contract_id":"a","check_name":"n","status":"pass","what":""}]})";
  CHECK(judge({"a"})->is_good);
  CHECK(ran == std::vector<std::string>{"/usr/bin/conos-contract", "check", "--json", "--id", "a"});
  ended.status = 69;
  CHECK_FALSE(judge({"a"}));
  ended.how = Ended::How::timeout;
  ended.status = 0;
  CHECK_FALSE(judge({"a"}));
}
