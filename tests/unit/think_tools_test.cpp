#include "think/tools.hpp"

#include "sys/process.hpp"
#include "sys/text.hpp"
#include "temp_dir.hpp"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>

using namespace conos;
using namespace conos::think;

namespace {

struct Desk {
  Desk()
  {
    place.directory = dir.path;
    place.environment = plain_environment();
    place.agents = dir.path + "/agents";
    place.command_time = std::chrono::seconds(5);
  }

  Outcome use(const std::string& tool, const nlohmann::json& input)
  {
    return raw(tool, input.dump());
  }

  Outcome raw(const std::string& tool, const std::string& input)
  {
    return use_tool({Block::Kind::call, input, "1", tool}, place, std::chrono::seconds(60));
  }

  std::string file(const std::string& name)
  {
    return read_path(dir.path + "/" + name, 1U << 20U).value_or("(none)");
  }

  void put(const std::string& name, const std::string& text)
  {
    std::ofstream(dir.path + "/" + name) << text;
  }

  TempDir dir;
  Workplace place;
};

} // namespace

TEST_CASE("every tool says what it takes, always in the same order", "[think][tools]")
{
  std::vector<std::string> names;
  for (const auto& spec : tool_specs()) {
    names.push_back(spec.name);
    CHECK(nlohmann::json::parse(spec.schema)["type"] == "object");
    CHECK_FALSE(spec.description.empty());
  }
  CHECK(names == std::vector<std::string>{"run", "read", "write", "edit", "list", "search", "skill",
                   "task", "ask", "finish"});
}

TEST_CASE("a command gives its status and what it printed", "[think][tools]")
{
  Desk desk;
  CHECK(desk.use("run", {{"command", "echo hi; echo oh >&2; exit 3"}}).text ==
        "exit status 3\nhi\n\n--- stderr\noh\n");
  CHECK(desk.use("run", {{"command", "exit 3"}}).is_error);
  CHECK(desk.use("run", {{"argv", {"/bin/echo", "a b", "$HOME"}}}).text ==
        "exit status 0\na b $HOME\n");
  CHECK(desk.use("run", {{"argv", {"/no/such/program"}}}).is_error);
  CHECK(desk.use("run", {{"argv", nlohmann::json::array()}}).is_error);
  CHECK(desk.use("run", {{"command", ""}}).is_error);
  CHECK(desk.use("run", {{"argv", {std::string("a\0b", 3)}}}).is_error);

  const auto much = desk.use("run", {{"command", "head -c 3000000 /dev/zero | tr '\\0' x"}});
  CHECK(much.text.size() < desk.place.output_bytes + 200);
  CHECK(much.text.find("bytes left out") != std::string::npos);
  CHECK(desk.use("run", {{"command", "yes"}}).text.starts_with("stopped: it printed too much"));
  CHECK(is_utf8(desk.use("run", {{"command", "printf '\\377\\000\\033'"}}).text));
}

