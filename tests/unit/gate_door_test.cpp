#include "gate_site.hpp"

#include "ask/client.hpp"
#include "gate/door.hpp"
#include "task_contract/store.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <mutex>
#include <thread>

using namespace conos;
using namespace conos::gate;
using ask::Answer;
using ask::Arguments;
using ask::Status;
using Json = nlohmann::json;

namespace {

std::vector<UniqueFd> listeners_at(const std::string& path)
{
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::listen(fd.get(), 64) == 0);
  std::vector<UniqueFd> listeners;
  listeners.push_back(std::move(fd));
  return listeners;
}

// The gate of agent "writer" in a thread, which is played by whoever runs the tests, and works on
// one task unless it is said otherwise.
class OpenGate : public GateSite
{
public:
  explicit OpenGate(GatePolicy policy = {}, serve::Bounds bounds = door_bounds())
      : m_bounds(bounds)
  {
    settings.agent = "writer";
    settings.uid = ::geteuid();
    settings.policy = std::move(policy);
    write_settings();
    work_on({"fix-disk"});
  }
  ~OpenGate() { stop(); }

  void write_settings() const
  {
    const auto compiled = open_dir(site.compiled()).value();
    REQUIRE(replace(compiled, "writer.gate.json", to_json(settings), 0600));
  }

  void work_on(const std::vector<std::string>& ids) const
  {
    const auto top = open_dir(site.agent("writer")).value();
    Batch batch;
    batch.agent = "writer";
    batch.tasks = ids;
    REQUIRE(write_batch(top, batch, ::getegid()));
    for (const auto& id : ids) {
      const auto claimed = open_dir_at(top, "claimed").value();
      (void)make_dir(claimed, id, 0750);
      Meta meta;
      meta.id = meta.root = id;
      meta.agent = "writer";
      meta.hop = hop;
      meta.sender.name = "alice";
      meta.trust = Trust::verified;
      meta.thread.id = "t1";
      meta.submitted_at = now();
      REQUIRE(replace(open_dir_at(claimed, id).value(), "meta.json", to_json(meta), 0440));
    }
  }

  void start()
  {
    m_listeners = listeners_at(path());
    m_server = std::make_unique<serve::LineServer>(m_bounds);
    DoorPlace place{site, "writer",
      [](const std::string& unit) -> Result<UnitState> {
        UnitState state;
        state.load = "loaded";
        state.active = unit == "web.service" ? "active" : "inactive";
        return state;
      },
      [this](const std::string& id) -> Result<> {
        const std::lock_guard guard(m_mutex);
        m_started.push_back(id);
        return {};
      },
      hands()};
    m_door = Door::open(*m_server, std::move(place)).value();
    sigset_t term;
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    REQUIRE(::pthread_sigmask(SIG_BLOCK, &term, nullptr) == 0);
    m_thread = std::thread([this] {
      m_ended = m_server->run(m_listeners, *m_door);
    });
  }

  void stop()
  {
    if (m_thread.joinable()) {
      (void)::pthread_kill(m_thread.native_handle(), SIGTERM);
      m_thread.join();
      CHECK(m_ended);
    }
  }

  ask::Gate connect()
  {
    if (!m_thread.joinable()) {
      start();
    }
    return ask::Gate::connect(path()).value();
  }

  Answer ask(const std::string& verb, const Arguments& args = {}, const std::string& task = "")
  {
    return connect().ask({verb, args, "", task}, std::chrono::seconds(20)).value();
  }

  Json result(const std::string& verb, const Arguments& args = {})
  {
    const auto answer = ask(verb, args);
    INFO(answer.what);
    CHECK(answer.status == Status::done);
    return Json::parse(answer.result);
  }

  std::vector<std::string> started()
  {
    const std::lock_guard guard(m_mutex);
    return m_started;
  }

  // The payloads of the rows of a type.
  std::vector<Json> rows_like(const std::string& type) const
  {
    std::vector<Json> found;
    for (const auto& row : rows()) {
      if (row.type == type) {
        found.push_back(Json::parse(row.payload));
      }
    }
    return found;
  }

  std::string path() const { return dir.path + "/gate.sock"; }

  GateDoor settings;
  int hop = 0;

private:
  serve::Bounds m_bounds;
  std::mutex m_mutex;
  std::vector<std::string> m_started;
  std::vector<UniqueFd> m_listeners;
  std::unique_ptr<serve::LineServer> m_server;
  std::unique_ptr<Door> m_door;
  std::thread m_thread;
  Result<> m_ended;
};

