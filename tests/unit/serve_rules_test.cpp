#include "serve/rules.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::serve;

namespace {

bool may(uid_t uid, const std::string& account, const std::string& type)
{
  return check_row(allowance_of(uid, account), {type, account, "{}", ""}).has_value();
}

} // namespace

TEST_CASE("who may write what", "[serve][rules]")
{
  CHECK(may(0, "root", "contract.healed"));
  CHECK(may(1000, "alice", "note.made"));
  CHECK_FALSE(may(1000, "alice", "task.failed"));
  CHECK_FALSE(may(1000, "alice", "contract.healed"));
  CHECK_FALSE(may(1000, "alice", "rows.suppressed"));
  CHECK_FALSE(may(1000, "alice", "notes.made"));
  CHECK(may(990, "conos-model", "model.called"));
  CHECK(may(990, "conos-model", "budget.paused"));
  CHECK_FALSE(may(990, "conos-model", "egress.denied"));
  CHECK(may(991, "conos-egress", "egress.denied"));
  CHECK_FALSE(may(991, "conos-egress", "model.called"));
}

TEST_CASE("a type that is not one's own is denied, what is no row is bad", "[serve][rules]")
{
  const auto alice = allowance_of(1000, "alice");

  CHECK(check_row(alice, {"task.failed", "alice", "{}", ""}).error().kind == Kind::denied);
  CHECK(check_row(alice, {"note", "alice", "{}", ""}).error().kind == Kind::bad_data);
  CHECK(check_row(alice, {"note.made", "alice", "[]", ""}).error().kind == Kind::bad_data);
  CHECK(check_row(alice, {"note.made", "alice", "{\n}", ""}).error().kind == Kind::bad_data);
  CHECK(check_row(alice, {"note.made", "alice", "{}", "a\nb"}).error().kind == Kind::bad_data);
}

TEST_CASE("a note has 4 KiB, a door's row all there is", "[serve][rules]")
{
  const auto payload = R"({"a":")" + std::string(5000, 'a') + R"("})";

  CHECK_FALSE(check_row(allowance_of(1000, "alice"), {"note.made", "alice", payload, ""}));
  CHECK(check_row(allowance_of(990, "conos-model"), {"model.called", "conos-model", payload, ""}));
}

TEST_CASE("nobody can take a key of somebody else's", "[serve][rules]")
{
  CHECK(key_of(0, "ID/1/task.delivered") == "ID/1/task.delivered");
  CHECK(key_of(1000, "ID/1/task.delivered") == "uid:1000/ID/1/task.delivered");
  CHECK(key_of(1000, "").empty());
}
