#include "run_site.hpp"

#include "audit/ledger.hpp"
#include "run/finish.hpp"
#include "run/intake.hpp"
#include "run/pace.hpp"
#include "run/step.hpp"
#include "run/sweep.hpp"
#include "run/transit.hpp"

#include <sys/stat.h>

using namespace conos;

using Names = std::vector<std::string>;

TEST_CASE("a task goes from the inbox to an answer and leaves nothing behind", "[run][cycle]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "hello.task", "Say hello.");

  t.activate("a", "Hello.");

  const auto receipt = t.receipt("a", "hello");
  CHECK(receipt.outcome == Outcome::answered);
  CHECK(receipt.meta.trust == Trust::verified); // root wrote it
  CHECK(receipt.ledger_id.has_value());
  CHECK(read_file(t.state("a", "outbox"), receipt.response->file, 100).value() == "Hello.");
  CHECK(t.names("a", "processed") == Names{"hello.json", "hello.task"});
  CHECK(t.names("a", "inbox").empty());
  CHECK(t.names("a", "claimed").empty());
  CHECK(t.names("a", "drafts").empty());
}

TEST_CASE("a failing task is held, tried again, and fails with its reason", "[run][cycle]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "Fail.");

  REQUIRE(claim(t.site, "a", ""));
  t.play("a", "x", "", 1);
  REQUIRE(deliver(t.site, "a", {}));
  CHECK(t.names("a", "held") == Names{"x"});

  REQUIRE(::rename((t.site.agent("a") + "/held/x").c_str(),
            (t.site.agent("a") + "/claimed/x").c_str()) == 0);
  REQUIRE(claim(t.site, "a", ""));
  t.play("a", "x", "", 1);
  REQUIRE(deliver(t.site, "a", {}));

  CHECK(t.receipt("a", "x").reason == "runner-exit");
  CHECK(t.receipt("a", "x").meta.attempt == 2);
  CHECK(t.names("a", "failed") == Names{"x.json", "x.task"});
}

TEST_CASE("what work did not come to is not an attempt", "[run][cycle]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "1.task", "One.");
  t.drop("a", "2.task", "Two.");

  REQUIRE(claim(t.site, "a", ""));
  t.play("a", "1", "one");
  REQUIRE(deliver(t.site, "a", {}));

  CHECK(t.receipt("a", "1").outcome == Outcome::answered);
  CHECK(t.names("a", "claimed") == Names{"2"});
  t.activate("a");
  CHECK(t.receipt("a", "2").meta.attempt == 1);
  CHECK(t.receipt("a", "2").meta.claims == 1); // nor a claim: it may happen to it many times
}

TEST_CASE("a decision is carried out by the next activation, once", "[run][cycle]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "Hello.");
  REQUIRE(claim(t.site, "a", ""));
  {
    auto step = Step::open(t.site, "a").value();
    const auto task = read_claimed(step, "x").value();
    Receipt receipt;
    receipt.meta = task.meta;
    receipt.outcome = Outcome::answered;
    receipt.finished_at = now();
    receipt.response =
      ResponseRef{outbox_stem(task.meta) + ".response", 2, audit::sha256_hex("hi"), false};
    REQUIRE(publish(step.tree().outbox, staged_response(task.meta), "hi", 0440));
    REQUIRE(decide(step, {receipt}));
  } // and here deliver is killed

  REQUIRE(claim(t.site, "a", ""));

  CHECK(t.receipt("a", "x").outcome == Outcome::answered);
  CHECK(t.names("a", "claimed").empty());
  CHECK(t.names("a", "outbox").size() == 2);
}