// One line each way, as it is.
std::string exchange(const std::string& path, std::string_view text)
{
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  (void)write_all(fd, text);
  std::string answer;
  char c = 0;
  while (::read(fd.get(), &c, 1) == 1 && c != '\n') {
    answer += c;
  }
  return answer;
}

} // namespace

TEST_CASE("an agent is told what it may ask for", "[gate][door]")
{
  OpenGate gate({{"service.restart:web.service"}, {"package.request:*"}, {"note"}});
  const auto verbs = gate.result("query", {{"what", "verbs"}})["verbs"];
  std::map<std::string, std::string> rules;
  for (const auto& verb : verbs) {
    rules[verb["verb"]] = verb["rule"];
  }
  CHECK(rules["service.restart"] == "allow");
  CHECK(rules["package.request"] == "ask");
  CHECK(rules["note"] == "deny");
  CHECK(rules["task.send"] == "allow");
  CHECK(rules["contract.run"] == "deny");
  const auto granted = gate.rows_like("gate.granted");
  REQUIRE(granted.size() == 1);
  CHECK(granted[0]["id"] == "fix-disk");
  CHECK(granted[0]["argument"] == "verbs");
}

TEST_CASE("an agent claims a task contract as itself", "[gate][door]")
{
  OpenGate gate({{"contract.run:walls"}, {}, {}});
  CHECK(gate.result("contract.open", {{"id", "fix"}, {"title", "Fix"}, {"checks", "walls"}})
          .at("opened_by") == "a-writer");
  const auto claimed = gate.result("contract.claim", {{"id", "fix"}, {"lease", "10m"}});
  CHECK(claimed["owner"] == "a-writer");
  CHECK(claimed["run_id"] == "fix-disk");
  CHECK(gate.result("contract.show", {{"id", "fix"}})["history"].size() == 2);
  CHECK(gate.result("contract.list")["contracts"].size() == 1);
  CHECK(
    gate.result("contract.update", {{"id", "fix"}, {"status", "blocked"}})["status"] == "blocked");
  CHECK(gate.result("contract.release", {{"id", "fix"}})["owner"].is_null());
  CHECK(gate.ask("contract.release", {{"id", "fix"}}).reason == "state");
  CHECK(gate.ask("contract.claim", {{"id", "none"}}).reason == "not-found");
  CHECK(gate.ask("contract.open", {{"id", "fix"}, {"title", "Other"}}).reason == "state");
  // closing is root's step
  CHECK(gate.ask("contract.open", {{"id", "x"}, {"title", "t"}, {"checks", "other"}})
          .what.find("contract.run:other") != std::string::npos);
}

TEST_CASE("a list of task contracts is no longer than its reader takes", "[gate][door]")
{
  OpenGate gate;
  constexpr std::size_t k_count = 450;
  {
    auto ledger = audit::Ledger::open(gate.site.lib).value();
    auto store = task_contract::Store::open(gate.site, ledger).value();
    const std::vector<std::string> checks(16, std::string(128, 'c'));
    for (std::size_t i = 0; i < k_count; ++i) {
      REQUIRE(store.open_new(
        {std::to_string(i), std::string(200, 't'), "", checks}, {"root", true}, now()));
    }
  }
  const auto listed = gate.result("contract.list");
  CHECK(listed.dump().size() < ask::k_max_answer_bytes);
  CHECK(listed["contracts"].size() > 100);
  CHECK(listed["more"] > 0);
  CHECK(listed["contracts"].size() + listed["more"].get<std::size_t>() == k_count);
}

TEST_CASE("a worker sees the task contracts that are its business", "[gate][door]")
{
  OpenGate gate;
  {
    auto ledger = audit::Ledger::open(gate.site.lib).value();
    auto store = task_contract::Store::open(gate.site, ledger).value();
    for (const auto* id : {"open", "others"}) {
      REQUIRE(store.open_new({id, "t"}, {"root", true}, now()));
    }
    REQUIRE(store.change("others", {task_contract::Deed::claim}, {"a-other", false}, now()));
  }
  CHECK(gate.result("contract.list")["contracts"].size() == 1);
  CHECK(gate.ask("contract.show", {{"id", "others"}}).reason == "not-found");
  CHECK(gate.ask("contract.claim", {{"id", "others"}}).reason == "state");
  gate.settings.tier = Tier::operator_;
  gate.write_settings();
  CHECK(gate.result("contract.list")["contracts"].size() == 2);
}

