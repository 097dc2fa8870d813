#include "page/html.hpp"

#include "sys/text.hpp"

#include <catch2/catch.hpp>

using namespace conos;
using namespace conos::page;

TEST_CASE("a text is no markup, whatever is in it", "[page][html]")
{
  CHECK(Html("<b>&\"'").markup() == "&lt;b&gt;&amp;&quot;&#39;");
  CHECK(element("p", {}, {"</p><script>"}).markup() == "<p>&lt;/p&gt;&lt;script&gt;</p>");
  CHECK(element("p", {{"class", "\" onclick=\"x"}}).markup() ==
        "<p class=\"&quot; onclick=&quot;x\"></p>");
}

TEST_CASE("a piece that was made stays what it is", "[page][html]")
{
  const auto inner = element("b", {}, {"x"});

  CHECK(element("p", {}, {inner, " & ", inner}).markup() == "<p><b>x</b> &amp; <b>x</b></p>");
  CHECK(element("meta", {{"charset", "utf-8"}}).markup() == "<meta charset=\"utf-8\">");
  CHECK(element("path", {}).markup() == "<path></path>");
}

TEST_CASE("what acts in a text is shown", "[page][html]")
{
  CHECK(visible("a\x1b[31m\nb") == "a\\x1b[31m\\nb");
  CHECK(visible("x\u202Ey\u061Cz") == "x\\xe2\\x80\\xaey\\xd8\\x9cz");
  CHECK(visible("\xff\xed\xa0\x80") == "\\xff\\xed\\xa0\\x80");
  CHECK(visible(std::string("a\0b", 3)) == "a\\x00b");
  CHECK(visible("Grüße, 世界 🙂") == "Grüße, 世界 🙂");
}

TEST_CASE("what was escaped before is not escaped again", "[page][html]")
{
  CHECK(visible("\\x1b \\ \\\\") == "\\x1b \\ \\\\");
  CHECK(visible("\\") == "\\");
  CHECK(visible("").empty());
}

TEST_CASE("a text is no longer than it may be", "[page][html]")
{
  CHECK(visible(std::string(1U << 20U, 'x'), 100) == std::string(100, 'x') + "…");
  CHECK(visible(std::string(1U << 20U, '\xff')).size() <= 5 * k_longest_text);
  CHECK(visible(std::string(1U << 20U, '\x01')).size() <= 5 * k_longest_text);
  CHECK(Html(std::string(1U << 20U, '<')).markup().size() <= 5 * k_longest_text);
  CHECK(is_utf8(visible("äöü", 3)));
  CHECK(visible("äöü", 3) == "ä…");
}