TEST_CASE("what a power cut tore is made again from the original", "[run][cycle]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "Hello.");
  REQUIRE(claim(t.site, "a", "0123456789abcdef0123456789abcdef"));
  const auto dir = open_dir(t.site.agent("a") + "/claimed/x").value();
  const auto tear = [&](const char* name) {
    REQUIRE(replace(dir, name, "", 0440));
  };

  SECTION("a copy: the attempt counts all the same")
  {
    tear("task");
    tear("meta.json"); // and batch.json alone says that there was one
    t.play("a", "x", "half");
    REQUIRE(claim(t.site, "a", ""));
    REQUIRE(t.names("a", "held") == Names{"x"});
    const auto held = open_dir(t.site.agent("a") + "/held/x").value();
    CHECK(read_file(held, "task", 100).value() == "Hello.");
    CHECK(read_meta(held).value().attempt == 1);
    CHECK_FALSE(exists_at(held, "original"));
  }
  SECTION("a task that has ended, and its receipt")
  {
    Receipt receipt;
    receipt.meta = read_meta(dir).value();
    receipt.reason = "runner-exit";
    receipt.finished_at = now();
    REQUIRE(decide(Step::open(t.site, "a").value(), {receipt}));
    REQUIRE(publish(t.state("a", "failed"), "x.json", "", 0440));
    tear("task");
    REQUIRE(claim(t.site, "a", ""));
    CHECK(t.receipt("a", "x").reason == "runner-exit");
    CHECK(read_file(t.state("a", "failed"), "x.task", 100).value() == "Hello.");
    CHECK(t.names("a", "claimed").empty());
  }
  SECTION("the time of its claim: what was staged then is known all the same")
  {
    const auto before = read_meta(dir).value();
    auto after = before;
    after.claimed_at = *before.claimed_at + std::chrono::seconds(5);
    CHECK(outbox_stem(after) != outbox_stem(before));
    CHECK(staged_response(after) == staged_response(before));
  }
}

TEST_CASE("an activation that died holds its task, longer each time", "[run][cycle]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "Hello.");
  REQUIRE(claim(t.site, "a", "0123456789abcdef0123456789abcdef"));

  REQUIRE(claim(t.site, "a", ""));

  CHECK(t.names("a", "held") == Names{"x"});
  const auto meta =
    meta_from_json(read_path(t.site.agent("a") + "/held/x/meta.json", 65536).value()).value();
  CHECK(meta.claims == 2);
  CHECK(meta.hold == "retry");
}

TEST_CASE(
  "a file that claims die over is looked at ever more seldom, and then no more", "[run][claim]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "x");
  const auto die = [&] { // after the move, before anything is known
    auto step = Step::open(t.site, "a").value();
    REQUIRE(take(step, "x.task"));
  };
  die();
  const auto dir = t.site.agent("a") + "/claimed/x";
  const auto deaths = [&](std::size_t n) {
    REQUIRE(replace(open_dir(dir).value(), "deaths", std::string(n, '+'), 0400));
  };

  SECTION("the first time it is tried again at once")
  {
    t.activate("a");
    CHECK(t.receipt("a", "x").outcome == Outcome::answered);
    CHECK(t.receipt("a", "x").meta.attempt == 1);
  }
  SECTION("then it is held, and examined when it returns")
  {
    deaths(1);
    REQUIRE(claim(t.site, "a", ""));
    CHECK(t.names("a", "held") == Names{"x"});
    REQUIRE(::rename((t.site.agent("a") + "/held/x").c_str(), dir.c_str()) == 0);
    auto meta = meta_from_json(read_path(dir + "/meta.json", 65536).value()).value();
    CHECK(*meta.not_before > now() + std::chrono::seconds(1));
    meta.not_before.reset(); // as the sweep does
    meta.hold.reset();
    REQUIRE(replace(open_dir(dir).value(), "meta.json", to_json(meta), 0440));
    t.activate("a");
    CHECK(t.receipt("a", "x").outcome == Outcome::answered);
  }
  SECTION("twenty are enough")
  {
    deaths(20);
    REQUIRE(claim(t.site, "a", ""));
    CHECK(t.receipt("a", "x").reason == "attempts");
  }
}

TEST_CASE("a task that was refused for its deadline is finished after a death", "[run][cycle]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "conos-task/1\nDeadline: 2020-01-01T00:00:00Z\n\nLate.");
  {
    auto step = Step::open(t.site, "a").value();
    REQUIRE(take(step, "x.task"));
    auto receipt = Receipt{};
    receipt.meta = examine(step, "x").value().meta;
    receipt.meta.claimed_at = receipt.finished_at = now();
    receipt.outcome = Outcome::expired;
    receipt.reason = "deadline";
    REQUIRE(decide(step, {receipt}));
    REQUIRE(move_name(open_claimed(step, "x").value(), "task", step.tree().failed, "x.task"));
  } // died there: the original is still beside it

  REQUIRE(claim(t.site, "a", ""));

  CHECK(t.receipt("a", "x").outcome == Outcome::expired);
  CHECK(t.names("a", "claimed").empty());
}