TEST_CASE("a task goes its way as the agent's", "[gate][door]")
{
  OpenGate gate;
  const auto sent =
    gate.result("task.send", {{"to", "other"}, {"body", "conos-task/1\nTo: x\n\nhi"},
                               {"title", "T"}, {"reply_to", "writer"}, {"thread", "t9"}});
  const auto told = gate.told();
  REQUIRE(told.size() == 1);
  const auto& meta = told[0];
  CHECK(meta.id == sent["id"]);
  CHECK(meta.root == meta.id);
  CHECK(meta.agent == "other");
  CHECK(meta.parent == "fix-disk");
  CHECK(meta.hop == 1);
  CHECK(meta.sender.agent == "writer");
  CHECK(meta.trust == Trust::unverified); // whatever the task's own is
  CHECK(meta.reply_to == "writer");
  CHECK(meta.title == "T");
  CHECK(meta.thread.key.has_value());
  CHECK(route_waiting(gate.site));
  gate.activate("other");
  const auto receipt = gate.receipt("other", meta.id);
  CHECK(receipt.meta.sender.name == "a-writer");

  CHECK(gate.ask("task.send", {{"to", "concierge"}, {"body", "x"}}).reason == "policy");
  CHECK(gate.ask("task.send", {{"to", "writer"}, {"body", "x"}}).reason == "policy");
  CHECK(gate.ask("task.send", {{"to", "other"}, {"body", "x"}, {"reply_to", "other"}}).reason ==
        "arguments");
}

TEST_CASE("a chain of tasks has an end", "[gate][door]")
{
  OpenGate gate;
  gate.hop = 8;
  gate.work_on({"fix-disk"});
  CHECK(gate.ask("task.send", {{"to", "other"}, {"body", "x"}}).reason == "policy");
  CHECK(gate.told().empty());
}

TEST_CASE("a note is a row of the agent's", "[gate][door]")
{
  OpenGate gate;
  gate.result("note", {{"name", "lesson"}, {"text", "be\ncareful"}});
  bool found = false;
  for (const auto& row : gate.rows()) {
    if (row.type == "note.lesson") {
      found = true;
      CHECK(row.actor == "a-writer");
      const auto payload = Json::parse(row.payload);
      CHECK(payload["agent"] == "writer");
      CHECK(payload["id"] == "fix-disk");
      CHECK(payload["text"] == "be\ncareful");
    }
  }
  CHECK(found);
}

TEST_CASE("an agent sees its own rows and no others", "[gate][door]")
{
  OpenGate gate;
  auto desk = gate.desk();
  REQUIRE(desk.ledger().value()->append({
    {"note.x", "a-other", R"({"agent":"other","text":"\"agent\":\"writer\""})", ""},
    {"note.y", "a-other", R"({"agent":"other","x":{"agent":"writer"}})", ""},
    {"note.z", "a-writer", R"({"agent":"writer","text":"mine"})", ""},
  }));
  const auto rows = gate.result("query", {{"what", "ledger"}, {"count", "5"}})["ledger"];
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["type"] == "note.z");
}

TEST_CASE("what is refused says why, and is a row", "[gate][door]")
{
  OpenGate gate;
  const auto refused = gate.ask("service.restart", {{"unit", "web.service"}});
  CHECK(refused.status == Status::refused);
  CHECK(refused.reason == "policy");
  CHECK(refused.line == "gate = { allow = [\"service.restart:web.service\"] }");
  CHECK(gate.ask("no.such").reason == "verb");
  CHECK(gate.ask("service.status", {{"unit", "../x.service"}}).reason == "arguments");
  CHECK(gate.ask("contract.propose", {{"yaml", "x"}}).line ==
        "gate = { ask = [\"contract.propose\"] }");
  const auto rows = gate.rows_like("gate.refused");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0]["verb"] == "service.restart");
  CHECK(rows[0]["argument"] == "web.service");
  CHECK(rows[0]["id"] == "fix-disk");
  const std::string digest = rows[0]["args_sha256"];
  CHECK(read_path(gate.site.lib + "/cas/" + digest, 1000) == R"({"unit":"web.service"})");
}

