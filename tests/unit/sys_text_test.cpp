#include "sys/text.hpp"

#include <catch2/catch.hpp>

using namespace conos;

TEST_CASE("what could act on a terminal is escaped", "[sys][text]")
{
  CHECK(escaped("a\nb") == "a\\nb");
  CHECK(escaped("\x1b[31mred") == "\\x1b[31mred");
  CHECK(escaped("\xff") == "\\xff");
  CHECK(escaped("\xc2\x9b") == "\\xc2\\x9b");          // C1 CSI
  CHECK(escaped("\xe2\x80\xae") == "\\xe2\\x80\\xae"); // right-to-left override
  CHECK(escaped("a\\b") == "a\\\\b");
  CHECK(escaped("grün") == "grün");
  CHECK(escaped_lines("a\n\tb\x07") == "a\n\tb\\x07");
}

TEST_CASE("a long text is cut between characters", "[sys][text]")
{
  CHECK(escaped("üüüü", 3) == "ü…");
  CHECK(clipped("üü", 3) == "ü");
}

TEST_CASE("only well-formed UTF-8 is UTF-8", "[sys][text]")
{
  CHECK(is_utf8("grün €"));
  CHECK_FALSE(is_utf8("\xc0\xaf"));         // overlong
  CHECK_FALSE(is_utf8("\xed\xa0\x80"));     // surrogate
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80")); // past the end
  CHECK_FALSE(is_utf8("\xc3"));             // cut
}

TEST_CASE("a slip of the pen finds its word, nonsense does not", "[sys][text]")
{
  const std::vector<std::string> keys{"timeout", "attempts", "runner"};
  CHECK(nearest("timeuot", keys) == "timeout");
  CHECK(nearest("atempts", keys) == "attempts");
  CHECK_FALSE(nearest("xyzzy", keys));
}