TEST_CASE("what a sidecar says outlives the claim that read it", "[run][intake]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task.meta.json", R"({"source":"telegram"})");
  t.drop("a", "x.task", "x");
  {
    auto step = Step::open(t.site, "a").value();
    REQUIRE(take(step, "x.task"));
    REQUIRE(examine(step, "x"));
  } // died there

  t.activate("a");

  CHECK(t.receipt("a", "x").meta.source == "telegram");
  CHECK(t.names("a", "inbox").empty());
}

TEST_CASE("one task that cannot be finished does not stop the rest", "[run][claim]")
{
  TestSite t;
  t.add_agent("a");
  REQUIRE(make_dir(t.state("a", "claimed"), "broken", 0750));
  REQUIRE(publish(open_dir(t.site.agent("a") + "/claimed/broken").value(), "meta.json", "{", 0440));
  t.drop("a", "x.task", "x");

  t.activate("a");

  CHECK(t.receipt("a", "x").outcome == Outcome::answered);
  CHECK_FALSE(claim(t.site, "a", "")); // alone it is an error, so that the next try waits
}

TEST_CASE("what cannot be a task is refused and stops nobody", "[run][intake]")
{
  TestSite t;
  t.add_agent("a");
  const auto inbox = t.site.agent("a") + "/inbox/";
  REQUIRE(::mkfifo((inbox + "1.task").c_str(), 0600) == 0);
  REQUIRE(::symlink("/etc/shadow", (inbox + "2.task").c_str()) == 0);
  REQUIRE(::mkdir((inbox + "3.task").c_str(), 0700) == 0);
  t.drop("a", "4.task", "linked");
  REQUIRE(::link((inbox + "4.task").c_str(), (t.dir.path + "/other").c_str()) == 0);
  t.drop("a", "5.task", std::string("nul\0byte", 8));
  t.drop("a", "6.task", "\xff\xfe");
  t.drop("a", "7.task", "conos-task/1\nPriority: many\n\nb");
  t.drop("a", "8.task", std::string(t.settings("a").max_task_bytes + 1, 'x'));
  t.drop("a", "9.task", "conos-task/1\nTo: nobody\n\nb");
  t.drop("a", "good.task", "good");

  t.activate("a");
  t.activate("a");

  const std::vector<std::pair<const char*, const char*>> reasons{{"1", "not-a-file"},
    {"2", "symlink"}, {"3", "not-a-file"}, {"4", "hard-link"}, {"5", "not-utf8"}, {"6", "not-utf8"},
    {"7", "bad-header"}, {"8", "too-large"}, {"9", "no-route"}};
  for (const auto& [id, reason] : reasons) {
    CHECK(t.receipt("a", id).reason == reason);
  }
  CHECK(t.receipt("a", "2").meta.trust == Trust::unverified);
  CHECK(t.receipt("a", "good").outcome == Outcome::answered);
  CHECK(t.names("a", "inbox").empty());
  CHECK(t.names("a", "claimed").empty());
  // a link to a file elsewhere must not change that file
  struct stat st = {};
  REQUIRE(::stat((t.dir.path + "/other").c_str(), &st) == 0);
  CHECK((st.st_mode & 0777U) == 0600U);
}

TEST_CASE("names that are no ids get one, and are kept escaped", "[run][intake]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "a b\n;'.task", "one");
  t.drop("a", "-rf.task", "two");
  t.drop("a", std::string(250, 'x') + ".task", "three");
  t.drop("a", "\xff.task", "four");

  t.activate("a");
  t.activate("a");

  std::size_t receipts = 0;
  for (const auto& name : t.names("a", "processed")) {
    if (name.ends_with(".json")) {
      ++receipts;
      CHECK(name.size() < 60);
      CHECK(t.receipt("a", name.substr(0, name.size() - 5)).meta.original_name.has_value());
    }
  }
  CHECK(receipts == 4);
}