TEST_CASE("who works on nothing asks for nothing", "[gate][door]")
{
  OpenGate gate;
  REQUIRE(remove_batch(open_dir(gate.site.agent("writer")).value()));
  CHECK(gate.ask("query", {{"what", "verbs"}}).reason == "task");
  gate.work_on({"a", "b"});
  CHECK(gate.ask("query", {{"what", "verbs"}}).reason == "task");
  CHECK(gate.ask("query", {{"what", "verbs"}}, "c").reason == "task");
  CHECK(gate.ask("query", {{"what", "verbs"}}, "../a").reason == "task");
  CHECK(gate.ask("query", {{"what", "verbs"}}, "b").status == Status::done);
  CHECK(gate.rows_like("gate.granted").back()["id"] == "b");
}

TEST_CASE("without settings nothing is granted, and new ones count at once", "[gate][door]")
{
  OpenGate gate;
  CHECK(gate.ask("note", {{"name", "x"}, {"text", "x"}}).status == Status::done);
  gate.settings.policy.deny = {"*"};
  gate.write_settings();
  CHECK(gate.ask("note", {{"name", "x"}, {"text", "x"}}).reason == "policy");
}

TEST_CASE("nobody else is heard", "[gate][door]")
{
  OpenGate gate;
  gate.settings.uid = ::geteuid() + 1;
  gate.write_settings();
  const auto answer = gate.ask("query", {{"what", "verbs"}});
  CHECK(answer.status == Status::refused);
  CHECK(answer.reason == "caller");
  gate.stop();
  CHECK(gate.rows_like("gate.refused").at(0)["reason"] == "caller");
}

TEST_CASE("what a person has to decide waits", "[gate][door]")
{
  OpenGate gate({{}, {"package.request:*"}, {}});
  gate.settings.approvals_max = 2;
  gate.write_settings();
  const auto pending = gate.ask("package.request", {{"name", "jq"}});
  REQUIRE(pending.status == Status::pending);
  const auto request = gate.desk().requests().load(pending.approval).value();
  CHECK(request.state == State::pending);
  CHECK(request.args == Arguments{{"name", "jq"}});
  CHECK(request.task.id == "fix-disk");
  CHECK(request.task.trust == Trust::verified);
  CHECK(request.pattern == "package.request:*");
  CHECK(gate.rows_of(request.id) == std::vector<std::string>{"approval.requested"});
  CHECK(gate.result("approval.status", {{"id", request.id}})["state"] == "pending");

  // asked again it is the same
  CHECK(gate.ask("package.request", {{"name", "jq"}}).approval == request.id);
  CHECK(gate.ask("package.request", {{"name", "vim"}}).status == Status::pending);
  CHECK(gate.ask("package.request", {{"name", "git"}}).reason == "too-many");
}

TEST_CASE("another agent's request is as good as none", "[gate][door]")
{
  OpenGate gate;
  auto request = gate.sealed();
  request.agent = "other";
  REQUIRE(seal(request));
  auto desk = gate.desk();
  REQUIRE(file_pending(desk, request));
  const auto theirs = gate.ask("approval.status", {{"id", request.id}});
  const auto none = gate.ask("approval.status", {{"id", "0123456789abcdef"}});
  CHECK(theirs.reason == none.reason);
  CHECK(theirs.what.size() == none.what.size());
}

