#include "gate_site.hpp"

#include "artifact/store.hpp"
#include "audit/reader.hpp"
#include "gate/artifacts.hpp"
#include "gate/granted.hpp"
#include "gate/rows.hpp"
#include "gate/show.hpp"
#include "task_contract/store.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace conos;
using namespace conos::gate;

TEST_CASE("a request that is allowed is carried out once, and its agent told", "[gate][desk]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto request = gate.pending();
  REQUIRE(decide(desk, request.id, true, by("alice")));

  const auto after = carry_out(desk, request.id, gate.hands());

  REQUIRE(after);
  CHECK(after->state == State::done);
  CHECK(gate.restarted == std::vector<std::string>{"web.service"});
  CHECK(desk.requests().load(request.id)->is_told);
  const auto told = gate.told();
  REQUIRE(told.size() == 1);
  CHECK(told[0].parent == "fix-disk");
  CHECK(told[0].hop == 1);
  CHECK(told[0].agent == "writer");
  CHECK(told[0].sender.name == "root");
  CHECK(told[0].trust == Trust::unverified);
  CHECK(told[0].thread.id == "t1");
  CHECK(gate.rows_of(request.id) == std::vector<std::string>{"approval.requested",
                                      "approval.decided", "approval.used", "gate.granted"});

  CHECK(carry_out(desk, request.id, gate.hands()).error().kind == Kind::denied);
  CHECK(gate.restarted.size() == 1);
}

TEST_CASE("what nobody has allowed is not carried out, whatever its file says", "[gate][desk]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto request = gate.pending();
  CHECK(carry_out(desk, request.id, gate.hands()).error().kind == Kind::denied);

  auto forged = request;
  forged.state = State::allowed;
  forged.decision = by("alice");
  REQUIRE(desk.requests().save(forged));
  CHECK(carry_out(desk, request.id, gate.hands()).error().kind == Kind::denied);

  // the row of another decision does not help
  const auto other = gate.pending();
  REQUIRE(decide(desk, other.id, false, by("alice")));
  auto denied = desk.requests().load(other.id).value();
  denied.state = State::allowed;
  REQUIRE(desk.requests().save(denied));
  CHECK(carry_out(desk, other.id, gate.hands()).error().kind == Kind::denied);
  CHECK(gate.restarted.empty());
}

TEST_CASE("a file that was used comes back and is used no more", "[gate][desk]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto request = gate.pending();
  REQUIRE(decide(desk, request.id, true, by("alice")));
  const auto allowed = desk.requests().load(request.id).value();
  REQUIRE(carry_out(desk, request.id, gate.hands()));

  REQUIRE(desk.requests().save(allowed)); // the old one
  CHECK(carry_out(desk, request.id, gate.hands()).error().kind == Kind::denied);

  CHECK(gate.restarted.size() == 1);
  CHECK(desk.requests().load(request.id)->state == State::done); // as the ledger says
}

