// Writes the pages of the unit tests' machines into a directory, for a browser.
#include "unit/page_views.hpp"

#include "sys/file.hpp"

#include <cstdio>

namespace {

using namespace conos;

Result<> write_all_pages(const std::string& directory)
{
  CONOS_TRY(const auto dir, open_dir(directory));
  for (const auto& [name, view] : std::vector<std::pair<std::string, page::View>>{
         {"empty", page::empty_view()},
         {"calm", page::calm_view()},
         {"busy", page::busy_view()},
         {"hostile", page::hostile_view()},
       }) {
    CONOS_CHECK(replace(dir, name + ".html", page::page_of(view), 0644));
    CONOS_CHECK(replace(dir, name + ".prom", page::metrics_of(view), 0644));
  }
  return {};
}

} // namespace

int main(int argc, char* argv[])
{
  const auto written =
    argc == 2 ? write_all_pages(argv[1]) : Result<>(fail(Kind::usage, "pages DIRECTORY"));
  if (!written) {
    std::fprintf(stderr, "%s\n", written.error().text().c_str());
    return 1;
  }
  return 0;
}