TEST_CASE("a stem that was used before gets a new id", "[run][intake]")
{
  TestSite t;
  t.add_agent("a");
  for (int i = 0; i < 3; ++i) {
    t.drop("a", "same.task", "again");
    t.activate("a");
  }
  CHECK(t.names("a", "processed").size() == 6);
}

TEST_CASE("a forward is carried to its agent once, however often it is repeated", "[run][transit]")
{
  TestSite t;
  t.add_agent("a", {"b"});
  t.add_agent("b");
  t.drop("a", "x.task", "conos-task/1\nTitle: T\n\nDo it.");

  t.activate("a", "ROUTE_TO: b\nPlease.");
  CHECK(t.receipt("a", "x").outcome == Outcome::forwarded);
  CHECK(t.receipt("a", "x").forwarded_to == "b");
  REQUIRE(route_waiting(t.site));
  t.activate("b", "It is done.");

  const auto receipt = t.receipt("b", "x.1");
  CHECK(receipt.outcome == Outcome::answered);
  CHECK(receipt.meta.root == "x");
  CHECK(receipt.meta.parent == "x");
  CHECK(receipt.meta.hop == 1);
  CHECK(receipt.meta.trust == Trust::verified);
  const auto task = read_file(t.state("b", "processed"), "x.1.task", 1000).value();
  CHECK(task == "Do it.\n---\na adds: Please.\n");
}

TEST_CASE("two tasks of one name, of two agents, stay two wherever they meet", "[run][transit]")
{
  TestSite t;
  t.add_agent("a", {"c"});
  t.add_agent("b", {"c"});
  t.add_agent("c");
  t.drop("a", "hello.task", "From a.");
  t.drop("b", "hello.task", "From b.");

  t.activate("a", "ROUTE_TO: c");
  t.activate("b", "ROUTE_TO: c");
  REQUIRE(route_waiting(t.site));
  t.activate("c", "Done.");
  t.activate("c", "Done."); // two senders never share an activation

  CHECK(t.receipt("a", "hello").ledger_id != t.receipt("b", "hello").ledger_id);
  const auto ended = t.names("c", "processed");
  REQUIRE(ended.size() == 4);
  CHECK(ended[3] == "hello.1.task"); // a hyphen sorts before a dot
  CHECK(read_file(t.state("c", "processed"), ended[1], 100).value() !=
        read_file(t.state("c", "processed"), ended[3], 100).value());
}

TEST_CASE("an answer too large for the agent it goes to is refused there", "[run][transit]")
{
  TestSite t;
  t.add_agent("a", {"b"});
  t.add_agent("b");
  auto settings = t.settings("b");
  settings.max_task_bytes = 100;
  t.save(settings);
  t.drop("a", "x.task", "Pass it on.");

  t.activate("a", "ROUTE_TO: b\n" + std::string(5000, 'x'));
  REQUIRE(route_waiting(t.site));
  t.drop("b", "y.task", "And this.");
  t.activate("b", "Done.");

  CHECK(t.receipt("b", "x.1").reason == "too-large");
  CHECK(t.receipt("b", "y").outcome == Outcome::answered);
}

TEST_CASE("what is left of a task in transit does not wake route for ever", "[run][transit]")
{
  TestSite t;
  t.add_agent("a");
  const auto transit = open_dir(t.site.transit()).value();
  REQUIRE(make_dir(transit, "x.1", 0700)); // a route died that was removing a repeated one
  REQUIRE(publish(open_dir_at(transit, "x.1").value(), "task", "x", 0400));
  REQUIRE(make_dir(transit, ".making-y.1", 0700)); // and a deliver that was making one

  REQUIRE(route_waiting(t.site));
  REQUIRE(clear_transit(t.site));

  CHECK(list_names(transit, 10).value().empty());
}

TEST_CASE("an agent cannot forward where it may not task", "[run][transit]")
{
  TestSite t;
  t.add_agent("a");
  t.add_agent("b");
  t.drop("a", "x.task", "x");

  t.activate("a", "ROUTE_TO: b");

  CHECK(t.receipt("a", "x").reason == "not-allowed");
  CHECK(list_names(open_dir(t.site.transit()).value(), 10).value().empty());
}

