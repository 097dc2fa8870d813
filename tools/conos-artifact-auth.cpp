// conos-artifact-auth - answer a web server whether an artifact may be seen
#include "artifact/service.hpp"
#include "artifact/store.hpp"
#include "cli/tool.hpp"
#include "sys/file.hpp"
#include "task/site.hpp"

#include <systemd/sd-daemon.h>

#include <cstdlib>

namespace {

using namespace conos;

constexpr Duration k_idle = std::chrono::seconds(10);
constexpr std::size_t k_max_keys_bytes = 64U << 10U;

// systemd's, as credential "keys": "none" where no link was ever made.
Result<std::vector<artifact::Key>> load_keys()
{
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  if (credentials == nullptr) {
    return fail(Kind::usage, "it is started by systemd, as conos-artifact.service");
  }
  CONOS_TRY(const auto text, read_path(std::string(credentials) + "/keys", k_max_keys_bytes));
  return text == "none" ? std::vector<artifact::Key>() : artifact::keys_from_text(text);
}

Result<cli::Exit> run(const cli::Args&)
{
  CONOS_TRY(auto keys, load_keys());
  if (::sd_listen_fds(1) != 1) {
    return fail(Kind::unavailable, "systemd passes no socket");
  }
  CONOS_CHECK(artifact::serve(
    Site().srv + "/" + artifact::k_place, std::move(keys), UniqueFd(SD_LISTEN_FDS_START), k_idle));
  return cli::Exit::ok;
}

} // namespace

int main(int argc, char* argv[])
{
  return cli::run(argc, argv,
    {
      .name = "conos-artifact-auth",
      .purpose = "answer a web server whether an artifact may be seen",
      .verbs = {{"", "", "", {}, run}},
      .section = "8",
    });
}
