// conos-page - write the status page of the machine
#include "cli/tool.hpp"
#include "page/write.hpp"
#include "sys/log.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdio>

namespace {

using namespace conos;
using cli::Exit;

void print(const std::string& text)
{
  (void)std::fwrite(text.data(), 1, text.size(), stdout); // cli::run looks at ferror
}

Result<> need_root()
{
  return ::geteuid() == 0 ? Result<>{} : fail(Kind::denied, "only root may do this");
}

Result<Exit> write_page(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  const auto pace = args.has("steady") ? page::Pace::steady : page::Pace::now;
  CONOS_TRY(const auto written, page::write_page(Site(), pace));
  if (written.trouble) {
    log::warning("{}; the charts begin anew", written.trouble->text());
  }
  if (args.has("json")) {
    print(nlohmann::json{
            {"at", rfc3339(written.at)},
            {"bytes", written.bytes},
            {"findings", written.findings},
            {"page", written.path},
            {"title", written.title},
          }
            .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
          "\n");
  } else {
    print(written.path + ": " + written.title + "\n");
  }
  return Exit::ok;
}

Result<Exit> show_page(const cli::Args& args)
{
  CONOS_CHECK(need_root());
  CONOS_TRY(const auto text,
    page::show(Site(), args.has("metrics") ? page::Form::metrics : page::Form::page));
  print(text);
  return Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-page",
      .purpose = "write the status page of the machine",
      .verbs =
        {
          {"write", "write the page and the metrics into /srv/conos/status", "",
            {{"steady", "not before the last page is ten seconds old"},
              {"json", "print what was written as JSON"}},
            write_page},
          {"show", "print the page as it would be now, and write nothing", "",
            {{"metrics", "the metrics instead"}}, show_page},
        },
      .section = "8",
    });
}