TEST_CASE("a chain ends at its hop limit", "[run][transit]")
{
  TestSite t;
  t.add_agent("a", {"b"});
  t.add_agent("b", {"a"});
  t.drop("a", "x.task", "loop");

  for (int i = 0; i < 20; ++i) {
    t.activate("a", "ROUTE_TO: b");
    REQUIRE(route_waiting(t.site));
    t.activate("b", "ROUTE_TO: a");
    REQUIRE(route_waiting(t.site));
  }

  CHECK(t.receipt("b", "x.9").reason == "hop-limit");
  CHECK(list_names(open_dir(t.site.transit()).value(), 10).value().empty());
}

TEST_CASE("the outer inbox is emptied by rule, and the owner travels", "[run][route]")
{
  TestSite t;
  t.add_agent("front");
  t.add_agent("back");
  const auto inbox = open_dir(t.site.inbox()).value();
  REQUIRE(publish(inbox, "1.task", "conos-task/1\nTo: back\n\nx", 0600, {12345, 12345}));
  REQUIRE(publish(inbox, "2.task", "no address", 0600));
  REQUIRE(::symlinkat("/etc/shadow", inbox.get(), "3.task") == 0);

  CHECK(route_waiting(t.site).value() == 3);

  CHECK(t.names("back", "inbox") == Names{"1.task"});
  CHECK(t.names("front", "inbox") == Names{"2.task", "3.task"});
  CHECK(stat_at(t.state("back", "inbox"), "1.task").value().st_uid == 12345);
  t.activate("back");
  CHECK(t.receipt("back", "1").meta.trust == Trust::unverified);
  CHECK(t.receipt("back", "1").meta.sender.name == "uid:12345");
}

TEST_CASE("two of the same name in the outer inbox are two tasks", "[run][route]")
{
  TestSite t;
  t.add_agent("a");
  const auto inbox = open_dir(t.site.inbox()).value();
  REQUIRE(publish(inbox, "x.task", "first", 0600));
  REQUIRE(route_waiting(t.site));
  REQUIRE(publish(inbox, "x.task", "second", 0600));
  REQUIRE(route_waiting(t.site));

  CHECK(t.names("a", "inbox").size() == 2);
}

TEST_CASE("what is urgent goes first, if a trusted sender says so", "[run][claim]")
{
  TestSite t;
  t.add_agent("a");
  REQUIRE(replace(open_dir(t.site.lib + "/pace").value(), "a", "1", 0600)); // one an activation
  t.drop("a", "1.task", "usual");
  t.drop("a", "2.task", "conos-task/1\nPriority: 2\n\nlater");
  t.drop("a", "3.task", "conos-task/1\nPriority: 9\n\nurgent");
  t.drop("a", "4.task", "conos-task/1\nPriority: 9\n\nurgent, says a stranger");
  REQUIRE(::chown((t.site.agent("a") + "/inbox/4.task").c_str(), 12345, 12345) == 0);
  Names order;
  for (int i = 0; i < 4; ++i) {
    note_turn(t.site, "a", 12345); // so it is not the stranger's turn
    REQUIRE(claim(t.site, "a", ""));
    order.push_back(t.names("a", "claimed").at(0));
    t.play("a", order.back(), "done");
    REQUIRE(deliver(t.site, "a", {}));
    REQUIRE(replace(open_dir(t.site.lib + "/pace").value(), "a", "1", 0600));
  }
  CHECK(order == Names{"3", "1", "4", "2"});
}

TEST_CASE("a held agent takes nothing", "[run][claim]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "x");
  REQUIRE(publish(open_dir(t.site.lib + "/hold").value(), "a", "because", 0600));

  REQUIRE(claim(t.site, "a", ""));

  CHECK(t.names("a", "inbox") == Names{"x.task"});
}

