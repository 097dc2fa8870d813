#include "task/id.hpp"
#include "task/meta.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

using namespace conos;

namespace {

Meta sample()
{
  Meta meta;
  meta.id = "fix-disk";
  meta.root = "fix-disk";
  meta.agent = "sysadmin";
  meta.sender = {1000, "alice", std::nullopt};
  meta.trust = Trust::verified;
  meta.submitted_at = parse_rfc3339("2026-11-20T21:30:00.123Z").value();
  meta.claimed_at = parse_rfc3339("2026-11-20T21:30:01Z").value();
  meta.attempt = 1;
  meta.claims = 2;
  meta.claimed["claimed_from"] = "root";
  return meta;
}

} // namespace

TEST_CASE("meta.json has every key, null where nothing is known", "[task][meta]")
{
  const auto json = nlohmann::json::parse(to_json(sample()));

  for (const auto* key : {"v", "id", "root", "parent", "hop", "agent", "kind", "sender", "trust",
         "title", "thread", "reply", "reply_to", "priority", "deadline", "source", "submitted_at",
         "claimed_at", "attempt", "claims", "not_before", "hold", "invocation", "original_name",
         "bytes", "sha256"}) {
    CHECK(json.contains(key));
  }
  CHECK(json["title"].is_null());
  CHECK(json["trust"] == "verified");
  CHECK(json["claimed_from"] == "root");
}

TEST_CASE("meta.json and receipt are read back as they were", "[task][meta]")
{
  Receipt receipt;
  receipt.meta = sample();
  receipt.outcome = Outcome::answered;
  receipt.started_at = parse_rfc3339("2026-11-20T21:30:02Z").value();
  receipt.finished_at = parse_rfc3339("2026-11-20T21:30:03.234Z").value();
  receipt.exit = {"success", "exited", 0};
  receipt.runner = "cat";
  receipt.response = ResponseRef{"x.response", 3, std::string(64, 'a'), false};
  receipt.ledger_id = 7;
  receipt.ledger_hash = std::string(64, 'b');

  const auto text = to_json(receipt);
  const auto again = receipt_from_json(text).value();

  CHECK(to_json(again) == text);
  CHECK(nlohmann::json::parse(text)["duration_ms"] == 1234);
  CHECK(to_json(meta_from_json(to_json(sample())).value()) == to_json(sample()));
  CHECK_FALSE(meta_from_json("{}"));
  CHECK_FALSE(receipt_from_json("not json"));
}

TEST_CASE("names made of a task sort by time and hold its id", "[task][meta]")
{
  CHECK(outbox_stem(sample()) == "20261120T213001Z-fix-disk");
  CHECK(ledger_key(sample(), "task.started") == "sysadmin/fix-disk/1/task.started");
}

TEST_CASE("only harmless stems are ids", "[task][id]")
{
  CHECK(is_task_id("20261120T213000.123456Z-1f2e3d4c"));
  CHECK(is_task_id(new_task_id(now()).value()));
  CHECK(is_task_id(std::string(128, 'x')));
  for (const auto& stem :
    {std::string(), std::string(129, 'x'), std::string("a b"), std::string("a/b"),
      std::string(".x"), std::string("-x"), std::string("a\nb"), std::string("ü")}) {
    CHECK_FALSE(is_task_id(stem));
  }
  CHECK(task_stem("x.task") == "x");
  CHECK(task_stem(".task").empty());
  CHECK(task_stem("x.task~").empty());
}