TEST_CASE("many at once carry it out once", "[gate][desk]")
{
  GateSite gate;
  const auto request = gate.pending();
  {
    auto desk = gate.desk();
    REQUIRE(decide(desk, request.id, true, by("alice")));
  }
  std::atomic<int> times = 0;
  std::atomic<int> successes = 0;
  Hands hands = gate.hands();
  hands.restart = [&](const std::string&) -> Result<> {
    ++times;
    return {};
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto desk = Desk::open(gate.site, "root/test").value();
      successes += carry_out(desk, request.id, hands) ? 1 : 0;
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  CHECK(times == 1);
  CHECK(successes == 1);
}

TEST_CASE("two who decide make one decision", "[gate][desk]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto request = gate.pending();
  REQUIRE(decide(desk, request.id, false, by("alice")));

  auto again = request; // as if the file of the first had been lost
  REQUIRE(desk.requests().save(again));
  const auto second = decide(desk, request.id, true, by("bob"));

  REQUIRE_FALSE(second);
  CHECK(second.error().what.find("alice has denied") != std::string::npos);
  CHECK(desk.requests().load(request.id)->state == State::denied);
}

TEST_CASE("what failed is told as failed", "[gate][desk]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto request = gate.pending();
  REQUIRE(decide(desk, request.id, true, by("alice")));
  auto hands = gate.hands();
  hands.restart = [](const std::string&) -> Result<> {
    return fail(Kind::os, "it broke");
  };
  CHECK(carry_out(desk, request.id, hands)->state == State::failed);
  CHECK(gate.told().size() == 1);
}

TEST_CASE("whoever dies anywhere, it is done at most once and its end is said", "[gate][desk]")
{
  // the states a death can leave: what is on record, and what the file says
  struct Death {
    const char* what;
    int rows; // of requested, decided, used, ended
    State file;
    State becomes;
    bool is_started;
  };
  const auto death = GENERATE(Death{"before its row", 0, State::pending, State::pending, false},
    Death{"as it waits", 1, State::pending, State::pending, false},
    Death{"between decision and file", 2, State::pending, State::allowed, true},
    Death{"before it was begun", 2, State::allowed, State::allowed, true},
    Death{"between use and file", 3, State::allowed, State::unknown, false},
    Death{"while it was done", 3, State::running, State::unknown, false},
    Death{"between end and file", 4, State::running, State::done, false});
  INFO(death.what);
  GateSite gate;
  auto desk = gate.desk();
  auto request = gate.sealed();
  const auto allowed = decided(request, true, by("alice"), now()).value();
  auto done = begun(allowed, now()).value();
  done = ended(done, State::done, {now(), "done", ""}).value();
  std::vector<audit::Row> rows{requested_row("root/test", request),
    decided_row("root/test", allowed), used_row("root/test", request),
    ended_row("root/test", done)};
  rows.resize(static_cast<std::size_t>(death.rows));
  REQUIRE(desk.ledger().value()->append(rows));
  auto left = request;
  left = death.file == State::pending   ? request
         : death.file == State::allowed ? allowed
                                        : begun(allowed, now()).value();
  REQUIRE(desk.requests().add(left));

  std::vector<std::string> started;
  const Start start = [&](const std::string& id) -> Result<> {
    started.push_back(id);
    return {};
  };
  REQUIRE(mend(desk, start, now()));
  REQUIRE(mend(desk, start, now()));

  CHECK(desk.requests().load(request.id)->state == death.becomes);
  CHECK(started.empty() == !death.is_started);
  CHECK(gate.told().size() == (has_ended(death.becomes) ? 1U : 0U));
  if (death.is_started) { // and the unit goes on
    CHECK(carry_out(desk, request.id, gate.hands()));
    CHECK(gate.restarted.size() == 1);
  } else {
    CHECK_FALSE(carry_out(desk, request.id, gate.hands()));
    CHECK(gate.restarted.empty());
  }
}

TEST_CASE("while somebody is at work nothing is mended", "[gate][desk]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto request = gate.pending();
  REQUIRE(decide(desk, request.id, true, by("alice")));
  auto work = desk.requests().take_work(request.id);
  REQUIRE((work && *work));
  REQUIRE(begin(desk, request.id));
  const Start start = [](const std::string&) -> Result<> {
    return fail(Kind::os, "should not be started");
  };

  REQUIRE(mend(desk, start, now()));

  CHECK(desk.requests().load(request.id)->state == State::running);
  CHECK(carry_out(desk, request.id, gate.hands()).error().kind == Kind::denied);
  work->reset(); // and dies
  REQUIRE(mend(desk, start, now()));
  CHECK(desk.requests().load(request.id)->state == State::unknown);
}

TEST_CASE("what nobody decides is over when its time is", "[gate][desk]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto request = gate.pending();
  const auto late = request.expires_at + std::chrono::seconds(1);
  const Start start = [](const std::string&) -> Result<> {
    return fail(Kind::os, "should not be started");
  };

  REQUIRE(mend(desk, start, late));

  CHECK(desk.requests().load(request.id)->state == State::expired);
  CHECK(gate.told().size() == 1);
  CHECK_FALSE(decide(desk, request.id, true, by("alice")));
  REQUIRE(mend(desk, start, late + std::chrono::hours(24 * 8)));
  CHECK(desk.requests().load(request.id).error().kind == Kind::not_found);
}

TEST_CASE("what is no file of ours alone is not read", "[gate][store]")
{
  GateSite gate;
  const auto desk = gate.desk();
  const auto request = gate.pending();
  const auto path = desk.requests().path() + "/" + request.id + ".json";

  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  CHECK(desk.requests().load(request.id).error().kind == Kind::bad_data);
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  REQUIRE(::link(path.c_str(), (path + ".2").c_str()) == 0);
  CHECK(desk.requests().load(request.id).error().kind == Kind::bad_data);
  REQUIRE(::unlink((path + ".2").c_str()) == 0);
  CHECK(desk.requests().load(request.id));

  const auto aside = gate.dir.path + "/aside.json";
  REQUIRE(::rename(path.c_str(), aside.c_str()) == 0);
  REQUIRE(::symlink(aside.c_str(), path.c_str()) == 0);
  CHECK_FALSE(desk.requests().load(request.id));
  REQUIRE(::unlink(path.c_str()) == 0);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(desk.requests().load(request.id).error().kind == Kind::bad_data);
  REQUIRE(::unlink(path.c_str()) == 0);
  const auto other = desk.requests().path() + "/0123456789abcdef.json";
  REQUIRE(::rename(aside.c_str(), other.c_str()) == 0); // under another's name
  CHECK(desk.requests().load("0123456789abcdef").error().kind == Kind::bad_data);

  const auto all = desk.requests().all();
  REQUIRE(all);
  CHECK(all->requests.empty());
  CHECK(all->trouble.size() == 1);
  for (const auto* id : {"", "..", "../../x", "0123456789abcdeF", "0123456789abcdef0"}) {
    CHECK(desk.requests().load(id).error().kind == Kind::not_found);
  }
}

TEST_CASE("a directory others can write to is not used", "[gate][store]")
{
  GateSite gate;
  REQUIRE(::chmod((gate.site.lib + "/approvals").c_str(), 0770) == 0);
  CHECK(Requests::open(gate.site).error().kind == Kind::denied);
}

TEST_CASE("a proposal that was changed after it was made is not carried out", "[gate][granted]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto request = gate.pending("contract.propose", {{"yaml", "id: x\n"}});
  const auto path = desk.requests().keep_proposal(request.id, ".yaml", "id: x\n");
  REQUIRE(path);
  REQUIRE(decide(desk, request.id, true, by("alice")));
  REQUIRE(
    replace(open_dir(gate.site.lib + "/proposals").value(), request.id + ".yaml", "id: y\n", 0600));

  const auto after = carry_out(desk, request.id, gate.hands());

  REQUIRE(after);
  CHECK(after->state == State::failed);
  CHECK(after->ending->what.find("somebody has changed it") != std::string::npos);
  CHECK_FALSE(open_dir(gate.site.etc + "/contracts"));
}

TEST_CASE("a contract that was proposed becomes one of root's", "[gate][granted]")
{
  GateSite gate;
  auto desk = gate.desk();
  const std::string text = "id: x\n";
  const auto request = gate.pending("contract.propose", {{"yaml", text}});
  REQUIRE(desk.requests().keep_proposal(request.id, ".yaml", text));
  REQUIRE(decide(desk, request.id, true, by("alice")));
  gate.prints["/usr/bin/conos-contract"] = {R"({"problems":[]})", 0};

  CHECK(carry_out(desk, request.id, gate.hands())->state == State::done);

  const auto file = gate.site.etc + "/contracts/proposed-" + request.id + ".yaml";
  CHECK(read_path(file, 100) == text);
  const auto contracts = open_dir(gate.site.etc + "/contracts").value();
  (void)set_immutable(open_beneath(contracts, "proposed-" + request.id + ".yaml").value(), false);
}

TEST_CASE("a package is installed for the agent and its task", "[gate][granted]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto allowed = [&](const std::string& name) {
    const auto request = gate.pending("package.request", {{"name", name}});
    REQUIRE(decide(desk, request.id, true, by("alice")));
    return carry_out(desk, request.id, gate.hands()).value();
  };
  CHECK(allowed("jq").state == State::failed); // nothing came of it

  gate.prints["/usr/bin/dpkg-query"] = {"installed 1.6-2\n", 0};
  const auto done = allowed("jq");
  CHECK(done.state == State::done);
  CHECK(done.ending->result == R"({"name":"jq","version":"1.6-2"})");
  CHECK(
    gate.ran("/usr/bin/conos-pkg") == std::vector<std::string>{"/usr/bin/conos-pkg", "install",
                                        "--yes", "--agent", "writer", "--task", "fix-disk", "jq"});

  gate.prints["/usr/bin/conos-pkg"] = {"", 69};
  CHECK(allowed("jq").state == State::failed);
}