TEST_CASE("tasks of two senders never share an activation", "[run][claim]")
{
  TestSite t;
  t.add_agent("a");
  const auto inbox = t.state("a", "inbox");
  REQUIRE(publish(inbox, "1.task", "x", 0600));
  REQUIRE(publish(inbox, "2.task", "x", 0600, {12345, 12345}));
  REQUIRE(publish(inbox, "3.task", "x", 0600));

  const auto batch = [&] {
    REQUIRE(claim(t.site, "a", ""));
    auto tasks = read_batch(open_dir(t.site.agent("a")).value()).value().tasks;
    for (const auto& id : tasks) {
      t.play("a", id, "done");
    }
    REQUIRE(deliver(t.site, "a", {}));
    return tasks;
  };
  CHECK(batch() == Names{"1", "3"});
  CHECK(batch() == Names{"2"});
}

TEST_CASE(
  "senders take turns, and who has too much waiting has the last of it refused", "[run][intake]")
{
  const InboxBounds bounds{100, 3};
  const Senders senders{{10, {"a4", "a1", "a3", "a2", "a5"}}, {20, {"b"}}, {30, {"c2", "c1"}}};

  auto waiting = arrange(senders, 6, bounds, {});
  CHECK(waiting.is_of_several);
  CHECK(waiting.next == Names{"a1", "a2", "a3", "b", "c1", "c2"});
  CHECK(waiting.surplus == Names{"a4", "a5"});

  CHECK(arrange(senders, 6, bounds, 10).next.front() == "b");
  CHECK(arrange(senders, 6, bounds, 20).next.front() == "c1");
  CHECK(arrange(senders, 6, bounds, 30).next.front() == "a1");

  // an inbox that is full: an even share
  waiting = arrange(senders, 6, {3, 100}, {});
  CHECK(waiting.next == Names{"a1", "b", "c1"});
  CHECK(waiting.surplus == Names{"a2", "a3", "a4", "a5", "c2"});

  CHECK_FALSE(arrange({{10, {"x"}}}, 6, bounds, {}).is_of_several);
  CHECK(arrange({}, 6, bounds, {}).next.empty());
}

TEST_CASE(
  "what is too much for an inbox is refused with a row each, and others are served", "[run][claim]")
{
  TestSite t;
  t.add_agent("a");
  auto settings = t.settings("a");
  settings.inbox_max_per_sender = 2;
  t.save(settings);
  for (const auto* name : {"1", "2", "3", "4"}) {
    t.drop("a", std::string(name) + ".task", "x");
  }
  REQUIRE(publish(t.state("a", "inbox"), "5.task", "x", 0600, {12345, 12345}));

  t.activate("a");
  t.activate("a");

  for (const auto* name : {"1", "2", "5"}) {
    CHECK(t.receipt("a", name).outcome == Outcome::answered);
  }
  for (const auto* name : {"3", "4"}) {
    CHECK(t.receipt("a", name).reason == "inbox-full");
    CHECK(t.receipt("a", name).ledger_id.has_value());
  }
  CHECK(t.names("a", "inbox").empty());
}

TEST_CASE("a task for later is held, one whose deadline is past expires", "[run][claim]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "later.task", "conos-task/1\nNot-Before: 2099-01-01T00:00:00Z\n\nx");
  t.drop("a", "late.task", "conos-task/1\nDeadline: 2020-01-01T00:00:00Z\n\nx");

  t.activate("a");

  CHECK(t.names("a", "held") == Names{"later"});
  CHECK(t.receipt("a", "late").outcome == Outcome::expired);
}

TEST_CASE(
  "instructions that are not the compiled ones stop the work, not the tasks", "[run][claim]")
{
  TestSite t;
  t.add_agent("a");
  auto settings = t.settings("a");
  settings.instructions_sha256 = std::string(64, '0');
  t.save(settings);
  t.drop("a", "x.task", "x");

  CHECK_FALSE(claim(t.site, "a", ""));
  CHECK_FALSE(read_batch(open_dir(t.site.agent("a")).value()));
}

TEST_CASE("a draft is taken only as a file of the agent's own", "[run][deliver]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "x.task", "x");
  REQUIRE(claim(t.site, "a", ""));
  t.play("a", "x", "secret");
  const auto response = t.site.agent("a") + "/drafts/x/response";
  REQUIRE(::unlink(response.c_str()) == 0);
  REQUIRE(::symlink("/etc/passwd", response.c_str()) == 0);

  REQUIRE(deliver(t.site, "a", {}));

  CHECK(t.names("a", "held") == Names{"x"}); // an empty answer: tried again
}

