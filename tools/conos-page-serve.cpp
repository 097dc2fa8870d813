// conos-page-serve - serve the status page to browsers while somebody looks at it
#include "cli/tool.hpp"
#include "sys/fd.hpp"
#include "web/server.hpp"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <array>

namespace {

using namespace conos;

constexpr Duration k_idle = std::chrono::seconds(10);

web::Site status_page()
{
  const std::string html = "text/html; charset=utf-8";
  web::Site site;
  site.directory = "/srv/conos/status";
  site.files = {
    {"/", "index.html", html},
    {"/index.html", "index.html", html},
    {"/metrics", "conos.prom", "text/plain; version=0.0.4; charset=utf-8"},
  };
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) {
    site.names.emplace_back(name.data());
  }
  return site;
}

Result<cli::Exit> run(const cli::Args& /*args*/)
{
  if (::sd_listen_fds(1) != 1) {
    return fail(Kind::unavailable, "systemd passes no socket: conos-page.socket starts it");
  }
  CONOS_CHECK(web::serve(status_page(), UniqueFd(SD_LISTEN_FDS_START), k_idle));
  return cli::Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-page-serve",
      .purpose = "serve the status page to browsers while somebody looks at it",
      .verbs = {{"", "", "", {}, run}},
      .section = "8",
    });
}