TEST_CASE("a file of the agent's workspace becomes its artifact", "[gate][granted]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto workspace = open_dir(gate.site.agent("writer") + "/workspace").value();
  const auto carried = [&](const ask::Arguments& args) {
    const auto request = gate.pending("artifact.create", args);
    REQUIRE(decide(desk, request.id, true, by("alice")));
    return carry_out(desk, request.id, gate.hands()).value();
  };
  REQUIRE(publish(workspace, "a.md", "# Words", 0600));
  const auto done = carried({{"file", "a.md"}, {"kind", "report"}, {"title", "T"}});
  INFO(done.ending->what);
  REQUIRE(done.state == State::done);
  const auto result = nlohmann::json::parse(done.ending->result);
  CHECK(result["bytes"] == 7);
  CHECK(result["content_type"] == "text/markdown; charset=utf-8");
  const auto store = artifact::Store::open(gate.site.srv + "/artifacts").value();
  const auto kept = store.get(result["artifact"]).value();
  CHECK(kept.by == "a-writer");
  CHECK(kept.task == "fix-disk");
  CHECK(kept.exposure == artifact::Exposure::private_);
  CHECK(kept.expires_at);
  CHECK(gate.rows().back().type != "artifact.created"); // its end comes after it
  const auto rows = gate.rows();
  CHECK(std::any_of(rows.begin(), rows.end(), [](const audit::Event& row) {
    return row.type == "artifact.created" && row.actor == "a-writer";
  }));
}