TEST_CASE("binary, empty and oversized answers are failures", "[run][deliver]")
{
  TestSite t;
  t.add_agent("a");
  auto settings = t.settings("a");
  settings.attempts = 1;
  settings.max_output_bytes = 10;
  t.save(settings);
  const std::vector<std::pair<std::string, const char*>> answers{
    {std::string("a\0b", 3), "output-binary"}, {" \n", "empty-output"}, {"\xff", "output-binary"},
    {"eleven chars", "empty-output"}};
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto id = std::to_string(i);
    t.drop("a", id + ".task", "x");
    REQUIRE(claim(t.site, "a", ""));
    t.play("a", id, answers[i].first);
    REQUIRE(deliver(t.site, "a", {}));
    CHECK(t.receipt("a", id).reason == answers[i].second);
  }
}

TEST_CASE("a continuous agent with nothing to do gets a task, and one only", "[run][claim]")
{
  TestSite t;
  t.add_agent("a");
  auto settings = t.settings("a");
  settings.mode = Mode::continuous;
  settings.cron_task = "Look around.";
  t.save(settings);

  t.activate("a");

  const auto names = t.names("a", "processed");
  REQUIRE(names.size() == 2);
  CHECK(t.receipt("a", names[0].substr(0, names[0].size() - 5)).meta.kind == TaskKind::continuous);
}

TEST_CASE("the schedule's task comes through transit", "[run][transit]")
{
  TestSite t;
  t.add_agent("a");

  REQUIRE(put_scheduled_task(t.site, "a"));
  REQUIRE(route_waiting(t.site));
  t.activate("a");

  const auto names = t.names("a", "processed");
  REQUIRE(names.size() == 2);
  CHECK(t.receipt("a", names[0].substr(0, names[0].size() - 5)).meta.kind == TaskKind::cron);
}

TEST_CASE("a thread is remembered", "[run][cycle]")
{
  TestSite t;
  t.add_agent("a");
  t.drop("a", "1.task", "conos-task/1\nThread: t\n\nMy name is Ada.");
  t.activate("a", "Hello Ada.");
  t.drop("a", "2.task", "conos-task/1\nThread: t\n\nWho am I?");

  REQUIRE(claim(t.site, "a", ""));

  const auto prompt = read_path(t.site.agent("a") + "/claimed/2/prompt", 100000).value();
  CHECK(prompt.find("My name is Ada.") != std::string::npos);
  CHECK(prompt.find("Hello Ada.") != std::string::npos);
}

TEST_CASE("a thousand rows are worth a checkpoint before its time", "[run][sweep]")
{
  const UnitSummary waiting{"conos-checkpoint.service", "loaded", "inactive", "dead"};

  CHECK_FALSE(is_checkpoint_due(0, waiting));
  CHECK_FALSE(is_checkpoint_due(999, waiting));
  CHECK(is_checkpoint_due(1000, waiting));
  CHECK_FALSE(is_checkpoint_due(5000, {waiting.name, "loaded", "activating", "start"}));
  CHECK_FALSE(is_checkpoint_due(5000, {waiting.name, "loaded", "failed", "failed"}));
  CHECK_FALSE(is_checkpoint_due(5000, {waiting.name, "not-found", "inactive", "dead"}));
  CHECK_FALSE(is_checkpoint_due(5000, {waiting.name, "masked", "inactive", "dead"}));
}

TEST_CASE("pauses and names of the sweep", "[run][sweep]")
{
  CHECK(mending_pause(0) == Duration(0));
  CHECK(mending_pause(1) == std::chrono::seconds(30));
  CHECK(mending_pause(2) == std::chrono::seconds(60));
  CHECK(mending_pause(50) == std::chrono::minutes(15));
  CHECK(visible_name(".x.task") == "x.task");
  CHECK(visible_name("x.task~") == "x.task");
  CHECK(visible_name("..~~").empty());
}
