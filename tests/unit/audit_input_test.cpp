#include "audit/input.hpp"

#include "audit_samples.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <thread>

using namespace conos;
using namespace conos::audit;

namespace {

using Payloads = std::vector<std::string>;

struct Outcome {
  Payloads payloads;
  std::vector<std::size_t> batches;
  Result<> result;
};

Outcome read_from(int in, const Row& form)
{
  Outcome outcome;
  outcome.result = read_rows(in, form, [&](const std::vector<Row>& rows) -> Result<> {
    outcome.batches.push_back(rows.size());
    for (const auto& row : rows) {
      CHECK(row.type == form.type);
      CHECK(row.actor == form.actor);
      outcome.payloads.push_back(row.payload);
    }
    return {};
  });
  return outcome;
}

Outcome read_text(const std::string& text, const std::string& key = "")
{
  TempDir dir;
  REQUIRE(publish(dir.fd, "in", text, 0600));
  const UniqueFd in(::openat(dir.fd.get(), "in", O_RDONLY | O_CLOEXEC));
  return read_from(in.get(), {"note.said", "root", "", key});
}

} // namespace

TEST_CASE("a text becomes one row", "[audit][input]")
{
  CHECK(read_text("disk is full\n").payloads == Payloads{R"({"text":"disk is full"})"});
  CHECK(read_text("\n two\n\nlines \n").payloads == Payloads{R"({"text":"two\n\nlines"})"});
  CHECK(read_text("[1,2]").payloads == Payloads{R"({"text":"[1,2]"})"});
  CHECK(read_text("\xff \"").payloads == Payloads{"{\"text\":\"\xef\xbf\xbd \\\"\"}"});
  CHECK(read_text("").payloads == Payloads{"{}"});
  CHECK(read_text(" \n\n").payloads == Payloads{"{}"});
}

TEST_CASE("objects on lines become rows, byte for byte", "[audit][input]")
{
  CHECK(read_text("{\"b\": 1.0, \"a\":2}\n\n  {}\r\n{\"c\":3}").payloads ==
        Payloads{R"({"b": 1.0, "a":2})", "{}", R"({"c":3})"});
}

TEST_CASE("an object over many lines loses the space between its tokens", "[audit][input]")
{
  CHECK(read_text("{\n  \"b\": \"x \\\" y\",\n\t\"a\": [ 1.50 ]\n}\n").payloads ==
        Payloads{R"({"b":"x \" y","a":[1.50]})"});
}

TEST_CASE(
  "a line that is no object stops the reading, and what is before it is put", "[audit][input]")
{
  const auto outcome = read_text("{\"a\":1}\n{\"a\":2}\nx\n{\"a\":3}\n");

  CHECK(outcome.payloads == Payloads{R"({"a":1})", R"({"a":2})"});
  CHECK(outcome.result.error().kind == Kind::bad_data);
  CHECK_THAT(outcome.result.error().text(), Catch::StartsWith("line 3:"));
  CHECK(read_text("{\"a\":1}\n[]\n").result.error().kind == Kind::bad_data);
  CHECK(read_text("{\"a\":\n}").result.error().kind == Kind::bad_data);
}

TEST_CASE("a key is for one row", "[audit][input]")
{
  CHECK(read_text("{\"a\":1}\n", "k").result);
  CHECK(read_text("{\"a\":1}\n{\"a\":2}\n", "k").result.error().kind == Kind::bad_data);
}

TEST_CASE("what has no bound is refused", "[audit][input]")
{
  CHECK_FALSE(read_text(std::string(10'000'000, 'x')).result);
  CHECK_FALSE(read_text("{" + std::string(10'000'000, ' ')).result);
  CHECK_FALSE(read_text("{}\n{\"a\":\"" + std::string(10'000'000, 'x')).result);
}

TEST_CASE("rows that come together are put together, and none waits for the next", "[audit][input]")
{
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  REQUIRE(write_all(in, "{\"a\":1}\n{\"a\":2}\n{\"a\""));
  std::vector<std::size_t> batches;

  const auto result =
    read_rows(out.get(), {"a.b", "root", "", ""}, [&](const std::vector<Row>& rows) {
      batches.push_back(rows.size());
      if (batches.size() == 1) { // put before more is there to be read
        (void)write_all(in, ":3}\n");
        in.reset();
      }
      return Result<>();
    });

  REQUIRE(result);
  CHECK(batches == std::vector<std::size_t>{2, 1});
  std::string many;
  for (int i = 0; i < 2'500; ++i) {
    many += "{}\n";
  }
  CHECK(read_text(many).batches == std::vector<std::size_t>{1000, 1000, 500});
}
