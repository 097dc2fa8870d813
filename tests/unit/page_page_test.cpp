#include "page/write.hpp"
#include "page_views.hpp"
#include "site_tree.hpp"
#include "sys/text.hpp"

#include <sys/stat.h>

#include <fstream>

using namespace conos;
using namespace conos::page;

namespace {

std::size_t count_of(const std::string& text, const std::string& part)
{
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

} // namespace

TEST_CASE("the title says the state", "[page][page]")
{
  CHECK(title_of(calm_view()) == "all is well - conos on conos");
  CHECK(title_of(busy_view()) == "2 findings, 1 agent on hold, 1 request waits - conos on conos");
  CHECK(title_of(empty_view()) == "not checked - conos on conos");
  auto view = calm_view();
  view.health->at = k_then - 4 * view.interval;
  CHECK(title_of(view) == "not checked - conos on conos");
  view = calm_view();
  view.trouble = {"x"};
  CHECK(title_of(view) == "not all could be read - conos on conos");
}

TEST_CASE("the metrics of a machine with trouble are those that were agreed on", "[page][metrics]")
{
  // to agree on others: copy what this test writes beside it
  const auto dir = open_dir(CONOS_SOURCE_DIR "/tests/unit/golden");
  REQUIRE(dir);
  const auto golden = read_file(*dir, "busy.prom", 1U << 20U).value_or("");
  const auto metrics = metrics_of(busy_view());
  if (metrics != golden) {
    std::ofstream("busy.prom.new") << metrics;
  }
  CHECK(metrics == golden);
}

TEST_CASE("what fails comes first, with what was seen and how to look again", "[page][page]")
{
  const auto page = page_of(busy_view());

  const auto fails = page.find("The disk with the agents&#39; files is nearly full");
  const auto warns = page.find("A file of root&#39;s lies where an agent can rename it");
  REQUIRE(fails != page.npos);
  REQUIRE(warns != page.npos);
  CHECK(fails < warns);
  CHECK(page.find("/srv/conos: 4 % free, 10 % asked for") != page.npos);
  CHECK(page.find("<code>df -h /srv/conos</code>") != page.npos);
  CHECK(fails < page.find("<h2 id=\"agents-title\">"));
}

TEST_CASE("whatever strangers write, the page has the same elements", "[page][page]")
{
  auto harmless = hostile_view();
  const auto page = page_of(harmless);

  for (const auto* tag :
    {"<script", "<img", "<h1>owned", "onerror=\"", "onmouseover=\"", "<!-- "}) {
    CHECK(count_of(page, tag) == 0);
  }
  CHECK(count_of(page, "<title>") == 1);
  CHECK(count_of(page, "</style>") == 1);
  CHECK(count_of(page, "<h1") == 1);
  CHECK(is_utf8(page));
  for (const char c : page) {
    const auto byte = static_cast<unsigned char>(c);
    REQUIRE((byte >= 0x20 || c == '\n'));
  }
  for (const auto* mark : {"\u202E", "\u2066", "\u061C"}) {
    CHECK(page.find(mark) == page.npos);
  }
  CHECK(page.size() < (1U << 20U)); // each megabyte of W is cut
}

TEST_CASE("metrics are lines, whatever names are", "[page][metrics]")
{
  const auto metrics = metrics_of(hostile_view());

  CHECK(metrics.ends_with('\n'));
  for (const auto line : split(metrics, '\n')) {
    INFO(line);
    CHECK((line.empty() || line.starts_with("# HELP conos_") || line.starts_with("# TYPE conos_") ||
           line.starts_with("conos_")));
    CHECK(line.size() < 4000);
  }
  CHECK(count_of(metrics, "# TYPE conos_agent_state gauge\n") == 1);
  CHECK(metrics.find("conos_contract_check_good{contract=\"CON-SYS-001\",check=\"disk\",severity="
                     "\"high\"} 0\n") != metrics.npos);
}

TEST_CASE("the page is written whole, with a sample, and not sooner than it may", "[page][write]")
{
  const SiteTree tree;
  std::filesystem::create_directories(tree.site.srv + "/" + k_place);
  std::filesystem::create_directories(tree.site.lib + "/" + k_memory);

  const auto first = write_page(tree.site, Pace::now);
  REQUIRE(first);
  CHECK(first->findings == 0);
  const auto dir = open_dir(tree.site.srv + "/" + k_place);
  REQUIRE(dir);
  const auto page = read_file(*dir, k_page, 1U << 20U);
  REQUIRE(page);
  CHECK(page->size() == first->bytes);
  CHECK(page->starts_with("<!doctype html>"));
  CHECK((stat_at(*dir, k_page)->st_mode & 0777U) == 0640);
  CHECK((stat_at(*dir, k_metrics)->st_mode & 0777U) == 0640);
  const auto memory = open_dir(tree.site.lib + "/" + k_memory);
  REQUIRE(memory);
  CHECK(load_samples(*memory).samples.size() == 1);

  // one that was made nine seconds ago is waited for a second
  const timespec nine[2] = {{::time(nullptr) - 9, 0}, {::time(nullptr) - 9, 0}};
  REQUIRE(::utimensat(dir->get(), k_page.c_str(), nine, 0) == 0);
  const auto began = std::chrono::steady_clock::now();
  REQUIRE(write_page(tree.site, Pace::steady));
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(took < std::chrono::seconds(3));
  const auto written = stat_at(*dir, k_page)->st_mtim;
  CHECK((written.tv_sec - nine[0].tv_sec) * 1000 + written.tv_nsec / 1'000'000 >=
        9900); // times of files are a tick behind
}

TEST_CASE("a broken file of samples is no reason to write no page", "[page][write]")
{
  const SiteTree tree;
  std::filesystem::create_directories(tree.site.srv + "/" + k_place);
  tree.put(tree.site.lib + "/" + k_memory + "/" + k_samples, "garbage");
  tree.put(tree.site.lib + "/contracts/state.json", "garbage");

  const auto written = write_page(tree.site, Pace::now);

  REQUIRE(written);
  CHECK(written->trouble);
  CHECK(show(tree.site, Form::page)->find("no state of a healthcheck") != std::string::npos);
}
