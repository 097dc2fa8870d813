#include "gate/record.hpp"
#include "gate/rows.hpp"
#include "gate/verbs.hpp"
#include "sys/file.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace conos;
using namespace conos::gate;

namespace {

const Time k_begin = *parse_rfc3339("2026-11-21T12:00:00Z");

Request request_like(const std::string& package = "jq")
{
  Request request;
  request.agent = "writer";
  request.uid = 70002;
  request.task.id = "fix-disk";
  request.task.root = "fix-disk";
  request.task.sender = "alice";
  request.task.thread.id = "t1";
  request.verb = "package.request";
  request.args = {{"name", package}};
  request.requested_at = k_begin;
  request.expires_at = k_begin + std::chrono::hours(24);
  REQUIRE(seal(request));
  return request;
}

Decision by_alice(Time at = k_begin)
{
  Decision decision;
  decision.by = "alice";
  decision.at = at;
  return decision;
}

GateVerb verb_named(std::string_view name)
{
  return *find_gate_verb(name);
}

bool is_good(std::string_view verb, const ask::Arguments& args)
{
  return check_arguments(verb_named(verb), args).has_value();
}

} // namespace

TEST_CASE("a request is written down and read back", "[gate][record]")
{
  auto request = request_like();
  request = decided(std::move(request), true, by_alice(), k_begin).value();
  request.decision->until = k_begin + std::chrono::hours(1);
  request = begun(std::move(request), k_begin).value();
  request = ended(std::move(request), State::done, {k_begin, "done", R"({"a":1})"}).value();
  request.is_told = true;

  const auto read = request_from_json(to_json(request));

  REQUIRE(read);
  CHECK(to_json(*read) == to_json(request));
  CHECK(read->task.thread.id == "t1");
  CHECK(read->decision->until == request.decision->until);
  CHECK(read->ending->result == R"({"a":1})");
}

TEST_CASE("who names a request by its id names what it says", "[gate][record]")
{
  const auto request = request_like();
  CHECK(is_request_id(request.id));
  CHECK(request.digest.starts_with(request.id));
  CHECK(request_like().id != request.id); // two that say the same are two

  for (const auto& [what, with] : {std::pair("\"jq\"", "\"vim\""), std::pair("writer", "other"),
         std::pair("package.request", "service.restart"), std::pair("fix-disk", "x"),
         std::pair("2026-11-22", "2027-11-22"), std::pair("70002", "0")}) {
    auto text = to_json(request);
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    text.replace(at, std::string_view(what).size(), with);
    INFO(what);
    CHECK(request_from_json(text).error().kind == Kind::bad_data);
  }
  auto forged = request;
  forged.args["name"] = "vim";
  forged.digest = digest_of(forged); // of the new text, under the old name
  CHECK(request_from_json(to_json(forged)).error().kind == Kind::bad_data);
  CHECK_FALSE(request_from_json("{}"));
  CHECK_FALSE(request_from_json("[]"));
}

TEST_CASE("the same is the same without its task and time", "[gate][record]")
{
  const auto subject = subject_of("writer", "package.request", {{"name", "jq"}});
  CHECK(subject == subject_of("writer", "package.request", {{"name", "jq"}}));
  CHECK(subject != subject_of("writer", "package.request", {{"name", "vim"}}));
  CHECK(subject != subject_of("other", "package.request", {{"name", "jq"}}));
  CHECK(subject != subject_of("writer", "package.requestname", {{"", "jq"}}));
}

TEST_CASE("a request is decided once and in time", "[gate][record]")
{
  const auto request = request_like();
  const auto late = request.expires_at;

  CHECK_FALSE(decided(request, true, by_alice(), late));
  CHECK_FALSE(begun(request, k_begin));
  CHECK_FALSE(expired(request, k_begin));
  CHECK(expired(request, late)->state == State::expired);
  const auto denied = decided(request, false, by_alice(), k_begin).value();
  CHECK_FALSE(decided(denied, true, by_alice(), k_begin));
  CHECK_FALSE(begun(denied, k_begin));
  CHECK_FALSE(expired(denied, late));
  const auto allowed = decided(request, true, by_alice(), k_begin).value();
  CHECK_FALSE(begun(allowed, late));
  CHECK(expired(allowed, late)->state == State::expired);
  const auto running = begun(allowed, k_begin).value();
  CHECK_FALSE(begun(running, k_begin));
  CHECK_FALSE(expired(running, late));
  CHECK_FALSE(ended(running, State::denied, {k_begin, "", ""}));
  CHECK_FALSE(ended(allowed, State::done, {k_begin, "", ""}));
}