TEST_CASE("an agent keeps so many artifacts and no more", "[gate][granted]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto workspace = open_dir(gate.site.agent("writer") + "/workspace").value();
  REQUIRE(publish(workspace, "a.md", "# Words", 0600));
  const auto store = artifact::Store::open(gate.site.srv + "/artifacts").value();
  const auto create = [&] {
    const auto request = gate.sealed("artifact.create", {{"file", "a.md"}});
    return create_artifact(gate.site, *desk.ledger().value(), request);
  };
  const auto last = create();
  REQUIRE(last);
  const auto has = [&](const std::string& by, std::size_t size) {
    REQUIRE(store.change(last->id, [&](artifact::Artifact& one) -> Result<> {
      one.by = by;
      one.size = size;
      return {};
    }));
  };
  has("a-writer", k_max_artifact_bytes - 6);
  CHECK(create().error().kind == Kind::busy);
  has("a-other", k_max_artifact_bytes - 6);
  for (std::size_t i = 0; i < k_max_artifacts; ++i) {
    REQUIRE(create());
  }
  REQUIRE(replace(workspace, "a.md", "# More words", 0600));
  const auto rows = gate.rows().size();
  const auto another = create();
  CHECK(another.error().kind == Kind::busy);
  CHECK(gate.rows().size() == rows);
  CHECK(list_names(open_dir(gate.site.srv + "/artifacts/content").value(), 10)->size() == 1);
}

TEST_CASE("what is no file of the agent's own is no artifact", "[gate][granted]")
{
  namespace fs = std::filesystem;
  GateSite gate;
  const auto path = gate.site.agent("writer") + "/workspace";
  const auto dir = open_dir(path).value();
  const auto open = [&](const std::string& name) {
    return open_in_workspace(gate.site, "writer", ::geteuid(), name);
  };
  REQUIRE(publish(dir, "one", "x", 0600));
  REQUIRE(publish(dir, "empty", "", 0600));
  REQUIRE(publish(dir, "twice", "x", 0600));
  fs::create_hard_link(path + "/twice", path + "/again");
  fs::create_symlink("/etc/passwd", path + "/link");
  fs::create_directory(path + "/sub");
  fs::create_directory_symlink("/etc", path + "/etc");
  REQUIRE(publish(open_dir(path + "/sub").value(), "in", "x", 0600));
  REQUIRE(::mkfifo((path + "/fifo").c_str(), 0600) == 0);
  REQUIRE(publish(dir, "large", "x", 0600));
  fs::resize_file(path + "/large", k_max_artifact + 1);
  REQUIRE(publish(dir, "others", "x", 0600, {65534, 65534}));

  CHECK(open("one"));
  CHECK(open("sub/in"));
  for (const auto* name : {"empty", "twice", "again", "link", "sub", "etc/passwd", "fifo", "large",
         "others", "../batch.json", "none", "/etc/passwd"}) {
    INFO(name);
    CHECK_FALSE(open(name));
  }
}

TEST_CASE(
  "an agent's task contract is completed by root's step, if its contracts pass", "[gate][granted]")
{
  GateSite gate;
  auto desk = gate.desk();
  auto* ledger = desk.ledger().value();
  auto store = task_contract::Store::open(gate.site, *ledger).value();
  REQUIRE(store.open_new({"fix", "Fix it", "", {"walls"}}, {"root", true}, now()));
  REQUIRE(store.change("fix", {task_contract::Deed::claim}, {"a-writer", false}, now()));
  const auto closed = [&] {
    const auto request = gate.pending("contract.close", {{"id", "fix"}});
    REQUIRE(decide(desk, request.id, true, by("alice")));
    return carry_out(desk, request.id, gate.hands()).value();
  };
  gate.prints["/usr/bin/conos-contract"] = {
    R"({"results":[{"status":"fail","contract_id":"walls","check_name":"b","what":"w"}]})", 1};
  const auto refused = closed();
  CHECK(refused.state == State::failed);
  CHECK(refused.ending->what.find("walls/b: fail: w") != std::string::npos);
  CHECK(store.shelf().load("fix")->state == task_contract::State::in_progress);

  gate.prints["/usr/bin/conos-contract"] = {
    R"({"results":[{"status":"pass","contract_id":"walls","check_name":"b","what":"w"}]})", 0};
  CHECK(closed().state == State::done);
  const auto after = store.shelf().load("fix").value();
  CHECK(after.state == task_contract::State::completed);
  CHECK(after.history.back().by == "a-writer");
  CHECK(after.history.back().task == "fix-disk");
}