TEST_CASE("a command that does not end is ended, and so is what it left", "[think][tools]")
{
  Desk desk;
  const auto begin = std::chrono::steady_clock::now();
  const auto slow = desk.use("run", {{"command", "sleep 60"}, {"timeout_s", 1}});
  CHECK(slow.is_error);
  CHECK(slow.text.starts_with("stopped after 1.0 s"));
  (void)desk.use("run", {{"command", "(setsid sleep 60 &) ; echo started"}});
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

TEST_CASE("files are read, written and edited, with the difference given back", "[think][tools]")
{
  Desk desk;
  CHECK(desk.use("write", {{"path", "a"}, {"content", "one\ntwo\nthree\n"}})
          .text.find("@@ -0,0 +1,3 @@\n+one\n+two\n+three\n") != std::string::npos);
  CHECK(desk.use("edit", {{"path", "a"}, {"old", "two"}, {"new", "2"}})
          .text.ends_with("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"));
  CHECK(desk.file("a") == "one\n2\nthree\n");
  CHECK(desk.use("edit", {{"path", "a"}, {"old", "four"}, {"new", "4"}}).is_error);
  CHECK(desk.use("edit", {{"path", "a"}, {"old", "e"}, {"new", "E"}}).is_error); // many
  CHECK(desk.use("edit", {{"path", "a"}, {"old", ""}, {"new", "x"}}).is_error);
  CHECK(desk.use("edit", {{"path", "b"}, {"old", "x"}, {"new", "y"}}).is_error);
  CHECK(desk.file("a") == "one\n2\nthree\n");
  CHECK(desk.use("read", {{"path", "a"}}).text == "one\n2\nthree\n");
  CHECK(
    desk.use("read", {{"path", desk.dir.path + "/a"}, {"line", 2}, {"lines", 1}}).text == "2\n");
  CHECK(desk.use("read", {{"path", "a"}, {"line", 99}}).text.empty());
  CHECK(desk.use("read", {{"path", "none"}}).is_error);
}

TEST_CASE("what is no plain text file is not waited for", "[think][tools]")
{
  Desk desk;
  REQUIRE(::mkfifo((desk.dir.path + "/fifo").c_str(), 0600) == 0);
  desk.put("binary", std::string("a\0b", 3));
  for (const auto* path : {"fifo", "/dev/zero", ".", "binary"}) {
    CHECK(desk.use("read", {{"path", path}}).is_error);
    CHECK(desk.use("edit", {{"path", path}, {"old", "never there"}, {"new", "x"}}).is_error);
  }
  CHECK(desk.use("write", {{"path", "fifo"}, {"content", "x"}}).is_error);
  CHECK(desk.use("write", {{"path", "/dev/null"}, {"content", "x"}}).is_error);
}

TEST_CASE("directories are listed and files searched", "[think][tools]")
{
  Desk desk;
  desk.put("b", "needle here\n");
  desk.put("a\x1b[31m", "hay\n");
  std::filesystem::create_directory(desk.dir.path + "/sub");
  CHECK(desk.use("list", nlohmann::json::object()).text ==
        "           4  a\\x1b[31m\n          12  b\n   directory  sub\n");
  CHECK(desk.use("list", {{"path", "none"}}).is_error);
  CHECK(desk.use("search", {{"pattern", "need(le)"}}).text.ends_with("/b:1:needle here\n"));
  CHECK(desk.use("search", {{"pattern", "--help"}}).text == "nothing found\n");
  CHECK(desk.use("search", {{"pattern", "("}}).is_error);
  CHECK(desk.use("search", {{"pattern", ""}}).is_error);
}

TEST_CASE("a skill is looked up by its name", "[think][tools]")
{
  Desk desk;
  CHECK(desk.use("skill", {{"name", "pulse"}}).is_error);
  desk.put("skills.json", R"({"pulse":"1. Look.\n"})");
  desk.place.skills = desk.dir.path + "/skills.json";
  CHECK(desk.use("skill", {{"name", "pulse"}}).text == "1. Look.\n");
  CHECK(desk.use("skill", {{"name", "other"}}).is_error);
}

TEST_CASE("a task is handed in where the agent may, and else it is said how", "[think][tools]")
{
  Desk desk;
  std::filesystem::create_directories(desk.place.agents + "/bob/inbox");
  CHECK(desk.use("task", {{"to", "bob"}, {"text", "Do it."}}).text.starts_with("handed in as "));
  CHECK_FALSE(std::filesystem::is_empty(desk.place.agents + "/bob/inbox"));
  CHECK(desk.use("task", {{"to", "eve"}, {"text", "x"}}).text.ends_with("ROUTE_TO: eve"));
  CHECK(desk.use("task", {{"to", "../.."}, {"text", "x"}}).is_error);
  CHECK(desk.use("task", {{"to", "bob"}, {"text", ""}}).is_error);
}

TEST_CASE("what makes no sense is told to the model", "[think][tools]")
{
  Desk desk;
  CHECK(desk.use("ask", {{"verb", "package.install"}}).text.starts_with("there is no gate"));
  CHECK(desk.use("ask", {{"verb", "x"}, {"args", "y"}}).text.starts_with("give 'verb'"));
  CHECK(desk.use("fly", {}).is_error);
  CHECK(desk.use("finish", {{"answer", "  "}}).is_error);
  CHECK(desk.use("finish", {{"answer", "So."}}).is_finish);
  for (const auto& spec : tool_specs()) {
    for (const auto* input :
      {"", "{", "[]", "null", "{}", R"({"path":7,"command":[],"argv":7,"to":{}})"}) {
      const auto outcome = desk.raw(spec.name, input);
      CHECK_FALSE(outcome.is_finish);
      CHECK((outcome.is_error || spec.name == "list"));
    }
  }
}

TEST_CASE("a long text keeps its beginning and its end", "[think][tools]")
{
  CHECK(shortened("short", 100) == "short");
  std::string text = "begin";
  while (text.size() < 1000) {
    text += "\xe2\x82\xac";
  }
  const auto cut = shortened(text + "end", 200);
  CHECK(cut.starts_with("begin"));
  CHECK(cut.ends_with("end"));
  CHECK(is_utf8(cut));
  CHECK(cut.size() < 300);
}

TEST_CASE("a difference says where it is and what has no newline", "[think][tools]")
{
  CHECK(unified_diff("f", "a\n", "a\n").empty());
  CHECK(unified_diff("f", "", "") == "");
  CHECK(unified_diff("f", "a", "a\n") ==
        "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n");
  CHECK(unified_diff("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n6\n7\n8\n9\n") ==
        "--- f\n+++ f\n@@ -2,7 +2,6 @@\n 2\n 3\n 4\n-5\n 6\n 7\n 8\n");
  CHECK(unified_diff("f", "x\nx\n", "x\n").find("-x\n") != std::string::npos);
}