TEST_CASE("whatever is tried, it is begun at most once, allowed, and in time", "[gate][record]")
{
  std::mt19937 random(11); // the same in each run
  for (int turn = 0; turn < 500; ++turn) {
    auto request = request_like();
    auto now = k_begin;
    int begins = 0;
    int ends = 0;
    bool was_allowed = false;
    for (int step = 0; step < 30; ++step) {
      now += std::chrono::hours(random() % 3);
      const auto before = request.state;
      Result<Request> after = fail(Kind::usage, "nothing");
      switch (random() % 5) {
      case 0:
        after = decided(request, random() % 2 == 0, by_alice(now), now);
        was_allowed = was_allowed || (after && after->state == State::allowed);
        break;
      case 1:
        after = begun(request, now);
        begins += after ? 1 : 0;
        if (after) {
          CHECK(was_allowed);
          CHECK(now < request.expires_at);
        }
        break;
      case 2:
        after = ended(request, random() % 2 == 0 ? State::done : State::unknown, {now, "", ""});
        ends += after ? 1 : 0;
        break;
      case 3:
        after = expired(request, now);
        break;
      default: // somebody writes it down and reads it again
        after = request_from_json(to_json(request));
        REQUIRE(after);
        break;
      }
      if (after) {
        CHECK((!has_ended(before) || after->state == before));
        request = *after;
      } else {
        CHECK(request.state == before);
      }
    }
    CHECK(begins <= 1);
    CHECK(ends <= begins);
  }
}

TEST_CASE("what rows say of a request is believed of this one only", "[gate][rows]")
{
  auto request = request_like();
  const auto other = request_like();
  auto decision = by_alice();
  decision.reason = "fine \x01";
  decision.until = k_begin + std::chrono::hours(1);
  const auto allowed = decided(request, true, decision, k_begin).value();
  const auto row = decided_row("root/conos-approve", allowed);

  CHECK(row.type == "approval.decided");
  CHECK(row.key == "approval/" + request.id + "/decided");
  const auto found = decided_in(request, row.payload);
  REQUIRE(found);
  CHECK(found->is_allowed);
  CHECK(found->decision.by == "alice");
  CHECK(found->decision.reason == decision.reason);
  CHECK(found->decision.until == decision.until);
  CHECK_FALSE(decided_in(other, row.payload));
  CHECK_FALSE(decided_in(request, ""));
  CHECK_FALSE(ended_in(request, row.payload));

  auto policy = by_alice();
  policy.by = "policy";
  CHECK(decided_row("root/conos-gate", decided(request, true, policy, k_begin).value()).type ==
        "gate.granted");
}

TEST_CASE("an argument is what it has to be, and nothing else", "[gate][verbs]")
{
  CHECK(is_good("package.request", {{"name", "g++"}}));
  CHECK(is_good("package.request", {{"name", "libc6-dev"}}));
  for (const auto* name : {"", "j", "-oX", "--help", "jq ", "jq;id", "jq\n", "jq-", "Jq",
         "j\xc3\xb6q", "jq\xd0\xb0", "../jq", "/tmp/x.deb", "./x.deb", "jq=1.6", "jq/sid",
         "jq:i386", "j*", "a b", "$(id)", "jq\t", "+jq", ".jq"}) {
    INFO(name);
    CHECK_FALSE(is_good("package.request", {{"name", name}}));
  }
  CHECK_FALSE(is_good("package.request", {{"name", std::string("jq\0x", 4)}}));
  CHECK_FALSE(is_good("package.request", {{"name", std::string(200, 'a')}}));

  CHECK(is_good("service.restart", {{"unit", "nginx.service"}}));
  CHECK(is_good("service.restart", {{"unit", "getty@tty1.service"}}));
  for (const auto* unit : {"nginx", "nginx.socket", ".service", "../nginx.service", "a/b.service",
         "-x.service", "@x.service", "x@.service", "x y.service", "x;.service", "x.service\n",
         "x\xe2\x80\x8b.service", "x*.service", "..service", "/etc/systemd/system/x.service"}) {
    INFO(unit);
    CHECK_FALSE(is_good("service.restart", {{"unit", unit}}));
    CHECK_FALSE(is_good("service.status", {{"unit", unit}}));
  }

  CHECK(is_good("contract.run", {{"id", "web.up/port"}}));
  for (const auto* id : {"", "-x", "--id", "a,b", "a b", ".x", "/x", "a;b"}) {
    CHECK_FALSE(is_good("contract.run", {{"id", id}}));
  }
  CHECK(is_good("task.send", {{"to", "writer"}, {"body", "x"}, {"title", "y"}}));
  CHECK_FALSE(is_good("task.send", {{"to", "Writer"}, {"body", "x"}}));
  CHECK_FALSE(is_good("task.send", {{"to", "writer"}, {"body", " \n"}}));
  CHECK_FALSE(is_good("task.send", {{"to", "writer"}, {"body", "x"}, {"title", "a\nb"}}));
  CHECK_FALSE(is_good("task.send", {{"to", "writer"}, {"body", "x"}, {"trust", "verified"}}));
  CHECK_FALSE(is_good("task.send", {{"to", "writer"}}));
  CHECK_FALSE(is_good("note", {{"name", "x-y"}, {"text", "x"}}));
  CHECK_FALSE(is_good("note", {{"name", "x"}, {"text", std::string(4000, 'x')}}));
  CHECK_FALSE(is_good("query", {{"what", "secrets"}}));
  CHECK_FALSE(is_good("query", {{"what", "ledger"}, {"count", "-1"}}));
  CHECK_FALSE(is_good("query", {{"what", "ledger"}, {"count", "0"}}));
  CHECK_FALSE(is_good("approval.status", {{"id", "../../etc/pwd"}}));
}