TEST_CASE("what a contract's run says is counts and findings, and no evidence", "[gate][granted]")
{
  GateSite gate;
  auto desk = gate.desk();
  const auto request = gate.pending("contract.run", {{"id", "walls"}});
  REQUIRE(decide(desk, request.id, true, by("alice")));
  gate.prints["/usr/bin/conos-contract"] = {
    R"({"passed":3,"failed":1,"results":[{"status":"pass","contract_id":"walls","check_name":"a"},)"
    R"({"status":"fail","contract_id":"walls","check_name":"b","what":"w","evidence":"root:$6$"}]})",
    1};
  const auto after = carry_out(desk, request.id, gate.hands());
  REQUIRE(after);
  CHECK(after->state == State::done);
  CHECK(after->ending->result.find("walls/b") != std::string::npos);
  CHECK(after->ending->result.find("$6$") == std::string::npos);
  CHECK(gate.ran("/usr/bin/conos-contract") ==
        std::vector<std::string>{"/usr/bin/conos-contract", "check", "--json", "--id", "walls"});

  gate.prints["/usr/bin/conos-contract"] = {"", 65};
  const auto none = gate.pending("contract.run", {{"id", "none"}});
  REQUIRE(decide(desk, none.id, true, by("alice")));
  CHECK(carry_out(desk, none.id, gate.hands())->state == State::failed);
}

TEST_CASE("what a person is shown cannot act on their terminal", "[gate][show]")
{
  GateSite gate;
  const std::string evil = "\x1b[2J\x1b]0;title\x07\r\xe2\x80\xae";
  auto request = gate.sealed("note" + evil, {{"k" + evil, "v" + evil}, {"t", evil + "\n" + evil}});
  request.task.sender = "s" + evil;
  request.decision = by("b" + evil);
  request.decision->reason = "r" + evil;
  request.ending = Ending{now(), "e" + evil + "\n" + evil, ""};
  for (const auto& text : {show_text(request, {}, now()), list_text({request}, now()),
         json_line(request), report_of(request)}) {
    for (const char c : {'\x1b', '\x07', '\r'}) {
      CHECK(text.find(c) == std::string::npos);
    }
  }
  CHECK(show_text(request, {}, now()).find("\xe2\x80\xae") == std::string::npos);
}

TEST_CASE("what a proposal would do is said before it is decided", "[gate][show]")
{
  GateSite gate;
  const auto lines_of = [&](const std::string& verb, const ask::Arguments& args) {
    std::string text;
    for (const auto& line :
      consequences_of(gate.sealed(verb, args), "[[agents]]\nname = \"concierge\"\n")) {
      text += line + "\n";
    }
    return text;
  };
  const auto contract = lines_of("contract.propose", {{"yaml", R"(id: evil
description: looks harmless
type: detective
checks:
  - name: look
    command:
      run: "id > /tmp/x"
    on_fail: halt_agents
  - name: quiet
    command:
      run: ["true"]
      user: nobody
)"}});
  CHECK(contract.find("! check 'look' runs a program as root: id > /tmp/x") != std::string::npos);
  CHECK(contract.find("! check 'look' may, when it fails: halt_agents") != std::string::npos);
  CHECK(contract.find("\ncheck 'quiet' runs a program as nobody: true") != std::string::npos);

  const auto agent = lines_of("agent.propose", {{"toml", R"(name = "helper"
tier = "officer"
runner = "/bin/sh"
gate.allow = ["*"]
scopes = ["/data"]
may_task = ["*"]
jit = true
)"}});
  for (const auto* part :
    {"! tier officer", "! its program is /bin/sh", "! gets from its gate without asking: *",
      "! can write to /data", "! may give tasks to concierge", "! can make memory executable"}) {
    INFO(agent);
    CHECK(agent.find(part) != std::string::npos);
  }
  CHECK(lines_of("agent.propose", {{"toml", "name = \"concierge\""}}).find("does not fit") !=
        std::string::npos);
}