TEST_CASE("what the policy allows is carried out apart, and answered when it is", "[gate][door]")
{
  OpenGate gate({{"service.restart:web.service"}, {}, {}});
  auto client = gate.connect();
  std::thread carrier([&] {
    while (gate.started().empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    auto desk = gate.desk();
    (void)carry_out(desk, gate.started().front(), gate.hands());
  });
  const auto answer =
    client.ask({"service.restart", {{"unit", "web.service"}}, "7", ""}, std::chrono::seconds(20));
  carrier.join();
  REQUIRE(answer);
  CHECK(answer->status == Status::done);
  CHECK(answer->id == "7");
  CHECK(Json::parse(answer->result)["unit"] == "web.service");
  CHECK(gate.restarted == std::vector<std::string>{"web.service"});
  CHECK(gate.told().empty()); // it was answered
}

TEST_CASE("a unit that dies is noticed", "[gate][door]")
{
  OpenGate gate({{"service.restart:web.service"}, {}, {}});
  auto client = gate.connect();
  std::thread carrier([&] {
    while (gate.started().empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    auto desk = gate.desk();
    REQUIRE(begin(desk, gate.started().front())); // and is killed
  });
  const auto answer =
    client.ask({"service.restart", {{"unit", "web.service"}}, "", ""}, std::chrono::seconds(20));
  carrier.join();
  REQUIRE(answer);
  CHECK(answer->status == Status::failed);
  CHECK(answer->what.find("nobody knows") != std::string::npos);
}

TEST_CASE("what was allowed for a while is not asked about again", "[gate][door]")
{
  OpenGate gate({{}, {"service.restart"}, {}});
  const auto first = gate.ask("service.restart", {{"unit", "web.service"}});
  REQUIRE(first.status == Status::pending);
  auto decision = by("alice");
  decision.until = decision.at + std::chrono::hours(1);
  auto desk = gate.desk();
  REQUIRE(decide(desk, first.approval, true, decision));
  REQUIRE(carry_out(desk, first.approval, gate.hands()));

  gate.work_on({"another"});
  CHECK(gate.ask("service.restart", {{"unit", "db.service"}}).status == Status::pending);
  std::thread carrier([&] {
    while (gate.started().empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    auto other = gate.desk();
    (void)carry_out(other, gate.started().front(), gate.hands());
  });
  const auto again = gate.ask("service.restart", {{"unit", "web.service"}});
  carrier.join();
  CHECK(again.status == Status::done);
  CHECK(gate.restarted.size() == 2);
  const auto id = gate.started().front();
  CHECK(desk.requests().load(id)->decision->grant == first.approval);

  // a file that says so alone is not enough
  auto forged = desk.requests().load(first.approval).value();
  forged.decision->until = *forged.decision->until + std::chrono::hours(24);
  REQUIRE(desk.requests().save(forged));
  CHECK(gate.ask("service.restart", {{"unit", "web.service"}}).status == Status::pending);
}

TEST_CASE("a proposal that cannot be is refused with what is wrong", "[gate][door]")
{
  OpenGate gate({{}, {"agent.propose"}, {}});
  gate.prints["/usr/bin/conos-config"] = {"key 'teir': there is no such key\n", 78};
  const auto refused = gate.ask("agent.propose", {{"toml", "teir = 1"}});
  CHECK(refused.status == Status::refused);
  CHECK(refused.what.find("teir") != std::string::npos);
  CHECK(gate.desk().requests().all()->requests.empty());
  const auto proposals = open_dir(gate.site.lib + "/proposals").value();
  CHECK(list_names(proposals, 10)->empty());

  gate.prints["/usr/bin/conos-config"] = {"", 0};
  const auto pending = gate.ask("agent.propose", {{"toml", "name = \"helper\"\n"}});
  REQUIRE(pending.status == Status::pending);
  CHECK(read_file(proposals, pending.approval + ".toml", 100) == "name = \"helper\"\n");
}

TEST_CASE("garbage is answered, and what is too long is cut off", "[gate][door]")
{
  OpenGate gate;
  gate.start();
  CHECK(exchange(gate.path(), "garbage\n").find("\"reason\":\"request\"") != std::string::npos);
  CHECK(exchange(gate.path(), std::string(70'000, 'x')).find("\"reason\":\"size\"") !=
        std::string::npos);
  CHECK(exchange(gate.path(), R"({"verb":"query","args":{"what":"verbs"},"id":3})"
                              "\n")
          .find("\"id\":3") != std::string::npos);
}

TEST_CASE("one that says nothing holds nobody up", "[gate][door]")
{
  OpenGate gate;
  const auto mute = gate.connect();
  const auto half = gate.connect();
  CHECK(gate.ask("query", {{"what", "verbs"}}).status == Status::done);
}

TEST_CASE("a flood of refusals is a few rows and a number", "[gate][door]")
{
  OpenGate gate;
  auto client = gate.connect();
  int busy = 0;
  for (int i = 0; i < 150; ++i) {
    const auto answer = client.ask({"no.such", {}, "", ""}, std::chrono::seconds(5));
    REQUIRE(answer);
    busy += answer->status == Status::busy ? 1 : 0;
  }
  CHECK(busy == 0);
  gate.stop();
  const auto rows = gate.rows_like("gate.refused");
  CHECK(rows.size() < 70);
  std::size_t told = rows.size();
  for (const auto& row : rows) {
    told += row["suppressed"].get<std::size_t>();
  }
  CHECK(told >= 150);
  CHECK(told <= 151); // the last row is of none but them
}