TEST_CASE("what is said of a task contract is what it has to be", "[gate][verbs]")
{
  CHECK(is_good("contract.open",
    {{"id", "fix"}, {"title", "t"}, {"checks", "a,b/c"}, {"due", "2026-11-20T21:30:00Z"}}));
  for (const auto* id : {"", "..", "../x", ".next", "-x", "a/b", "a\nb"}) {
    CHECK_FALSE(is_good("contract.claim", {{"id", id}}));
    CHECK_FALSE(is_good("contract.open", {{"id", id}, {"title", "t"}}));
  }
  CHECK_FALSE(is_good("contract.open", {{"id", "a"}}));
  CHECK_FALSE(is_good("contract.open", {{"id", "a"}, {"title", "t"}, {"checks", "--id"}}));
  CHECK_FALSE(is_good("contract.open", {{"id", "a"}, {"title", "t"}, {"due", "soon"}}));
  CHECK_FALSE(is_good("contract.claim", {{"id", "a"}, {"owner", "a-other"}}));
  CHECK_FALSE(is_good("contract.claim", {{"id", "a"}, {"lease", "25h"}}));
  CHECK_FALSE(is_good("contract.claim", {{"id", "a"}, {"lease", "0"}}));
  CHECK_FALSE(is_good("contract.update", {{"id", "a"}, {"status", "completed"}}));
  CHECK_FALSE(is_good("contract.close", {{"id", "a"}, {"cancel", "yes"}}));
}

TEST_CASE("an artifact is made of a file of the workspace", "[gate][verbs]")
{
  CHECK(is_good("artifact.create", {{"file", "a.md"}}));
  CHECK(is_good("artifact.create", {{"file", "a/b/c.md"}, {"kind", "report"}, {"ttl", "7d"}}));
  for (const auto* path :
    {"", "/etc/shadow", "../x", "a/../b", "a//b", "a/", ".", "a/./b", "1/2/3/4/5/6/7/8/9"}) {
    CHECK_FALSE(is_good("artifact.create", {{"file", path}}));
  }
  CHECK_FALSE(is_good("artifact.create", {{"file", "a"}, {"exposure", "dashboard_local"}}));
  CHECK_FALSE(is_good("artifact.create", {{"file", "a"}, {"ttl", "91d"}}));
  CHECK_FALSE(is_good("artifact.create", {{"file", "a"}, {"created_by", "root"}}));
  CHECK_FALSE(is_good("artifact.create", {{"file", "a"}, {"content_type", "x\ny"}}));
}

TEST_CASE("every verb of the policy has its arguments", "[gate][verbs]")
{
  for (const auto& verb : gate_verbs()) {
    INFO(verb.name);
    CHECK(usage_of(verb.name) != "");
    const bool looks = !verb.argument.empty();
    CHECK(
      (!looks || usage_of(verb.name).find(std::string(verb.argument) + "=") != std::string::npos));
    CHECK((proposal_of(verb.name).key.empty() == !verb.is_proposal));
    CHECK((!verb.is_proposal || is_carried_out_apart(verb.name)));
  }
}

TEST_CASE("a digest is what docs/formats.md says it is", "[gate][record]")
{
  // computed by json.dumps(…, sort_keys=True) and hashlib.sha256 of Python
  const auto text =
    read_path(std::string(CONOS_SOURCE_DIR) + "/tests/fuzz/corpus/gate/record", 10'000);
  REQUIRE(text);
  const auto request = request_from_json(*text);
  REQUIRE(request);
  CHECK(request->state == State::done);
}
