#include "audit/present.hpp"

#include "audit/day_files.hpp"
#include "audit_samples.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace conos;
using namespace conos::audit;

namespace {

Event event(const std::string& type, const std::string& payload)
{
  return {7, "2026-11-20T21:35:43.012Z", type, "root/conos-run", payload, std::string(64, '0'),
    std::string(64, 'f')};
}

} // namespace

TEST_CASE("a row is one line of JSON, its payload as it is stored", "[audit][present]")
{
  CHECK(json_line(event("a.b", R"({ "z":1,"a":"ä" })")) ==
        R"({"actor":"root/conos-run","hash":")" + std::string(64, 'f') +
          R"(","id":7,"payload":{ "z":1,"a":"ä" },"prev_hash":")" + std::string(64, '0') +
          R"(","ts":"2026-11-20T21:35:43.012Z","type":"a.b"})");
}

TEST_CASE("what somebody wrote past the grammar stays one line", "[audit][present]")
{
  auto forged = event("a.b\n\x1b[2J", "{\n\"a\":\xff");
  forged.actor = "x\"}\n";

  CHECK(json_line(forged).find_first_of("\n\x1b") == std::string::npos);
  CHECK(log_line(forged).find_first_of("\n\x1b") == std::string::npos);
  CHECK(Table(Table::Colour::no).line(forged).find_first_of("\n\x1b") ==
        Table(Table::Colour::no).line(forged).size() - 1);
  CHECK_THAT(json_line(forged), Catch::Contains(R"("payload":"{\\n\"a\":\\xff")"));
}

TEST_CASE("payloads are shown as keys and values", "[audit][present]")
{
  CHECK(brief("{}").empty());
  CHECK(brief(R"({"agent":"x","n":1,"none":null,"list":[1,"a"],"yes":true})") ==
        R"(agent=x n=1 list=[1,"a"] yes=true)");
  CHECK(
    brief(R"({"text":"two words","empty":"","eq":"a=b"})") == "text='two words' empty='' eq='a=b'");
  CHECK(brief(R"({"a\u001b":"\u001b[31m\n\u202e"})") == R"(a\x1b=\x1b[31m\n\xe2\x80\xae)");
  CHECK(brief("not json \x1b") == R"(not json \x1b)");
  CHECK(brief(R"({"a":")" + std::string(5000, 'x') + "\"}").size() < 300);
}

TEST_CASE("the day's log has the reference's lines", "[audit][present]")
{
  CHECK(
    log_line(event("task.delivered",
      R"({"agent":"sysadmin","attempt":1,"duration_ms":1234,"id":"fix-disk","outcome":"answered",)"
      R"("reason":null,"response_bytes":512,"trust":"verified"})")) ==
    "2026-11-20T21:35:43.012Z [sysadmin] run: processed fix-disk.task [trust:verified] "
    "[answered] [1.234s] [512 chars]");
  CHECK(
    log_line(event("task.failed",
      R"({"agent":"sysadmin","id":"x","outcome":"failed","reason":"attempts","trust":"unverified"})")) ==
    "2026-11-20T21:35:43.012Z [sysadmin] run: processed x.task [trust:unverified] [failed] "
    "[reason:attempts]");
  CHECK(log_line(event(
          "task.routed", R"({"name":"a b.task","rule":"to","sender":"alice","to":"sysadmin"})")) ==
        "2026-11-20T21:35:43.012Z [route] alice -> sysadmin: a b.task");
  CHECK(log_line(event("backup.done", R"({"bytes":7})")) ==
        "2026-11-20T21:35:43.012Z [root/conos-run] backup.done: bytes=7");
}

TEST_CASE("a table keeps its columns", "[audit][present]")
{
  Table table(Table::Colour::no);
  const auto longer = event("task.delivered", "{}");
  table.fit(longer);
  table.fit(event("a.b", "{}"));

  CHECK(table.line(event("a.b", R"({"n":1})")) ==
        "7  2026-11-20T21:35:43.012Z  a.b             root/conos-run  n=1\n");
}

TEST_CASE("the end of a task is a line of the day's table", "[audit][present]")
{
  const auto end = event("task.delivered",
    R"({"agent":"sysadmin","id":"fix-disk","outcome":"answered","trust":"verified",)"
    R"("duration_ms":83999,"response_bytes":512,"source":"mail\tdoor","from":""})");

  CHECK(
    table_line(end) ==
    "2026-11-20T21:35:43.012Z\tsysadmin\t-\tfix-disk.task\tverified\t1m23s\t512\tanswered\t-\t-\t-"
    "\tmail\\tdoor\t-\t-\t-\t-\t-\t-\n");
  CHECK(table_line(event("task.claimed", R"({"id":"fix-disk"})")).empty());
  CHECK(table_line(event("task.failed", R"({"duration_ms":3605000})")).find("\t1h0m5s\t") !=
        std::string::npos);
}

TEST_CASE("the end of a task has the keys of molt-os in the day's JSON", "[audit][present]")
{
  const auto end = event("task.delivered",
    R"({"agent":"sysadmin","id":"fix-disk","outcome":"answered","response_bytes":512})");

  const auto line = day_line(end);

  const auto back = event_in_line(line).value();
  CHECK(json_line(back) == json_line(end));
  CHECK(line.find(R"("task_file":"fix-disk.task")") != std::string::npos);
  CHECK(line.find(R"("output_chars":512)") != std::string::npos);
  CHECK(day_line(event("a.b", "{}")) == json_line(event("a.b", "{}")));
  CHECK_FALSE(event_in_line("{}"));
  CHECK_FALSE(event_in_line("[1]"));
  CHECK_FALSE(event_in_line("{\"id\":"));
}
